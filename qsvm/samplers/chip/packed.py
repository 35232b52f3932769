"""What every annealer with a working graph has in common: plan, embed, ask, read back."""

from __future__ import annotations

import abc
import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.base import SampleBatch
from qsvm.samplers.chip.budget import AnnealSettings
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.cliques import CliqueFinder
from qsvm.samplers.chip.embedding import Embedded, draw_signs, embed
from qsvm.samplers.chip.packing import Placement, Plan, Request, Submission, make_plan, make_request
from qsvm.samplers.chip.reading import (
    Answer,
    Piece,
    initial_state,
    merged,
    read_back,
    refined_bits,
    warn_of_noise,
)
from qsvm.samplers.chip.settings import ChipSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

SWEEP = (1.0, 1.414, 2.0, 2.8, 4.0, 5.6)
"""Prefactors of the chain strength that a sweep tries."""

DECODED = 20
"""Samples whose mean stands for the decoded problem in a sweep."""

SWEEP_READS = 50
"""Reads of each."""

log = logging.getLogger(__name__)


class PackedSampler(abc.ABC):
    """Packs a list of problems on disjoint cliques of a working graph.

    Subclasses say which chip it is and answer requests.

    Parameters
    ----------
    settings : ChipSettings
        What is asked for.
    """

    analog: ClassVar[bool] = True
    together: int | None = None
    """Problems per submission where the class decides it."""

    def __init__(self, settings: ChipSettings) -> None:
        given = settings.members_per_submission
        if self.together is not None and given not in (None, self.together):
            raise UsageError(
                f"This sampler submits {self.together} problem at a time.", "Use 'qpu' instead."
            )
        self.settings = dataclasses.replace(settings, members_per_submission=given or self.together)

    @abc.abstractmethod
    def chip(self) -> Chip:
        """Return the working graph that is sampled."""

    @abc.abstractmethod
    def _answer(
        self, requests: list[Request], seeds: Sequence[int], n_jobs: int | None, progress: Progress
    ) -> list[Answer]:
        """Answer all requests; ``seeds`` belong to the problems."""

    def plan(self, sizes: Sequence[int]) -> Plan:
        """Return what would be submitted for problems of the given numbers of variables."""
        return self._plan_on(self.chip(), sizes)

    def _plan_on(self, chip: Chip, sizes: Sequence[int]) -> Plan:
        return make_plan(
            chip,
            CliqueFinder(chip),
            sizes,
            self.settings.num_reads,
            self.settings.anneal,
            n_gauges=max(1, self.settings.spin_reversals),
            together=self.settings.members_per_submission,
        )

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`.

        On an annealer a batch depends on where on the chip its problem sat, and so on the other
        problems of the list.
        """
        if not problems:
            return []
        run = _Run(self, problems, seeds, n_jobs, progress)
        return run.batches()


class _Run:
    """One call of :meth:`PackedSampler.sample`."""

    def __init__(
        self,
        sampler: PackedSampler,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        n_jobs: int | None,
        progress: Progress,
    ) -> None:
        self.sampler = sampler
        self.settings = sampler.settings
        self.problems = list(problems)
        self.seeds = [int(seed) for seed in seeds]
        self.n_jobs = n_jobs
        self.progress = progress
        self.chip = sampler.chip()

    def batches(self) -> list[SampleBatch]:
        if self.settings.chain_strength == "sweep":
            prefactor = [self._sweep()] * len(self.problems)
        else:
            prefactor = [self.settings.prefactor(problem) for problem in self.problems]
        batches = self._ask(prefactor, self.settings.anneal, self.sampler.plan(self._sizes()))
        if self.settings.reverse_schedule is not None:
            batches = self._again(prefactor, batches)
        warn_of_noise(batches)
        return batches

    def _sizes(self) -> list[int]:
        return [problem.n_variables for problem in self.problems]

    def _sweep(self) -> float:
        """Return the prefactor under which the largest problem, decoded, has the lowest energy."""
        largest = max(self.problems, key=lambda problem: problem.n_variables)
        seed = self.seeds[self.problems.index(largest)]
        pilot = _Run(self.sampler, [largest] * len(SWEEP), [seed] * len(SWEEP), self.n_jobs, _mute)
        reads = min(SWEEP_READS, self.settings.num_reads)
        finder = CliqueFinder(self.chip)
        plan = make_plan(self.chip, finder, pilot._sizes(), reads, self.settings.anneal)
        batches = pilot._ask(list(SWEEP), self.settings.anneal, plan)
        scores = [_decoded_energy(largest, batch) for batch in batches]
        best = int(np.argmin(scores))
        log.info("Chain strength: prefactor %g of %s", SWEEP[best], SWEEP)
        return SWEEP[best]

    def _again(self, prefactor: list[float], first: list[SampleBatch]) -> list[SampleBatch]:
        """Anneal in reverse from the best samples and merge what comes back."""
        plan = make_plan(
            self.chip,
            CliqueFinder(self.chip),
            self._sizes(),
            self.settings.num_reads,
            self.settings.reverse,
            together=self.settings.members_per_submission,
        )
        states = [refined_bits(p, b) for p, b in zip(self.problems, first, strict=True)]
        second = self._ask(prefactor, self.settings.reverse, plan, states)
        pairs = zip(self.problems, first, second, strict=True)
        return [merged(problem, one, two) for problem, one, two in pairs]

    def _ask(
        self,
        factors: list[float],
        anneal: AnnealSettings,
        plan: Plan,
        states: list[NDArray[np.int8]] | None = None,
    ) -> list[SampleBatch]:
        started = time.perf_counter()
        pieces: list[list[tuple[int, Placement, Embedded]]] = [[] for _ in self.problems]
        requests: list[Request] = []
        for submission in plan.submissions:
            submission = self._with_signs(submission)
            embedded = [
                embed(self.problems[p.problem], p.chains, self.chip, prefactor=factors[p.problem])
                for p in submission.placements
            ]
            parameters = anneal.parameters() | {"auto_scale": False, "answer_mode": "histogram"}
            if states is not None:
                parameters |= initial_state(submission, states, self.chip)
            for place, one in zip(submission.placements, embedded, strict=True):
                pieces[place.problem].append((len(requests), place, one))
            requests.append(make_request(submission, embedded, parameters))
        answers = self.sampler._answer(requests, self.seeds, self.n_jobs, self.progress)
        share_s = (time.perf_counter() - started) / len(self.problems)
        return [
            read_back(
                problem,
                [Piece(requests[n], answers[n], place, one) for n, place, one in parts],
                how=self.settings.unembedding,
                solve_s=share_s,
                info={"solver": self.chip.name, "chain_strength_prefactor": factor},
            )
            for problem, parts, factor in zip(self.problems, pieces, factors, strict=True)
        ]

    def _with_signs(self, submission: Submission) -> Submission:
        if not self.settings.spin_reversals:
            return dataclasses.replace(submission)
        placements = [
            dataclasses.replace(
                p, signs=draw_signs(len(p.chains), self.seeds[p.problem], submission.gauge)
            )
            for p in submission.placements
        ]
        return dataclasses.replace(submission, placements=placements)


def _mute(done: int, total: int) -> None:
    """Report nothing: the pilot is no part of the progress."""


def _decoded_energy(problem: DualProblem, batch: SampleBatch) -> float:
    """Return the lowest energy between zero and the mean of the lowest samples.

    What becomes of samples is a mixture of them and of zero, so a factor is judged by one: broken
    chains may leave single samples of low energy whose mixture is worth nothing.
    """
    mean = batch.x[:DECODED].mean(axis=0) - problem.lower
    slope = float(mean @ (problem.fields(problem.lower) + problem.linear))
    bend = float(mean @ problem.fields(mean))
    share = min(1.0, max(0.0, -slope / bend)) if bend > 0 else float(slope < 0)
    return slope * share + 0.5 * bend * share**2
