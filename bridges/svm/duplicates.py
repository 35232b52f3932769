"""Equal training samples are one sample with a larger weight.

The dual of an SVM depends only on the sum of the coefficients of equal samples, so merging them is
exact: it saves variables (8-bit Landsat pixels repeat a lot), and makes a sample of weight two and
a sample given twice the same training set to the last bit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class MergedRows:
    """Distinct samples in a canonical order.

    Attributes
    ----------
    rows : ndarray of shape (m,), intp
        The first original row of each distinct sample.
    codes : ndarray of shape (m,), intp
        Their class indices.
    weights : ndarray of shape (m,), float64
        Summed weights, all positive.
    """

    rows: NDArray[np.intp]
    codes: NDArray[np.intp]
    weights: NDArray[np.float64]


def merge_rows(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    *,
    compare: bool = True,
) -> MergedRows:
    """Merge samples that are equal in features and class; drop those of weight zero.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Features.
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Sample weights, not negative.
    compare : bool
        False only drops zero weights and keeps the order, for precomputed kernels.
    """
    kept = np.flatnonzero(weights > 0)
    if not compare:
        return MergedRows(kept, codes[kept], weights[kept])
    table = np.column_stack([codes[kept].astype(np.float64), X[kept]])
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    rows = kept[first]
    summed: NDArray[Any] = np.bincount(inverse.ravel(), weights[kept], minlength=len(rows))
    return MergedRows(rows, codes[rows], summed)
