"""Minima and their places on vector lanes: a value and a place packed into one integer.

A loop that keeps the smallest value and where it stood is not vectorised; one that keeps the
smallest of a row of integers is. The integers are ordered as the values are, down to the low bits
that hold the place. The machine code is written by hand (LLVM); its order is held by
tests/bridges/machine/test_ordered.py::test_integers_are_ordered_as_their_values.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PLACES = 4096
"""Places that fit beside a value: the low twelve bits of its mantissa."""

_WIDTH = {types.float32: 32, types.float64: 64}
_INTEGER = {types.float32: types.int32, types.float64: types.int64}


@intrinsic
def ordered(typingctx: Any, value: Any, place: Any) -> Any:  # noqa: ARG001
    """Return an integer ordered as ``value`` is, with ``place`` in its low bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        width = _WIDTH[signature.args[0]]
        integer = ir.IntType(width)
        bits = builder.bitcast(args[0], integer)
        sign = builder.ashr(bits, ir.Constant(integer, width - 1))
        bits = builder.xor(bits, builder.lshr(sign, ir.Constant(integer, 1)))
        number = builder.trunc(args[1], integer) if width < 64 else args[1]
        return builder.or_(builder.and_(bits, ir.Constant(integer, -PLACES)), number)

    return _INTEGER[value](value, types.int64), codegen


def _chosen(comparison: str) -> Any:
    def choice(typingctx: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
            return builder.select(builder.icmp_signed(comparison, *args), *args)

        return a(a, b), codegen

    return choice


smaller = intrinsic(_chosen("<"))
larger = intrinsic(_chosen(">"))
