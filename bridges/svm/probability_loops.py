"""The machine code behind :mod:`bridges.svm.probabilities`: a tile of samples on vector lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bridges.machine.compiled import compiled
from bridges.svm.fused_loops import TILE, exp2

SIGN, PAIRS, CLASSES, SCORES = 0, 1, 2, 3

LEAST = 1e-7
"""Smallest probability of a pair (LIBSVM's)."""

SMALLEST = 1e-12
"""Smallest probability of which a logarithm is taken."""

RIDGE = 1e-9
"""Added to the diagonal of the coupling, which probabilities that agree with each other leave
singular; their direction it leaves as it is, to about 1e-7."""

LOG2E = 1.4426950408889634
LOG2E32, LEAST32 = np.float32(LOG2E), np.float32(LEAST)
ONE32, HALF, SQUARE_ROOT = np.float32(1), np.float32(0.5), np.float32(1.4142135)
A1, A3, A5, A7, A9 = (np.float32(2 * LOG2E / k) for k in (1, 3, 5, 7, 9))
"""Coefficients of log2((1 + s) / (1 - s)) = 2 log2 e (s + s³/3 + …), |s| < .172."""


@intrinsic
def split_number(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    """Return exponent and mantissa in [1, 2) of a positive float32, both as float32."""
    pair = types.UniTuple(types.float32, 2)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        integer, number = ir.IntType(32), ir.FloatType()
        bits = builder.bitcast(args[0], integer)
        high = builder.lshr(bits, ir.Constant(integer, 23))
        shown = builder.bitcast(builder.or_(high, ir.Constant(integer, 0x4B000000)), number)
        exponent = builder.fsub(shown, ir.Constant(number, 8388608.0 + 127.0))
        low = builder.and_(bits, ir.Constant(integer, 0x007FFFFF))
        mantissa = builder.bitcast(builder.or_(low, ir.Constant(integer, 0x3F800000)), number)
        return context.make_tuple(builder, pair, (exponent, mantissa))

    return pair(types.float32), codegen


@compiled
def logarithm(x: Any) -> Any:
    """Return log2 x of a normal positive float32, to about 2e-7 where it is not large."""
    e, m = split_number(x)
    large = m > SQUARE_ROOT
    m = HALF * m if large else m
    e = e + ONE32 if large else e
    s = (m - ONE32) / (m + ONE32)
    t = s * s
    p = A9
    p = p * t + A7
    p = p * t + A5
    p = p * t + A3
    p = p * t + A1
    return e + s * p


@compiled
def link_tile(
    values: Any, slopes: Any, offsets: Any, low: Any, cells: Any, table: Any, r: Any
) -> None:
    """Set ``r`` to what each output's calibration makes of its value: a sigmoid, or a table.

    A table's cells are interpolated between its columns; ``cells`` are cells per unit.
    """
    for o in range(len(values)):
        if table.shape[1] == 0:
            sigmoid_row(values[o], np.float32(slopes[o]), np.float32(offsets[o]), r[o])
        else:
            table_row(values[o], low[o], cells[o], table[o], r[o])


@compiled
def sigmoid_row(values: Any, slope: Any, offset: Any, r: Any) -> None:
    """Set ``r`` to 1 / (1 + exp(-(slope · values + offset)))."""
    for p in range(TILE):
        z = slope * np.float32(values[p]) + offset
        size = -z if z > 0 else z
        e = exp2(size * LOG2E32)
        least = np.float64(max(e / (ONE32 + e), LEAST32))
        r[p] = 1.0 - least if z > 0 else least


@compiled
def table_row(values: Any, low: float, cells: float, table: Any, r: Any) -> None:
    """Set ``r`` to values of a table, interpolated within its cells."""
    last = len(table) - 1
    for p in range(TILE):
        place = min(max((values[p] - low) * cells, 0.0), last - 1e-9)
        cell = int(place)
        found = table[cell] + (place - cell) * (table[cell + 1] - table[cell])
        r[p] = min(max(found, LEAST), 1.0 - LEAST)


@compiled
def couple_tile(r: Any, n_classes: int, Q: Any, x: Any, total: Any) -> None:
    """Set ``x`` (n_classes, TILE) to the class probabilities of pair probabilities ``r``.

    They minimise Σ_ij (r_ji p_i - r_ij p_j)², that is solve Q p ∝ 1 with Q_ii = Σ_j r_ji² and
    Q_ij = -r_ji r_ij. Q has no positive entry beside its diagonal, so elimination needs no
    exchange of rows and p is not negative.
    """
    for i in range(n_classes):
        for p in range(TILE):
            Q[i, i, p] = RIDGE
            x[i, p] = 1.0
    pair = 0
    for i in range(n_classes):
        for j in range(i + 1, n_classes):
            q_i, q_j, q_ij = Q[i, i], Q[j, j], Q[j, i]
            for p in range(TILE):
                r_ij = r[pair, p]
                r_ji = 1.0 - r_ij
                q_i[p] += r_ji * r_ji
                q_j[p] += r_ij * r_ij
                q_ij[p] = -r_ij * r_ji
            pair += 1
    for i in range(n_classes):
        inverse, x_i = Q[i, i], x[i]
        for p in range(TILE):
            inverse[p] = 1.0 / inverse[p]
        for j in range(i + 1, n_classes):
            column, x_j = Q[j, i], x[j]
            for k in range(i + 1, j + 1):
                target, other = Q[j, k], Q[k, i]
                for p in range(TILE):
                    target[p] -= column[p] * inverse[p] * other[p]
            for p in range(TILE):
                x_j[p] -= column[p] * inverse[p] * x_i[p]
    for i in range(n_classes - 1, -1, -1):
        inverse, x_i = Q[i, i], x[i]
        for j in range(i + 1, n_classes):
            column, x_j = Q[j, i], x[j]
            for p in range(TILE):
                x_i[p] -= column[p] * x_j[p]
        for p in range(TILE):
            x_i[p] *= inverse[p]
    divide_tile(x, total)


@compiled
def divide_tile(x: Any, total: Any) -> None:
    """Divide every column of ``x`` by its sum; ``total`` (TILE,) is room for the sums."""
    for p in range(TILE):
        total[p] = x[0, p]
    for c in range(1, len(x)):
        x_c = x[c]
        for p in range(TILE):
            total[p] += x_c[p]
    for p in range(TILE):
        total[p] = 1.0 / total[p]
    for c in range(len(x)):
        x_c = x[c]
        for p in range(TILE):
            x_c[p] *= total[p]


@compiled
def mix_tile(x: Any, mixing: Any, shifts: Any, logs: Any, total: Any) -> None:
    """Set ``x`` to the softmax of mixing · ln x + shifts, column by column, to about 1e-6.

    ``logs`` (n_classes, TILE) is room to work in.
    """
    for c in range(len(x)):
        x_c, logs_c = x[c], logs[c]
        for p in range(TILE):
            logs_c[p] = logarithm(np.float32(max(x_c[p], SMALLEST)))
    for c in range(len(x)):
        x_c, shift = x[c], shifts[c] * LOG2E
        for p in range(TILE):
            x_c[p] = shift
        for d in range(len(x)):
            factor, logs_d = mixing[c, d], logs[d]
            for p in range(TILE):
                x_c[p] += factor * logs_d[p]
    softmax_tile(x, total)


@compiled
def softmax_tile(x: Any, total: Any) -> None:
    """Set ``x`` to 2**x divided by the sum of its column; ``total`` (TILE,) is room."""
    top = total
    for p in range(TILE):
        top[p] = x[0, p]
    for c in range(1, len(x)):
        x_c = x[c]
        for p in range(TILE):
            top[p] = max(top[p], x_c[p])
    for c in range(len(x)):
        x_c = x[c]
        for p in range(TILE):
            x_c[p] = exp2(np.float32(x_c[p] - top[p]))
    divide_tile(x, total)


@compiled
def probability_tile(
    values: Any,
    kind: int,
    slopes: Any,
    offsets: Any,
    low: Any,
    cells: Any,
    table: Any,
    mixing: Any,
    shifts: Any,
    r: Any,
    Q: Any,
    total: Any,
    x: Any,
) -> None:
    """Set ``x`` (n_classes, TILE) to the probabilities of raw outputs (n_outputs, TILE).

    ``r`` (n_outputs, TILE), ``Q`` (n_classes, n_classes, TILE) and ``total`` (TILE,) are room to
    work in; the others are those of :class:`bridges.svm.probabilities.Calibration`.
    """
    if kind == SCORES:
        for c in range(len(x)):
            for p in range(TILE):
                x[c, p] = (slopes[c] * values[c, p] + offsets[c]) * LOG2E
        softmax_tile(x, total)
        return
    link_tile(values, slopes, offsets, low, cells, table, r)
    if kind == SIGN:
        for p in range(TILE):
            x[0, p] = 1.0 - r[0, p]
            x[1, p] = r[0, p]
        return
    if kind == PAIRS:
        couple_tile(r, len(x), Q, x, total)
    else:
        for c in range(len(x)):
            for p in range(TILE):
                x[c, p] = r[c, p]
        divide_tile(x, total)
    mix_tile(x, mixing, shifts, Q[0], total)


@compiled
def probability_rows(
    values: Any,
    kind: int,
    slopes: Any,
    offsets: Any,
    low: Any,
    cells: Any,
    table: Any,
    mixing: Any,
    shifts: Any,
    out: Any,
) -> None:
    """Set ``out`` (n, n_classes) to the probabilities of raw outputs (n, n_outputs)."""
    k, n_outputs = out.shape[1], values.shape[1]
    tile, r = np.zeros((n_outputs, TILE)), np.empty((n_outputs, TILE))
    Q, x, total = np.empty((k, k, TILE)), np.empty((k, TILE)), np.empty(TILE)
    for first in range(0, len(values), TILE):
        n = min(TILE, len(values) - first)
        for p in range(n):
            for o in range(n_outputs):
                tile[o, p] = values[first + p, o]
        probability_tile(
            tile, kind, slopes, offsets, low, cells, table, mixing, shifts, r, Q, total, x
        )
        for p in range(n):
            for c in range(k):
                out[first + p, c] = x[c, p]
