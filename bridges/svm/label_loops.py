"""The machine code behind :mod:`bridges.svm.labels`: from kernel values to class indices in L1."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.machine.compiled import compiled
from bridges.svm.fused_loops import GROUP, TILE, expand_tile, load_tile

SIGN, VOTES, SCORES, LARGEST = 0, 1, 2, 3


@compiled
def count_tile(values: Any, n_classes: int, votes: Any, totals: Any) -> None:
    """Set votes and summed pair values (n_classes, TILE) of pair values (n_pairs, TILE)."""
    votes[:] = 0
    totals[:] = 0
    pair = 0
    for i in range(n_classes):
        for j in range(i + 1, n_classes):
            value, for_i, for_j = values[pair], votes[i], votes[j]
            total_i, total_j = totals[i], totals[j]
            for p in range(TILE):
                wins = 1.0 if value[p] > 0 else 0.0
                for_i[p] += wins
                for_j[p] += 1.0 - wins
                total_i[p] += value[p]
                total_j[p] -= value[p]
            pair += 1


@compiled
def largest_row(scores: Any, best: Any, place: Any) -> None:
    """Set ``place[p]`` to the first row of ``scores`` in which column p is largest."""
    for p in range(TILE):  # copies of whole arrays take seconds to compile
        best[p] = scores[0, p]
        place[p] = 0
    for c in range(1, len(scores)):
        score = scores[c]
        for p in range(TILE):
            higher = score[p] > best[p]
            best[p] = score[p] if higher else best[p]
            place[p] = c if higher else place[p]


@compiled
def choose_tile(
    values: Any, n_classes: int, rule: int, votes: Any, totals: Any, best: Any, place: Any
) -> None:
    """Set ``place`` (TILE,) to the classes that raw outputs (n_outputs, TILE) stand for.

    The same operations in the same order as :mod:`bridges.svm.multiclass`, so the same classes.
    """
    if rule == SIGN:
        for p in range(TILE):
            place[p] = 1 if values[0, p] > 0 else 0
        return
    if rule == LARGEST:
        largest_row(values, best, place)
        return
    count_tile(values, n_classes, votes, totals)
    if rule == SCORES:
        for c in range(n_classes):
            vote, total = votes[c], totals[c]
            for p in range(TILE):
                vote[p] += total[p] / (3 * (np.abs(total[p]) + 1))
    largest_row(votes, best, place)


@compiled
def label_rows(
    Z: Any,
    S: Any,
    starts: Any,
    outputs: Any,
    coef: Any,
    kind: int,
    degree: int,
    coef0: float,
    intercept: Any,
    n_classes: int,
    rule: int,
    labels: Any,
) -> None:
    """Set ``labels`` to the class index of every row of ``Z``.

    Parameters
    ----------
    Z : ndarray of shape (n, d), float32 or float64
        Prepared samples.
    S, starts, outputs, coef, kind, degree, coef0
        The expansion and its kernel, as :func:`bridges.svm.fused_loops.accumulate_rows` takes them.
    intercept : ndarray of shape (n_outputs,)
        Biases.
    n_classes : int
        Number of classes.
    rule : int
        SIGN (of the only output), VOTES of pairs, SCORES (votes, ties broken by the summed values
        of pairs) or LARGEST (output).
    labels : ndarray of shape (n,), uint16
        Written to.
    """
    tile, k = np.empty((Z.shape[1], TILE), Z.dtype), np.empty((GROUP, TILE), Z.dtype)
    n_outputs = len(intercept)
    part, values = np.empty((n_outputs, TILE), coef.dtype), np.empty((n_outputs, TILE))
    votes, totals = np.empty((n_classes, TILE)), np.empty((n_classes, TILE))
    best, place = np.empty(TILE), np.empty(TILE, np.int64)
    for first in range(0, len(Z), TILE):
        load_tile(Z, first, tile)
        expand_tile(tile, S, starts, outputs, coef, k, part, values, kind, degree, coef0)
        for o in range(n_outputs):
            for p in range(TILE):
                values[o, p] += intercept[o]
        choose_tile(values, n_classes, rule, votes, totals, best, place)
        for p in range(min(TILE, len(Z) - first)):
            labels[first + p] = place[p]
