"""Compiled depth-first search below one box of levels, with a budget of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.machine.compiled import kept
from qsvm.samplers.proof.nodes import choose, evaluate, settle, tighten, widest
from qsvm.samplers.proof.pivots import ARRIVED, INNER, drive, inner
from qsvm.samplers.proof.state import (
    ABOVE,
    AT,
    BEGIN,
    BETTER,
    BOXES,
    BRANCH,
    COUNT,
    HIGH,
    LEVEL,
    LOW,
    NODES,
    PLACE,
    X,
)

LOOSE = 1e-3
"""Share of the room below the cut by which a node's point may be above its bound before the node is
solved anew."""


@inner
def _push(state, stack, depth, bound, i, level, above):  # type: ignore[no-untyped-def]
    """Keep a node whose child above or below a level waits; tell whether there was room."""
    k = state.free[0]
    if depth >= len(stack.bounds):
        return False
    head = stack.heads[depth]
    head[BEGIN] = 0
    if depth > 0:
        head[BEGIN] = stack.heads[depth - 1, BEGIN] + stack.heads[depth - 1, COUNT] ** 2
    if head[BEGIN] + k * k > len(stack.inverses):
        return False
    head[COUNT], head[BRANCH], head[AT], head[ABOVE] = k, i, level, above
    stack.bounds[depth] = bound
    for row in range(5):
        for j in range(state.whole.shape[1]):
            stack.whole[depth, row, j] = state.whole[row, j]
            if row < 2:
                stack.reals[depth, row, j] = state.reals[row, j]
    for a in range(k):
        for b in range(k):
            stack.inverses[head[BEGIN] + a * k + b] = state.inverse[a, b]
    return True


@inner
def _pop(state, stack, depth):  # type: ignore[no-untyped-def]
    """Go back to a node that was kept."""
    k, begin = stack.heads[depth, COUNT], stack.heads[depth, BEGIN]
    state.free[0] = k
    for row in range(5):
        for j in range(state.whole.shape[1]):
            state.whole[row, j] = stack.whole[depth, row, j]
            if row < 2:
                state.reals[row, j] = stack.reals[depth, row, j]
    for a in range(k):
        for b in range(k):
            state.inverse[a, b] = stack.inverses[begin + a * k + b]


@inner
def _note(left, whole, bound):  # type: ignore[no-untyped-def]
    """Note a box that was not searched; return where."""
    row = left.counts[BOXES]
    for j in range(whole.shape[1]):
        left.boxes[row, 0, j] = whole[LOW, j]
        left.boxes[row, 1, j] = whole[HIGH, j]
        left.boxes[row, 2, j] = whole[LEVEL, j]
    left.bounds[row] = bound
    left.counts[BOXES] = row + 1
    return row


@inner
def _note_all(state, stack, depth, left, bound):  # type: ignore[no-untyped-def]
    """Note the present box and every waiting child."""
    _note(left, state.whole, bound)
    for d in range(depth):
        row = _note(left, stack.whole[d], stack.bounds[d])
        i, level = stack.heads[d, BRANCH], stack.heads[d, AT]
        if stack.heads[d, ABOVE]:
            left.boxes[row, 0, i] = level + 1
        else:
            left.boxes[row, 1, i] = level


@inner
def _solve(model, state, margin, cut, solved):  # type: ignore[no-untyped-def]
    """Return bound and value of a box, its levels cut, from a point that may solve it already."""
    attempts = 0
    while True:
        bound, value = evaluate(model, state, margin)
        attempts += 1
        if bound >= cut or attempts == 3:
            return bound, value
        near = value - bound <= LOOSE * (cut - bound) + 2.0 * margin
        if solved and near and not tighten(model, state, cut - bound):
            return bound, value
        settle(model, state)
        solved = True


@inner
def _split(model, state, left, bound, value, best, slack):  # type: ignore[no-untyped-def]
    """Return coefficient, level and near side to branch on, and the best energy.

    Where all coefficients are on levels, the point is on the lattice and its value its energy; the
    box is done with (-1) if that is also its bound, and halved if rounding lies between them.
    """
    i = choose(model, state, best - slack - bound)
    if i >= 0:
        level = state.whole[LEVEL, i]
        middle = 0.5 * (model.levels[i, level] + model.levels[i, level + 1])
        return i, level, 1 if state.reals[X, i] > middle else 0, best
    if value < best:
        best = value
        left.counts[BETTER] += 1
        for j in range(state.whole.shape[1]):
            left.best[j] = state.whole[LEVEL, j]
    i = widest(state) if bound < best - slack else -1
    return i, min(state.whole[LEVEL, i], state.whole[HIGH, i] - 1), 0, best


def kept_search(function: Any) -> Any:
    """Compile the search and keep its machine code."""
    return kept(function, **INNER)


@kept_search
def grow(model, state, stack, left, known, slack, margin, budget, stop):  # type: ignore[no-untyped-def]
    """Search the box of a state depth first.

    Parameters
    ----------
    model, state, stack, left
        The relaxation, a state whose box and x are set, and room.
    known : float
        Energy of the best lattice point known.
    slack : float
        A box whose bound reaches the best energy less this is closed.
    margin : float
        Rounding that a bound may carry.
    budget : int
        Nodes to visit at most.
    stop : ndarray of shape (1,), uint8
        Set by another thread to give up.

    Returns
    -------
    float
        Energy of the best lattice point known now.
    """
    best, depth, solved, inherited = known, 0, False, -np.inf
    while True:
        left.counts[NODES] += 1
        bound, value = _solve(model, state, margin, best - slack, solved)
        bound = max(bound, inherited)
        i, level, above = -1, 0, 0
        if bound < best - slack:
            full = left.counts[BOXES] + depth + 2 > len(left.bounds)
            if stop[0] or left.counts[NODES] >= budget or full:
                _note_all(state, stack, depth, left, bound)
                return best
            i, level, above, best = _split(model, state, left, bound, value, best, slack)
        if i >= 0 and _push(state, stack, depth, bound, i, level, 1 - above):
            depth += 1
        else:
            if i >= 0:
                _note(left, state.whole, bound)
            if depth == 0:
                return best
            depth -= 1
            _pop(state, stack, depth)
            head = stack.heads[depth]
            bound, i, level, above = stack.bounds[depth], head[BRANCH], head[AT], head[ABOVE]
        inherited = bound
        state.whole[LOW if above else HIGH, i] = level + above
        solved = False
        if state.whole[PLACE, i] >= 0:
            cut = best - slack
            solved = drive(model, state, i, level + above, bound, cut, False) == ARRIVED
