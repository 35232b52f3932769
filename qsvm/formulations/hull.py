r"""The lowest point of the convex hull of samples: every sample is a column.

.. math:: \min_w \tfrac12 w^T (X H X^T) w + (X f)^T w, \qquad
          w \ge 0, \; \sum_s w_s \le 1, \; \sum_s w_s A x_s = c

The decision function is linear in the coefficients and the dual is convex, so this is the best use
that can be made of the samples x_s, the rows of X. What Σ w leaves to one is the weight of the
all-zero vector. An exact equality, Σ_n y_n α_n = 0 for the dual of an SVM, replaces the penalty
that a sampler needs, so H comes without it.

Few samples carry weight at the optimum (30 of 1 000, say), so X H Xᵀ is never formed as a whole:
a small master problem over some columns is solved (:mod:`qsvm.problem.interior_point`), all others
are priced with its gradient and multipliers, the most promising ones join, until no price is
negative: simplicial decomposition (von Hohenbalken, *Math. Programming* 13, 1977) with the exact
duality gap as certificate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.machine.blas import one_blas_thread
from qsvm.problem.interior_point import minimise_over_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-8
"""Certified gap at which the search ends, relative to the energy."""

FIRST = 128
"""Columns in the first master problem: it then often is the only one."""

JOINING = 32
"""Columns that join the master problem at a time."""

MAX_ROUNDS = 200
"""Master problems after which the best point so far is returned."""

FLOOR = 1e-3
"""Share of the largest linear term that stands for the energy where that is smaller: at zero."""

ROUNDING = 1e-9
"""Share of the largest entry below which an equality's entries are zero."""


@dataclasses.dataclass(frozen=True, eq=False)
class HullPoint:
    """The lowest point of a hull.

    Attributes
    ----------
    weights : ndarray of shape (n_samples,), float64
        w ≥ 0, Σ w ≤ 1; the rest is the weight of the all-zero vector.
    x : ndarray of shape (n,), float64
        Σ_s w_s x_s.
    energy : float
        ½xᵀHx + fᵀx there.
    gap : float
        Certified: no point of the hull that keeps the equality is lower by more than this. Valid
        for a positive semi-definite H.
    multipliers : ndarray of shape (m,), float64
        λ of the equality: by how much the energy falls per unit by which it is missed. Infinite
        where samples had to be left out because all of them miss it to one side.
    shortfall : float
        Distance of Ax from the right-hand side where no mixture reaches it; 0 otherwise.
    """

    weights: NDArray[np.float64]
    x: NDArray[np.float64]
    energy: float
    gap: float
    multipliers: NDArray[np.float64]
    shortfall: float = 0.0


def lowest_point(
    rows: NDArray[np.float64],
    apply: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    linear: NDArray[np.float64],
    sides: NDArray[np.float64] | None = None,
    right: NDArray[np.float64] | None = None,
    tol: float = TOLERANCE,
) -> HullPoint:
    """Return the lowest point of the convex hull of samples and zero.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n)
        X, one sample a row. Sorted by energy they are found sooner; the point does not depend on it
        beyond ``tol``.
    apply : callable
        Returns Hx for each row of an array of shape (k, n).
    linear : ndarray of shape (n,)
        f.
    sides : ndarray of shape (n_samples, m), optional
        A x_s of every sample for an equality Ax = c, A's entries of the order of one
        (:meth:`qsvm.problem.dual_problem.DualProblem.balance`): y·x_s for the dual of a binary
        SVM, the sums over classes of every training sample for Crammer and Singer's.
    right : ndarray of shape (m,), optional
        c; zero by default, which the all-zero vector reaches, so that there always is a point.
    tol : float
        Certified gap at which to stop, relative to the energy.

    Returns
    -------
    HullPoint
        Where the samples cannot keep the equality but at zero, x is zero. Where no mixture has
        Ax = c ≠ 0, the attainable right-hand side nearest to c takes its place, and ``shortfall``
        tells how far it is.

    Raises
    ------
    DataError
        If the samples or the problem hold NaN or infinity.

    Examples
    --------
    >>> rows = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> lowest_point(rows, lambda x: x, np.array([-1.0, -1.0])).x.tolist()
    [0.5, 0.5]
    """
    rows = np.asarray(rows, dtype=np.float64)
    if not (np.isfinite(rows.sum()) and np.isfinite(linear).all()):
        raise DataError("The samples hold NaN or infinity.", "Check the features and weights.")
    with one_blas_thread():
        sides = np.zeros((len(rows), 0)) if sides is None else np.asarray(sides, dtype=np.float64)
        # What is left of a sum that should vanish is rounding, and no side to be balanced.
        size = float(np.abs(rows).sum(axis=1).max(initial=0))
        sides = np.where(np.abs(sides) <= ROUNDING * size, 0.0, sides)
        target, shortfall = np.zeros(sides.shape[1]), 0.0
        if right is not None and np.any(right):
            target, shortfall = _attainable(sides, np.asarray(right, dtype=np.float64))
        found = _Search(rows, apply, np.asarray(linear, dtype=np.float64), sides, target)
        return dataclasses.replace(found.run(tol), shortfall=shortfall)


