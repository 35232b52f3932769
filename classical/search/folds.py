"""One pair of classes, one kernel, all values of C and all folds: a task of the grid search.

Held-out samples stay in the problem with bounds of zero: they cannot move, and their gradient is
their decision value. So one kernel block serves all folds, and the solution on all samples, carried
along C, is the start of every fold.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.fused import Evaluator
from bridges.svm.signed import bias_of, signed_bounds
from classical.solver.inner import InnerSolver, exhaust, make_inner
from classical.solver.smo import add_rows
from classical.solver.warm import feasible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.kernels import Kernel
    from classical.solver.dual import Settings

SQUARES_LIMIT = 8000
"""Samples up to which all squared distances (256 MB in float32) are kept for the whole grid."""


@dataclasses.dataclass(frozen=True, eq=False)
class GridData:
    """Training samples of a grid search, sorted by fold.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Samples.
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Class weight times sample weight.
    folds : ndarray of shape (n,)
        The fold that holds the sample out, increasing.
    n_folds : int
        Number of folds.
    """

    X: NDArray[np.float64]
    codes: NDArray[np.intp]
    weights: NDArray[np.float64]
    folds: NDArray[np.intp]
    n_folds: int

    def held_out(self, folds: range) -> tuple[int, int]:
        """Return the first sample of some consecutive folds and the one after the last."""
        first, last = np.searchsorted(self.folds, [folds.start, folds.stop])
        return int(first), int(last)


class KernelRows:
    """Kernel values between a pair's samples and all samples, for any γ.

    Squared distances are kept for the whole grid if all of them fit; then a γ costs exponentials.

    Parameters
    ----------
    data : GridData
        Samples.
    kernels : list of Kernel
        One per value of γ.
    precision : {"auto", "single", "double"}
        Type of kernel values.
    """

    def __init__(self, data: GridData, kernels: list[Kernel], precision: Any) -> None:
        self.data = data
        self.kernels = kernels
        self.precision = precision
        self.squares: NDArray[Any] | None = None
        if kernels[0].name == "rbf" and len(data.X) <= SQUARES_LIMIT:
            from bridges.svm.fused_loops import squares_between

            unit = dataclasses.replace(kernels[0], gamma=1.0)
            Z = Evaluator.of(unit, data.X, precision).prepare(data.X)
            self.squares = np.empty((len(Z), len(Z)), dtype=Z.dtype)
            squares_between(Z, Z, self.squares)

    def rows(self, kernel: int, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return the values between ``rows`` and all samples, shape (len(rows), n)."""
        used = self.kernels[kernel]
        if self.squares is not None:
            from bridges.svm.fused_loops import rbf_from_squares

            squares = self.squares[rows]
            rbf_from_squares(squares, used.gamma, squares)
            return squares
        if callable(used.name):
            return used.matrix(self.data.X[rows], self.data.X)
        evaluator = Evaluator.of(used, self.data.X, self.precision)
        Z = evaluator.prepare(self.data.X)
        return evaluator.matrix(Z, Z[rows])


def solve_pair(
    data: GridData,
    K: NDArray[Any],
    rows: NDArray[np.intp],
    y: NDArray[np.float64],
    costs: list[float],
    settings: Settings,
    folds: range,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return votes of the pair's held-out models on the samples of some folds, for every C.

    A solution none of whose coefficients reaches its bound is the solution for every larger C, too.

    Parameters
    ----------
    data : GridData
        Samples.
    K : ndarray of shape (len(rows), n)
        Kernel values between the pair's samples and all samples.
    rows, y : ndarray
        The pair's samples, increasing, and their signs.
    costs : list of float
        Values of C, increasing.
    settings : Settings
        Tolerance and inner solver.
    folds : range
        The folds to hold out, one after the other.

    Returns
    -------
    votes : ndarray of shape (len(costs), n_held_out), bool
        Whether the sample, held out, was given to the pair's first class.
    seconds : ndarray of shape (len(costs),)
        Time of every C.
    """
    block = np.ascontiguousarray(K[:, rows])
    beta, f = np.zeros(len(y)), -y
    origin, end = data.held_out(folds)
    votes = np.zeros((len(costs), end - origin), np.bool_)
    seconds = np.zeros(len(costs))
    settled: set[int] = set()
    inner = make_inner(settings.inner, settings.inner_params)
    for c, cost in enumerate(costs):
        started = time.perf_counter()
        bound = cost * data.weights[rows]
        optimise(block, f, beta, y, bound, settings.tol, inner)
        for fold in folds:
            first, last = data.held_out(range(fold, fold + 1))
            places = slice(first - origin, last - origin)
            if fold in settled:
                votes[c, places] = votes[c - 1, places]
                continue
            allowed = np.where(data.folds[rows] == fold, 0.0, bound)
            start, intercept = held_out_model(block, beta, y, allowed, settings.tol, inner)
            values = np.zeros(last - first)
            add_rows(K, start, first, values)
            votes[c, places] = values + intercept > 0
            if not ((np.abs(start) >= allowed) & (start != 0)).any():
                settled.add(fold)
        seconds[c] = time.perf_counter() - started
    return votes, seconds


def held_out_model(
    block: NDArray[Any],
    beta: NDArray[np.float64],
    y: NDArray[np.float64],
    bound: NDArray[np.float64],
    tol: float,
    inner: InnerSolver,
) -> tuple[NDArray[np.float64], float]:
    """Return coefficients under bounds that are zero for held-out samples, and the bias."""
    start = feasible(beta, bound)
    gradient = -y
    add_rows(block, start, 0, gradient)
    optimise(block, gradient, start, y, bound, tol, inner)
    lower, upper = signed_bounds(y, bound)
    return start, bias_of(-gradient, start < upper, start > lower)


def optimise(
    K: NDArray[Any],
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    y: NDArray[np.float64],
    bound: NDArray[np.float64],
    tol: float,
    inner: InnerSolver,
) -> None:
    """Minimise in place under the given bounds."""
    lower, upper = signed_bounds(y, bound)
    exhaust(inner, K, f, beta, lower, upper, tol, max(10_000_000, 100 * len(y)))
