"""How good samples are: energies held against the exact optimum of the same dual."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.fit_report import Diagnostics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.formulations.solution import Solution
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch

AT_BOUND = 1e-6
"""Distance, as a share of the interval, within which a coefficient counts as at its bound."""


@dataclasses.dataclass(frozen=True)
class DualQuality:
    """Energies of one dual.

    Attributes
    ----------
    exact : float
        Optimum of the dual with continuous coefficients, its penalty included.
    model : float
        Energy of the coefficients that the model uses.
    best : float
        Lowest energy among the samples.
    zero : float
        Energy of the lower bounds: all-zero coefficients.
    rounded : float
        Energy of the exact optimum rounded to the lattice (:mod:`qsvm.samplers.dense.rounding`):
        what a quadratic solver gives without any sampling.
    kept_above_zero : float
        Share of kept samples above ``zero``.
    equality_violation : float
        |Σ α_n y_n| / Σ α_n.
    at_zero, at_bound : float
        Shares of coefficients at 0 and at their upper bound.
    chain_break_fraction : float or None
        Of the embedded samples.
    couplers_dropped : int
        Of the submission.
    """

    exact: float
    model: float
    best: float
    zero: float
    rounded: float
    kept_above_zero: float
    equality_violation: float
    at_zero: float
    at_bound: float
    chain_break_fraction: float | None
    couplers_dropped: int

    @property
    def model_gap(self) -> float:
        """(model - exact) / |exact|."""
        return relative_gap(self.model, self.exact)

    @property
    def best_gap(self) -> float:
        """(best - exact) / |exact|."""
        return relative_gap(self.best, self.exact)


def relative_gap(energy: float, exact: float) -> float:
    """Return (energy - exact) / |exact|, 0 where both vanish."""
    return (energy - exact) / abs(exact) if exact != 0.0 else float(energy != 0.0)


def assess(problem: DualProblem, batch: SampleBatch, solution: Solution) -> DualQuality:
    """Hold one dual's samples and decoded coefficients against its exact optimum."""
    from qsvm.problem.exact import solve_box
    from qsvm.samplers.dense.rounding import rounded_optimum

    optimum, exact = solve_box(problem)
    rounded = float(problem.energies(rounded_optimum(problem, optimum))[0])
    alpha = solution.alpha
    zero = float(problem.energies(problem.lower)[0])
    tolerance = AT_BOUND * problem.span
    total = float(alpha.sum())
    balance = abs(float(alpha @ problem.equality)) if problem.equality is not None else 0.0
    return DualQuality(
        exact=exact,
        model=solution.energy,
        best=float(batch.energies[0]),
        zero=zero,
        rounded=rounded,
        kept_above_zero=float(np.mean(solution.kept_energies > zero)),
        equality_violation=balance / total if total > 0 else 0.0,
        at_zero=float(np.mean(alpha <= problem.lower + tolerance)),
        at_bound=float(np.mean(alpha >= problem.upper - tolerance)),
        chain_break_fraction=batch.chain_break_fraction,
        couplers_dropped=batch.couplers_dropped,
    )


def summarise(qualities: Sequence[DualQuality]) -> Diagnostics:
    """Return the diagnostics of a model from those of its duals."""
    if not qualities:
        return Diagnostics()

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    gaps = [q.model_gap for q in qualities]
    breaks = [q.chain_break_fraction for q in qualities if q.chain_break_fraction is not None]
    return Diagnostics(
        energy_gap_mean=mean(gaps),
        energy_gap_max=max(gaps),
        best_sample_gap_mean=mean([q.best_gap for q in qualities]),
        rounded_gap_mean=mean([relative_gap(q.rounded, q.exact) for q in qualities]),
        above_zero_fraction=mean([q.kept_above_zero for q in qualities]),
        equality_violation_mean=mean([q.equality_violation for q in qualities]),
        at_zero_fraction=mean([q.at_zero for q in qualities]),
        at_bound_fraction=mean([q.at_bound for q in qualities]),
        chain_break_fraction=mean(breaks) if breaks else None,
        couplers_dropped=sum(q.couplers_dropped for q in qualities),
    )


def energy_table(qualities: Sequence[DualQuality]) -> NDArray[np.float64]:
    """Return rows (exact, model, best, zero), shape (n_duals, 4), for histograms."""
    return np.array([[q.exact, q.model, q.best, q.zero] for q in qualities], dtype=np.float64)
