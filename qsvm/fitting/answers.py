"""A sampler asked, and its answer checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import SolverError

if TYPE_CHECKING:
    from bridges.machine.progress import Progress
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import DualSampler, SampleBatch

OUTSIDE = 1e-6
"""Share of its interval by which a coefficient may lie outside: rounding of foreign arithmetic."""


def ask(
    sampler: DualSampler,
    problems: Sequence[DualProblem],
    seeds: Sequence[int],
    *,
    n_jobs: int | None,
    progress: Progress,
) -> list[SampleBatch]:
    """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`.

    Raises
    ------
    SolverError
        If the answer does not fit the problems.
    """
    batches = sampler.sample(problems, seeds, n_jobs=n_jobs, progress=progress)
    require_answers(sampler, problems, batches)
    return batches


def require_answers(
    sampler: Any, problems: Sequence[DualProblem], batches: Sequence[SampleBatch]
) -> None:
    """Refuse what is no answer to the problems, whoever sampled them.

    Parameters
    ----------
    sampler : DualSampler
        For its name.
    problems : sequence of DualProblem
        What it was asked.
    batches : sequence of SampleBatch
        What it answered.

    Raises
    ------
    SolverError
        If batches are missing or empty, coefficients are of another shape, not finite or outside
        their intervals, or energies are not those of the samples.
    """
    name = type(sampler).__name__
    hint = "qsvm.samplers.base.DualSampler says what a sampler returns; bridges.testing checks it."
    if len(batches) != len(problems):
        raise SolverError(
            f"The sampler {name} returned {len(batches)} batches for {len(problems)} problems.",
            hint,
        )
    for problem, batch in zip(problems, batches, strict=True):
        x = np.asarray(batch.x)
        if x.ndim != 2 or x.shape[1] != problem.n_coefficients or not len(x):
            raise SolverError(
                f"The sampler {name} returned samples of shape {x.shape} for "
                f"{problem.n_coefficients} coefficients.",
                hint,
            )
        slack = OUTSIDE * np.maximum(problem.span, np.abs(problem.lower))
        inside = (x >= problem.lower - slack) & (x <= problem.upper + slack)
        if not inside.all():  # NaN is not inside, either
            raise SolverError(
                f"The sampler {name} returned coefficients outside their intervals.", hint
            )
        if len(batch.energies) != len(x) or not np.isfinite(batch.energies).all():
            raise SolverError(f"The sampler {name} returned energies that fit no sample.", hint)
