"""What a matrix of kernel values must be before anything is computed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-5
"""Difference of k(x, z) and k(z, x), as a share of the largest value, that is put down to rounding
(float32 kernels differ by about 1e-7 per feature) and repaired; larger ones are refused."""

BLOCK = 512
"""Rows that are compared with their columns at a time."""


def checked_values(values: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return kernel values as float64 after checking what came back.

    Parameters
    ----------
    values : array-like
        What a callable kernel returned, or a precomputed matrix.
    shape : tuple of (int, int)
        Samples of the first and of the second argument.

    Raises
    ------
    DataError
        If they are no numbers, of another shape, or not finite.
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The kernel returned {type(values).__name__}, which is no matrix of numbers.",
            "A callable kernel takes (X, Z) and returns an array of shape (len(X), len(Z)).",
        ) from error
    if found.shape != shape:
        raise DataError(
            f"The kernel returned shape {found.shape} where {shape} is wanted.",
            "A callable kernel takes two matrices (X, Z), not two samples, and returns an array of "
            "shape (len(X), len(Z)).",
        )
    require_finite(found)
    return found


def require_finite(values: NDArray[Any]) -> None:
    """Refuse kernel values that are not finite.

    Raises
    ------
    DataError
        Telling how many there are.
    """
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise DataError(
            f"{bad} of {values.size} kernel values are not finite.",
            "Scale the features (--scale standard), lower degree or gamma, or repair the kernel.",
        )


def require_symmetric(K: NDArray[Any]) -> NDArray[Any]:
    """Return a square kernel matrix, symmetric to the last bit.

    Differences within :data:`ROUNDING` are averaged away; a symmetric matrix is returned as it is.

    Raises
    ------
    DataError
        If the two triangles differ by more, as those of a kernel measured with few shots do.
    """
    largest, worst = 0.0, 0.0
    for start in range(0, len(K), BLOCK):
        rows, columns = K[start : start + BLOCK], K[:, start : start + BLOCK].T
        worst = max(worst, float(np.abs(rows - columns).max(initial=0.0)))
        largest = max(largest, float(np.abs(rows).max(initial=0.0)))
    if worst > ROUNDING * largest:
        raise DataError(
            f"The kernel matrix is not symmetric: k(x, z) and k(z, x) differ by up to {worst:.3g} "
            f"where the largest value is {largest:.3g}.",
            "If the difference is the noise of a measurement, pass (K + K.T) / 2.",
        )
    return K if worst == 0.0 else 0.5 * (K + K.T)
