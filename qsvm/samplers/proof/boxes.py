"""Boxes of levels, and the relaxation of one with the fixed coefficients taken out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from qsvm.samplers.proof.diagonal import strengthen
from qsvm.samplers.proof.state import HIGH, LEVEL, LOW, Model, State, X, new_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from qsvm.samplers.proof.levels import Whole

LEAST = 1e-3
"""Least weight of a coefficient in the choice of D, as a share of that midway between levels: the
next point of the relaxation may lie elsewhere."""


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """Levels that are still to be searched.

    Attributes
    ----------
    low, high : ndarray of shape (n,), int64
        Lowest and highest level of each coefficient.
    bound : float
        No point of the box has a lower energy.
    x : ndarray of shape (n,)
        Where to begin.
    diagonal : ndarray of shape (n,)
        A D with H - D proven to be positive definite over the coefficients of several levels.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    bound: float
    x: NDArray[np.float64]
    diagonal: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """The relaxation of a box.

    Attributes
    ----------
    rows : ndarray of shape (m,), intp
        Coefficients with several levels.
    hessian : ndarray of shape (m, m)
        H over them.
    model, state
        The relaxation over them and its point.
    constant : float
        Energy of the others.
    """

    rows: NDArray[np.intp]
    hessian: NDArray[np.float64]
    model: Model
    state: State
    constant: float


def root_of(whole: Whole) -> Box:
    """Return the box of all levels."""
    return Box(np.zeros_like(whole.top), whole.top, -np.inf, whole.x, whole.diagonal)


def part_of(whole: Whole, box: Box) -> Part:
    """Return the relaxation of a box."""
    several = box.low < box.high
    rows, others = np.flatnonzero(several), np.flatnonzero(~several)
    values = whole.levels[others, box.low[others]]
    pull = whole.hessian[:, others] @ values
    constant = float(values @ (0.5 * pull[others] + whole.linear[others])) + whole.constant
    hessian = whole.hessian[np.ix_(rows, rows)]
    diagonal = box.diagonal[rows]
    model = Model(
        hessian=hessian - np.diag(diagonal),
        vectors=np.stack([whole.linear[rows] + pull[rows], diagonal]),
        levels=whole.levels[rows],
    )
    state = new_state(box.low[rows], box.high[rows], box.x[rows])
    return Part(rows, hessian, model, state, constant)


def shrunk(box: Box, part: Part, bound: float) -> Box:
    """Return a box as the relaxation of its part has left it."""
    low, high, x = box.low.copy(), box.high.copy(), box.x.copy()
    low[part.rows], high[part.rows] = part.state.whole[LOW], part.state.whole[HIGH]
    x[part.rows] = part.state.reals[X]
    return dataclasses.replace(box, low=low, high=high, x=x, bound=max(bound, box.bound))


def distances(whole: Whole, box: Box, part: Part) -> NDArray[np.float64]:
    """Return (x - a)(b - x) of every coefficient between its levels a and b, shape (n,).

    With the floor :data:`LEAST`; zero for the coefficients that are not in the part.
    """
    below = np.minimum(part.state.whole[LEVEL], np.maximum(whole.top[part.rows] - 1, 0))
    low, high = whole.levels[part.rows, below], whole.levels[part.rows, below + 1]
    x = part.state.reals[X]
    found = np.zeros(len(box.low))
    found[part.rows] = np.maximum((x - low) * (high - x), LEAST * 0.25 * (high - low) ** 2)
    return found


def strengthened(
    whole: Whole, box: Box, weights: NDArray[np.float64], stopped: Callable[[], bool]
) -> Box:
    """Return a box with the D that raises its relaxation most, by weights of shape (n,)."""
    rows = np.flatnonzero(box.low < box.high)
    hessian = whole.hessian[np.ix_(rows, rows)]
    start = box.diagonal[rows]
    diagonal = box.diagonal.copy()
    diagonal[rows] = strengthen(hessian, weights[rows], whole.floor, start, stopped)
    return dataclasses.replace(box, diagonal=diagonal)
