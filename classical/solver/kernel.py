"""Where kernel values come from: evaluated when needed, or from a matrix that fits in memory."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.threads import in_chunks
from bridges.svm.fused import Evaluator
from classical.solver.dual import DIRECT_LIMIT, LARGEST_WORKING_SET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.threads import Run
    from bridges.svm.kernels import Kernel

SHARED_LIMIT = 5000
"""Samples up to which one matrix (100 MB in float32) is shared by all pairs of classes."""

SHARED_WIDTH = 16
"""Features from which copying values out of a shared matrix beats evaluating them again."""


@dataclasses.dataclass(frozen=True, eq=False)
class KernelSource:
    """The kernel of one training set.

    Attributes
    ----------
    evaluator : Evaluator or None
        Evaluates values of prepared samples.
    Z : ndarray of shape (n, width) or None
        Prepared samples.
    matrix : ndarray of shape (n, n) or None
        All values at once: given, or shared by many duals.
    """

    evaluator: Evaluator | None = None
    Z: NDArray[Any] | None = None
    matrix: NDArray[Any] | None = None

    def block(self, rows: NDArray[np.intp], run: Run) -> NDArray[Any]:
        """Return the values between some rows, shape (q, q); ``run`` deals rows to threads."""
        if self.matrix is None:
            assert self.evaluator is not None
            assert self.Z is not None
            return self.evaluator.gram(self.Z[rows], run=run)
        if len(rows) == len(self.matrix):
            return self.matrix
        return self.matrix[np.ix_(rows, rows)]


def training_bytes(X: NDArray[np.float64], kernel: Any, threads: int) -> int:
    """Return the predicted bytes of a fit on this rank, above the data."""
    n, d = X.shape
    if callable(kernel) or kernel == "precomputed":
        return 2 * 8 * n * n
    blocks = threads * 4 * max(DIRECT_LIMIT, LARGEST_WORKING_SET) ** 2
    return n * (8 * d + 3 * 4 * (d + 8) + 20 * 8) + blocks


def make_source(
    kernel: Kernel, X: NDArray[np.float64], precision: Any, n_tasks: int, threads: int
) -> KernelSource:
    """Choose where kernel values come from.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    X : ndarray of shape (n, d), or (n, n) if precomputed
        Training rows.
    precision : {"auto", "single", "double"}
        Type of kernel values.
    n_tasks : int
        Binary duals over these rows: one matrix is shared if there are several.
    threads : int
        Threads that may fill it.
    """
    if kernel.name == "precomputed" or callable(kernel.name):
        matrix = np.ascontiguousarray(kernel.training_matrix(X), dtype=np.float64)
        return KernelSource(matrix=matrix)
    kernel.require_range(X)
    evaluator = Evaluator.of(kernel, X, precision)
    Z = evaluator.prepare(X)
    shared = None
    if n_tasks > 1 and len(X) <= SHARED_LIMIT and Z.shape[1] >= SHARED_WIDTH:
        shared = np.empty((len(Z), len(Z)), dtype=Z.dtype)

        def fill(rows: slice) -> None:
            shared[rows] = evaluator.matrix(Z, Z[rows])

        in_chunks(threads)(fill, len(Z))
    return KernelSource(evaluator, Z, shared)
