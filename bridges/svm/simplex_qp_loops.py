"""The machine code behind :mod:`bridges.svm.simplex_qp`: prices, reduced systems, moves.

Every group of weights holds one more than its columns, the weight that is left to one, whose column
is zero: the sums are then equalities. In each group one positive weight, its *reference*, takes up
what the others of the group give and take, so the sums hold whatever the others do; what remains is
a small positive definite system over the other positive weights, the *free* ones.
"""

from __future__ import annotations

import numpy as np

from bridges.svm.simplex_prices import price, summing

RIDGE = 1e-6
"""Diagonal added to the reduced system, as a share of the largest: columns may be dependent. Each
round is then a step of the proximal point method, which ends at the exact minimum all the same; of
1e-11 … 1e-6 the largest left no gap in 3 200 problems of dependent columns, the smallest in 183."""

TINY = 1e-14
"""Weight that counts as zero where a step has run into it."""

PATIENCE = 5
"""Rounds without progress, each begun with a step of Frank and Wolfe, after which to stop."""

PROGRESS = 1e-12
"""Decrease, as a share of the objective, that counts as progress."""

FIRST = 64
"""Free weights that the first factor has room for."""


@summing
def factorise(Q, free, references, factor, begin, count, ridge):  # type: ignore[no-untyped-def]
    """Extend the Cholesky factor of the reduced system from row ``begin`` to ``count``."""
    for i in range(begin, count):
        fi, ri = free[i], references[i]
        for j in range(i + 1):
            fj, rj = free[j], references[j]
            s = Q[fi, fj] - Q[fi, rj] - Q[ri, fj] + Q[ri, rj]
            for m in range(j):
                s -= factor[i, m] * factor[j, m]
            factor[i, j] = np.sqrt(max(s + ridge, ridge)) if i == j else s / factor[j, j]


@summing
def solve(factor, count, x):  # type: ignore[no-untyped-def]
    """Solve the reduced system for the right-hand side ``x``, in place."""
    for i in range(count):
        s = x[i]
        for m in range(i):
            s -= factor[i, m] * x[m]
        x[i] = s / factor[i, i]
    for i in range(count - 1, -1, -1):
        x[i] /= factor[i, i]
        for m in range(i):
            x[m] -= x[i] * factor[i, m]


@summing
def direction(gradient, sides, free, references, factor, count, step, other):  # type: ignore[no-untyped-def]
    """Write the way to the minimum over the free weights, keeping the equality, to ``step``."""
    slanted = False
    for i in range(count):
        step[i] = gradient[references[i]] - gradient[free[i]]
        other[i] = sides[free[i]] - sides[references[i]]
        slanted |= other[i] != 0.0
    solve(factor, count, step)
    if not slanted:
        return
    solve(factor, count, other)
    along = 0.0
    for i in range(count):
        along += (sides[free[i]] - sides[references[i]]) * other[i]
    for _ in range(2):  # the second time removes what rounding left
        miss = 0.0
        for i in range(count):
            miss += (sides[free[i]] - sides[references[i]]) * step[i]
        for i in range(count):
            step[i] -= miss / along * other[i]


@summing
def admit(  # type: ignore[no-untyped-def]
    gradient,
    sides,
    groups,
    weights,
    multiplier,
    ends,
    reference,
    held,
    free,
    references,
    count,
    share,
):
    """Let promising columns join the free weights; return how many are free then.

    A column joins if it lies within the lower ``share`` of the way from the mean of its group to
    the lowest, or is among ``ends``, the columns that :func:`price` named: the equality may need
    one of these although alone it gains nothing.
    """
    level = np.zeros(len(reference))
    lowest = np.full(len(reference), np.inf)
    for i in range(len(gradient)):
        x = gradient[i] - multiplier * sides[i]
        level[groups[i]] += weights[i] * x
        lowest[groups[i]] = min(lowest[groups[i]], x)
    for i in range(len(gradient)):
        if held[i]:
            continue
        h = groups[i]
        x = gradient[i] - multiplier * sides[i]
        named = ends[0, h] == i or ends[1, h] == i
        if named or x < level[h] - (1.0 - share) * (level[h] - lowest[h]):
            free[count] = i
            references[count] = reference[h]
            held[i] = True
            count += 1
    return count


