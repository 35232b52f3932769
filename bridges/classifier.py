"""The common interface of every classifier, and the plain numbers that a fit reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bridges.fit_report import Diagnostics, FitReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@runtime_checkable
class KernelClassifier(Protocol):
    """What every classifier of the toolkit offers: a plain scikit-learn estimator.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features.
    support_ : ndarray of shape (n_support,)
        Rows of the training data that carry a coefficient in any of the binary problems.
    support_vectors_ : ndarray of shape (n_support, n_features)
        Those rows.
    dual_coef_ : ndarray of shape (n_outputs, n_support)
        Signed coefficients ``alpha * y``; one row when binary, one per pair of classes (in the
        order (0,1), (0,2), …, (1,2), …) for one-vs-one, one per class for one-vs-rest. A positive
        value of pair (i, j) speaks for class i; the single row of a binary problem speaks for
        ``classes_[1]``.
    intercept_ : ndarray of shape (n_outputs,)
        Biases in the same order.
    fit_report_ : FitReport
        Times and sizes.
    diagnostics_ : Diagnostics
        Quality of the dual solutions.
    """

    classes_: NDArray[Any]
    n_features_in_: int
    support_: NDArray[np.intp]
    support_vectors_: NDArray[np.float64]
    dual_coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    fit_report_: FitReport
    diagnostics_: Diagnostics

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Train on ``X`` of shape (n, d) and labels ``y`` of shape (n,)."""
        ...

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of every row."""
        ...

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return (n,) values when binary (positive: ``classes_[1]``), else (n, n_classes)."""
        ...

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters."""
        ...

    def set_params(self, **params: Any) -> Any:
        """Set constructor parameters."""
        ...
