r"""Precision without bits: intervals that shrink around the best sample.

Each round encodes every coefficient on its own interval, samples, and shrinks the interval around
the best sample so far. The new lattice contains that sample, and the bounds of the box where they
are near, so no round can lose what another has found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from qsvm.fitting.answers import ask
from qsvm.problem.lattice import Lattice, lattice
from qsvm.samplers.base import SampleBatch, batch_from_rows, told_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import DualSampler

SHRINK = 0.6
"""Factor on the widths of the intervals from one round to the next; between .5 and .65 it matters
little, below that the optimum is shut out now and then."""


def refine(
    problems: Sequence[DualProblem],
    sampler: DualSampler,
    seeds: Sequence[int],
    rounds: int,
    *,
    shrink: float = SHRINK,
    n_jobs: int | None = None,
    progress: Progress = no_progress,
) -> list[SampleBatch]:
    """Sample problems, then again on shrinking intervals around each one's best sample.

    Parameters
    ----------
    problems : sequence of DualProblem
        All advance together: one call of the sampler per round.
    sampler : DualSampler
        Any sampler.
    seeds : sequence of int
        One per problem; each round draws its own from it.
    rounds : int
        Rounds after the first sampling; 0 samples only once.
    shrink : float
        Factor on the widths of the intervals per round, between 0 and 1.
    n_jobs, progress
        As in :meth:`qsvm.samplers.base.DualSampler.sample`; progress counts problems over all
        rounds.

    Returns
    -------
    list of SampleBatch
        Per problem the distinct samples of all rounds, with energies of the full problem, times
        summed, and the best energy of each round in ``info["round_energies"]``.

    Raises
    ------
    UsageError
        If ``rounds`` is negative or ``shrink`` not between 0 and 1.
    """
    if rounds < 0 or not 0 < shrink < 1:
        raise UsageError(
            f"rounds is {rounds} and shrink is {shrink}.", "Use rounds >= 0 and 0 < shrink < 1."
        )
    histories: list[list[SampleBatch]] = [[] for _ in problems]
    current = list(problems)
    grids = [lattice(problem) for problem in problems]
    for number in range(rounds + 1):
        found = ask(
            sampler,
            current,
            [round_seed(seed, number) for seed in seeds],
            n_jobs=n_jobs,
            progress=_shifted(progress, number, rounds + 1),
        )
        for history, batch in zip(histories, found, strict=True):
            history.append(batch)
        if number < rounds:
            current = [
                _zoom(problem, grid, _best(history), shrink ** (number + 1), number + 1)
                for problem, grid, history in zip(problems, grids, histories, strict=True)
            ]
    return [_merge(*pair) for pair in zip(problems, histories, strict=True)]


def round_seed(seed: int, number: int) -> int:
    """Return the seed of a round; that of the first is the problem's own."""
    if number == 0:
        return seed
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1)


def _shifted(progress: Progress, number: int, n_rounds: int) -> Progress:
    """Return the progress of one round as a part of all."""
    return lambda done, total: progress(number * total + done, n_rounds * total)


def _best(history: list[SampleBatch]) -> NDArray[np.float64]:
    """Return the lowest sample of all rounds."""
    return min(history, key=lambda batch: batch.energies[0]).x[0]


def _zoom(
    problem: DualProblem, grid: Lattice, best: NDArray[np.float64], share: float, number: int
) -> DualProblem:
    """Return the problem on intervals of a share of the full width around the best sample.

    The gradient at the best sample tells on which side of it more of the levels are needed.
    """
    gradient = problem.linear + problem.fields(best)
    lower, span = _intervals(problem, grid.values, best, gradient, share)
    label = f"{problem.label} round {number}"
    return dataclasses.replace(problem, lower=lower, span=span, label=label)


def _intervals(
    problem: DualProblem,
    values: NDArray[np.float64],
    best: NDArray[np.float64],
    gradient: NDArray[np.float64],
    share: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (lower, span) with ``best`` on the lattice, and a bound that is near as well."""
    top = len(values) - 1
    # the best sample's level is the middle; of two middles the one with more levels downhill
    wanted = np.where(gradient > 0, (top + 1) // 2, top // 2)
    span = share * problem.span
    wide = np.where(span > 0, span, 1.0)
    below, above = best - problem.lower, problem.upper - best
    # A bound within the interval becomes its end: most coefficients of an SVM belong exactly on
    # one, and a lattice that misses it could never say so. The width then gives way a little so
    # that the best sample stays on a level: no round's optimum is above that of the one before.
    from_low = np.searchsorted(values, below / wide - 1e-12)
    from_high = np.searchsorted(values, 1 - above / wide + 1e-12, "right") - 1
    # from_low: the best sample's level in an interval that begins at the bound and is not wider
    # than asked for; above the wanted level the bound is out of reach
    at_low = from_low <= wanted
    at_high = ~at_low & (from_high >= wanted)
    level = np.where(at_low, from_low, np.where(at_high, from_high, wanted))
    width = np.where(at_low & (level > 0), below / np.maximum(values[level], 1e-300), span)
    width = np.where(at_high & (level < top), above / np.maximum(1 - values[level], 1e-300), width)
    lower = np.where(at_low, problem.lower, best - width * values[level])
    lower = np.where(at_high, problem.upper - width, lower)
    return lower, np.where(problem.span > 0, width, 0.0)


def _merge(problem: DualProblem, history: list[SampleBatch]) -> SampleBatch:
    """Return the distinct samples of all rounds as one batch."""
    joined = batch_from_rows(
        problem,
        np.concatenate([batch.x for batch in history]),
        np.concatenate([batch.occurrences for batch in history]),
    )
    breaks = [b.chain_break_fraction for b in history if b.chain_break_fraction is not None]
    info: dict[str, Any] = dict(history[-1].info)
    if "timing" in info:
        info["timing"] = told_seconds(history)
    info["round_energies"] = [float(batch.energies[0]) for batch in history]
    return SampleBatch(
        joined.x,
        joined.energies,
        joined.occurrences,
        solve_s=sum(batch.solve_s for batch in history),
        qpu_s=sum(batch.qpu_s for batch in history),
        queue_s=sum(batch.queue_s for batch in history),
        chain_break_fraction=float(np.mean(breaks)) if breaks else None,
        couplers_dropped=sum(batch.couplers_dropped for batch in history),
        rounds=len(history) - 1,
        info=info,
    )
