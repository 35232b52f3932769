"""Compiled steps at a node of the search: settle on the optimum, bound, cut levels, choose."""

from __future__ import annotations

import numpy as np

from qsvm.samplers.proof.pivots import STUCK, drive, inner, refresh, slope
from qsvm.samplers.proof.state import DIAGONAL, FREE, GRADIENT, HIGH, LEVEL, LINEAR, LOW, PLACE, X

VIOLATION = 1e-11
"""Slope, as a share of the steepest, that still counts as held by a level."""


@inner
def _on_levels(model, state):  # type: ignore[no-untyped-def]
    """Put every coefficient on the allowed level nearest to it, nobody free."""
    state.free[0] = 0
    for i in range(state.reals.shape[1]):
        x, level, high = state.reals[X, i], state.whole[LOW, i], state.whole[HIGH, i]
        while level < high and 2.0 * x > model.levels[i, level] + model.levels[i, level + 1]:
            level += 1
        state.whole[PLACE, i], state.whole[LEVEL, i] = -1, level
        state.reals[X, i] = model.levels[i, level]
    refresh(model, state)


@inner
def _most_pulled(model, state, least):  # type: ignore[no-untyped-def]
    """Return the coefficient that is pulled off its level most, and the level it is pulled to."""
    who, goal = -1, 0
    for j in range(state.reals.shape[1]):
        if state.whole[PLACE, j] >= 0:
            continue
        level, gradient = state.whole[LEVEL, j], state.reals[GRADIENT, j]
        if level < state.whole[HIGH, j] and -(gradient + slope(model, j, level)) > least:
            least, who, goal = -(gradient + slope(model, j, level)), j, level + 1
        if level > state.whole[LOW, j] and gradient + slope(model, j, level - 1) > least:
            least, who, goal = gradient + slope(model, j, level - 1), j, level - 1
    return who, goal


@inner
def settle(model, state):  # type: ignore[no-untyped-def]
    """Solve the relaxation from the levels nearest to the present point.

    An active-set descent: the coefficient that is pulled most is let go until it rests, the others
    answering. Where it finds no end, the point is not optimal and bounds from it are still valid.
    """
    _on_levels(model, state)
    m = state.reals.shape[1]
    steepest = 0.0
    for i in range(m):
        steepest = max(steepest, abs(model.vectors[LINEAR, i]), abs(state.reals[GRADIENT, i]))
    for _ in range(20 * m + 100):
        who, goal = _most_pulled(model, state, VIOLATION * steepest)
        if who < 0 or drive(model, state, who, goal, 0.0, np.inf, True) == STUCK:
            return


@inner
def _least(model, state, i):  # type: ignore[no-untyped-def]
    """Return the lowest value of g x + ½ D x² over the allowed levels of coefficient i.

    Walks downhill from the present level: over the levels this is convex, or they are two.
    """
    pull, half = state.reals[GRADIENT, i], 0.5 * model.vectors[DIAGONAL, i]
    low, high = state.whole[LOW, i], state.whole[HIGH, i]
    start = min(max(state.whole[LEVEL, i], low), high)
    best = model.levels[i, start] * (pull + half * model.levels[i, start])
    for way in (1, -1):
        k = start + way
        while low <= k <= high:
            here = model.levels[i, k] * (pull + half * model.levels[i, k])
            if here >= best:
                break
            best = here
            k += way
    return best


@inner
def evaluate(model, state, margin):  # type: ignore[no-untyped-def]
    """Return a lower bound of the energy over the box, and the value of the relaxation.

    For any x the energy at z is at least -½xᵀMx + Σ (g z + ½ D z²), g = Mx + f, since M is positive
    semi-definite; the sum is minimised level by level. ``margin`` covers the rounding of all sums.
    """
    refresh(model, state)
    bound, value = 0.0, 0.0
    for i in range(state.reals.shape[1]):
        x, level, linear = state.reals[X, i], state.whole[LEVEL, i], model.vectors[LINEAR, i]
        own = 0.5 * x * (state.reals[GRADIENT, i] - linear)
        bound += _least(model, state, i) - own
        square = x * x
        if state.whole[PLACE, i] >= 0:
            below, above = model.levels[i, level], model.levels[i, level + 1]
            square = (below + above) * x - below * above
        value += own + linear * x + 0.5 * model.vectors[DIAGONAL, i] * square
    return bound - margin, value


@inner
def tighten(model, state, room):  # type: ignore[no-untyped-def]
    """Take away end levels on which the bound would rise by ``room`` or more.

    Returns whether a coefficient was on one of them, which only rounding can do.
    """
    lost = False
    for i in range(state.reals.shape[1]):
        low, high = state.whole[LOW, i], state.whole[HIGH, i]
        if low == high:
            continue
        pull, half = state.reals[GRADIENT, i], 0.5 * model.vectors[DIAGONAL, i]
        most = _least(model, state, i) + room
        while low < high and model.levels[i, low] * (pull + half * model.levels[i, low]) >= most:
            low += 1
        while low < high and model.levels[i, high] * (pull + half * model.levels[i, high]) >= most:
            high -= 1
        state.whole[LOW, i], state.whole[HIGH, i] = low, high
        level = state.whole[LEVEL, i]
        top = level + 1 if state.whole[PLACE, i] >= 0 else level
        lost |= level < low or top > high
    return lost


@inner
def choose(model, state, room):  # type: ignore[no-untyped-def]
    """Return the free coefficient to branch on, or -1 where all are on levels.

    The rise of the bound in each child is estimated with all other active sets kept: distance
    squared over twice the entry of the inverse. Rises above ``room`` close the child and count no
    more. The sum with the smaller one counted twice was best of ten rules tried.
    """
    most, who = -1.0, -1
    for place in range(state.free[0]):
        i = state.whole[FREE, place]
        x, level = state.reals[X, i], state.whole[LEVEL, i]
        stiff = 0.5 / state.inverse[place, place]
        down = stiff * (x - model.levels[i, level]) ** 2
        up = stiff * (model.levels[i, level + 1] - x) ** 2
        score = min(down, room) + min(up, room) + min(down, up)
        if score > most:
            most, who = score, i
    return who


@inner
def widest(state):  # type: ignore[no-untyped-def]
    """Return the coefficient with most levels left, or -1 where each has one."""
    most, who = 0, -1
    for i in range(state.reals.shape[1]):
        if state.whole[HIGH, i] - state.whole[LOW, i] > most:
            most, who = state.whole[HIGH, i] - state.whole[LOW, i], i
    return who
