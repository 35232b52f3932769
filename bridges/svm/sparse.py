"""Sparse samples: pixels are dense, so a sparse matrix is spelt out, in parts where that suffices.

scikit-learn's classifiers take the matrices of :mod:`scipy.sparse`, as its encoders return them;
the kernels here are evaluated on dense rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bridges.machine.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

Whatever = TypeVar("Whatever", bound=np.generic)

CELLS = 1 << 22
"""Values that are spelt out at a time in prediction: 32 MB."""


def is_sparse(X: Any) -> bool:
    """Return whether ``X`` is one of scipy's sparse matrices or arrays."""
    return hasattr(X, "toarray") and hasattr(X, "nnz")


def dense(X: Any) -> Any:
    """Return a sparse matrix with its zeros, anything else as it is.

    Raises
    ------
    SolverError
        If the zeros do not fit into the memory.
    """
    if not is_sparse(X):
        return X
    size = int(np.prod(X.shape, dtype=float))
    hint = "Choose fewer samples or features: kernels are evaluated on dense rows."
    require_memory(8 * size, 1, "Spelling out the sparse matrix", hint)
    return X.toarray()


def in_parts(X: Any, work: Callable[[NDArray[np.float64]], NDArray[Whatever]]) -> NDArray[Whatever]:
    """Return what ``work`` makes of dense rows; a sparse matrix is spelt out part by part.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Samples; at least one.
    work : callable
        Takes rows (m, d) and returns m results; a row's must not depend on the others.
    """
    if not is_sparse(X):
        return work(X)
    step = max(1, CELLS // X.shape[1])
    parts = [work(X[start : start + step].toarray()) for start in range(0, X.shape[0], step)]
    return np.concatenate(parts)
