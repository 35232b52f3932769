r"""Compiled pivots on the relaxation of a lattice problem: who moves freely, and how all answer.

The relaxation is

.. math:: \min_x \; \tfrac12 x^T M x + f^T x + \sum_n \varphi_n(x_n),

with :math:`M = H - D` positive semi-definite, D diagonal, and :math:`\varphi_n` the function that
joins the values of :math:`\tfrac12 D_n x^2` at the levels of coefficient n by straight lines. On
the lattice it is the energy itself. At its optimum a coefficient either sits on a level, held by
the kink there, or lies *free* between two; the inverse of M over the free ones is kept, and
changes by one row as one of them arrives on a level or is pulled off it (a parametric active-set
method; Best, *Math. Program.* 1996).
"""

from __future__ import annotations

from typing import Any

import numba

from qsvm.samplers.proof.state import (
    DIAGONAL,
    FREE,
    GRADIENT,
    HIGH,
    LEVEL,
    LINEAR,
    LOW,
    NEAR,
    OUT,
    PLACE,
    RATE,
    X,
)

INNER: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz"},
}
inner = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **INNER)

FLAT = 1e-10
"""Pivot, as a share of the diagonal, below which a coefficient is not taken among the free ones."""

ARRIVED, RESTS, PASSED, STUCK = range(4)
"""How a drive ends: on the level, at rest between two, above the cut, or without an end."""


@inner
def slope(model, i, level):  # type: ignore[no-untyped-def]
    """Return the slope of φ between a level of coefficient i and the next."""
    both = model.levels[i, level] + model.levels[i, level + 1]
    return 0.5 * model.vectors[DIAGONAL, i] * both


@inner
def refresh(model, state):  # type: ignore[no-untyped-def]
    """Set the gradient to Mx + f, summed anew."""
    gradient, m = state.reals[GRADIENT], state.reals.shape[1]
    for k in range(m):
        gradient[k] = model.vectors[LINEAR, k]
    for j in range(m):
        value = state.reals[X, j]
        if value != 0.0:
            for k in range(m):
                gradient[k] += value * model.hessian[j, k]


@inner
def _times_inverse(state, row):  # type: ignore[no-untyped-def]
    """Set the first entries of OUT to the inverse times those of a row of M that are free."""
    near, out, k = state.reals[NEAR], state.reals[OUT], state.free[0]
    for a in range(k):
        near[a] = row[state.whole[FREE, a]]
    for a in range(k):
        total = 0.0
        for b in range(k):
            total += state.inverse[a, b] * near[b]
        out[a] = total


@inner
def enter(model, state, j):  # type: ignore[no-untyped-def]
    """Count coefficient j among the free ones, if its pivot allows; tell whether it did."""
    k, inverse, out = state.free[0], state.inverse, state.reals[OUT]
    _times_inverse(state, model.hessian[j])
    pivot = model.hessian[j, j]
    for a in range(k):
        pivot -= out[a] * state.reals[NEAR, a]
    if not pivot > FLAT * model.hessian[j, j]:
        return False
    for a in range(k):
        share = out[a] / pivot
        for b in range(k):
            inverse[a, b] += share * out[b]
        inverse[a, k] = -share
        inverse[k, a] = -share
    inverse[k, k] = 1.0 / pivot
    state.whole[FREE, k] = j
    state.whole[PLACE, j] = k
    state.free[0] = k + 1
    return True


@inner
def leave(state, j):  # type: ignore[no-untyped-def]
    """Count coefficient j among the free ones no more; the last one takes its place."""
    last = state.free[0] - 1
    inverse, place = state.inverse, state.whole[PLACE, j]
    for b in range(last + 1):
        inverse[place, b], inverse[last, b] = inverse[last, b], inverse[place, b]
    for a in range(last + 1):
        inverse[a, place], inverse[a, last] = inverse[a, last], inverse[a, place]
    moved = state.whole[FREE, last]
    state.whole[FREE, place] = moved
    state.whole[PLACE, moved] = place
    state.whole[PLACE, j] = -1
    for a in range(last):
        share = inverse[a, last] / inverse[last, last]
        for b in range(last):
            inverse[a, b] -= share * inverse[last, b]
    state.free[0] = last


@inner
def _set_rates(model, state, i):  # type: ignore[no-untyped-def]
    """Set the answers of all coefficients to a unit step of i, which is not free."""
    rate, out, k = state.reals[RATE], state.reals[OUT], state.free[0]
    _times_inverse(state, model.hessian[i])
    for j in range(len(rate)):
        rate[j] = model.hessian[i, j]
    for a in range(k):
        share, row = out[a], model.hessian[state.whole[FREE, a]]
        for j in range(len(rate)):
            rate[j] -= share * row[j]
    for a in range(k):
        rate[state.whole[FREE, a]] = -out[a]


