"""Prices of columns: the multiplier of the equality that certifies the smallest gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from bridges.machine.compiled import kept

F = TypeVar("F", bound=Callable[..., Any])

MATHS = {"contract", "reassoc", "nsz"}
"""Sums may run on vector lanes: always the same ones on a machine."""

BRACKET, NARROW = 200, 100
"""Most doublings and most cuts in the search of the multiplier."""


def summing(function: F) -> F:
    """Compile a function whose sums may be reordered; see :func:`bridges.machine.compiled.kept`."""
    return kept(function, nogil=True, fastmath=MATHS, error_model="numpy")


@summing
def tangent(gradient, sides, groups, multiplier, best):  # type: ignore[no-untyped-def]
    """Find the lowest ``gradient - multiplier * sides`` of every group.

    Returns
    -------
    total, slope : float
        Sum over the groups of these values, and of ``sides`` there; ``best`` gets the places.
    """
    best[:] = -1
    for i in range(len(gradient)):
        h = groups[i]
        j = best[h]
        if j < 0 or gradient[i] - multiplier * sides[i] < gradient[j] - multiplier * sides[j]:
            best[h] = i
    total = 0.0
    slope = 0.0
    for h in range(len(best)):
        total += gradient[best[h]] - multiplier * sides[best[h]]
        slope += sides[best[h]]
    return total, slope


@summing
def price(gradient, sides, groups, weights, multiplier, width, low, high):  # type: ignore[no-untyped-def]
    """Return the multiplier of the equality with the smallest certified gap, and that gap.

    The gap ``w·g - Σ_groups min(g - νa)`` is convex and piecewise linear in ν: bracket its minimum,
    then cut where the two outer lines meet. ``low`` and ``high`` get the lowest column of every
    group on both sides of it, between which the equality can be kept.
    """
    now = 0.0
    for i in range(len(gradient)):
        now += weights[i] * gradient[i]
    total, slope = tangent(gradient, sides, groups, multiplier, low)
    high[:] = low
    if width == 0.0 or slope == 0.0:
        return multiplier, now - total
    x0, f0, d0 = multiplier, now - total, slope
    x1, f1, d1 = x0, f0, d0
    for _ in range(BRACKET):
        if slope < 0:
            x1 = x0 + width
            total, d1 = tangent(gradient, sides, groups, x1, high)
            f1 = now - total
            if d1 >= 0:
                break
            x0, f0, d0 = x1, f1, d1
            low[:] = high
        else:
            x0 = x1 - width
            total, d0 = tangent(gradient, sides, groups, x0, low)
            f0 = now - total
            if d0 <= 0:
                break
            x1, f1, d1 = x0, f0, d0
            high[:] = low
        width *= 2
    middle = np.empty_like(low)
    for _ in range(NARROW):
        if d0 == 0.0 or d1 == 0.0 or d0 == d1:
            break
        x = min(max((f1 - f0 + d0 * x0 - d1 * x1) / (d0 - d1), x0), x1)
        total, d = tangent(gradient, sides, groups, x, middle)
        f = now - total
        met = f <= f0 + d0 * (x - x0) + 1e-13 * (abs(f) + abs(now))
        if d < 0:
            x0, f0, d0 = x, f, d
            low[:] = middle
        else:
            x1, f1, d1 = x, f, d
            high[:] = middle
        if met:
            return x, f
    return (x0, f0) if f0 <= f1 else (x1, f1)
