"""What every kernel classifier does with its fitted attributes: predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from bridges.errors import DataError, UsageError
from bridges.svm.expansion import KernelExpansion, linear_weights
from bridges.svm.kernels import Kernel
from bridges.svm.labels import Labeller, rule_of
from bridges.svm.multiclass import MultiClass, decision_scores, require_classes
from bridges.svm.sparse import dense, in_parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class KernelModel(ClassifierMixin, BaseEstimator):
    """Prediction from ``support_vectors_``, ``dual_coef_`` and ``intercept_``.

    A subclass has the parameters ``kernel``, ``degree``, ``coef0``, ``multiclass``,
    ``class_weight`` and ``n_jobs``, and its ``fit`` sets ``gamma_`` and the attributes of
    :class:`bridges.classifier.KernelClassifier`.
    """

    break_ties: bool = True

    def _training_set(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Check parameters and data; set ``classes_``.

        Returns
        -------
        tuple
            Samples (n, d), class indices (n,), sample weights (n,), class weights (n_classes,).

        Raises
        ------
        DataError
            If fewer than two classes, or not all of them, have a positive weight.
        UsageError
            If a class weight is not a positive number.
        """
        self._validate_params()
        checked: tuple[Any, Any] = validate_data(self, dense(X), y, dtype=np.float64)
        samples, labels = checked
        check_classification_targets(labels)
        self._check_square(samples)
        weights = _check_sample_weight(sample_weight, samples, ensure_non_negative=True)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        require_classes(self.classes_, codes, weights)
        bounds = compute_class_weight(
            self.class_weight, classes=self.classes_, y=labels, sample_weight=weights
        )
        bounds = np.asarray(bounds, dtype=np.float64)
        wrong = ~(np.isfinite(bounds) & (bounds > 0))
        if wrong.any():
            label, weight = self.classes_[wrong][0], bounds[wrong][0]
            raise UsageError(
                f"The class weight of {label} is {weight:g}.",
                "Give weights > 0; leave samples of a class out to ignore it.",
            )
        return samples, codes, weights, bounds

    def _check_square(self, X: NDArray[np.float64]) -> None:
        if self._is_pairwise() and X.shape[0] != X.shape[1]:
            raise DataError(
                f"A precomputed kernel matrix must be square; this one is {X.shape}.",
                "Pass the kernel values of all training samples with each other.",
            )

    def expansion(self) -> KernelExpansion:
        """Return the fitted model as support vectors, coefficients and biases."""
        check_is_fitted(self)
        kernel = Kernel(self.kernel, self.gamma_, self.degree, self.coef0)
        return KernelExpansion(
            kernel, self.support_, self.support_vectors_, self.dual_coef_, self.intercept_
        )

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return decision values.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n_training) for a precomputed kernel
            Samples.

        Returns
        -------
        ndarray
            Shape (n,) for two classes (positive: ``classes_[1]``), else (n, n_classes).
        """
        check_is_fitted(self)
        model = self.expansion()
        values = in_parts(self._rows(X), lambda rows: model.decision(rows, n_jobs=self.n_jobs))
        return decision_scores(values, len(self.classes_), self.outputs)

    def labeller(self) -> Labeller:
        """Return the fitted model as an expansion and the rule by which it chooses classes."""
        n_classes = len(self.classes_)
        rule = rule_of(n_classes, self.outputs, break_ties=self.break_ties)
        return Labeller(self.expansion(), n_classes, rule)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of every row of ``X``, shape (n,)."""
        check_is_fitted(self)
        model = self.labeller()
        chosen = in_parts(self._rows(X), lambda rows: model.indices(rows, n_jobs=self.n_jobs))
        return self.classes_[chosen]

    def _rows(self, X: ArrayLike) -> Any:
        return validate_data(self, X, dtype=np.float64, reset=False, accept_sparse="csr")

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Weights of the features of a linear kernel, shape (n_outputs, n_features), read-only.

        Raises
        ------
        AttributeError
            If the kernel is not linear, as scikit-learn's SVC does, so that ``hasattr`` tells.
        """
        return linear_weights(self.expansion())

    @property
    def outputs(self) -> MultiClass:
        """Whether the rows of ``dual_coef_`` stand for pairs of classes or for classes."""
        return self.multiclass

    def _is_pairwise(self) -> bool:
        return isinstance(self.kernel, str) and self.kernel == "precomputed"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self._is_pairwise()
        tags.input_tags.sparse = True
        return tags
