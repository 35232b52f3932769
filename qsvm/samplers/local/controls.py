"""Null controls as samplers: what a model is worth when nothing was optimised.

They go through the same decoding, averaging and biases as any sampler, so a classifier fitted with
one differs from the annealed classifier in its coefficients alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError
from qsvm.samplers.base import ALL_CONSTRAINTS, Progress, SampleBatch, batch_from_rows, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem


def _draws(num_draws: int) -> int:
    """Return a number of draws, or refuse it."""
    if not isinstance(num_draws, int | np.integer) or num_draws < 1:
        raise UsageError(f"num_draws is {num_draws!r}.", "Use a whole num_draws of at least 1.")
    return int(num_draws)


def random_points(problem: DualProblem, count: int, seed: int) -> NDArray[np.float64]:
    """Return points of a problem's lattice with bits drawn at random, shape (count, n)."""
    bits = np.random.default_rng(seed).integers(0, 2, (count, problem.n_variables), dtype=np.int8)
    return problem.decode(bits)


class RandomAlpha:
    """Coefficients drawn uniformly from their intervals, averaged like samples.

    Parameters
    ----------
    num_draws : int
        Draws per problem; as many as the classifier keeps, so that none is selected.
    """

    summary = "null control: coefficients drawn at random, averaged like samples"
    limits = "any size; optimises nothing"
    handles = ALL_CONSTRAINTS
    null_control = True

    def __init__(self, *, num_draws: int = 20) -> None:
        self.num_draws = _draws(num_draws)

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Draw for every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        batches = []
        for problem, seed in zip(problems, seeds, strict=True):
            rng = np.random.default_rng(seed)
            share = rng.random((self.num_draws, problem.n_coefficients))
            batches.append(batch_from_rows(problem, problem.lower + problem.span * share))
            progress(len(batches), len(problems))
        return batches


class RandomLattice:
    """Points of the lattice with random bits: the columns of a hull without an annealer.

    Parameters
    ----------
    num_draws : int
        Draws per problem; as many as the sampler gives distinct samples.
    """

    summary = "null control: random points of the lattice, combined like samples"
    limits = "any size; optimises nothing"
    null_control = True
    handles = ALL_CONSTRAINTS

    def __init__(self, *, num_draws: int = 100) -> None:
        self.num_draws = _draws(num_draws)

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Draw for every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        batches = []
        for problem, seed in zip(problems, seeds, strict=True):
            points = random_points(problem, self.num_draws, seed)
            batches.append(batch_from_rows(problem, points))
            progress(len(batches), len(problems))
        return batches


class ConstantAlpha:
    """Every coefficient in the middle of its interval: a Parzen window classifier."""

    summary = "null control: equal coefficients (a Parzen window)"
    limits = "any size; optimises nothing"
    handles = ALL_CONSTRAINTS
    null_control = True

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Return the midpoint of every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        batches = []
        for problem in problems:
            batches.append(batch_from_rows(problem, (problem.lower + 0.5 * problem.span)[None]))
            progress(len(batches), len(problems))
        return batches
