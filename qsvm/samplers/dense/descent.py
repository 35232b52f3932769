"""Compiled descent of coefficients on a lattice to a local optimum of single and pair moves.

The state is that of :mod:`qsvm.samplers.dense.walks`. The partner of a pair move is searched on
vector lanes where the lattice is uniform and every coefficient has a curvature.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from bridges.machine.ordered import PLACES, ordered, smaller
from qsvm.samplers.dense.walks import (
    DIAGONAL,
    INNER,
    LEVEL,
    PER_SPAN,
    ROOT,
    SPAN,
    add_row,
    kept_walk,
    nearest,
    place,
    put_all,
)

GAIN = 1e-12
"""Share of the energy that a move of the descent must gain, so that rounding makes no cycles."""


@numba.njit(**INNER)
def _best_level(i, field, table, values, uniform):  # type: ignore[no-untyped-def]
    """Return the level of lowest energy of coefficient i, the others fixed, and its step."""
    value = values[np.int64(table[i, LEVEL])]
    span, curvature = table[i, SPAN], table[i, DIAGONAL]
    if curvature > 0.0:
        share = value - field * table[i, ROOT] * table[i, ROOT] * table[i, PER_SPAN]
        new = nearest(share, values, uniform)
    else:
        down, up = -span * value, span * (1.0 - value)
        falls = down * (field + 0.5 * curvature * down) < up * (field + 0.5 * curvature * up)
        new = 0 if falls else len(values) - 1
    return new, span * (values[new] - value)


@numba.njit(**INNER)
def _best_partner(i, step, best, hessian, table, values, uniform, fields):  # type: ignore[no-untyped-def]
    """Return the best answer to a step of i: partner or -1, its level, the change of energy."""
    own = step * (fields[i] + 0.5 * table[i, DIAGONAL] * step)
    partner, level = -1, 0
    for j in range(len(fields)):
        field = fields[j] + hessian[i, j] * step
        new, back = _best_level(j, field, table, values, uniform)
        change = own + back * (field + 0.5 * table[j, DIAGONAL] * back)
        if change < best and j != i:
            best, partner, level = change, j, new
    return partner, level, best


@numba.njit(**INNER)
def _lanes(blank, uniform):  # type: ignore[no-untyped-def]
    """Return the columns that :func:`_answer` walks, shape (4, n), or (4, 0) where it cannot.

    Rows: share of the interval, ``1 / (H_nn · width)`` or 0 for a fixed coefficient, width,
    ``H_nn / 2``. It cannot where the lattice is not uniform or a coefficient has no curvature.
    """
    n = len(blank)
    lanes = np.zeros((4, n))
    for i in range(n):
        if not uniform or (blank[i, SPAN] > 0.0 and blank[i, ROOT] == 0.0):
            return np.zeros((4, 0))
        lanes[1, i] = blank[i, ROOT] * blank[i, ROOT] * blank[i, PER_SPAN]
        lanes[2, i], lanes[3, i] = blank[i, SPAN], 0.5 * blank[i, DIAGONAL]
    return lanes


@numba.njit(**INNER)
def _answer_near(step, fields, row, share, pull, span, half, top):  # type: ignore[no-untyped-def]
    """Return the place of the best answer to a step among at most PLACES coefficients."""
    best = ordered(0.0, 0)
    per_level = 1.0 / top
    for p in range(len(fields)):
        field = fields[p] + row[p] * step
        wanted = min(max(share[p] - field * pull[p], 0.0), 1.0)
        back = span[p] * (np.floor(wanted * top + 0.5) * per_level - share[p])
        best = smaller(best, ordered(back * (field + half[p] * back), p))
    return best & (PLACES - 1)


@numba.njit(**INNER)
def _answer(i, step, best, hessian, table, lanes, values, fields):  # type: ignore[no-untyped-def]
    """Return what :func:`_best_partner` does, searched on vector lanes."""
    own = step * (fields[i] + 0.5 * table[i, DIAGONAL] * step)
    partner, level = -1, 0
    pull = lanes[1, i]
    lanes[1, i] = 0.0  # keeps i where it is
    for first in range(0, len(fields), PLACES):
        part = slice(first, min(first + PLACES, len(fields)))
        share, pulls, span, half = lanes[0, part], lanes[1, part], lanes[2, part], lanes[3, part]
        row, top = hessian[i, part], len(values) - 1.0
        near = _answer_near(step, fields[part], row, share, pulls, span, half, top)
        j = first + near
        field = fields[j] + hessian[i, j] * step
        new, back = _best_level(j, field, table, values, True)
        change = own + back * (field + 0.5 * table[j, DIAGONAL] * back)
        if change < best and j != i:
            best, partner, level = change, j, new
    lanes[1, i] = pull
    return partner, level, best


@numba.njit(**INNER)
def _improve(i, hessian, table, lanes, values, uniform, fields, enough):  # type: ignore[no-untyped-def]
    """Make the best single or pair move that starts at coefficient i, if it gains enough."""
    here = np.int64(table[i, LEVEL])
    level, step = _best_level(i, fields[i], table, values, uniform)
    best = step * (fields[i] + 0.5 * table[i, DIAGONAL] * step)
    if best >= enough:
        level, best = here, enough
    partner, answer = -1, 0
    for target in (here - 1, here + 1):
        if table[i, SPAN] == 0.0 or target < 0 or target >= len(values):
            continue
        trial = table[i, SPAN] * (values[target] - values[here])
        if lanes.shape[1]:
            j, j_level, best = _answer(i, trial, best, hessian, table, lanes, values, fields)
        else:
            j, j_level, best = _best_partner(
                i, trial, best, hessian, table, values, uniform, fields
            )
        if j >= 0:
            level, partner, answer = target, j, j_level
    if level == here:
        return False
    _move_to(i, level, hessian, table, lanes, values, fields)
    if partner >= 0:
        _move_to(partner, answer, hessian, table, lanes, values, fields)
    return True


@numba.njit(**INNER)
def _move_to(i, level, hessian, table, lanes, values, fields):  # type: ignore[no-untyped-def]
    """Put coefficient i on a level and update the fields."""
    add_row(fields, hessian, i, place(table, i, level, values))
    if lanes.shape[1]:
        lanes[0, i] = values[level]


@kept_walk
def descend_lattice(  # type: ignore[no-untyped-def]
    hessian, linear, blank, values, uniform, max_passes, levels, stop
) -> Any:
    """Descend each row of ``levels`` to a local optimum of single and pair moves.

    A pair move takes one coefficient a level up or down and lets the best partner answer as it
    likes best, which keeps any equality whose penalty is in H.

    Parameters
    ----------
    hessian : ndarray of shape (n, n), float32 or float64
        H.
    linear, blank, values, uniform, stop
        As for :func:`qsvm.samplers.dense.walks.anneal`.
    max_passes : int
        Passes over all coefficients after which to stop in any case.
    levels : ndarray of shape (n_rows, n), int32
        Changed in place.
    """
    n = len(linear)
    fields = np.empty(n)
    table, lanes = blank.copy(), _lanes(blank, uniform)
    for row in range(len(levels)):
        energy = put_all(hessian, linear, table, levels[row], values, fields)
        for i in range(lanes.shape[1]):
            lanes[0, i] = values[levels[row, i]]
        enough = -GAIN * abs(energy)
        for _ in range(max_passes):
            moved = False
            for i in range(n):
                if stop[0]:
                    return
                moved |= _improve(i, hessian, table, lanes, values, uniform, fields, enough)
            if not moved:
                break
        for i in range(n):
            levels[row, i] = table[i, LEVEL]