@summing
def advance(Q, gradient, weights, groups, free, reference, count, step, counter):  # type: ignore[no-untyped-def]
    """Go along a step until a weight is zero, at most to its end; return the share gone."""
    counter[:] = 0.0
    for i in range(count):
        counter[groups[free[i]]] -= step[i]
    share = 1.0
    for i in range(count):
        if step[i] < 0:
            share = min(share, -weights[free[i]] / step[i])
    for h in range(len(reference)):
        if counter[h] < 0:
            share = min(share, -weights[reference[h]] / counter[h])
    if share <= 0.0:
        return 0.0
    for i in range(count):
        _shift(Q, gradient, weights, free[i], share * step[i])
    for h in range(len(reference)):
        if counter[h] != 0.0:
            _shift(Q, gradient, weights, reference[h], share * counter[h])
    return share


@summing
def _shift(Q, gradient, weights, i, change):  # type: ignore[no-untyped-def]
    weights[i] = max(weights[i] + change, 0.0)
    for m in range(len(gradient)):
        gradient[m] += change * Q[i, m]


@summing
def release(weights, groups, free, references, reference, held, count, step, counter):  # type: ignore[no-untyped-def]
    """Drop the weights that stopped a step; return (free ones left, rows of the factor valid)."""
    left, valid = 0, count
    for i in range(count):
        j = free[i]
        if step[i] < 0 and weights[j] <= TINY:
            weights[j] = 0.0
            held[j] = False
            valid = min(valid, left)
        else:
            free[left], references[left] = j, references[i]
            step[left] = step[i]
            left += 1
    for h in range(len(reference)):
        if counter[h] < 0 and weights[reference[h]] <= TINY:
            left, valid = _replace(
                weights, groups, free, references, reference, held, left, h, valid
            )
    return left, valid


@summing
def _replace(weights, groups, free, references, reference, held, count, h, valid):  # type: ignore[no-untyped-def]
    """Make the largest free weight of a group its reference."""
    place = -1
    for i in range(count):
        if groups[free[i]] == h and (place < 0 or weights[free[i]] > weights[free[place]]):
            place = i
    if place < 0:
        return count, valid
    weights[reference[h]] = 0.0
    held[reference[h]] = False
    reference[h] = free[place]
    for i in range(place, count - 1):
        free[i], references[i] = free[i + 1], references[i + 1]
    valid = min(valid, place)
    for i in range(count - 1):
        if groups[free[i]] == h:
            references[i] = reference[h]
            valid = min(valid, i)
    return count - 1, valid


@summing
def objective(gradient, linear, weights):  # type: ignore[no-untyped-def]
    """Return ½wᵀQw + cᵀw from the gradient Qw + c."""
    total = 0.0
    for i in range(len(weights)):
        total += 0.5 * weights[i] * (gradient[i] + linear[i])
    return total


@summing
def towards(Q, gradient, sides, weights, ends, step):  # type: ignore[no-untyped-def]
    """Take the step of Frank and Wolfe: to the mixture of both ends that keeps the equality.

    It lowers the objective whenever the gap is positive, where a step over free weights may be
    stopped at once by one that is zero.
    """
    slopes = np.zeros(2)
    for e in range(2):
        for h in range(ends.shape[1]):
            slopes[e] += sides[ends[e, h]]
    share = slopes[1] / (slopes[1] - slopes[0]) if slopes[0] != slopes[1] else 0.5
    share = min(max(share, 0.0), 1.0)
    for i in range(len(weights)):
        step[i] = -weights[i]
    for h in range(ends.shape[1]):
        step[ends[0, h]] += share
        step[ends[1, h]] += 1.0 - share
    curvature, slope = 0.0, 0.0
    for i in range(len(weights)):
        slope += gradient[i] * step[i]
        if step[i] != 0.0:
            for m in range(len(weights)):
                curvature += step[i] * Q[i, m] * step[m]
    if slope >= 0.0:
        return
    gone = min(1.0, -slope / curvature) if curvature > 0.0 else 1.0
    for i in range(len(weights)):
        if step[i] != 0.0:
            _shift(Q, gradient, weights, i, gone * step[i])