@inner
def _first_event(model, state, i, sign, step, last, came, holds):  # type: ignore[no-untyped-def]
    """Return the first change on the way of coefficient i: step, coefficient or -1, its side.

    Side 1 or -1: a free coefficient reaches the level above or below; 2 or -2: one on a level is
    pulled off it, upwards or downwards. The coefficient ``last``, which reached its level just
    before, is not pulled back to the side it ``came`` from: only rounding would do that. Where the
    levels do not hold yet, as on the way to an optimum, nobody is pulled off.
    """
    who, side = -1, 0
    for j in range(state.reals.shape[1]):
        pace = state.reals[RATE, j] * sign
        level = state.whole[LEVEL, j]
        if j == i or pace == 0.0:
            continue
        if state.whole[PLACE, j] >= 0:
            turn = 1 if pace > 0.0 else -1
            end = level + 1 if pace > 0.0 else level
            wait = (model.levels[j, end] - state.reals[X, j]) / pace
        elif holds and pace > 0.0 and level > state.whole[LOW, j]:
            turn = -2
            wait = -(state.reals[GRADIENT, j] + slope(model, j, level - 1)) / pace
        elif holds and pace < 0.0 and level < state.whole[HIGH, j]:
            turn = 2
            wait = -(state.reals[GRADIENT, j] + slope(model, j, level)) / pace
        else:
            continue
        if wait < step and not (j == last and turn == -2 * came):
            step, who, side = wait, j, turn
    return max(step, 0.0), who, side


@inner
def _advance(state, i, step):  # type: ignore[no-untyped-def]
    """Move coefficient i by a step and let all others answer."""
    for j in range(state.reals.shape[1]):
        row = X if state.whole[PLACE, j] >= 0 else GRADIENT
        state.reals[row, j] += state.reals[RATE, j] * step
    state.reals[X, i] += step


@inner
def _turn(model, state, j, side):  # type: ignore[no-untyped-def]
    """Carry out an event of :func:`_first_event`; tell whether the pivot allowed it."""
    if abs(side) == 2:
        if side < 0:
            state.whole[LEVEL, j] -= 1
        return enter(model, state, j)
    state.reals[GRADIENT, j] = -slope(model, j, state.whole[LEVEL, j])
    if side > 0:
        state.whole[LEVEL, j] += 1
    state.reals[X, j] = model.levels[j, state.whole[LEVEL, j]]
    leave(state, j)
    return True


@inner
def drive(model, state, i, goal, value, cut, rests):  # type: ignore[no-untyped-def]
    """Move coefficient i to an end of its segment, all others staying optimal on the way.

    Parameters
    ----------
    model, state
        The relaxation and its point.
    i, goal : int
        Coefficient and level to reach, one end of the segment that it is in or enters.
    value, cut : float
        Value of the relaxation now, and value above which to stop; the way is convex, so its
        tangent tells early.
    rests : bool
        Whether to stay where the energy stops falling and count as free there; the levels of the
        others need not hold on the way.

    Returns
    -------
    int
        :data:`ARRIVED`, :data:`RESTS`, :data:`PASSED` or :data:`STUCK`.
    """
    if state.whole[PLACE, i] >= 0:
        leave(state, i)
    target = model.levels[i, goal]
    sign = 1.0 if target > state.reals[X, i] else -1.0
    segment = goal - 1 if sign > 0 else goal
    tilt = slope(model, i, segment)
    last, came = -1, 0
    for _ in range(8 * state.reals.shape[1] + 50):
        _set_rates(model, state, i)
        curvature = state.reals[RATE, i]
        fall = (state.reals[GRADIENT, i] + tilt) * sign
        whole = (target - state.reals[X, i]) * sign
        stays = rests and -fall < curvature * whole
        reach = max(-fall / curvature, 0.0) if stays else whole
        step, who, side = _first_event(model, state, i, sign, reach, last, came, not rests)
        _advance(state, i, sign * step)
        if who < 0 and stays:
            state.whole[LEVEL, i] = segment
            return RESTS if enter(model, state, i) else STUCK
        if who < 0:
            state.reals[X, i], state.whole[LEVEL, i] = target, goal
            return ARRIVED
        value += step * (fall + 0.5 * curvature * step)
        if value + (fall + curvature * step) * (whole - step) >= cut:
            return PASSED
        if not _turn(model, state, who, side):
            return STUCK
        last, came = who, side if abs(side) == 1 else 0
    return STUCK
