"""A closer look where the lattice is too coarse: more columns, on intervals that fit.

A lattice from 0 to C with two bits suits kernels whose optimum uses all of it. Linear and
polynomial kernels, a large C, weights, or samples drawn many times into a bag leave most
coefficients far below the first step. The mixture of the first samples, however coarse, tells how
large each coefficient is about; on intervals of that size the same few bits say much more. All
samples stay columns of the hull, which therefore only gets better.

The exact optimum only decides whether to look again: if rounding it to the lattice costs too much
and the model is too far from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qsvm.fitting.answers import ask
from qsvm.fitting.refine import round_seed
from qsvm.formulations.solution import solution
from qsvm.samplers.base import SampleBatch, batch_from_rows, told_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.progress import Progress
    from qsvm.formulations.solution import Rules
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import DualSampler

ENOUGH = 0.05
"""Gap to the optimum of a dual, relative: a rounded optimum and a model beyond it are looked at."""

LOOKS = 6
"""Closer looks at most. Measured (neal and dense, rbf, linear and cubic kernels, C from .1 to
1 000): the first takes most of the way, those after the third a few points on small members."""

WIDEST, NARROWEST = 1.0, -3.0
"""Binary logarithms of an interval's width over the size of its coefficient, drawn in between:
widths that are all alike get stuck."""


@dataclasses.dataclass(frozen=True, eq=False)
class Looked:
    """One dual's samples and where they are from.

    Attributes
    ----------
    batch : SampleBatch
        Samples of all looks, with energies of the full problem.
    lattices : list of DualProblem
        The problem on the intervals of every look; the first is the problem itself.
    optimum : ndarray of shape (n,)
        The exact optimum over the box.
    exact : float
        Its energy.
    rounded : float
        Energy of the optimum rounded to the problem's own lattice.
    first_best : float
        Lowest energy of the first look: the best that was found on the problem's own lattice.
    """

    batch: SampleBatch
    lattices: list[DualProblem]
    optimum: NDArray[np.float64]
    exact: float
    rounded: float
    first_best: float

    @classmethod
    def once(cls, problem: DualProblem, batch: SampleBatch) -> Looked:
        """Return a dual that was sampled once, with its optimum."""
        from qsvm.problem.exact import solve_box
        from qsvm.samplers.dense.rounding import rounded_optimum

        optimum, exact = solve_box(problem)
        rounded = float(problem.energies(rounded_optimum(problem, optimum))[0])
        return cls(batch, [problem], optimum, exact, rounded, float(batch.energies[0]))

    @property
    def is_coarse(self) -> bool:
        """Whether it is the lattice that keeps samples from the optimum.

        Not where rounding costs little, and not where every sample is worse than all-zero
        coefficients although the rounded optimum is better: then the sampler has failed.
        """
        problem = self.lattices[0]
        zero = float(problem.energies(problem.origin)[0])
        return self.is_far(self.rounded) and (self.first_best <= zero or self.rounded >= zero)

    def is_far(self, energy: float) -> bool:
        """Return whether an energy lies too far above the optimum."""
        return energy - self.exact > ENOUGH * abs(self.exact)


def look_again(
    problems: Sequence[DualProblem],
    batches: Sequence[SampleBatch],
    seeds: Sequence[int],
    sampler: DualSampler,
    rules: Rules,
    looks: int,
    *,
    n_jobs: int | None,
    progress: Progress,
) -> list[Looked]:
    """Sample duals again whose model is far from the optimum, on intervals around that model.

    Parameters
    ----------
    problems, batches, seeds
        The duals, their first samples, and their seeds: what becomes of a dual depends on no other.
    sampler : DualSampler
        What has sampled them.
    rules : Rules
        How samples become coefficients.
    looks : int
        Looks after the first, at most; 0 for none.
    n_jobs, progress
        As in :meth:`qsvm.samplers.base.DualSampler.sample`; every look counts its duals anew.

    Returns
    -------
    list of Looked
        One per dual.
    """
    found = [Looked.once(*dual) for dual in zip(problems, batches, strict=True)]
    for number in range(1, looks + 1):
        closer: dict[int, DualProblem] = {}
        for k, looked in enumerate(found):
            if not looked.is_coarse:
                continue
            model = solution(looked.lattices[0], looked.batch, rules)
            if looked.is_far(model.energy):
                closer[k] = _around(looked.lattices[0], model.alpha, seeds[k], number)
        if not closer:
            break
        again = [round_seed(seeds[k], number) for k in closer]
        sampled = ask(sampler, list(closer.values()), again, n_jobs=n_jobs, progress=progress)
        for k, batch in zip(closer, sampled, strict=True):
            found[k] = _joined(found[k], closer[k], batch)
    return found


def _around(
    problem: DualProblem, model: NDArray[np.float64], seed: int, number: int
) -> DualProblem:
    """Return the problem on intervals around a model, as wide as its coefficients are large."""
    size = np.abs(model - problem.origin)
    used = size > 1e-9 * problem.span
    # where nothing was found but zero, the size at which a lone coefficient has its optimum
    typical = float(np.median(size[used])) if used.any() else 1.0 / _curvature(problem)
    draws = np.random.default_rng([seed, number]).uniform(NARROWEST, WIDEST, len(model))
    span = np.minimum(problem.span, np.maximum(size, typical) * 2.0**draws)
    lower = np.clip(model - 0.5 * span, problem.lower, problem.upper - span)
    label = f"{problem.label} look {number}"
    return dataclasses.replace(problem, lower=lower, span=span, label=label)


def _curvature(problem: DualProblem) -> float:
    """Return the mean curvature of a coefficient without the penalty; 1 where there is none."""
    diagonal = np.diag(problem.hessian).astype(np.float64)
    own = diagonal if problem.equality is None else diagonal - problem.penalty * problem.equality**2
    mean = float(np.mean(np.abs(own)))
    return mean if mean > 0 else 1.0


def _joined(looked: Looked, closer: DualProblem, batch: SampleBatch) -> Looked:
    """Return a dual with the samples of one more look."""
    old = looked.batch
    joined = batch_from_rows(
        looked.lattices[0],
        np.concatenate([old.x, batch.x]),
        np.concatenate([old.occurrences, batch.occurrences]),
    )
    timing = told_seconds([old, batch])
    both = dataclasses.replace(
        old,
        x=joined.x,
        energies=joined.energies,
        occurrences=joined.occurrences,
        solve_s=old.solve_s + batch.solve_s,
        qpu_s=old.qpu_s + batch.qpu_s,
        queue_s=old.queue_s + batch.queue_s,
        couplers_dropped=old.couplers_dropped + batch.couplers_dropped,
        rounds=old.rounds + 1,
        info={"timing": timing} if timing else {},
    )
    return dataclasses.replace(looked, batch=both, lattices=[*looked.lattices, closer])
