"""Any classifier with probabilities, by a calibration that is declared."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from bridges.calibration.learning import METHODS, Method, learn
from bridges.calibration.unseen import (
    ALWAYS_SEEN,
    from_bags,
    from_folds,
    make_folds,
    merge_with_groups,
    raw_outputs,
)
from bridges.classifier import (
    GivesOutOfBagOutputs,
    HasLabeller,
    is_collective,
    notes_of,
    null_controls_of,
)
from bridges.errors import UsageError
from bridges.svm.likeliest import LikeliestLabeller
from bridges.svm.multiclass import require_classes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST = 1e-300
"""Smallest probability of which a decision value is the logarithm."""

FEW = 5000
FOLDS, FOLDS_OF_MANY = 10, 5
"""Folds of few distinct samples, and of more: a fifth is much where samples are few."""

PASSED_ON = (
    "fit_report_", "diagnostics_", "support_", "support_vectors_", "dual_coef_", "intercept_",
    "search_", "sampler_timing_", "oob_score_",
)  # fmt: skip
"""Fitted attributes of the calibrated estimator that are told as one's own."""


class Calibrated(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier whose outputs are turned into probabilities, learnt from unseen samples.

    The estimator is fitted on all samples. What its outputs mean is learnt from samples that it has
    not seen: of an ensemble of bags, those outside of each member's bag; of any other, samples of
    one fold at a time, by clones fitted on the others. Equal samples are in one fold. The class
    that is predicted is the likeliest.

    Samples of a group resemble each other: m of them count as much as the root of m of different
    groups, between one (all alike) and m (as different as others). On the Raleigh scene, polygons
    left out, log loss falls from 1.22 to 1.00 by that (mean of six splits).

    Parameters
    ----------
    estimator : classifier
        Any, best one of this toolkit: kernel models are calibrated pair by pair, the pairs coupled.
    method : {"sigmoid", "isotonic", "temperature"}
        See :func:`bridges.calibration.learning.learn`.
    folds : int or None
        Number of folds. None: out-of-bag samples where the estimator has them and there are no
        groups, else ten folds, or five of more than 5 000 distinct samples.
    random_state : int, RandomState or None
        Of the draw of folds.

    Attributes
    ----------
    fitted_ : classifier
        Fitted on all samples.
    calibration_ : Calibration
        From its outputs to probabilities.
    calibrated_on_ : str
        Where the unseen samples came from, in words.
    notes_ : list of str
        What the estimator and the calibration have to say.
    classes_, n_features_in_
        As usual; further attributes are those of ``fitted_``.

    Examples
    --------
    >>> from bridges import make
    >>> from bridges.calibration import Calibrated
    >>> from sklearn.datasets import make_blobs
    >>> X, y = make_blobs(300, centers=3, cluster_std=3.0, random_state=0)
    >>> model = Calibrated(make("sklearn-svc"), random_state=0).fit(X, y)
    >>> model.predict_proba(X[:5]).sum(axis=1).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "method": [StrOptions(set(METHODS))],
        "folds": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        method: Method = "sigmoid",
        *,
        folds: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Calibrated:
        """Fit the estimator, then learn its calibration.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n) for precomputed kernels
            Training samples.
        y : array-like of shape (n,)
            Labels of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights ≥ 0.
        groups : array-like of shape (n,), optional
            Group of each sample, for example its polygon: none is divided between folds.

        Raises
        ------
        DataError
            If fewer than two classes have two distinct samples.
        """
        self._validate_params()
        model = clone(self.estimator)
        samples, labels = validate_data(self, X, y, dtype=np.float64)
        if sample_weight is None:
            model.fit(samples, labels)
        elif has_fit_parameter(model, "sample_weight"):
            model.fit(samples, labels, sample_weight=sample_weight)
        else:
            raise UsageError(
                f"{type(model).__name__} takes no sample weights.", "Leave the weights out."
            )
        return self.fit_calibration(model, samples, labels, sample_weight, groups=groups)

    def fit_calibration(
        self,
        model: Any,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Calibrated:
        """Learn the calibration of a model that is fitted already on these very samples."""
        self._validate_params()
        samples, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        weights = _check_sample_weight(sample_weight, samples, ensure_non_negative=True)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        require_classes(self.classes_, codes, weights)
        self.fitted_, self.notes_ = model, notes_of(model)
        for name in PASSED_ON:
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
        of = None if groups is None else np.asarray(groups)
        compare = not self._is_pairwise()
        merged, of = merge_with_groups(samples, codes, weights, of, compare=compare)
        unseen, self.calibrated_on_ = None, "samples outside of each member's bag"
        if self.folds is None and of is None and isinstance(model, GivesOutOfBagOutputs):
            unseen = from_bags(model, samples, merged)
        if unseen is None:
            names = [str(label) for label in self.classes_]
            wanted = self.folds or (FOLDS if len(merged.rows) <= FEW else FOLDS_OF_MANY)
            folds, told = make_folds(merged, of, wanted, names, self.random_state)
            unseen = from_folds(model, samples, labels, merged, folds)
            kept = " that keep groups whole" if of is not None else ""
            self.calibrated_on_ = f"{len(np.unique(folds[folds != ALWAYS_SEEN]))} folds{kept}"
            self.notes_ = [*notes_of(model), *told]
        kind = raw_outputs(model, samples[:1])[1]
        share = 1.0 if of is None else float(np.sqrt(len(np.unique(of)) / len(of)))
        parts = (unseen.values, unseen.codes, unseen.weights * share)
        self.calibration_ = learn(self.method, *parts, kind, len(self.classes_))
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return class probabilities, shape (n, n_classes)."""
        check_is_fitted(self)
        rows: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False)
        values, _ = raw_outputs(self.fitted_, rows)
        return self.calibration_.probabilities(values)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return logarithms of class probabilities, shape (n, n_classes)."""
        logs: NDArray[np.float64] = np.log(np.maximum(self.predict_proba(X), SMALLEST))
        return logs

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return log odds (n,) of two classes, log probabilities (n, n_classes) of more."""
        logs = self.predict_log_proba(X)
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likeliest class of every row of ``X``, shape (n,)."""
        check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

    def labeller(self) -> LikeliestLabeller | None:
        """Return the kernel model with its calibration; None where the estimator is none."""
        check_is_fitted(self)
        found = self.fitted_.labeller() if isinstance(self.fitted_, HasLabeller) else None
        if found is None:
            return None
        parts = (found.expansion, found.n_classes, found.rule)
        return LikeliestLabeller(*parts, self.calibration_)

    def null_controls(self) -> dict[str, Any]:
        """Return the estimator's null controls, calibrated in the same way."""
        return {
            name: clone(self).set_params(estimator=control)
            for name, control in null_controls_of(self.estimator).items()
        }

    @property
    def collective(self) -> bool:
        """Whether all MPI ranks have to call ``fit`` together."""
        return is_collective(self.estimator)

    def _is_pairwise(self) -> bool:
        return bool(get_tags(self.estimator).input_tags.pairwise)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self._is_pairwise()
        return tags
