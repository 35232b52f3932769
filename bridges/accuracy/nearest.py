"""Distances to the nearest of some points, for millions of queries."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.threads import default_threads, in_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class NearestPoint:
    """Points in a wide tree of boxes.

    Coordinates are rotated to the principal axes of the points first, which changes no distance:
    bands of a satellite are so correlated that boxes along them hold much that is far.

    Attributes
    ----------
    rotation, centre : ndarray of shape (d, d) and (d,)
        Principal axes and mean of the points.
    leaves, boxes, starts : ndarray
        See :func:`bridges.accuracy.nearest_loops.search`.
    """

    rotation: NDArray[np.float64]
    centre: NDArray[np.float64]
    leaves: NDArray[np.float32]
    boxes: NDArray[np.float32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> NearestPoint:
        """Build the tree of points (n, d), n ≥ 1."""
        from bridges.accuracy.nearest_loops import FAN, LEAF

        centre = points.mean(axis=0)
        shifted = points - centre
        rotation = np.linalg.eigh(shifted.T @ shifted)[1][:, ::-1].copy()
        turned = (shifted @ rotation).astype(np.float32)
        parts = _halved(turned, LEAF)
        leaves = np.stack([turned[np.resize(part, LEAF)].T for part in parts])
        low = np.stack([turned[part].min(axis=0) for part in parts])
        high = np.stack([turned[part].max(axis=0) for part in parts])
        levels: list[NDArray[np.float32]] = []
        while not levels or len(levels[0]) > 1:
            low, high = _grouped(low, FAN, np.inf), _grouped(high, FAN, -np.inf)
            levels.insert(0, np.stack([low, high], axis=1).transpose(0, 1, 3, 2))
            low, high = low.min(axis=1), high.max(axis=1)
        starts = np.cumsum([0, *(len(level) for level in levels)])
        boxes = np.ascontiguousarray(np.concatenate(levels))
        return cls(rotation, centre, np.ascontiguousarray(leaves), boxes, starts)

    def distances(
        self, rows: NDArray[np.float64], n_jobs: int | None = None
    ) -> NDArray[np.float32]:
        """Return the Euclidean distance of every row to its nearest point, shape (n,).

        Parameters
        ----------
        rows : ndarray of shape (n, d), float64
            Queries.
        n_jobs : int, optional
            Threads; all cores by default. The result does not depend on them, nor on how rows are
            divided among calls.
        """
        from bridges.accuracy.nearest_loops import search

        rows = np.ascontiguousarray(rows, dtype=np.float64)
        out = np.empty(len(rows), dtype=np.float32)
        tree = (self.rotation, self.centre, self.leaves, self.boxes, self.starts)

        def work(part: slice) -> None:
            search(rows[part], *tree, out[part])

        in_chunks(n_jobs or default_threads())(work, len(rows))
        return out


def _halved(points: NDArray[np.float32], most: int) -> list[NDArray[Any]]:
    """Divide points at the median of the widest axis until no part has more than ``most``."""
    parts: list[NDArray[Any]] = [np.arange(len(points))]
    while max(len(part) for part in parts) > most:
        halves = []
        for part in parts:
            axis = int(np.argmax(np.ptp(points[part], axis=0)))
            order = part[np.argsort(points[part, axis], kind="stable")]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        parts = halves
    return parts


def _grouped(values: NDArray[np.float32], size: int, spare: float) -> NDArray[np.float32]:
    """Return rows (n, d) in groups (n / size, size, d), the last one filled up."""
    missing = -len(values) % size
    filler = np.full((missing, values.shape[1]), spare, dtype=np.float32)
    return np.concatenate([values, filler]).reshape(-1, size, values.shape[1])
