"""scikit-learn's SVC behind the common interface: the exact reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.svm import SVC
from sklearn.utils._param_validation import Interval, StrOptions

from bridges.fit_report import Diagnostics, FitReport
from bridges.svm.base import KernelModel
from bridges.svm.duplicates import MergedRows, merge_rows
from bridges.svm.kernels import NAMES, resolve_gamma
from bridges.svm.multiclass import SCHEMES, MultiClass, binary_tasks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class ReferenceSVC(KernelModel):
    """Exact C-SVC by scikit-learn (LIBSVM), with the toolkit's attributes and multi-class rules.

    One binary :class:`sklearn.svm.SVC` per pair of classes (or per class), all on one kernel, which
    is what LIBSVM does within one ``fit`` [1]_. Equal samples are merged into one of larger weight.

    Parameters
    ----------
    C : float
        Upper bound of the dual coefficients.
    kernel : {"rbf", "linear", "poly", "sigmoid", "precomputed"} or callable
        Kernel.
    gamma : float, "scale" or "auto"
        Kernel coefficient.
    degree : int
        Degree of poly.
    coef0 : float
        Constant of poly and sigmoid.
    multiclass : {"ovo", "ovr"}
        How to split several classes.
    class_weight : dict, "balanced" or None
        Weight of each class, C_n = C · w_n.
    tol : float
        LIBSVM's stopping tolerance.
    cache_size : float
        LIBSVM's kernel cache in MB.
    n_jobs : int or None
        Threads in prediction; None for all cores.

    Attributes
    ----------
    classes_, n_features_in_, support_, support_vectors_, dual_coef_, intercept_, fit_report_, \
diagnostics_
        See :class:`bridges.classifier.KernelClassifier`.
    gamma_ : float
        γ as a number.

    References
    ----------
    .. [1] C.-C. Chang, C.-J. Lin, "LIBSVM: a library for support vector machines", ACM TIST 2
       (2011), section 7.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "kernel": [StrOptions(set(NAMES)), callable],
        "gamma": [StrOptions({"scale", "auto"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 1, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "multiclass": [StrOptions(set(SCHEMES))],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "cache_size": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        C: float = 1.0,
        *,
        kernel: str | Callable[..., Any] = "rbf",
        gamma: float | str = "scale",
        degree: int = 3,
        coef0: float = 0.0,
        multiclass: MultiClass = "ovo",
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-3,
        cache_size: float = 500.0,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.multiclass = multiclass
        self.class_weight = class_weight
        self.tol = tol
        self.cache_size = cache_size
        self.n_jobs = n_jobs

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> ReferenceSVC:
        """Train on ``X`` of shape (n, d), labels (n,) and weights (n,) acting on the box.

        Raises
        ------
        DataError
            If there are fewer than two classes.
        """
        started = time.perf_counter()
        samples, codes, weights, bounds = self._training_set(X, y, sample_weight)
        precomputed = self._is_pairwise()
        merged = merge_rows(samples, codes, weights, compare=not precomputed)
        self.gamma_ = (
            1.0 if precomputed else resolve_gamma(self.gamma, samples[merged.rows], merged.weights)
        )
        objective = self._fit_tasks(samples, merged, merged.weights * bounds[merged.codes])
        total = time.perf_counter() - started
        self.diagnostics_ = Diagnostics()
        self.fit_report_ = FitReport(
            total_s=total,
            solve_s=total,
            n_samples=len(samples),
            n_support=len(self.support_),
            n_problems=len(self.intercept_),
            objective=objective,
        )
        return self

    def _fit_tasks(
        self, X: NDArray[np.float64], merged: MergedRows, weights: NDArray[np.float64]
    ) -> float:
        """Solve every binary task; return the summed dual objective."""
        tasks = binary_tasks(merged.codes, len(self.classes_), self.multiclass)
        coef = np.zeros((len(tasks), len(merged.rows)))
        intercept = np.zeros(len(tasks))
        objective = 0.0
        for o, (rows, signs) in enumerate(tasks):
            places = merged.rows[rows]
            block = X[np.ix_(places, merged.rows[rows])] if self._is_pairwise() else X[places]
            svc = SVC(
                C=self.C, kernel=self.kernel, gamma=self.gamma_, degree=self.degree,
                coef0=self.coef0, tol=self.tol, cache_size=self.cache_size,
            ).fit(block, signs, sample_weight=weights[rows])  # fmt: skip
            signed = np.asarray(svc.dual_coef_[0])
            coef[o, rows[svc.support_]] = signed
            intercept[o] = svc.intercept_[0]
            output = svc.decision_function(block[svc.support_]) - svc.intercept_[0]
            objective += float(0.5 * signed @ output - np.abs(signed).sum())
        used = np.flatnonzero(np.any(coef != 0, axis=0))
        order = used[np.argsort(merged.rows[used], kind="stable")]
        self.support_ = merged.rows[order]
        width = 0 if self._is_pairwise() else X.shape[1]
        self.support_vectors_ = X[self.support_, :width]
        self.dual_coef_ = coef[:, order]
        self.intercept_ = intercept
        return objective
