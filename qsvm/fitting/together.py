"""The steps of a fit: plan the duals, sample them all in one call, decode, assess."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from bridges.fit_report import FitReport
from qsvm.fitting.diagnostics import assess, energy_table, summarise
from qsvm.formulations.solution import Solution, decode
from qsvm.samplers.base import told_seconds

if TYPE_CHECKING:
    from bridges.machine.progress import Progress
    from qsvm.formulations.binary import ModelDuals
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import DualSampler, SampleBatch

SEED_LIMIT = 2**31 - 1


def fit_together(
    models: Sequence[Any], datasets: Sequence[tuple[Any, Any, Any]], progress: Progress
) -> None:
    """Fit every model on its data set with one call of the first model's sampler.

    Parameters
    ----------
    models : sequence of QuboSVC
        Equal but for ``random_state``.
    datasets : sequence of (X, y, sample_weight or None)
        One per model.
    progress : callable
        Called with (duals done, duals in all).
    """
    first = models[0]
    plans = [model.plan(*data) for model, data in zip(models, datasets, strict=True)]
    seeds: list[int] = []
    for model, plan in zip(models, plans, strict=True):
        random = check_random_state(model.random_state)
        seeds.extend(random.randint(SEED_LIMIT, size=len(plan.duals)).tolist())
    problems = [dual.problem for plan in plans for dual in plan.duals]
    sampler = first.make_sampler()
    started = time.perf_counter()
    batches = _sample(first, sampler, problems, seeds, progress)
    wall = time.perf_counter() - started
    busy = sum(batch.solve_s for batch in batches)
    done = 0
    for model, plan in zip(models, plans, strict=True):
        mine = batches[done : done + len(plan.duals)]
        done += len(mine)
        share = sum(b.solve_s for b in mine) / busy if busy > 0 else len(mine) / len(batches)
        _finish(model, plan, sampler, mine, wall * share)


def _sample(
    model: Any,
    sampler: DualSampler,
    problems: list[DualProblem],
    seeds: list[int],
    progress: Progress,
) -> list[SampleBatch]:
    if not model.refine_rounds:
        return sampler.sample(problems, seeds, n_jobs=model.n_jobs, progress=progress)
    from qsvm.fitting.refine import refine

    return refine(
        problems, sampler, seeds, model.refine_rounds, n_jobs=model.n_jobs, progress=progress
    )


def _finish(
    model: Any,
    plan: ModelDuals,
    sampler: DualSampler,
    batches: list[SampleBatch],
    solve_s: float,
) -> None:
    """Turn samples into the fitted attributes of one model."""
    started = time.perf_counter()
    selective = not getattr(sampler, "null_control", False)
    solutions = [
        decode(
            dual,
            batch,
            penalty=model.penalty,
            n_keep=model.n_keep,
            combination=model.combination,
            bias_rule=model.bias,
            selective=selective,
        )
        for dual, batch in zip(plan.duals, batches, strict=True)
    ]
    _store(model, plan, solutions)
    decoded = time.perf_counter()
    qualities = [
        assess(dual.problem, batch, solution)
        for dual, batch, solution in zip(plan.duals, batches, solutions, strict=True)
    ]
    model.energies_ = energy_table(qualities)
    model.sample_energies_ = [batch.energies for batch in batches]
    model.sampler_timing_ = told_seconds(batches)
    model.diagnostics_ = summarise(qualities)
    decode_s, diagnose_s = decoded - started, time.perf_counter() - decoded
    model.fit_report_ = FitReport(
        total_s=plan.kernel_s + plan.build_s + solve_s + decode_s + diagnose_s,
        kernel_s=plan.kernel_s,
        build_s=plan.build_s,
        solve_s=solve_s,
        decode_s=decode_s,
        diagnose_s=diagnose_s,
        qpu_s=sum(batch.qpu_s for batch in batches),
        queue_s=max(batch.queue_s for batch in batches),
        n_samples=plan.n_samples,
        n_support=len(model.support_),
        n_variables=max(dual.problem.n_variables for dual in plan.duals),
        n_problems=len(plan.duals),
        n_iterations=max(batch.rounds for batch in batches),
        objective=float(sum(solution.energy for solution in solutions)),
    )


def _store(model: Any, plan: ModelDuals, solutions: list[Solution]) -> None:
    """Set the fitted attributes that make the kernel expansion."""
    coef = np.zeros((len(solutions), len(plan.merged.rows)))
    for o, (dual, solution) in enumerate(zip(plan.duals, solutions, strict=True)):
        coef[o, dual.rows] = solution.alpha * dual.signs
    used = np.flatnonzero(np.any(coef != 0, axis=0))
    order = used[np.argsort(plan.merged.rows[used], kind="stable")]
    model.gamma_ = plan.kernel.gamma
    model.support_ = plan.merged.rows[order]
    model.support_vectors_ = plan.vectors[order]
    model.dual_coef_ = coef[:, order]
    model.intercept_ = np.array([solution.bias for solution in solutions])
