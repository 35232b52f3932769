"""What samplers share that take one problem at a time, each on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.run.console import Progress, no_progress
from qsvm.samplers.base import SampleBatch, batch_from_rows, sample_each

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem


class ThreadedSampler:
    """Samples problems side by side on threads; a subclass samples one."""

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        return sample_each(self._one, problems, seeds, n_jobs=n_jobs, progress=progress)

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        """Sample one problem; give up early when ``stop`` is set."""
        raise NotImplementedError


def sample_bits(
    problem: DualProblem, sampler: Any, /, *, info: dict[str, Any] | None = None, **options: Any
) -> SampleBatch:
    """Sample the QUBO of a problem with any dimod sampler.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    sampler : dimod.Sampler
        The sampler.
    info : dict, optional
        The batch's ``info``.
    **options
        The sampler's own parameters.
    """
    started = time.perf_counter()
    samples = sampler.sample(problem.to_bqm(), **options)
    order = np.argsort(np.asarray(samples.variables))
    x = problem.decode(samples.record.sample[:, order])
    counts = samples.record.num_occurrences.astype(np.int64)
    solve_s = time.perf_counter() - started
    return batch_from_rows(problem, x, counts, solve_s=solve_s, info=info or {})
