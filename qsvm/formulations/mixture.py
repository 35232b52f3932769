"""Samples of a problem as columns: the lowest mixture of them that keeps the constraints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from qsvm.formulations.hull import lowest_point

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

COSTLY = 0.01
"""Share of its energy that a mixture may lose by keeping the constraints exactly. Below it, exactly
and by penalty come equally near to the SVM's optimum (measured: 1 to 3 bits, neal and dense); above
it samples are lacking that balance the others: those of a fine lattice can all miss Σ α y = 0 a
little to the same side."""


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of samples, and of the all-zero coefficients.

    Attributes
    ----------
    x : ndarray of shape (n,), float64
        Coefficients, within the box.
    weights : ndarray of shape (n_samples,), float64
        Weight of every sample, in all at most one.
    exact : bool
        Whether the problem's constraints are kept exactly, not by their penalty.
    """

    x: NDArray[np.float64]
    weights: NDArray[np.float64]
    exact: bool


def lowest_mixture(problem: DualProblem, rows: NDArray[np.float64]) -> Mixture:
    """Return the lowest mixture of samples that keeps the problem's constraints.

    The constraints are kept exactly, the penalty that a sampler needs for them left out, unless
    that costs more than :data:`COSTLY` of the energy: then a penalty stands for them here as well,
    at least as strong as the typical curvature of a coefficient.

    Parameters
    ----------
    problem : DualProblem
        The problem; its box holds the all-zero coefficients.
    rows : ndarray of shape (n_samples, n)
        Distinct samples, those of low energy first.
    """
    linear = problem.linear
    point = lowest_point(rows, problem.free_fields, linear, problem.balance(rows))
    exact = True
    penalty = _penalty(problem)
    # A convex function that falls by λ per unit gains λ² / 2ξ at most under a penalty of ξ.
    if np.sum(point.multipliers**2) > 2 * penalty * COSTLY * abs(point.energy):
        other = lowest_point(
            rows, lambda x: problem.free_fields(x) + penalty * problem.pull(x), linear
        )
        exact = point.energy - other.energy <= COSTLY * abs(other.energy)
        point = point if exact else other
    x = np.clip(point.x, problem.lower, problem.upper)
    free = not exact or problem.equality is None
    if free and problem.energies(x)[0] > problem.energies(rows[:1])[0]:
        # Only where H is not positive semi-definite can a sample lie below the hull's lowest point.
        return Mixture(rows[0], np.where(np.arange(len(rows)) == 0, 1.0, 0.0), exact)
    return Mixture(x, point.weights, exact)


def _penalty(problem: DualProblem) -> float:
    """Return the penalty of a mixture, where dynamic range costs nothing."""
    if problem.equality is None:
        return problem.penalty
    curvature = np.diag(problem.hessian) - problem.penalty * problem.equality**2
    return max(problem.penalty, float(np.mean(np.abs(curvature))))
