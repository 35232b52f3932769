"""Kernel values evaluated and accumulated in one pass, tile by tile, never stored as a matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bridges.comm import usable_cores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridges.kernels import Kernel

TILE = 2048


def accumulate(
    X: NDArray[np.float64],
    S: NDArray[np.float64],
    coef: NDArray[np.float64],
    out: NDArray[np.float64],
    kernel: Kernel,
    *,
    n_jobs: int | None = None,
) -> None:
    """Add k(X, S) @ coef to ``out``.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.
    S : ndarray of shape (m, d)
        Support vectors.
    coef : ndarray of shape (m, n_outputs)
        Coefficients.
    out : ndarray of shape (n, n_outputs)
        Accumulated in place.
    kernel : Kernel
        Any kernel but ``precomputed``.
    n_jobs : int, optional
        Threads; None for all cores of this process.
    """

    def work(start: int) -> None:
        tile = slice(start, start + TILE)
        out[tile] += kernel.matrix(X[tile], S) @ coef

    with ThreadPoolExecutor(n_jobs or usable_cores()) as pool:
        list(pool.map(work, range(0, len(X), TILE)))
