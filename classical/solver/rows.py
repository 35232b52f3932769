"""Training rows: replicated on every rank, equal rows merged, in an order of their own.

Rows are ordered by a hash of class and features. That order depends on the rows only, not on the
order in which they came or on the rank they came from; equal rows meet in it; and any fixed stride
through it is a random sample.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.svm.duplicates import merge_neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.comm import Communicator

DataMode = Literal["replicated", "scattered", "root"]

MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: an odd multiplier that spreads bits."""


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingRows:
    """Distinct training rows of all ranks, in canonical order.

    Attributes
    ----------
    X : ndarray of shape (m, d)
        Samples.
    codes : ndarray of shape (m,), intp
        Class indices.
    weights : ndarray of shape (m,)
        Summed sample weights, positive.
    rows : ndarray of shape (m,), intp
        Original row of each (the first of equal ones).
    hashes : ndarray of shape (m,), uint64
        What they are ordered by; row numbers for kernel matrices.
    """

    X: NDArray[np.float64]
    codes: NDArray[np.intp]
    weights: NDArray[np.float64]
    rows: NDArray[np.intp]
    hashes: NDArray[np.uint64]


def row_hashes(X: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of class index and features of every row, shape (n,)."""
    state = (codes.astype(np.uint64) + np.uint64(1)) * MIX
    for column in (X + 0.0).T:  # -0.0 and 0.0 are the same feature
        state ^= np.ascontiguousarray(column).view(np.uint64)
        state ^= state >> np.uint64(29)
        state *= MIX
        state ^= state >> np.uint64(32)
    return state


def canonical(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    *,
    merge: bool = True,
) -> TrainingRows:
    """Drop rows of weight zero, order the others by their hash and merge equal ones.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Sample weights, not negative.
    merge : bool
        False for kernel matrices: their rows are kept as they are.
    """
    kept = np.flatnonzero(weights > 0)
    if not merge:
        return TrainingRows(
            X[np.ix_(kept, kept)], codes[kept], weights[kept], kept, kept.astype(np.uint64)
        )
    hashes = row_hashes(X[kept], codes[kept])
    order = np.argsort(hashes, kind="stable")
    rows, summed = merge_neighbours(X, codes, weights, kept[order])
    return TrainingRows(X[rows], codes[rows], summed, rows, hashes[np.searchsorted(kept, rows)])


def replicate(comm: Communicator, mode: DataMode, parts: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """Return the arrays of the whole training set on every rank.

    Parameters
    ----------
    comm : Communicator
        Of all ranks.
    mode : {"replicated", "scattered", "root"}
        Every rank passes everything, its own rows, or rank 0 everything and the others nothing.
    parts : tuple of ndarray, or None where nothing is passed
        Arrays whose first axis are the rows.
    """
    if mode == "replicated" or comm.size == 1:
        return parts or ()
    if mode == "root":
        return comm.bcast(parts) or ()
    gathered = [piece for piece in comm.allgather(parts) if piece is not None and len(piece[0])]
    return tuple(np.concatenate(columns) for columns in zip(*gathered, strict=True))
