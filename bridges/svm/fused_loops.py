"""The machine code behind :mod:`bridges.svm.fused`: kernel values of a tile of samples in L1.

Samples run along the vector lanes. A tile is always filled to its full width, so a sample's value
does not depend on its neighbours, on the size of the batch or on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from bridges.machine.compiled import compiled
from bridges.svm.vector_rows import EXP2_32, EXP2_64, rbf_rows

TILE = 128
"""Samples per tile: features, eight kernel rows and the accumulators of a tile stay in L1."""

GROUP = 8
"""Support vectors handled together, so that accumulators are loaded and stored once for eight."""

RBF, POLY, SIGMOID, LINEAR = 0, 1, 2, 3

FLUSH = 16
"""Groups whose sums are kept in the coefficients' type before they are added in float64."""

_WIDTH = {types.float32: 32, types.float64: 64}
_MAGIC32, _MAGIC64 = np.float32(12582912.0), np.float64(6755399441055744.0)
_LOW32, _LOW64 = np.float32(-126.0), np.float64(-1022.0)
_P32, _P64 = tuple(np.float32(c) for c in EXP2_32), EXP2_64


@intrinsic
def _shift_exponent(typingctx: Any, value: Any, power: Any) -> Any:  # noqa: ARG001
    """Multiply ``value`` by 2**n, n being the integer in the low bits of ``power``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        width = _WIDTH[signature.return_type]
        integer, mantissa = ir.IntType(width), {32: 23, 64: 52}[width]
        shifted = builder.shl(builder.bitcast(args[1], integer), ir.Constant(integer, mantissa))
        total = builder.add(builder.bitcast(args[0], integer), shifted)
        return builder.bitcast(total, args[0].type)

    return value(value, power), codegen


def exp2(x: Any) -> Any:
    """Return 2**x for x <= 0 by a polynomial on [-½, ½] and a shift of the exponent."""
    raise NotImplementedError


@overload(exp2, inline="always")
def _exp2(x: Any) -> Any:
    single = x == types.float32
    if single:

        def exp2_single(x: Any) -> Any:
            x = max(x, _LOW32)
            power = x + _MAGIC32
            f = x - (power - _MAGIC32)
            p = _P32[0]
            p = p * f + _P32[1]
            p = p * f + _P32[2]
            p = p * f + _P32[3]
            p = p * f + _P32[4]
            p = p * f + _P32[5]
            p = p * f + _P32[6]
            return _shift_exponent(p, power)

        return exp2_single

    def exp2_double(x: Any) -> Any:
        x = max(x, _LOW64)
        power = x + _MAGIC64
        f = x - (power - _MAGIC64)
        p = _P64[0]
        p = p * f + _P64[1]
        p = p * f + _P64[2]
        p = p * f + _P64[3]
        p = p * f + _P64[4]
        p = p * f + _P64[5]
        p = p * f + _P64[6]
        p = p * f + _P64[7]
        p = p * f + _P64[8]
        p = p * f + _P64[9]
        p = p * f + _P64[10]
        p = p * f + _P64[11]
        return _shift_exponent(p, power)

    return exp2_double


@compiled
def load_tile(Z: Any, first: int, tile: Any) -> None:
    """Copy TILE rows of ``Z`` from ``first`` on into the columns of ``tile``, zeros beyond."""
    n = min(TILE, len(Z) - first)
    for p in range(n):
        for j in range(Z.shape[1]):
            tile[j, p] = Z[first + p, j]
    tile[:, n:] = 0


@compiled
def add_eight(tile: Any, s: Any, j: int, k: Any) -> None:
    """Add the squared differences of features j … j + 7 to ``k``."""
    s0, s1, s2, s3 = s[j], s[j + 1], s[j + 2], s[j + 3]
    s4, s5, s6, s7 = s[j + 4], s[j + 5], s[j + 6], s[j + 7]
    for p in range(TILE):
        a, b, c, d = tile[j, p] - s0, tile[j + 1, p] - s1, tile[j + 2, p] - s2, tile[j + 3, p] - s3
        e, f, g = tile[j + 4, p] - s4, tile[j + 5, p] - s5, tile[j + 6, p] - s6
        h = tile[j + 7, p] - s7
        k[p] = k[p] + a * a + b * b + c * c + d * d + e * e + f * f + g * g + h * h


@compiled
def squares_row(tile: Any, s: Any, k: Any) -> None:
    """Set ``k[p] = |tile[:, p] - s|²``."""
    k[:] = 0
    whole = len(tile) // 8 * 8
    for j in range(0, whole, 8):
        add_eight(tile, s, j, k)
    for j in range(whole, len(tile)):
        for p in range(TILE):
            k[p] += (tile[j, p] - s[j]) ** 2


@compiled
def dot_row(tile: Any, s: Any, k: Any, kind: int, degree: int, coef0: float) -> None:
    """Set ``k[p]`` to a kernel of ``t = tile[:, p] · s + coef0``: t, t**degree or tanh(t)."""
    k[:] = coef0
    for j in range(0, len(tile), 4):
        s0, s1, s2, s3 = s[j], s[j + 1], s[j + 2], s[j + 3]
        for p in range(TILE):
            k[p] += (tile[j, p] * s0 + tile[j + 1, p] * s1) + (
                tile[j + 2, p] * s2 + tile[j + 3, p] * s3
            )
    if kind == SIGMOID:
        for p in range(TILE):
            k[p] = np.tanh(k[p])
    elif kind == POLY:
        for p in range(TILE):
            power = k[p]
            for _ in range(1, degree):
                power *= k[p]
            k[p] = power if degree > 0 else 1.0


@compiled
def kernel_rows(
    tile: Any,
    S: Any,
    first: Any,
    count: int,
    out: Any,
    column: Any,
    kind: int,
    degree: int,
    coef0: float,
) -> None:
    """Write the kernel values of ``count`` rows of ``S`` from ``first`` on and a tile.

    Those of ``S[first + i]`` go to ``out[i, column : column + TILE]``. Callers pass no literals:
    each would be compiled for.
    """
    if kind == RBF:
        rbf_rows(tile, S, first, count, out, column)
        return
    for i in range(count):
        dot_row(tile, S[first + i], out[i, column : column + TILE], kind, degree, coef0)


@compiled
def add_group(k: Any, c: Any, total: Any) -> None:
    """Add the kernel rows of a group, each times its coefficient, to ``total``."""
    c0, c1, c2, c3 = c[0], c[1], c[2], c[3]
    c4, c5, c6, c7 = c[4], c[5], c[6], c[7]
    for p in range(TILE):
        t = total[p] + c0 * k[0, p] + c1 * k[1, p] + c2 * k[2, p] + c3 * k[3, p]
        total[p] = t + c4 * k[4, p] + c5 * k[5, p] + c6 * k[6, p] + c7 * k[7, p]


@compiled
def expand_tile(
    tile: Any,
    S: Any,
    starts: Any,
    outputs: Any,
    coef: Any,
    k: Any,
    part: Any,
    sums: Any,
    kind: int,
    degree: int,
    coef0: float,
) -> None:
    """Set ``sums`` (n_outputs, TILE) to the packed expansion without its biases.

    ``k`` (GROUP, TILE) and ``part`` (n_outputs, TILE, in the coefficients' type) are room to work
    in; the other arrays are those of :func:`accumulate_rows`.
    """
    zero, n_groups = np.int64(0), len(starts) - 1
    sums[:] = 0
    part[:] = 0
    for g in range(n_groups):
        kernel_rows(tile, S, g * GROUP, len(k), k, zero, kind, degree, coef0)
        for e in range(starts[g], starts[g + 1]):
            add_group(k, coef[e], part[outputs[e]])
        if (g + 1) % FLUSH == 0 or g + 1 == n_groups:
            for o in range(len(part)):
                total, added = sums[o], part[o]
                for p in range(TILE):
                    total[p] += added[p]
                    added[p] = 0


@compiled
def accumulate_rows(
    Z: Any,
    S: Any,
    starts: Any,
    outputs: Any,
    coef: Any,
    out: Any,
    kind: int,
    degree: int,
    coef0: float,
) -> None:
    """Add the kernel expansion of the packed support vectors to ``out``, for all rows of ``Z``.

    Parameters
    ----------
    Z : ndarray of shape (n, d), float32 or float64
        Prepared samples.
    S : ndarray of shape (n_groups * GROUP, d)
        Prepared support vectors.
    starts : ndarray of shape (n_groups + 1,)
        Entries of group g are ``starts[g]`` … ``starts[g + 1]``.
    outputs : ndarray of shape (n_entries,)
        The output that each entry adds to.
    coef : ndarray of shape (n_entries, GROUP), float32 or float64
        Coefficients of the group's support vectors for that output. Products of a few groups are
        summed in their type, the rest in float64.
    out : ndarray of shape (n, n_outputs), float64
        Accumulated in place.
    kind, degree, coef0
        The kernel: RBF, POLY, SIGMOID or LINEAR, and its numbers.
    """
    tile, k = np.empty((Z.shape[1], TILE), Z.dtype), np.empty((GROUP, TILE), Z.dtype)
    part, sums = np.empty((out.shape[1], TILE), coef.dtype), np.empty((out.shape[1], TILE))
    for first in range(0, len(Z), TILE):
        load_tile(Z, first, tile)
        expand_tile(tile, S, starts, outputs, coef, k, part, sums, kind, degree, coef0)
        for p in range(min(TILE, len(Z) - first)):
            for o in range(out.shape[1]):
                out[first + p, o] += sums[o, p]


@compiled
def fill_matrix(Z: Any, S: Any, matrix: Any, kind: int, degree: int, coef0: float) -> None:
    """Set ``matrix[i, p] = k(S[i], Z[p])``, the same bits as :func:`accumulate_rows` uses."""
    tile = np.empty((Z.shape[1], TILE), Z.dtype)
    k, zero = np.empty((1, TILE), Z.dtype), np.int64(0)
    whole = len(Z) // TILE * TILE
    for first in range(0, whole, TILE):
        load_tile(Z, first, tile)
        kernel_rows(tile, S, zero, len(S), matrix, first, kind, degree, coef0)
    if whole < len(Z):
        load_tile(Z, whole, tile)
        for i in range(len(S)):
            kernel_rows(tile, S, i, len(k), k, zero, kind, degree, coef0)
            for p in range(len(Z) - whole):
                matrix[i, whole + p] = k[0, p]


@compiled
def rbf_from_squares(squares: Any, scale: float, out: Any) -> None:
    """Set ``out = 2**(-scale * squares)``, element by element; both are contiguous matrices."""
    for i in range(len(squares)):
        source, target = squares[i], out[i]
        factor = source.dtype.type(-scale)
        for j in range(len(source)):
            target[j] = exp2(factor * source[j])


@compiled
def squares_between(Z: Any, S: Any, out: Any) -> None:
    """Set ``out[i, p] = |S[i] - Z[p]|²`` for prepared samples."""
    tile = np.empty((Z.shape[1], TILE), Z.dtype)
    k = np.empty(TILE, Z.dtype)
    for first in range(0, len(Z), TILE):
        load_tile(Z, first, tile)
        n = min(TILE, len(Z) - first)
        for i in range(len(S)):
            squares_row(tile, S[i], k)
            for p in range(n):
                out[i, first + p] = k[p]
