r"""Pair steps of sequential minimal optimisation on a stored kernel block.

The pair of each step is chosen by second-order information (Fan, Chen, Lin, *JMLR* 6, 2005): i
has the smallest gradient that may grow, j the largest gain :math:`(f_j - f_i)^2 / (k_{ii} + k_{jj}
- 2 k_{ij})`. A minimum and its place are found together: both are packed into one integer whose
order is that of the values, and minima of integers run on vector lanes. The gradient is kept in the
type of the kernel values: for float32 twice as many fit on a lane, and its rounding does not last,
because the caller recomputes it from the coefficients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.machine.compiled import compiled
from bridges.machine.ordered import PLACES, larger, ordered, smaller

BLOCKED = 1e30
"""Added to the gradient of a coefficient that may not move."""

CURVATURE = 1e-12
"""Stands for a curvature that is not positive (LIBSVM's TAU)."""


@compiled
def move(f: Any, no_grow: Any, no_shrink: Any, row_i: Any, row_j: Any, t: Any) -> tuple[int, int]:
    """Add ``t * (row_i - row_j)`` to the gradient.

    Returns
    -------
    tuple of int
        Places of the smallest gradient that may grow and of the largest that may shrink.
    """
    blocked = f.dtype.type(BLOCKED)
    low, high = ordered(blocked, 0), ordered(-blocked, 0)
    for p in range(len(f)):
        value = f[p] + t * (row_i[p] - row_j[p])
        f[p] = value
        low = smaller(low, ordered(value + no_grow[p], p))
        high = larger(high, ordered(value - no_shrink[p], p))
    return low & (PLACES - 1), high & (PLACES - 1)


@compiled
def curvature(own: Any, others: Any, value: Any) -> Any:
    """Return ``own + others - 2 * value``, or what stands for it where it is not positive."""
    number = type(value)
    return max(own + others - number(2) * value, number(CURVATURE))


@compiled
def partner(f: Any, no_shrink: Any, row: Any, diagonal: Any, own: Any, low: Any) -> int:
    """Return the place of the largest gain with a coefficient of gradient ``low``."""
    zero = f.dtype.type(0)
    best = ordered(zero, 0)
    for p in range(len(f)):
        gap = max(f[p] - no_shrink[p] - low, zero)
        gain = gap * gap / curvature(own, diagonal[p], row[p])
        best = larger(best, ordered(gain, p))
    return best & (PLACES - 1)


@compiled
def pair_steps(
    K: Any, f: Any, beta: Any, lower: Any, upper: Any, tol: float, max_steps: int
) -> int:
    """Minimise the dual over a block, in place.

    Parameters
    ----------
    K : ndarray of shape (s, s), float32 or float64
        Kernel values; s is at most PLACES.
    f : ndarray of shape (s,), of the same type
        Gradient, up to a constant.
    beta, lower, upper : ndarray of shape (s,), float64
        Signed coefficients and their bounds.
    tol : float
        Largest violation left, up to the rounding of a tagged value (relative 2^-11 in float32).
    max_steps : int
        Pair steps after which to stop.

    Returns
    -------
    int
        Pair steps taken.
    """
    number = f.dtype.type
    free, blocked = number(0), number(BLOCKED)
    no_grow, no_shrink, diagonal = np.empty_like(f), np.empty_like(f), np.empty_like(f)
    for p in range(len(f)):
        no_grow[p] = free if beta[p] < upper[p] else blocked
        no_shrink[p] = free if beta[p] > lower[p] else blocked
        diagonal[p] = K[p, p]
    i, highest = move(f, no_grow, no_shrink, K[0], K[0], free)
    for step in range(max_steps):
        if not f[highest] - f[i] > tol:
            return step
        j = partner(f, no_shrink, K[i], diagonal, diagonal[i], f[i])
        room_i, room_j = upper[i] - beta[i], beta[j] - lower[j]
        # in double precision: two large diagonals less twice their kernel value cancel
        ends = np.float64(diagonal[i]) + np.float64(diagonal[j])
        bend = max(ends - 2.0 * np.float64(K[i, j]), CURVATURE)
        t = min(np.float64(f[j] - f[i]) / bend, room_i, room_j)
        if not t > 0.0:
            return step
        beta[i] = upper[i] if t == room_i else beta[i] + t
        beta[j] = lower[j] if t == room_j else beta[j] - t
        no_grow[i] = blocked if t == room_i else free
        no_shrink[j] = blocked if t == room_j else free
        no_shrink[i], no_grow[j] = free, free
        i, highest = move(f, no_grow, no_shrink, K[i], K[j], number(t))
    return max_steps
