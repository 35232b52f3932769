r"""The inner solver: sequential minimal optimisation on a stored kernel block.

In signed coefficients :math:`\beta_n = \alpha_n y_n` the dual of a C-SVC reads

.. math:: \min_\beta \tfrac12 \beta^T K \beta - y^T \beta, \qquad
          \sum_n \beta_n = 0, \quad l_n \le \beta_n \le u_n

with gradient :math:`f = K\beta - y`. A coefficient may grow where β < u and shrink where β > l; the
largest violation of the optimality conditions is the largest f that may shrink minus the smallest f
that may grow. The pair of each step is chosen by second-order information over the whole block
(Fan, Chen, Lin, *JMLR* 6, 2005). Minima are kept per lane of a row of LANES, so that the search for
the pair runs on vector lanes without reordering any sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.compiled import compiled

LANES = 128
"""Elements whose minima are kept side by side; they stay in L1."""

BLOCKED = 1e300
"""Added to the gradient of a coefficient that may not move."""

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
def add_rows(K: Any, beta: Any, first: int, out: Any) -> None:
    """Add ``beta @ K[:, first : first + len(out)]`` to ``out``; rows of zero cost nothing."""
    used = np.flatnonzero(beta)
    whole = len(used) // 4 * 4
    columns = slice(first, first + len(out))
    for c in range(0, whole, 4):
        a, b, d, e = used[c], used[c + 1], used[c + 2], used[c + 3]
        ra, rb, rd, re = K[a, columns], K[b, columns], K[d, columns], K[e, columns]
        ta, tb, td, te = beta[a], beta[b], beta[d], beta[e]
        for p in range(len(out)):
            out[p] += (ta * ra[p] + tb * rb[p]) + (td * rd[p] + te * re[p])
    for c in range(whole, len(used)):
        row, t = K[used[c], columns], beta[used[c]]
        for p in range(len(out)):
            out[p] += t * row[p]


@compiled
def lowest(lanes: Any, keys: Any, extra: Any) -> tuple[float, int]:
    """Return the smallest lane value and the first place where ``keys + extra`` has it."""
    lane = 0
    for p in range(1, min(LANES, len(keys))):
        if lanes[p] < lanes[lane]:
            lane = p
    for i in range(lane, len(keys), LANES):
        if keys[i] + extra[i] == lanes[lane]:
            return lanes[lane], i
    return np.inf, -1


@compiled
def grow_lanes(f: Any, no_grow: Any, lanes: Any, row_i: Any, row_j: Any, t: float) -> None:
    """Add ``t * (row_i - row_j)`` to the gradient and find the smallest that may grow, by lane.

    Blocks of LANES read one row of ``lanes`` and write the other: minima updated in place would
    become masked stores, which are slow. The last block's row holds the result.
    """
    lanes[0] = np.inf
    for first in range(0, len(f), LANES):
        block = slice(first, first + LANES)
        fs, stops, ki, kj = f[block], no_grow[block], row_i[block], row_j[block]
        old, new = lanes[(first // LANES) % 2], lanes[(first // LANES + 1) % 2]
        for p in range(len(fs)):
            value = fs[p] + t * (ki[p] - kj[p])
            fs[p] = value
            new[p] = min(value + stops[p], old[p])
        for p in range(len(fs), LANES):
            new[p] = old[p]


@compiled
def gain_lanes(
    f: Any, no_shrink: Any, row: Any, diagonal: Any, low: float, own: float, loss: Any, lanes: Any
) -> None:
    """Find the best partner by lane: the smallest -(f - low)² / curvature that may shrink.

    ``lanes[:, 0]`` gets those, ``lanes[:, 1]`` the smallest -f, by turns as in
    :func:`grow_lanes`; ``loss`` gets every value.
    """
    lanes[0] = np.inf
    for first in range(0, len(f), LANES):
        block = slice(first, first + LANES)
        fs, stops, ks = f[block], no_shrink[block], row[block]
        ds, losses = diagonal[block], loss[block]
        old, new = lanes[(first // LANES) % 2], lanes[(first // LANES + 1) % 2]
        old_best, old_top, best, top = old[0], old[1], new[0], new[1]
        for p in range(len(fs)):
            down = fs[p] - stops[p]
            gap = max(down - low, 0.0)
            losses[p] = -(gap * gap) / max(own + ds[p] - 2.0 * ks[p], CURVATURE)
            best[p] = min(losses[p], old_best[p])
            top[p] = min(-down, old_top[p])
        for p in range(len(fs), LANES):
            best[p], top[p] = old_best[p], old_top[p]


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
    q = len(f)
    # a coefficient that may not move gets a gradient too large (finite: inf - inf is NaN) to win
    no_grow, no_shrink = np.empty(q), np.empty(q)
    zero, loss, diagonal = np.zeros(q), np.empty(q), np.empty(q)
    for i in range(q):
        diagonal[i] = K[i, i]
        no_grow[i] = 0.0 if beta[i] < upper[i] else BLOCKED
        no_shrink[i] = 0.0 if beta[i] > lower[i] else BLOCKED
    lanes, pair_lanes = np.empty((2, LANES)), np.empty((2, 2, LANES))
    last = -(-q // LANES) % 2
    grow_lanes(f, no_grow, lanes, K[0], K[0], 0.0)
    for step in range(max_steps):
        low, i = lowest(lanes[last], f, no_grow)
        gain_lanes(f, no_shrink, K[i], diagonal, low, diagonal[i], loss, pair_lanes)
        top = pair_lanes[last, 1, 0]
        for p in range(1, LANES):
            top = min(top, pair_lanes[last, 1, p])
        best, j = lowest(pair_lanes[last, 0], loss, zero)
        if not -top - low > tol or not best < 0.0 or low > 0.5 * BLOCKED:
            return step
        t = (f[j] - low) / max(diagonal[i] + diagonal[j] - 2.0 * K[i, j], CURVATURE)
        room_i, room_j = upper[i] - beta[i], beta[j] - lower[j]
        t = min(t, room_i, room_j)
        beta[i] = upper[i] if t == room_i else beta[i] + t
        beta[j] = lower[j] if t == room_j else beta[j] - t
        no_grow[i] = BLOCKED if t == room_i else 0.0
        no_shrink[j] = BLOCKED if t == room_j else 0.0
        no_shrink[i], no_grow[j] = 0.0, 0.0
        grow_lanes(f, no_grow, lanes, K[i], K[j], t)
    return max_steps
