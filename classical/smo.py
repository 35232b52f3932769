r"""The inner solver: sequential minimal optimisation on a stored kernel block, nested.

In signed coefficients :math:`\beta_n = \alpha_n y_n` the dual of a C-SVC reads

.. math:: \min_\beta \tfrac12 \beta^T K \beta - y^T \beta, \qquad
          \sum_n \beta_n = 0, \quad l_n \le \beta_n \le u_n

with gradient :math:`f = K\beta - y`. A coefficient may grow where β < u and shrink where β > l; the
largest violation of the optimality conditions is the largest f that may shrink minus the smallest f
that may grow. Pairs are chosen by second-order information (Fan, Chen, Lin, *JMLR* 6, 2005) within
a small set of the worst violators whose kernel block lies in L1; the gradient of the block is
brought up to date after each small set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.compiled import compiled

SMALL = 64
"""Coefficients in a small set: its kernel block (float64) fills half of L1."""

CURVATURE = 1e-12
"""Stands for a curvature that is not positive (LIBSVM's TAU)."""


@compiled
def violation(f: Any, beta: Any, lower: Any, upper: Any) -> tuple[float, float]:
    """Return (largest f that may shrink, smallest f that may grow); ∓inf where there is none."""
    high, low = -np.inf, np.inf
    for i in range(len(f)):
        if beta[i] > lower[i] and f[i] > high:
            high = f[i]
        if beta[i] < upper[i] and f[i] < low:
            low = f[i]
    return high, low


@compiled
def insert(keys: Any, places: Any, count: int, key: float, place: int) -> int:
    """Insert into a sorted list of the len(keys) smallest keys; return its length."""
    size = len(keys)
    if count == size and key >= keys[size - 1]:
        return count
    at = count if count < size else size - 1
    while at > 0 and keys[at - 1] > key:
        keys[at], places[at] = keys[at - 1], places[at - 1]
        at -= 1
    keys[at], places[at] = key, place
    return min(count + 1, size)


@compiled
def choose_small(f: Any, beta: Any, lower: Any, upper: Any, chosen: Any) -> int:
    """Write the indices of the worst violators of both sides into ``chosen``; return how many."""
    half = len(chosen) // 2
    up_keys, up = np.empty(half), np.empty(half, np.int64)
    down_keys, down = np.empty(half), np.empty(half, np.int64)
    n_up = n_down = 0
    for i in range(len(f)):
        if beta[i] < upper[i]:
            n_up = insert(up_keys, up, n_up, f[i], i)
        if beta[i] > lower[i]:
            n_down = insert(down_keys, down, n_down, -f[i], i)
    count = 0
    for a in range(n_up):
        chosen[count] = up[a]
        count += 1
    for b in range(n_down):
        known = False
        for a in range(n_up):
            known = known or up[a] == down[b]
        if not known:
            chosen[count] = down[b]
            count += 1
    return count


@compiled
def solve_small(
    K: Any, f: Any, beta: Any, lower: Any, upper: Any, tol: float, max_steps: int
) -> int:
    """Second-order SMO on a small block, in place; return the steps taken."""
    n = len(f)
    for step in range(max_steps):
        i, low, high = -1, np.inf, -np.inf
        for a in range(n):
            if beta[a] < upper[a] and f[a] < low:
                i, low = a, f[a]
        best, j = 0.0, -1
        for b in range(n):
            if beta[b] > lower[b]:
                high = max(high, f[b])
                gap = f[b] - low
                if gap > 0:
                    curvature = max(K[i, i] + K[b, b] - 2 * K[i, b], CURVATURE)
                    gain = gap * gap / curvature
                    if gain > best:
                        best, j = gain, b
        if j < 0 or high - low <= tol:
            return step
        curvature = max(K[i, i] + K[j, j] - 2 * K[i, j], CURVATURE)
        t = (f[j] - low) / curvature
        if t >= upper[i] - beta[i]:
            t = upper[i] - beta[i]
        if t >= beta[j] - lower[j]:
            t = beta[j] - lower[j]
            beta[i] = upper[i] if t == upper[i] - beta[i] else beta[i] + t
            beta[j] = lower[j]
        else:
            beta[i] = upper[i] if t == upper[i] - beta[i] else beta[i] + t
            beta[j] -= t
        for a in range(n):
            f[a] += t * (K[i, a] - K[j, a])
    return max_steps


@compiled
def add_rows(K: Any, rows: Any, change: Any, count: int, f: Any) -> None:
    """Add ``sum_c change[c] * K[rows[c]]`` over the first ``count`` rows to ``f``; pads by four."""
    for c in range(count, -(-count // 4) * 4):
        rows[c], change[c] = rows[0], 0.0
    for c in range(0, count, 4):
        r0, r1, r2, r3 = K[rows[c]], K[rows[c + 1]], K[rows[c + 2]], K[rows[c + 3]]
        t0, t1, t2, t3 = change[c], change[c + 1], change[c + 2], change[c + 3]
        for a in range(len(f)):
            f[a] += (t0 * r0[a] + t1 * r1[a]) + (t2 * r2[a] + t3 * r3[a])


@compiled
def solve_block(
    K: Any, f: Any, beta: Any, lower: Any, upper: Any, tol: float, max_steps: int
) -> int:
    """Minimise the dual over a stored kernel block, in place.

    Parameters
    ----------
    K : ndarray of shape (q, q), float32 or float64
        Kernel block.
    f, beta, lower, upper : ndarray of shape (q,), float64
        Gradient, signed coefficients and their bounds; ``f`` and ``beta`` are updated.
    tol : float
        Largest violation left.
    max_steps : int
        Pair steps after which to stop.

    Returns
    -------
    int
        Pair steps taken.
    """
    chosen = np.empty(SMALL, np.int64)
    block = np.empty((SMALL, SMALL))
    fs, bs = np.empty(SMALL), np.empty(SMALL)
    ls, us = np.empty(SMALL), np.empty(SMALL)
    rows, change = np.empty(SMALL + 4, np.int64), np.empty(SMALL + 4)
    steps = 0
    while steps < max_steps:
        high, low = violation(f, beta, lower, upper)
        gap = high - low
        if not gap > tol:
            break
        n = choose_small(f, beta, lower, upper, chosen)
        for a in range(n):
            i = chosen[a]
            fs[a], bs[a], ls[a], us[a] = f[i], beta[i], lower[i], upper[i]
            for b in range(n):
                block[a, b] = K[i, chosen[b]]
        goal, limit = max(0.1 * gap, 0.5 * tol), min(10 * SMALL, max_steps - steps)
        taken = solve_small(block[:n, :n], fs[:n], bs[:n], ls[:n], us[:n], goal, limit)
        count = 0
        for a in range(n):
            if bs[a] != beta[chosen[a]]:
                rows[count], change[count] = chosen[a], bs[a] - beta[chosen[a]]
                beta[chosen[a]] = bs[a]
                count += 1
        add_rows(K, rows, change, count, f)
        steps += taken
        if taken == 0:
            break
    return steps