def _attainable(
    sides: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the right-hand side nearest to ``right`` that a mixture reaches, and its distance."""
    none = np.zeros((len(sides), 0))
    nearest = _Search(sides, lambda x: x, -right, none, np.zeros(0)).run(1e-12).x
    distance = float(np.linalg.norm(nearest - right))
    if distance <= ROUNDING * max(float(np.abs(sides).max(initial=0)), float(np.abs(right).max())):
        return right, 0.0
    return nearest, distance


class _Search:
    """One search: the columns, those of them in the master problem, and the best bound so far."""

    def __init__(
        self,
        rows: NDArray[np.float64],
        apply: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        linear: NDArray[np.float64],
        sides: NDArray[np.float64],
        right: NDArray[np.float64],
    ) -> None:
        self.rows, self.apply, self.linear = rows, apply, linear
        size = np.maximum(np.abs(sides).max(axis=0, initial=0), np.abs(right))
        size[size == 0] = 1.0
        self.sides, self.right, self.size = sides / size, right / size, size
        self.allowed, self.stuck = _balanced(self.sides, self.right)
        self.costs = rows @ linear
        self.inside = np.zeros(0, np.intp)
        self.images = np.zeros((0, rows.shape[1]))
        self.gram = np.zeros((0, 0))
        self.bound = -np.inf

    def run(self, tol: float) -> HullPoint:
        """Solve master problems until the certificate is met, and return the point."""
        columns = np.flatnonzero(self.allowed)
        # Multipliers of many equalities say little about columns that none of those inside are
        # like, so with more than one equality all take part from the start.
        self.join(columns[:FIRST] if len(self.right) < 2 else columns)
        best: HullPoint | None = None
        floor = FLOOR * float(np.abs(self.costs[self.allowed]).max(initial=0))
        for _ in range(MAX_ROUNDS):
            weights, multipliers = self.master()
            point = self.point(weights, multipliers)
            prices = self.price(point, multipliers)
            if best is None or point.energy < best.energy:
                best = point
                if len(self.right) < 2:  # only when the energy falls, so that no circle is run
                    self.leave(weights)
            best = dataclasses.replace(best, gap=max(best.energy - self.bound, 0.0))
            promising = np.flatnonzero(self.allowed & (prices < 0))
            promising = np.setdiff1d(promising, self.inside)
            if best.gap <= tol * max(abs(best.energy), floor) or not len(promising):
                break
            order = np.argsort(prices[promising], kind="stable")
            self.join(promising[order[:JOINING]])
        assert best is not None  # there is at least one round
        return best

    def join(self, columns: NDArray[np.intp]) -> None:
        """Take columns into the master problem."""
        joining = self.rows[columns]
        images = self.apply(joining) if len(columns) else joining
        cross = self.rows[self.inside] @ images.T
        self.inside = np.concatenate([self.inside, columns])
        self.images = np.vstack([self.images, images])
        self.gram = np.block([[self.gram, cross], [cross.T, joining @ images.T]])

    def leave(self, weights: NDArray[np.float64]) -> None:
        """Drop the columns without weight."""
        stay = np.flatnonzero(weights > 0)
        self.inside, self.images = self.inside[stay], self.images[stay]
        self.gram = self.gram[np.ix_(stay, stay)]

    def master(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Solve over the columns inside; return their weights and the equality's multipliers."""
        # The all-zero vector is the last column: it takes what the others leave of the weight.
        gram = np.pad(self.gram, ((0, 1), (0, 1)))
        costs = np.append(self.costs[self.inside], 0.0)
        sides = np.pad(self.sides[self.inside], ((0, 1), (0, 0)))
        full = np.vstack([np.ones(len(costs)), sides.T])
        basis, independent, right = _independent(full, np.append(1.0, self.right))
        found = minimise_over_weights(gram, costs, independent, right)
        return found.weights[:-1], (basis @ found.multipliers)[1:]

    def point(self, weights: NDArray[np.float64], multipliers: NDArray[np.float64]) -> HullPoint:
        """Return the mixture of the columns inside."""
        full = np.zeros(len(self.rows))
        full[self.inside] = weights
        energy = weights @ (0.5 * (self.gram @ weights) + self.costs[self.inside])
        told = np.where(self.stuck, np.inf, multipliers / self.size)
        return HullPoint(full, weights @ self.rows[self.inside], float(energy), np.inf, told)

    def price(self, point: HullPoint, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much every column is steeper than those inside; raise the bound.

        The energy and the equality's multipliers make a convex function whose minimum over the
        simplex bounds the optimum from below; its tangent at ``point`` bounds it in turn.
        """
        gradient = self.linear + point.weights[self.inside] @ self.images
        slopes = self.rows @ gradient - self.sides @ multipliers
        missed = point.weights @ self.sides - self.right
        tangent = point.energy - float(multipliers @ missed + point.weights @ slopes)
        lowest = float(slopes[self.allowed].min(initial=0.0))
        self.bound = max(self.bound, tangent + lowest)
        return np.asarray(slopes - float(slopes[self.inside].min(initial=0.0)))


def _balanced(
    sides: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which columns can carry weight, (n_samples,), and which sides forbid some, (m,).

    Where a side has to vanish and the columns that miss zero all miss it to the same side, none of
    them can: left in, they would leave the master problem without an interior.
    """
    allowed = np.ones(len(sides), dtype=bool)
    stuck = np.zeros(len(right), dtype=bool)
    signs = np.where(right == 0, np.sign(sides), 0.0)
    while True:
        low = signs[allowed].min(axis=0, initial=0)
        high = signs[allowed].max(axis=0, initial=0)
        now = ((low == 0) | (high == 0)) & (low != high)
        if not now.any():
            return allowed, stuck
        stuck |= now
        allowed &= ~np.any(signs[:, now] != 0, axis=1)


def _independent(
    rows: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return an orthonormal basis U of the rows' images, UᵀB and Uᵀd."""
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    basis = u[:, s > ROUNDING * s[0]]
    return basis, basis.T @ rows, basis.T @ right