@summing
def settle(weights, groups, reference, held, free, references):  # type: ignore[no-untyped-def]
    """Make the largest weight of every group its reference and the other positive ones free."""
    reference[:] = -1
    for i in range(len(weights)):
        h = groups[i]
        held[i] = weights[i] > 0.0
        if held[i] and (reference[h] < 0 or weights[i] > weights[reference[h]]):
            reference[h] = i
    count = 0
    for i in range(len(weights)):
        if held[i] and reference[groups[i]] != i:
            free[count], references[count] = i, reference[groups[i]]
            count += 1
    return count


@summing
def scales(Q, linear, sides):  # type: ignore[no-untyped-def]
    """Return the ridge of the reduced system and the first width of the multiplier's bracket."""
    diagonal, reach, widest = 0.0, 0.0, 0.0
    for i in range(len(linear)):
        diagonal = max(diagonal, Q[i, i])
        reach = max(reach, abs(linear[i]))
        widest = max(widest, abs(sides[i]))
    width = (reach / widest if reach > 0 else 1.0) if widest > 0 else 0.0
    return max(RIDGE * diagonal, 1e-300), width


@summing
def grown(factor, valid, size):  # type: ignore[no-untyped-def]
    """Return a factor with room for ``size`` rows, the valid ones copied."""
    if size <= len(factor):
        return factor
    larger = np.empty((2 * size, 2 * size))
    larger[:valid, :valid] = factor[:valid, :valid]
    return larger


@summing
def minimise(Q, linear, sides, groups, n_groups, weights, tol, max_steps, share):  # type: ignore[no-untyped-def]
    """Minimise from all weight on the last ``n_groups`` columns, which are zero.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric, positive semi-definite.
    linear, sides : ndarray of shape (n,)
        c and a.
    groups : ndarray of shape (n,), int64
        Group of every column.
    n_groups : int
        Groups.
    weights : ndarray of shape (n,)
        Gets the result.
    tol : float
        Certified gap to stop at, as a share of the objective.
    max_steps : int
        Reduced systems to solve at most.
    share : float
        See :func:`admit`.

    Returns
    -------
    objective, gap, multiplier : float
    steps : int
    """
    n = len(linear)
    weights[:] = 0.0
    weights[n - n_groups :] = 1.0
    gradient = linear.copy()
    held, reference = np.empty(n, np.bool_), np.empty(n_groups, np.int64)
    free, references = np.empty(n, np.int64), np.empty(n, np.int64)
    count = settle(weights, groups, reference, held, free, references)
    ridge, width = scales(Q, linear, sides)
    step, other, counter = np.empty(n), np.empty(n), np.empty(n_groups)
    ends = np.empty((2, n_groups), np.int64)
    factor = np.empty((FIRST, FIRST))
    valid, steps, idle = 0, 0, 0
    multiplier, gap, value = 0.0, np.inf, 0.0
    while idle <= PATIENCE:
        multiplier, gap = price(
            gradient, sides, groups, weights, multiplier, width, ends[0], ends[1]
        )
        if gap <= tol * abs(value) or steps >= max_steps:
            break
        if idle > 0:
            towards(Q, gradient, sides, weights, ends, step)
            count = settle(weights, groups, reference, held, free, references)
            valid, steps = 0, steps + 1
        count = admit(
            gradient,
            sides,
            groups,
            weights,
            multiplier,
            ends,
            reference,
            held,
            free,
            references,
            count,
            share,
        )
        factor = grown(factor, valid, count)
        while count > 0 and steps < max_steps:
            factorise(Q, free, references, factor, valid, count, ridge)
            direction(gradient, sides, free, references, factor, count, step, other)
            gone = advance(Q, gradient, weights, groups, free, reference, count, step, counter)
            steps += 1
            valid = count
            if gone >= 1.0:
                break
            left, valid = release(
                weights, groups, free, references, reference, held, count, step, counter
            )
            if left == count and gone == 0.0:
                break
            count = left
        before, value = value, objective(gradient, linear, weights)
        idle = idle + 1 if before - value <= PROGRESS * abs(value) else 0
    return value, max(gap, 0.0), multiplier, steps
