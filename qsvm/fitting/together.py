"""The steps of a fit: sample all problems of all models in one call, decode, assess."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from bridges.fit_report import Diagnostics, FitReport
from qsvm.fitting.answers import ask
from qsvm.fitting.diagnostics import assess_looked, energy_table, summarise
from qsvm.fitting.floors import floors_of
from qsvm.fitting.looks import look_again
from qsvm.formulations.base import require_handled
from qsvm.samplers.base import n_unknowns, told_seconds

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from bridges.machine.progress import Progress
    from qsvm.fitting.duals import ModelDuals
    from qsvm.fitting.floors import Floor
    from qsvm.fitting.looks import Looked
    from qsvm.formulations.base import Coefficients
    from qsvm.formulations.solution import Rules
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import DualSampler, SampleBatch

SEED_LIMIT = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the problems of a fit are sampled and decoded.

    Attributes
    ----------
    sampler : DualSampler
        The sampler.
    rules : Rules
        How samples become coefficients.
    refine_rounds : int
        Rounds of refinement.
    looks : int
        Closer looks at duals whose lattice is too coarse, at most (:mod:`qsvm.fitting.looks`).
    n_jobs : int or None
        Threads.
    proof_seconds : float
        Nominal seconds of one thread for proofs of each model's lattice optima; 0 for none.
    """

    sampler: DualSampler
    rules: Rules
    refine_rounds: int = 0
    n_jobs: int | None = None
    proof_seconds: float = 0.0
    looks: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gives; an estimator keeps it as its fitted attributes.

    Attributes
    ----------
    gamma : float
        γ as a number.
    support : ndarray of shape (n_support,)
        Training rows with a coefficient, increasing.
    support_vectors : ndarray of shape (n_support, d)
        Those rows.
    coef : ndarray of shape (n_outputs, n_support)
        Signed coefficients.
    intercept : ndarray of shape (n_outputs,)
        Biases.
    energies : ndarray of shape (n_problems, 4)
        Exact optimum, model, best sample and all-zero energy of every problem.
    sample_energies : list of ndarray
        Energies of all distinct samples of every problem, ascending.
    timing : dict of str to float
        Seconds that the sampler tells of its own work, by kind.
    diagnostics : Diagnostics
        Quality of the solutions.
    report : FitReport
        Times and sizes.
    """

    gamma: float
    support: NDArray[np.intp]
    support_vectors: NDArray[np.float64]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    energies: NDArray[np.float64]
    sample_energies: list[NDArray[np.float64]]
    timing: dict[str, float]
    diagnostics: Diagnostics
    report: FitReport


def fit_together(
    models: Sequence[ModelDuals],
    random_states: Sequence[Any],
    sampling: Sampling,
    progress: Progress,
) -> list[Fitted]:
    """Fit every model, all their problems in one call of the sampler.

    Parameters
    ----------
    models : sequence of ModelDuals
        The models' problems.
    random_states : sequence
        One per model, from which the seeds of its problems are drawn: a model does not depend on
        those beside it.
    sampling : Sampling
        Sampler and rules.
    progress : callable
        Called with (problems done, problems in all).

    Raises
    ------
    UsageError
        If the sampler does not handle the constraints that a formulation needs.
    """
    seeds: list[int] = []
    for model, state in zip(models, random_states, strict=True):
        require_handled(model.formulation, sampling.sampler)
        random = check_random_state(state)
        seeds.extend(random.randint(SEED_LIMIT, size=len(model.problems)).tolist())
    started = time.perf_counter()
    batches = _sample([p for model in models for p in model.problems], seeds, sampling, progress)
    wall = time.perf_counter() - started
    rows = [slice(end - len(m.problems), end) for m, end in zip(models, _ends(models), strict=True)]
    started = time.perf_counter()
    floors = floors_of(
        [(model.problems, batches[row]) for model, row in zip(models, rows, strict=True)],
        sampling.proof_seconds,
        sampling.n_jobs,
    )
    proof_s = (time.perf_counter() - started) / len(models)
    started = time.perf_counter()
    looked = _look(models, batches, seeds, sampling, progress)
    wall += time.perf_counter() - started
    busy = sum(dual.batch.solve_s for dual in looked)
    fitted = []
    for model, row, known in zip(models, rows, floors, strict=True):
        mine = looked[row]
        spent = sum(dual.batch.solve_s for dual in mine)
        share = spent / busy if busy > 0 else len(mine) / len(looked)
        fitted.append(_finish(model, mine, seeds[row], sampling, known, (wall * share, proof_s)))
    return fitted


def _look(
    models: Sequence[ModelDuals],
    batches: list[SampleBatch],
    seeds: list[int],
    sampling: Sampling,
    progress: Progress,
) -> list[Looked]:
    """Look at all duals of all models, closer where that is needed and wanted."""
    return look_again(
        [problem for model in models for problem in model.problems],
        batches,
        seeds,
        sampling.sampler,
        sampling.rules,
        sampling.looks,
        n_jobs=sampling.n_jobs,
        progress=progress,
    )


def _ends(models: Sequence[ModelDuals]) -> list[int]:
    """Return where the problems of each model end in a list of all."""
    return list(itertools.accumulate(len(model.problems) for model in models))


def _sample(
    problems: list[DualProblem], seeds: list[int], sampling: Sampling, progress: Progress
) -> list[SampleBatch]:
    if not sampling.refine_rounds:
        return ask(sampling.sampler, problems, seeds, n_jobs=sampling.n_jobs, progress=progress)
    from qsvm.fitting.refine import refine

    return refine(
        problems,
        sampling.sampler,
        seeds,
        sampling.refine_rounds,
        n_jobs=sampling.n_jobs,
        progress=progress,
    )


def _finish(
    model: ModelDuals,
    duals: list[Looked],
    seeds: list[int],
    sampling: Sampling,
    floors: list[Floor | None],
    spent_s: tuple[float, float],
) -> Fitted:
    """Turn the samples of one model into its coefficients, and hold them against the optimum.

    ``spent_s`` are its seconds of sampling and of proofs.
    """
    started = time.perf_counter()
    solve_s, proof_s = spent_s
    rules = sampling.rules
    batches = [dual.batch for dual in duals]
    found = model.formulation.finish(model.task, model.problems, batches, rules)
    order = _support(model, found)
    decoded = time.perf_counter()
    qualities = [
        assess_looked(dual, solution, rules, seed, floor)
        for dual, solution, seed, floor in zip(duals, found.solutions, seeds, floors, strict=True)
    ]
    report = FitReport(
        kernel_s=model.kernel_s,
        build_s=model.build_s,
        solve_s=solve_s,
        decode_s=decoded - started,
        diagnose_s=time.perf_counter() - decoded + proof_s,
        qpu_s=sum(batch.qpu_s for batch in batches),
        queue_s=max(batch.queue_s for batch in batches),
        n_samples=model.n_samples,
        n_support=len(order),
        n_variables=max(n_unknowns(sampling.sampler, problem) for problem in model.problems),
        n_problems=len(model.problems),
        n_iterations=max(batch.rounds for batch in batches),
        objective=float(sum(solution.energy for solution in found.solutions)),
    )
    parts = (report.kernel_s, report.build_s, solve_s, report.decode_s, report.diagnose_s)
    return Fitted(
        gamma=model.kernel.gamma,
        support=model.merged.rows[order],
        support_vectors=model.vectors[order],
        coef=found.coef[:, order],
        intercept=found.intercept,
        energies=energy_table(qualities),
        sample_energies=[batch.energies for batch in batches],
        timing=told_seconds(batches),
        diagnostics=summarise(qualities),
        report=dataclasses.replace(report, total_s=sum(parts)),
    )


def _support(model: ModelDuals, found: Coefficients) -> NDArray[np.intp]:
    """Return the distinct samples with a coefficient, in the order of the training rows."""
    used = np.flatnonzero(np.any(found.coef != 0, axis=0))
    return used[np.argsort(model.merged.rows[used], kind="stable")]
