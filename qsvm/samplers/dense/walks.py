"""Compiled walks of coefficients on a lattice: the state of a walk, and annealing.

The state of a walk is the level of each coefficient and the N fields g = Hx + f; a move costs O(1)
to judge and O(N) to make. Everything here releases the GIL and none of it draws on global state.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bridges.machine.compiled import kept

INNER: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # no checks for division by zero
    "fastmath": {"contract", "reassoc", "nsz"},
}
FLAT = 1e-12
"""Curvature, as a share of the diagonal's largest, below which a coefficient has no minimum of its
own: it is then flipped to another level at random instead of being drawn around the minimum."""

DIAGONAL, ROOT, LOWER, SPAN, PER_SPAN, EQUALITY, X, LEVEL = range(8)
"""Columns of a walk's table: H_nn, 1 / sqrt(H_nn) or 0 where flat, interval, 1 / width or 0,
equality (0 for none), and the state: value and level. One coefficient is one cache line."""


def kept_walk(function: Any) -> Any:
    """Compile a walk and keep its machine code."""
    return kept(function, **INNER)


@numba.njit(**INNER)
def _draw(state):  # type: ignore[no-untyped-def]
    """Return 64 random bits (splitmix64) and advance the state."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(**INNER)
def _normal(bits):  # type: ignore[no-untyped-def]
    """Return a nearly normal number: the scaled sum of four uniform ones of 16 bits each."""
    mask = np.uint64(0xFFFF)
    total = (bits & mask) + ((bits >> np.uint64(16)) & mask)
    total += ((bits >> np.uint64(32)) & mask) + (bits >> np.uint64(48))
    return (np.float64(np.int64(total)) * (1.0 / 65536.0) - 2.0) * 1.7320508075688772


@numba.njit(**INNER)
def _below(bits, n):  # type: ignore[no-untyped-def]
    """Return a number in 0 … n-1 from the lowest 32 of the bits."""
    return np.int64(((bits & np.uint64(0xFFFFFFFF)) * np.uint64(n)) >> np.uint64(32))


@numba.njit(**INNER)
def nearest(share, values, uniform):  # type: ignore[no-untyped-def]
    """Return the level nearest to a share of the interval."""
    top = len(values) - 1
    if uniform:
        return np.int64(min(max(share, 0.0), 1.0) * top + 0.5)
    low, high = 0, top
    while high - low > 1:
        middle = (low + high) >> 1
        if values[middle] > share:
            high = middle
        else:
            low = middle
    return high if share - values[low] > values[high] - share else low


@numba.njit(**INNER)
def place(table, i, level, values):  # type: ignore[no-untyped-def]
    """Put a coefficient on a level and return the step that this is."""
    before = table[i, X]
    table[i, LEVEL] = level
    table[i, X] = table[i, LOWER] + table[i, SPAN] * values[level]
    return table[i, X] - before


@numba.njit(**INNER)
def put_all(hessian, linear, table, levels, values, fields):  # type: ignore[no-untyped-def]
    """Put all coefficients on their levels and set the fields to Hx + f; return the energy."""
    n = len(linear)
    fields[:] = 0.0
    for i in range(n):
        place(table, i, levels[i], values)
        add_row(fields, hessian, i, table[i, X])
    energy = 0.0
    for k in range(n):
        energy += table[k, X] * (0.5 * fields[k] + linear[k])
        fields[k] += linear[k]
    return energy


@numba.njit(**INNER)
def add_row(fields, hessian, i, step):  # type: ignore[no-untyped-def]
    """Update the fields after a step of coefficient i."""
    a = fields.dtype.type(step)
    for k in range(len(fields)):
        fields[k] += a * hessian[i, k]


@numba.njit(**INNER)
def _add_rows(fields, hessian, i, j, step, back):  # type: ignore[no-untyped-def]
    """Update the fields after steps of coefficients i and j."""
    a, b = fields.dtype.type(step), fields.dtype.type(back)
    for k in range(len(fields)):
        fields[k] += a * hessian[i, k] + b * hessian[j, k]


@numba.njit(**INNER)
def _single(i, noise, bits, table, field, values, uniform):  # type: ignore[no-untyped-def]
    """Return the proposed level of coefficient i and the change of energy.

    Drawn around the minimum of the energy along the coefficient with the width that it has at the
    temperature (heat bath), then snapped to the lattice; without curvature any other level.
    """
    level = np.int64(table[i, LEVEL])
    root = table[i, ROOT]
    if root > 0.0:
        target = table[i, X] - table[i, LOWER] + root * (noise - field * root)
        new = nearest(target * table[i, PER_SPAN], values, uniform)
    else:
        new = _below(bits, len(values) - 1)
        if new >= level:
            new += 1
    step = table[i, SPAN] * (values[new] - values[level])
    return new, step * (field + 0.5 * table[i, DIAGONAL] * step)


