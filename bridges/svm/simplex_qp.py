r"""A convex quadratic over several simplices with one equality across them, solved exactly.

.. math:: \min_w \tfrac12 w^T Q w + c^T w, \qquad w \ge 0, \quad
          \sum_{i \in g} w_i \le 1 \text{ for every group } g, \quad a^T w = 0

The master problem of simplicial decomposition (von Hohenbalken, *Math. Programming* 13, 1977): the
weights are those of columns, the groups blocks of coefficients, the equality is Σβ = 0. w = 0 is
feasible and the start; every step lowers the objective, so a search that is stopped early is worth
less, never worse than nothing.

Columns that price well join a set of free weights, over which the minimum is found by a Cholesky
factor that is extended column by column; weights that run into zero leave it (Wolfe's corral,
*Math. Programming* 11, 1976, for several simplices at once). The search ends when the duality gap
is small: a certificate that does not depend on how the point was found. One thread, no BLAS: the
result is the same to the last bit however many threads or ranks there are.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-8
"""Certified gap at which to stop, as a share of the objective."""

MAX_STEPS = 5000
"""Reduced systems after which to stop; a thousand columns need a few dozen."""

SHARE = 0.3
"""Share of the way from a group's mean price to its lowest within which columns join at a time: of
.1, .3, .5 and .7 the quickest on columns of Landsat duals."""


@dataclasses.dataclass(frozen=True, eq=False)
class SimplexPoint:
    """The lowest point found.

    Attributes
    ----------
    weights : ndarray of shape (n,), float64
        w.
    objective : float
        ½wᵀQw + cᵀw, never above zero.
    gap : float
        Certified: the minimum is at most this much lower.
    multiplier : float
        ν of the equality: Qw + c - νa is the same on all columns of a group that carry weight.
    steps : int
        Reduced systems solved.
    """

    weights: NDArray[np.float64]
    objective: float
    gap: float
    multiplier: float
    steps: int


def minimise_over_simplices(
    Q: NDArray[np.float64],
    linear: NDArray[np.float64],
    groups: NDArray[np.integer],
    sides: NDArray[np.float64] | None = None,
    *,
    tol: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
) -> SimplexPoint:
    """Minimise a quadratic over simplices.

    Parameters
    ----------
    Q : ndarray of shape (n, n)
        Symmetric, positive semi-definite.
    linear : ndarray of shape (n,)
        c.
    groups : ndarray of shape (n,), int
        Simplex of every weight, counted from zero without gaps.
    sides : ndarray of shape (n,), optional
        a of the equality aᵀw = 0; none by default.
    tol : float
        Certified gap at which to stop, as a share of the objective.
    max_steps : int
        Steps after which to stop in any case.

    Examples
    --------
    >>> point = minimise_over_simplices(np.eye(2), np.array([-1.0, -1.0]), np.zeros(2, int))
    >>> point.weights.tolist(), point.objective
    ([0.5, 0.5], -0.75)
    """
    from bridges.svm.simplex_qp_loops import minimise

    n = len(linear)
    n_groups = int(np.max(groups, initial=-1)) + 1
    if not n:
        return SimplexPoint(np.zeros(0), 0.0, 0.0, 0.0, 0)
    size = n + n_groups
    padded = np.zeros((size, size))
    padded[:n, :n] = Q
    long = np.concatenate([np.asarray(linear, np.float64), np.zeros(n_groups)])
    slant = np.zeros(size)
    if sides is not None:
        slant[:n] = sides
    owner = np.concatenate([np.asarray(groups, np.int64), np.arange(n_groups)])
    weights = np.empty(size)
    value, gap, multiplier, steps = minimise(
        padded, long, slant, owner, n_groups, weights, float(tol), int(max_steps), SHARE
    )
    if value > 0:  # rounding alone: nothing is better
        return SimplexPoint(np.zeros(n), 0.0, float(gap + value), float(multiplier), int(steps))
    return SimplexPoint(weights[:n].copy(), float(value), float(gap), float(multiplier), int(steps))
