"""Starting from the coefficients of an earlier fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classical.solver.dual import BinarySolution, BinaryTask

ROUNDING = 1e-12
"""Relative sum of coefficients that counts as zero."""


@dataclasses.dataclass(frozen=True, eq=False)
class Previous:
    """Signed coefficients of every binary problem, found again by the hashes of their rows.

    Attributes
    ----------
    hashes : list of ndarray, uint64
        Sorted hashes of every problem's rows.
    betas, bounds : list of ndarray
        Their coefficients and upper bounds.
    """

    hashes: list[NDArray[np.uint64]]
    betas: list[NDArray[np.float64]]
    bounds: list[NDArray[np.float64]]

    @classmethod
    def of(
        cls,
        hashes: NDArray[np.uint64],
        tasks: Sequence[BinaryTask],
        solutions: Sequence[BinarySolution],
    ) -> Previous:
        """Remember the solutions of all tasks."""
        return cls(
            [hashes[task.rows] for task in tasks],
            [solution.beta for solution in solutions],
            [task.bound for task in tasks],
        )

    def start(
        self, task: int, hashes: NDArray[np.uint64], bound: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return feasible coefficients for rows with these hashes; zeros where none is known.

        A coefficient that was at its bound is put at its new one: most stay there along C.
        """
        if task >= len(self.hashes) or not len(self.hashes[task]):
            return np.zeros(len(hashes))
        known = self.hashes[task]
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        beta = np.where(known[places] == hashes, self.betas[task][places], 0.0)
        at_bound = np.abs(beta) >= self.bounds[task][places]
        return feasible(np.where(at_bound, np.sign(beta) * bound, beta), bound)


def feasible(beta: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coefficients clipped to their bounds that sum to zero.

    What is missing is taken from the coefficients between their bounds, in proportion to their
    room; only what they cannot give is taken from the heavier side by scaling, which lifts its
    coefficients off their bounds.
    """
    beta = np.clip(beta, -bound, bound)
    size, excess = np.abs(beta), float(beta.sum())
    if abs(excess) <= ROUNDING * float(size.sum()):
        return beta
    free = (size > 0) & (size < bound)
    towards_zero = np.sign(beta) == np.sign(excess)
    room = np.where(free, np.where(towards_zero, size, bound - size), 0.0)
    if (given := float(room.sum())) > 0:
        beta -= np.sign(excess) * min(1.0, abs(excess) / given) * room
    positive, negative = beta[beta > 0].sum(), -beta[beta < 0].sum()
    if min(positive, negative) <= 0:
        return np.zeros(len(beta))
    if positive - negative > ROUNDING * positive:
        beta[beta > 0] *= negative / positive
    elif negative - positive > ROUNDING * negative:
        beta[beta < 0] *= positive / negative
    return beta
