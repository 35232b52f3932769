"""Starting from the coefficients of an earlier fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classical.binary import BinarySolution, BinaryTask


ROUNDING = 1e-12
"""Relative sum of coefficients that counts as zero."""


@dataclasses.dataclass(frozen=True, eq=False)
class Previous:
    """Signed coefficients of every binary problem, found again by the hashes of their rows.

    Attributes
    ----------
    hashes : list of ndarray, uint64
        Sorted hashes of every problem's rows.
    betas : list of ndarray
        Their coefficients.
    """

    hashes: list[NDArray[np.uint64]]
    betas: list[NDArray[np.float64]]

    @classmethod
    def of(
        cls,
        hashes: NDArray[np.uint64],
        tasks: Sequence[BinaryTask],
        solutions: Sequence[BinarySolution],
    ) -> Previous:
        """Remember the solutions of all tasks."""
        return cls([hashes[task.rows] for task in tasks], [s.beta for s in solutions])

    def start(
        self, task: int, hashes: NDArray[np.uint64], bound: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return feasible coefficients for rows with these hashes; zeros where none is known."""
        if task >= len(self.hashes) or not len(self.hashes[task]):
            return np.zeros(len(hashes))
        known = self.hashes[task]
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        beta = np.where(known[places] == hashes, self.betas[task][places], 0.0)
        return feasible(beta, bound)


def feasible(beta: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coefficients clipped to their bounds, the heavier side scaled to sum to zero.

    A sum that is zero up to rounding is left: scaling would lift every coefficient off its bound.
    """
    beta = np.clip(beta, -bound, bound)
    positive, negative = beta[beta > 0].sum(), -beta[beta < 0].sum()
    if min(positive, negative) <= 0:
        return np.zeros(len(beta))
    if abs(positive - negative) <= ROUNDING * positive:
        return beta
    if positive > negative:
        beta[beta > 0] *= negative / positive
    else:
        beta[beta < 0] *= positive / negative
    return beta