@numba.njit(**INNER)
def _pair(i, j, noise, coupling, table, fields, values, uniform):  # type: ignore[no-untyped-def]
    """Return proposed levels of i and j that keep the equality, and the change of energy.

    Heat bath along the direction of the equality, clipped to the box, both ends snapped.
    """
    ratio = table[i, EQUALITY] / table[j, EQUALITY]
    inverse = 1.0 / ratio
    a, b = table[i, DIAGONAL], table[j, DIAGONAL]
    curvature = a + ratio * (ratio * b - 2.0 * coupling)
    root = 1.0 / math.sqrt(max(curvature, FLAT * (abs(a) + ratio * ratio * abs(b)) + 1e-300))
    step = root * (noise + root * (ratio * fields[j] - fields[i]))
    above = table[j, X] - table[j, LOWER]
    one, other = above * inverse, (above - table[j, SPAN]) * inverse
    step = min(max(step, min(one, other)), max(one, other))
    target = (table[i, X] + step - table[i, LOWER]) * table[i, PER_SPAN]
    level = nearest(target, values, uniform)
    step = table[i, SPAN] * (values[level] - values[np.int64(table[i, LEVEL])])
    target = (above - ratio * step) * table[j, PER_SPAN]
    partner = nearest(target, values, uniform)
    back = table[j, SPAN] * (values[partner] - values[np.int64(table[j, LEVEL])])
    change = step * (fields[i] + 0.5 * a * step + coupling * back)
    return level, partner, change + back * (fields[j] + 0.5 * b * back)


@numba.njit(**INNER)
def _accept(change, beta, state):  # type: ignore[no-untyped-def]
    """Decide on a change of energy (Metropolis)."""
    if change <= 0.0:
        return True
    luck = np.float64(np.int64(_draw(state) >> np.uint64(40))) * (1.0 / 16777216.0)
    return luck < math.exp(-beta * change)


@numba.njit(**INNER)
def _sweep_single(hessian, table, values, uniform, beta, state, fields):  # type: ignore[no-untyped-def]
    """Propose a move of every coefficient, in order, at one inverse temperature."""
    width = 1.0 / math.sqrt(beta)
    for i in range(len(fields)):
        if table[i, SPAN] == 0.0:
            continue
        bits = _draw(state)
        new, change = _single(i, width * _normal(bits), bits, table, fields[i], values, uniform)
        if new != table[i, LEVEL] and _accept(change, beta, state):
            add_row(fields, hessian, i, place(table, i, new, values))


@numba.njit(**INNER)
def _sweep_pairs(hessian, table, values, uniform, beta, state, fields):  # type: ignore[no-untyped-def]
    """Propose a move of every coefficient with a random partner, at one inverse temperature."""
    n = len(fields)
    width = 1.0 / math.sqrt(beta)
    for i in range(n):
        j = _below(_draw(state), n)
        weight = table[i, PER_SPAN] * table[i, EQUALITY] * table[j, PER_SPAN] * table[j, EQUALITY]
        if j == i or weight == 0.0:
            continue
        noise = width * _normal(_draw(state))
        new, other, change = _pair(i, j, noise, hessian[i, j], table, fields, values, uniform)
        if new != table[i, LEVEL] and _accept(change, beta, state):
            step, back = place(table, i, new, values), place(table, j, other, values)
            _add_rows(fields, hessian, i, j, step, back)


@kept_walk
def anneal(  # type: ignore[no-untyped-def]
    hessian, linear, blank, values, uniform, betas, scales, seeds, levels, stop
) -> Any:
    """Anneal one replica per seed from a random start; overwrites ``levels``.

    Where there is an equality, every second sweep moves pairs that keep it.

    Parameters
    ----------
    hessian : ndarray of shape (n, n), float32
        H, free of subnormal numbers.
    linear : ndarray of shape (n,), float64
        f.
    blank : ndarray of shape (n, 8), float64
        Table of a walk, its state not yet set.
    values : ndarray of shape (n_levels,), float64
        The lattice.
    uniform : bool
        Whether its values are equally spaced.
    betas : ndarray of shape (n_sweeps,)
        Inverse temperatures.
    scales : ndarray of shape (n_replicas,)
        Factor on the inverse temperatures of each replica.
    seeds : ndarray of shape (n_replicas,), uint64
        One random stream each.
    levels : ndarray of shape (n_replicas, n), int32
        Filled with the final levels.
    stop : ndarray of shape (1,), uint8
        Set by another thread to give up.
    """
    n = len(linear)
    table = np.empty((n, 8))
    fields = np.empty(n, dtype=np.float32)
    state = np.empty(1, dtype=np.uint64)
    paired = np.any(blank[:, EQUALITY] != 0.0)
    for replica in range(len(seeds)):
        state[0] = seeds[replica]
        table[:] = blank
        for i in range(n):
            levels[replica, i] = _below(_draw(state), len(values))
        put_all(hessian, linear, table, levels[replica], values, fields)
        for number in range(len(betas)):
            if stop[0]:
                return
            beta = betas[number] * scales[replica]
            if paired and number % 2:
                _sweep_pairs(hessian, table, values, uniform, beta, state, fields)
            else:
                _sweep_single(hessian, table, values, uniform, beta, state, fields)
        for i in range(n):
            levels[replica, i] = table[i, LEVEL]


@kept_walk
def has_between(matrix, low, high):  # type: ignore[no-untyped-def]
    """Tell whether any entry's magnitude lies strictly between two values."""
    for row in matrix:
        for value in row:
            if low < abs(value) < high:
                return True
    return False
