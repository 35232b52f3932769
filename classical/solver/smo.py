r"""The inner solver: sequential minimal optimisation on a stored kernel block.

In signed coefficients :math:`\beta_n = \alpha_n y_n` the dual of a C-SVC reads

.. math:: \min_\beta \tfrac12 \beta^T K \beta - y^T \beta, \qquad
          \sum_n \beta_n = 0, \quad l_n \le \beta_n \le u_n

with gradient :math:`f = K\beta - y`. A coefficient may grow where β < u and shrink where β > l; the
largest violation of the optimality conditions is the largest f that may shrink minus the smallest f
that may grow. Pair steps (:mod:`classical.solver.pair_steps`) run on the whole block; in a block
too large for them the worst violators are copied together first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.compiled import compiled
from bridges.machine.ordered import PLACES
from classical.solver.pair_steps import pair_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = 2048
"""Coefficients copied together out of a block of more than PLACES."""

HELD = SMALL // 2
"""Free coefficients that stay from the last small working set, at most."""

SHARE = 0.3
"""Share of the violation that a small working set leaves: solving it further is of no use yet."""

BISECTIONS = 24
"""Halvings in which the gradient of the last violator taken is found."""


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
    used, count = np.empty(len(beta), np.intp), 0
    for c in range(len(beta)):
        if beta[c] != 0.0:
            used[count] = c
            count += 1
    whole = count // 4 * 4
    columns = slice(first, first + len(out))
    for c in range(0, whole, 4):
        a, b, d, e = used[c], used[c + 1], used[c + 2], used[c + 3]
        ra, rb, rd, re = K[a, columns], K[b, columns], K[d, columns], K[e, columns]
        ta, tb, td, te = beta[a], beta[b], beta[d], beta[e]
        for p in range(len(out)):
            out[p] += (ta * ra[p] + tb * rb[p]) + (td * rd[p] + te * re[p])
    for c in range(whole, count):
        row, t = K[used[c], columns], beta[used[c]]
        for p in range(len(out)):
            out[p] += t * row[p]


@compiled
def count_below(keys: Any, limit: float) -> int:
    """Return how many keys are smaller than ``limit``."""
    count = 0
    for p in range(len(keys)):
        count += keys[p] < limit
    return count


@compiled
def take_smallest(keys: Any, bottom: float, top: float, count: int, taken: Any) -> None:
    """Mark the ``count`` smallest of the keys in [bottom, top]; among near ones the first places.

    Keys of places that must not be taken are above ``top``.
    """
    if count_below(keys, top) > count:
        below, above = bottom, top
        for _ in range(BISECTIONS):
            middle = 0.5 * (below + above)
            if count_below(keys, middle) > count:
                above = middle
            else:
                below = middle
    else:
        below, above = top, top
    left = count
    for p in range(len(keys)):
        if keys[p] < below:
            taken[p] = True
            left -= 1
    for p in range(len(keys)):
        if left > 0 and below <= keys[p] <= above:
            taken[p] = True
            left -= 1


@compiled
def take_worst(
    f: Any, beta: Any, lower: Any, upper: Any, high: float, low: float, taken: Any
) -> None:
    """Replace the marks of a small working set by those of the next."""
    held = 0
    for p in range(len(f)):
        stays = taken[p] and held < HELD and lower[p] < beta[p] < upper[p]
        taken[p] = stays
        held += stays
    middle, half = 0.5 * (high + low), (SMALL - held) // 2
    keys = np.empty(len(f))
    for p in range(len(f)):
        keys[p] = f[p] if beta[p] < upper[p] and not taken[p] and f[p] < middle else np.inf
    take_smallest(keys, low, middle, half, taken)
    for p in range(len(f)):
        keys[p] = -f[p] if beta[p] > lower[p] and not taken[p] and f[p] > middle else np.inf
    take_smallest(keys, -high, -middle, half, taken)


@compiled
def solve_rows(
    block: Any,
    f: Any,
    beta: Any,
    lower: Any,
    upper: Any,
    rows: Any,
    level: float,
    tol: float,
    max_steps: int,
    change: Any,
) -> int:
    """Take pair steps among some rows, given the kernel values between them.

    ``beta`` is updated and ``change`` set to its change; returns the steps.
    """
    count = len(rows)
    gradient, value = np.empty(count, block.dtype), np.empty(count)
    least, most = np.empty(count), np.empty(count)
    for a in range(count):
        p = rows[a]
        gradient[a] = f[p] - level
        value[a], least[a], most[a] = beta[p], lower[p], upper[p]
    steps = pair_steps(block, gradient, value, least, most, tol, max_steps)
    for p in range(len(f)):
        change[p] = 0.0
    for a in range(count):
        p = rows[a]
        change[p] = value[a] - beta[p]
        beta[p] = value[a]
    return steps


@compiled
def solve_whole(
    K: Any, f: Any, beta: Any, lower: Any, upper: Any, tol: float, max_steps: int
) -> int:
    """Solve a block of at most PLACES rows; see :func:`solve_block`."""
    rows, change = np.empty(len(f), np.intp), np.empty(len(f))
    for p in range(len(f)):
        rows[p] = p
    done, steps = 0, 1
    while steps > 0 and done < max_steps:
        high, low = violation(f, beta, lower, upper)
        if not high - low > tol:
            break
        level, left = 0.5 * (high + low), max_steps - done
        steps = solve_rows(K, f, beta, lower, upper, rows, level, 0.5 * tol, left, change)
        add_rows(K, change, 0, f)
        done += steps
    return done


@compiled
def solve_nested(
    K: Any, f: Any, beta: Any, lower: Any, upper: Any, tol: float, max_steps: int
) -> int:
    """Solve a block of any size by way of smaller ones; see :func:`solve_block`."""
    taken, change = np.zeros(len(f), np.bool_), np.empty(len(f))
    block = np.empty((SMALL, SMALL), K.dtype)
    done, steps = 0, 1
    while steps > 0 and done < max_steps:
        high, low = violation(f, beta, lower, upper)
        if not high - low > tol:
            break
        take_worst(f, beta, lower, upper, high, low, taken)
        rows = np.flatnonzero(taken)
        for a in range(len(rows)):
            source, target = K[rows[a]], block[a]
            for b in range(len(rows)):
                target[b] = source[rows[b]]
        goal, level = max(SHARE * (high - low), 0.5 * tol), 0.5 * (high + low)
        left = max_steps - done
        steps = solve_rows(block, f, beta, lower, upper, rows, level, goal, left, change)
        add_rows(K, change, 0, f)
        done += steps
    return done


class PairSteps:
    """Sequential minimal optimisation, the exact inner solver (``smo``); counts pair steps.

    References
    ----------
    Platt (1998), pair steps; Fan, Chen, Lin, *JMLR* 6 (2005), choice of the pair.
    """

    def solve(
        self,
        K: NDArray[Any],
        f: NDArray[np.float64],
        beta: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        tol: float,
        max_steps: int,
    ) -> int:
        """Solve a block in place; see :meth:`bridges.svm.inner.InnerSolver.solve`."""
        return solve_block(K, f, beta, lower, upper, tol, max_steps)


def solve_block(
    K: NDArray[Any],
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    tol: float,
    max_steps: int,
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
    solve = solve_whole if len(f) <= PLACES else solve_nested
    steps: int = solve(K, f, beta, lower, upper, tol, max_steps)
    return steps
