"""The values that one coefficient can take on the lattice of a dual."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

MAX_BITS = 20
"""Bits beyond which the values are not listed: refinement gives more precision for less."""

SAME = 1e-12
"""Values closer than this are one: with base 1, different bits give the same coefficient."""


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    """Sorted distinct values in [0, 1] of Σ_k w_k a_k, the same for every coefficient.

    Attributes
    ----------
    values : ndarray of shape (n_levels,), float64
        The values, ascending, from 0 to 1.
    uniform : bool
        Whether they are equally spaced, as they are in base 2 and in base 1.
    """

    values: NDArray[np.float64]
    uniform: bool

    def nearest(self, shares: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return the level nearest to each share of the interval, same shape."""
        middles = 0.5 * (self.values[1:] + self.values[:-1])
        return np.searchsorted(middles, shares).astype(np.int32)


def lattice(problem: DualProblem) -> Lattice:
    """Return the lattice of a problem's coefficients.

    Raises
    ------
    UsageError
        If there are more than :data:`MAX_BITS` bits.
    """
    if problem.n_bits > MAX_BITS:
        raise UsageError(
            f"{problem.n_bits} bits per coefficient are too many for this sampler.",
            f"Use at most {MAX_BITS} bits; a few rounds of refinement give the same precision.",
        )
    values = np.zeros(1)
    for weight in problem.weights:
        values = np.concatenate([values, values + weight])
    values = np.sort(values)
    values = values[np.concatenate([[True], np.diff(values) > SAME])]
    values[-1] = 1.0
    steps = np.diff(values)
    return Lattice(values, bool(np.ptp(steps) < SAME))
