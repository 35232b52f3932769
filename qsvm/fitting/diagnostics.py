"""How good samples are: energies held against the exact optimum of the same dual."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.fit_report import Diagnostics, merged
from qsvm.fitting.looks import Looked
from qsvm.formulations.combination import HULL
from qsvm.formulations.solution import solution
from qsvm.problem.dual_problem import AT_BOUND
from qsvm.samplers.base import batch_from_rows
from qsvm.samplers.local.controls import random_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.fitting.floors import Floor
    from qsvm.formulations.solution import Rules, Solution
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch


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
    diagnostics : Diagnostics
        What else this one dual tells; a model merges those of its duals (:func:`summarise`).
    """

    exact: float
    model: float
    best: float
    zero: float
    diagnostics: Diagnostics


def relative_gap(energy: float, exact: float) -> float:
    """Return (energy - exact) / |exact|, 0 where both vanish."""
    return (energy - exact) / abs(exact) if exact != 0.0 else float(energy != 0.0)


def assess(
    problem: DualProblem,
    batch: SampleBatch,
    found: Solution,
    rules: Rules | None = None,
    seed: int = 0,
    floor: Floor | None = None,
) -> DualQuality:
    """Hold one dual's samples and decoded coefficients against its exact optimum.

    Parameters
    ----------
    problem : DualProblem
        The dual.
    batch : SampleBatch
        Its samples.
    found : Solution
        What they were combined to.
    rules : Rules, optional
        By which rules; a hull is held against the plain average and the hull of random points,
        unless it is itself a null control.
    seed : int
        Draws the random points.
    floor : Floor, optional
        What is known of the lowest point of its lattice (:mod:`qsvm.fitting.floors`).
    """
    return assess_looked(Looked.once(problem, batch), found, rules, seed, floor)


def assess_looked(
    looked: Looked,
    found: Solution,
    rules: Rules | None = None,
    seed: int = 0,
    floor: Floor | None = None,
) -> DualQuality:
    """Hold one dual, whose optimum is known, against it; see :func:`assess`.

    Parameters
    ----------
    looked : Looked
        The dual, its samples, its optimum.
    found, rules, seed, floor
        As :func:`assess` takes them; random points are drawn on the intervals of every look.
    """
    problem, batch, exact = looked.lattices[0], looked.batch, looked.exact
    alpha = found.alpha
    zero = float(problem.energies(problem.origin)[0])
    tolerance = AT_BOUND * problem.span
    total = float(np.abs(alpha).sum())
    balance = float(np.abs(problem.balance(alpha)).sum())
    gap, best = relative_gap(found.energy, exact), float(batch.energies[0])
    return DualQuality(
        exact=exact,
        model=found.energy,
        best=best,
        zero=zero,
        diagnostics=Diagnostics(
            energy_gap_mean=gap,
            energy_gap_max=gap,
            best_sample_gap_mean=relative_gap(looked.first_best, exact),
            rounded_gap_mean=relative_gap(looked.rounded, exact),
            above_zero_fraction=_share(found.kept_energies > zero),
            equality_violation_mean=balance / total if total > 0 else 0.0,
            at_zero_fraction=float(np.mean(alpha <= problem.lower + tolerance)),
            at_bound_fraction=float(np.mean(alpha >= problem.upper - tolerance)),
            chain_break_fraction=batch.chain_break_fraction,
            couplers_dropped=batch.couplers_dropped,
            looked_again_fraction=float(len(looked.lattices) > 1),
            **_beside_hull(looked, found, rules, seed),
            **_shares(floor, looked.first_best, exact),
        ),
    )


def _share(mask: NDArray[np.bool_]) -> float:
    """Return the share of true values, 0 of none at all."""
    return float(mask.mean()) if len(mask) else 0.0


def _beside_hull(
    looked: Looked, found: Solution, rules: Rules | None, seed: int
) -> dict[str, float]:
    """Return what a hull is held against: the average of the same samples, random columns."""
    if rules is None or rules.combination != HULL or not rules.selective:
        return {}
    problem, batch, exact = looked.lattices[0], looked.batch, looked.exact
    averaged = solution(problem, batch, rules.averaged()).energy
    count = -(-len(batch.energies) // len(looked.lattices))
    points = np.concatenate([random_points(p, count, seed) for p in looked.lattices])
    random = solution(problem, batch_from_rows(problem, points), rules).energy
    return {
        "averaged_gap_mean": relative_gap(averaged, exact),
        "random_hull_gap_mean": relative_gap(random, exact),
        "by_penalty_fraction": float(not found.exact),
    }


def _shares(floor: Floor | None, best: float, exact: float) -> dict[str, float]:
    """Return the lattice's and the sampler's share of a gap, where the lattice's optimum is proven.

    Rounding can make either a hair negative.
    """
    if floor is None:
        return {}
    if floor.energy is None:
        return {"proven_fraction": 0.0}
    return {
        "proven_fraction": 1.0,
        "lattice_gap_mean": max(relative_gap(floor.energy, exact), 0.0),
        "sampler_gap_mean": max(relative_gap(best, floor.energy), 0.0),
    }


def summarise(qualities: Sequence[DualQuality]) -> Diagnostics:
    """Return the diagnostics of a model from those of its duals."""
    return merged(Diagnostics, [quality.diagnostics for quality in qualities])


def energy_table(qualities: Sequence[DualQuality]) -> NDArray[np.float64]:
    """Return rows (exact, model, best, zero), shape (n_duals, 4), for histograms."""
    return np.array([[q.exact, q.model, q.best, q.zero] for q in qualities], dtype=np.float64)
