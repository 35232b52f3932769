"""Rows of an rbf kernel on explicit vectors: two support vectors and two vectors of samples.

Left to itself the compiler takes one support vector at a time, or spills what does not fit into
its registers; blocks of two by two load everything half as often and have four independent chains
of operations in flight, which takes half the time. The order of the operations on a value is fixed
here, so a value has the same bits wherever it is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BITS = 256
"""Of a vector; machines with shorter ones take two."""

FLAGS = ("contract", "nnan", "ninf", "nsz")
"""As in :mod:`bridges.machine.compiled`: multiply and add may be one operation, sums keep order."""

EXP2_32 = (
    0.00015453162944906746,
    0.0013390863364762663,
    0.009618082557280938,
    0.05550357114218935,
    0.2402265076056809,
    0.693147188026229,
    1.0,
)
EXP2_64 = (
    4.2814206764268254e-10,
    7.0643441161042595e-09,
    1.017896131525161e-07,
    1.321548076208568e-06,
    1.525273211119736e-05,
    0.00015403530379726885,
    0.001333355814795119,
    0.009618129107652097,
    0.05550410866481562,
    0.24022650695909964,
    0.6931471805599452,
    1.0,
)
"""Coefficients of polynomials that are 2**f on [-½, ½] to the last bits, highest power first."""


class Lanes:
    """Vectors of one type of numbers, and the few operations on them.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    scalar : numba type
        float32 or float64.
    """

    def __init__(self, builder: ir.IRBuilder, scalar: Any) -> None:
        single = scalar == types.float32
        width = 32 if single else 64
        self.builder = builder
        self.n = BITS // width
        self.number = ir.FloatType() if single else ir.DoubleType()
        self.vector = ir.VectorType(self.number, self.n)
        self.integers = ir.VectorType(ir.IntType(width), self.n)
        self.mantissa = 23 if single else 52
        self.lowest = -126.0 if single else -1022.0
        # added to a number, it leaves the nearest integer in the low bits
        self.magic = 1.5 * 2.0**self.mantissa
        self.coefficients = EXP2_32 if single else EXP2_64
        self.rounded = np.float32 if single else np.float64

    def constant(self, value: float) -> ir.Constant:
        """Return a vector of equal numbers."""
        rounded = float(self.rounded(value))
        return ir.Constant(self.vector, [ir.Constant(self.number, rounded)] * self.n)

    def load(self, base: Any, place: Any) -> Any:
        """Return the numbers from a place on."""
        address = self.builder.gep(base, [place])
        return self.builder.load(
            self.builder.bitcast(address, self.vector.as_pointer()), align=self.number_bytes
        )

    def store(self, value: Any, base: Any, place: Any) -> None:
        """Write the numbers from a place on."""
        address = self.builder.gep(base, [place])
        self.builder.store(
            value,
            self.builder.bitcast(address, self.vector.as_pointer()),
            align=self.number_bytes,
        )

    @property
    def number_bytes(self) -> int:
        """Bytes of a number: what an address can be relied on to be a multiple of."""
        return BITS // 8 // self.n

    def spread(self, base: Any, place: Any) -> Any:
        """Return the number at a place in all lanes."""
        b = self.builder
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = b.insert_element(
            undefined, b.load(b.gep(base, [place])), ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.n), [0] * self.n)
        return b.shuffle_vector(one, undefined, zeros)

    def less_square(self, total: Any, a: Any, b: Any) -> Any:
        """Return total - (a - b)²."""
        t = self.builder.fsub(a, b, flags=FLAGS)
        return self.builder.fsub(total, self.builder.fmul(t, t, flags=FLAGS), flags=FLAGS)

    def exp2(self, x: Any) -> Any:
        """Return 2**x for x <= 0 by a polynomial on [-½, ½] and a shift of the exponent."""
        b, lowest, magic = self.builder, self.constant(self.lowest), self.constant(self.magic)
        x = b.select(b.fcmp_ordered(">", x, lowest, flags=FLAGS), x, lowest)
        power = b.fadd(x, magic)
        f = b.fsub(x, b.fsub(power, magic))
        value = self.constant(self.coefficients[0])
        for c in self.coefficients[1:]:
            value = b.fadd(b.fmul(value, f, flags=FLAGS), self.constant(c), flags=FLAGS)
        places = ir.Constant(self.integers, [self.mantissa] * self.n)
        shift = b.shl(b.bitcast(power, self.integers), places)
        return b.bitcast(b.add(b.bitcast(value, self.integers), shift), self.vector)


def accumulated(
    builder: ir.IRBuilder,
    count: Any,
    start: Sequence[Any],
    step: Callable[[Any, Sequence[Any]], Sequence[Any]],
) -> Sequence[Any]:
    """Return what ``step(j, values) -> values`` makes of ``start`` for j < count, count > 0.

    The values stay in registers, which they would not as variables of a loop on the stack.
    """
    before = builder.block
    body = builder.append_basic_block("terms")
    after = builder.append_basic_block("sum")
    builder.branch(body)
    builder.position_at_end(body)
    j = builder.phi(ir.IntType(64))
    j.add_incoming(ir.Constant(ir.IntType(64), 0), before)
    held = [builder.phi(value.type) for value in start]
    for phi, value in zip(held, start, strict=True):
        phi.add_incoming(value, before)
    values = step(j, held)
    following = builder.add(j, ir.Constant(ir.IntType(64), 1))
    j.add_incoming(following, body)
    for phi, value in zip(held, values, strict=True):
        phi.add_incoming(value, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, after)
    builder.position_at_end(after)
    return values


@intrinsic
def rbf_rows(
    typingctx: Any,  # noqa: ARG001
    tile: Any,
    S: Any,
    first: Any,  # noqa: ARG001
    count: Any,  # noqa: ARG001
    out: Any,
    column: Any,  # noqa: ARG001
) -> Any:
    """Set ``out[i, column + p] = 2**(-|tile[:, p] - S[first + i]|²)`` for i < count and every p.

    Parameters
    ----------
    tile : array of shape (d, TILE), d > 0
        Samples in columns; TILE is a multiple of 16.
    S : array of shape (m, d)
        Support vectors.
    first, count : int64
        Which of them.
    out : array of shape (≥ count, ≥ column + TILE)
        Written to. All arrays are contiguous in C's order and of one type.
    column : int64
        Its first column.
    """
    if not all(a.ndim == 2 and a.layout == "C" and a.dtype == tile.dtype for a in (tile, S, out)):
        return None
    long = types.int64
    return types.void(tile, S, long, long, out, long), _rbf_rows


def _rbf_rows(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
    """Write the instructions of :func:`rbf_rows`."""

    def array(i: int) -> Any:
        return context.make_array(signature.args[i])(context, builder, args[i])

    tile, S, out = array(0), array(1), array(4)
    first, count, column = args[2], args[3], args[5]
    lanes = Lanes(builder, signature.args[0].dtype)
    features, n = (builder.extract_value(tile.shape, axis) for axis in (0, 1))
    width, length = (builder.extract_value(array.shape, 1) for array in (S, out))

    def whole(value: int) -> ir.Constant:
        return ir.Constant(ir.IntType(64), value)

    zero = lanes.constant(0.0)
    with cgutils.for_range_slice(builder, whole(0), count, whole(2), inc=True) as (i, _):
        # an odd last row is computed twice: once more is cheaper than another loop
        second = builder.add(i, whole(1))
        last = builder.sub(count, whole(1))
        second = builder.select(builder.icmp_signed("<", second, count), second, last)
        vectors = [builder.mul(builder.add(first, row), width) for row in (i, second)]
        targets = [builder.add(builder.mul(row, length), column) for row in (i, second)]
        steps = whole(2 * lanes.n)
        with cgutils.for_range_slice(builder, whole(0), n, steps, inc=True) as (p, _):
            halves = [p, builder.add(p, whole(lanes.n))]

            def step(j: Any, sums: Sequence[Any]) -> Sequence[Any]:
                base = builder.mul(j, n)
                x = [lanes.load(tile.data, builder.add(base, half)) for half in halves]
                s = [lanes.spread(S.data, builder.add(vector, j)) for vector in vectors]
                return [
                    lanes.less_square(total, x[k % 2], s[k // 2]) for k, total in enumerate(sums)
                ]

            sums = accumulated(builder, features, [zero] * 4, step)
            for k, total in enumerate([lanes.exp2(total) for total in sums]):
                place = builder.add(targets[k // 2], halves[k % 2])
                lanes.store(total, out.data, place)
    return context.get_dummy_value()
