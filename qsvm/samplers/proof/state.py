"""Plain arrays of the compiled search: a relaxation, a point of it, a stack, what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINEAR, DIAGONAL = range(2)
"""Rows of :attr:`Model.vectors`: f and D."""

X, GRADIENT, RATE, NEAR, OUT = range(5)
"""Rows of :attr:`State.reals`: the point, Mx + f there (for a free coefficient what it should be),
answers to a unit step (of x for a free coefficient, of the gradient for others), room for sums."""

LEVEL, PLACE, LOW, HIGH, FREE = range(5)
"""Rows of :attr:`State.whole`: the level of a coefficient or that below a free one, its place among
the free ones or -1, lowest and highest level allowed, and the free coefficients in their order."""

COUNT, BEGIN, BRANCH, AT, ABOVE = range(5)
"""Columns of :attr:`Stack.heads`: how many are free, where the inverse begins, the coefficient and
the level that the node was split at, whether the waiting child lies above that level."""

BOXES, NODES, BETTER = range(3)
"""Places of :attr:`Left.counts`: boxes left, nodes visited, better points found."""


class Model(NamedTuple):
    """A relaxation; see :mod:`qsvm.samplers.proof.pivots`.

    Attributes
    ----------
    hessian : ndarray of shape (m, m)
        M.
    vectors : ndarray of shape (2, m)
        f and D.
    levels : ndarray of shape (m, n_levels)
        Values of each coefficient, ascending.
    """

    hessian: NDArray[np.float64]
    vectors: NDArray[np.float64]
    levels: NDArray[np.float64]


class State(NamedTuple):
    """A point of a relaxation and what is known there.

    Attributes
    ----------
    reals : ndarray of shape (5, m)
        See :data:`X`.
    whole : ndarray of shape (5, m), int64
        See :data:`LEVEL`.
    free : ndarray of shape (1,), int64
        How many coefficients are free.
    inverse : ndarray of shape (m, m)
        Inverse of M over the free coefficients, in their order.
    """

    reals: NDArray[np.float64]
    whole: NDArray[np.int64]
    free: NDArray[np.int64]
    inverse: NDArray[np.float64]


class Stack(NamedTuple):
    """Nodes whose second child waits.

    Attributes
    ----------
    reals : ndarray of shape (depth, 2, m)
        The first rows of their :attr:`State.reals`.
    whole : ndarray of shape (depth, 5, m), int64
        Their :attr:`State.whole`.
    inverses : ndarray of shape (size,)
        Their inverses, one after the other.
    bounds : ndarray of shape (depth,)
        Their lower bounds.
    heads : ndarray of shape (depth, 5), int64
        See :data:`COUNT`.
    """

    reals: NDArray[np.float64]
    whole: NDArray[np.int64]
    inverses: NDArray[np.float64]
    bounds: NDArray[np.float64]
    heads: NDArray[np.int64]


class Left(NamedTuple):
    """What a search leaves.

    Attributes
    ----------
    boxes : ndarray of shape (rows, 3, m), int64
        Lowest and highest levels of the boxes not yet searched, and the levels to begin at.
    bounds : ndarray of shape (rows,)
        Their lower bounds.
    best : ndarray of shape (m,), int64
        Levels of the best lattice point, if a better one was found.
    counts : ndarray of shape (3,), int64
        See :data:`BOXES`.
    """

    boxes: NDArray[np.int64]
    bounds: NDArray[np.float64]
    best: NDArray[np.int64]
    counts: NDArray[np.int64]


def new_state(low: NDArray[np.int64], high: NDArray[np.int64], x: NDArray[np.float64]) -> State:
    """Return the state of a box at a point, nobody free and nothing else known."""
    m = len(low)
    reals = np.zeros((5, m))
    reals[X] = x
    whole = np.zeros((5, m), dtype=np.int64)
    whole[LEVEL], whole[PLACE], whole[LOW], whole[HIGH] = low, -1, low, high
    return State(reals, whole, np.zeros(1, dtype=np.int64), np.zeros((m, m)))


def new_stack(m: int, nbytes: int) -> Stack:
    """Return a stack for m coefficients, its inverses of ``nbytes``."""
    depth = int(np.clip(nbytes // (224 * max(m, 1)), 8, 512))  # a quarter of the bytes for the rest
    return Stack(
        reals=np.empty((depth, 2, m)),
        whole=np.empty((depth, 5, m), dtype=np.int64),
        inverses=np.empty(max(nbytes // 8, m * m, 1)),
        bounds=np.empty(depth),
        heads=np.empty((depth, 5), dtype=np.int64),
    )


def new_left(m: int, depth: int) -> Left:
    """Return room for what a search of m coefficients on a stack of that depth leaves."""
    rows = 2 * depth + 8
    return Left(
        boxes=np.empty((rows, 3, m), dtype=np.int64),
        bounds=np.empty(rows),
        best=np.zeros(m, dtype=np.int64),
        counts=np.zeros(3, dtype=np.int64),
    )
