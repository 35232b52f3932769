"""The machine code behind :mod:`bridges.accuracy.nearest`: a walk through a tree of boxes.

Points of a leaf and boxes of a node lie on vector lanes, so that all of them are held against a
query at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bridges.machine.compiled import compiled
from bridges.svm.vector_rows import FLAGS, Lanes, accumulated

LEAF = 64
"""Points of a leaf: eight vectors."""

FAN = 16
"""Children of a node: two vectors of boxes."""

DEEPEST = 16
"""Levels of a tree, which then has at most 64 · 16¹⁵ points."""

SLACK = 0.9999
"""A box is passed over only if it is clearly farther than the best point. Rounding then never hides
the nearest one, and the result does not depend on the path that was walked."""


def _whole(value: int) -> ir.Constant:
    return ir.Constant(ir.IntType(64), value)


def _are_arrays(*arrays: Any) -> bool:
    return all(a.layout == "C" and a.dtype == types.float32 for a in arrays)


@intrinsic
def leaf_distance(typingctx: Any, query: Any, leaves: Any, leaf: Any) -> Any:  # noqa: ARG001
    """Return the smallest squared distance of ``query`` (d,) to ``leaves[leaf]`` (d, LEAF)."""
    if not _are_arrays(query, leaves):
        return None
    return types.float32(query, leaves, types.int64), _leaf_distance


def _leaf_distance(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
    query, leaves = (
        context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 1)
    )
    lanes = Lanes(builder, types.float32)
    features = builder.extract_value(leaves.shape, 1)
    first = builder.mul(args[2], builder.mul(features, _whole(LEAF)))
    parts = LEAF // lanes.n

    def step(j: Any, sums: Sequence[Any]) -> Sequence[Any]:
        q = lanes.spread(query.data, j)
        base = builder.add(first, builder.mul(j, _whole(LEAF)))
        places = [builder.add(base, _whole(k * lanes.n)) for k in range(parts)]
        return [
            lanes.less_square(total, q, lanes.load(leaves.data, place))
            for total, place in zip(sums, places, strict=True)
        ]

    sums = list(accumulated(builder, features, [lanes.constant(0.0)] * parts, step))
    while len(sums) > 1:
        sums = [_larger(builder, a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
    best, n = sums[0], lanes.n
    while n > 1:  # fold the upper half of the lanes onto the lower one
        n //= 2
        order = [(k + n) % lanes.n for k in range(lanes.n)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes.n), order)
        best = _larger(builder, best, builder.shuffle_vector(best, best, mask))
    last = builder.extract_element(best, ir.Constant(ir.IntType(32), 0))
    return builder.fsub(ir.Constant(lanes.number, 0.0), last)


def _larger(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b, flags=FLAGS), a, b)


@intrinsic
def near_children(typingctx: Any, query: Any, boxes: Any, node: Any, best: Any) -> Any:  # noqa: ARG001
    """Return which boxes of a node may hold a point nearer than ``best``, as the bits of a number.

    ``boxes[node]`` (2, d, FAN) are smallest and largest coordinates, ``best`` a squared distance.
    """
    if not _are_arrays(query, boxes):
        return None
    return types.int64(query, boxes, types.int64, types.float32), _near_children


def _near_children(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
    query, boxes = (
        context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 1)
    )
    lanes = Lanes(builder, types.float32)
    features = builder.extract_value(boxes.shape, 2)
    size = builder.mul(features, _whole(FAN))
    low = builder.mul(args[2], builder.mul(size, _whole(2)))
    high = builder.add(low, size)
    zero, parts = lanes.constant(0.0), FAN // lanes.n

    def gap(q: Any, place: Any) -> Any:
        below = builder.fsub(lanes.load(boxes.data, builder.add(low, place)), q, flags=FLAGS)
        above = builder.fsub(q, lanes.load(boxes.data, builder.add(high, place)), flags=FLAGS)
        return _larger(builder, _larger(builder, below, above), zero)

    def step(j: Any, sums: Sequence[Any]) -> Sequence[Any]:
        q, base = lanes.spread(query.data, j), builder.mul(j, _whole(FAN))
        places = [builder.add(base, _whole(k * lanes.n)) for k in range(parts)]
        return [
            lanes.less_square(total, gap(q, place), zero)
            for total, place in zip(sums, places, strict=True)
        ]

    sums = accumulated(builder, features, [zero] * parts, step)
    cell = cgutils.alloca_once(builder, lanes.number)
    builder.store(args[3], cell)
    limit = builder.fneg(lanes.spread(cell, _whole(0)))
    found: Any = _whole(0)
    for k, total in enumerate(sums):
        scaled = builder.fmul(total, lanes.constant(SLACK), flags=FLAGS)
        near = builder.fcmp_ordered(">", scaled, limit, flags=FLAGS)
        bits = builder.zext(builder.bitcast(near, ir.IntType(lanes.n)), ir.IntType(64))
        found = builder.or_(found, builder.shl(bits, _whole(k * lanes.n)))
    return found


@intrinsic
def lowest_bit(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    """Return the place of the lowest bit that is set; ``bits`` is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@compiled
def search(  # type: ignore[no-untyped-def]
    rows,
    rotation,
    centre,
    leaves,
    boxes,
    starts,
    out,
):
    """Write the distance of every row to the nearest point of a tree.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float64
        Queries.
    rotation, centre : ndarray of shape (d, d) and (d,), float64
        Bring a query into the coordinates of the tree: (row − centre) @ rotation.
    leaves : ndarray of shape (n_leaves, d, LEAF), float32
        Points; spare lanes repeat one.
    boxes : ndarray of shape (n_nodes, 2, d, FAN), float32
        Smallest and largest coordinates below every child of every node, level by level from the
        root; a child that is not there is infinitely far.
    starts : ndarray of shape (n_levels + 1,), int64
        First node of every level, and the number of nodes.
    out : ndarray of shape (n,), float32
        The distances.
    """
    n, d = rows.shape
    n_levels = len(starts) - 1
    query = np.empty(d, np.float32)
    waiting = np.zeros(DEEPEST, np.int64)  # children yet to be visited, one number a level
    nodes = np.zeros(DEEPEST, np.int64)  # node of the level, counted within it
    nearest = 0
    for i in range(n):
        for j in range(d):
            total = 0.0
            for k in range(d):
                total += (rows[i, k] - centre[k]) * rotation[k, j]
            query[j] = total
        # Neighbouring pixels resemble each other: the last one's nearest leaf is a good start.
        first = nearest
        best = leaf_distance(query, leaves, first)
        level = 0
        waiting[0] = near_children(query, boxes, 0, best)
        while level >= 0:
            if waiting[level] == 0:
                level -= 1
                continue
            child = lowest_bit(waiting[level])
            waiting[level] &= waiting[level] - 1
            below = nodes[level] * FAN + child
            if level < n_levels - 1:
                level += 1
                nodes[level] = below
                waiting[level] = near_children(query, boxes, starts[level] + below, best)
            elif below != first:
                distance = leaf_distance(query, leaves, below)
                if distance < best:
                    best = distance
                    nearest = below
        out[i] = np.sqrt(best)


@compiled
def distance_sums(points, first, sums):  # type: ignore[no-untyped-def]
    """Write to ``sums[i]`` the sum of distances of ``points[first + i]`` to all points after it.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64
        Points.
    first : int
        Which point the first sum is for.
    sums : ndarray of shape (m,), float64
        The sums.
    """
    n, d = points.shape
    for i in range(len(sums)):
        total = 0.0
        for j in range(first + i + 1, n):
            square = 0.0
            for k in range(d):
                gap = points[first + i, k] - points[j, k]
                square += gap * gap
            total += np.sqrt(square)
        sums[i] = total
