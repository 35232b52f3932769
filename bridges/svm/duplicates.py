"""Equal training samples are one sample with a larger weight.

The dual of an SVM depends only on the sum of the coefficients of equal samples, so merging them is
exact: it saves variables (8-bit Landsat pixels repeat a lot), and makes a sample of weight two and
a sample given twice the same training set to the last bit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

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
    order = np.lexsort((*X[kept].T[::-1], codes[kept]))
    first, summed = merge_neighbours(X, codes, weights, kept[order])
    return MergedRows(first, codes[first], summed)


def merge_neighbours(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    order: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Merge samples that are equal in features and class and stand together in an order.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Features.
    codes, weights : ndarray of shape (n,)
        Class indices and sample weights.
    order : ndarray of shape (k,), intp
        Rows in an order that brings equal ones together, and among those the first to the front.

    Returns
    -------
    rows : ndarray of shape (m,), intp
        The first row of each kind, in that order.
    weights : ndarray of shape (m,), float64
        Summed weights.
    """
    table, kinds = X[order], codes[order]
    same = kinds[1:] == kinds[:-1]
    same[same] = (table[1:][same] == table[:-1][same]).all(axis=1)
    first = np.flatnonzero(np.concatenate([[True], ~same])[: len(order)])
    return order[first], np.add.reduceat(weights[order], first)
