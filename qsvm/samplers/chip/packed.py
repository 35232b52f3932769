"""What every annealer with a working graph has in common: plan, embed, ask, read back."""

from __future__ import annotations

import abc
import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.base import SampleBatch
from qsvm.samplers.chip.budget import AnnealSettings
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.cliques import CliqueFinder
from qsvm.samplers.chip.embedding import (
    TORQUE,
    UNEMBEDDINGS,
    Embedded,
    draw_signs,
    embed,
)
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

SWEEP = (0.7, 1.0, 1.414, 2.0, 2.8, 4.0)
"""Prefactors of the chain strength that a sweep tries."""

SWEEP_READS = 50
"""Reads of each."""

Schedule = Sequence[Sequence[float]]

log = logging.getLogger(__name__)


class PackedSampler(abc.ABC):
    """Packs a list of problems on disjoint cliques of a working graph.

    Subclasses say which chip it is and answer requests.

    Parameters
    ----------
    num_reads : int
        Reads of each problem, split into several submissions where one would take too long.
    chain_strength : float or "sweep"
        Prefactor of uniform torque compensation; "sweep" tries some on the largest problem, in one
        extra submission of few reads, and keeps the one with the lowest energies.
    annealing_time : float, optional
        Microseconds of one anneal.
    anneal_schedule : sequence of (float, float), optional
        Points (µs, s) instead of an annealing time.
    reverse_schedule : sequence of (float, float), optional
        Starting at s = 1: every problem is annealed once more, in reverse, from its best sample
        after greedy descent, with as many reads; both kinds of samples are returned.
    spin_reversals : int
        Random spin reversals among which the reads are shared out (each is programmed anew); 0 for
        none.
    unembedding : {"majority", "discard", "descent"}
        See :func:`qsvm.samplers.chip.embedding.unembed`.
    reduce_intersample_correlation : bool
        Pause between reads.
    programming_thermalization, readout_thermalization : float, optional
        Microseconds.
    members_per_submission : int, optional
        At most so many problems together; as many as fit by default.
    max_qpu_seconds : float, optional
        Refuse to spend more.
    """

    together: int | None = None
    """Problems per submission where the class decides it."""

    def __init__(
        self,
        *,
        num_reads: int = 100,
        chain_strength: float | str = TORQUE,
        annealing_time: float | None = None,
        anneal_schedule: Schedule | None = None,
        reverse_schedule: Schedule | None = None,
        spin_reversals: int = 0,
        unembedding: str = "majority",
        reduce_intersample_correlation: bool = False,
        programming_thermalization: float | None = None,
        readout_thermalization: float | None = None,
        members_per_submission: int | None = None,
        max_qpu_seconds: float | None = None,
    ) -> None:
        self.num_reads = num_reads
        self.chain_strength = chain_strength
        self.spin_reversals = spin_reversals
        self.unembedding = unembedding
        self.members_per_submission = members_per_submission or self.together
        self.max_qpu_seconds = max_qpu_seconds
        self.reverse_schedule = reverse_schedule
        self.settings = AnnealSettings(
            annealing_time,
            _schedule(anneal_schedule),
            programming_thermalization,
            readout_thermalization,
            reduce_intersample_correlation,
        )
        self._check()

    def options(self) -> dict[str, Any]:
        """Return the options that decide what is asked, for a store to keep."""
        return {
            "num_reads": self.num_reads,
            "chain_strength": self.chain_strength,
            "annealing_time": self.settings.annealing_time,
            "anneal_schedule": self.settings.anneal_schedule,
            "reverse_schedule": self.reverse_schedule,
            "spin_reversals": self.spin_reversals,
            "reduce_intersample_correlation": self.settings.reduce_intersample_correlation,
            "programming_thermalization": self.settings.programming_thermalization,
            "readout_thermalization": self.settings.readout_thermalization,
            "members_per_submission": self.members_per_submission,
        }

    def _check(self) -> None:
        if self.num_reads < 1:
            raise UsageError(f"num_reads is {self.num_reads}.", "Use num_reads of at least 1.")
        if self.together is not None and self.members_per_submission != self.together:
            raise UsageError(
                f"This sampler submits {self.together} problem at a time.", "Use 'qpu' instead."
            )
        if self.unembedding not in UNEMBEDDINGS:
            raise UsageError(
                f"Unknown unembedding '{self.unembedding}'.",
                f"Use one of {', '.join(UNEMBEDDINGS)}.",
            )
        strength = self.chain_strength
        if strength != "sweep" and not (isinstance(strength, int | float) and strength > 0):
            raise UsageError(
                f"chain_strength is {strength!r}.",
                "Use a positive prefactor (1.414 is Ocean's) or 'sweep'.",
            )
        if self.settings.reverse:
            raise UsageError(
                "anneal_schedule starts at s = 1, which needs a state to start from.",
                "Give it as reverse_schedule: it starts from each problem's best sample.",
            )
        if self.reverse_schedule is not None and float(self.reverse_schedule[0][1]) != 1.0:
            raise UsageError(
                "reverse_schedule must start at s = 1.",
                "For example [[0, 1], [5, 0.45], [85, 0.45], [90, 1]].",
            )

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
            self.num_reads,
            self.settings,
            n_gauges=max(1, self.spin_reversals),
            together=self.members_per_submission,
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


def _schedule(points: Schedule | None) -> tuple[tuple[float, float], ...] | None:
    if points is None:
        return None
    return tuple((float(t), float(s)) for t, s in points)


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
        self.problems = list(problems)
        self.seeds = [int(seed) for seed in seeds]
        self.n_jobs = n_jobs
        self.progress = progress
        self.chip = sampler.chip()

    def batches(self) -> list[SampleBatch]:
        strength = self.sampler.chain_strength
        prefactor = self._sweep() if isinstance(strength, str) else float(strength)
        batches = self._ask(prefactor, self.sampler.settings, self.sampler.plan(self._sizes()))
        if self.sampler.reverse_schedule is not None:
            batches = self._again(prefactor, batches)
        warn_of_noise(batches)
        return batches

    def _sizes(self) -> list[int]:
        return [problem.n_variables for problem in self.problems]

    def _sweep(self) -> float:
        """Return the prefactor under which the largest problem reaches the lowest energies."""
        largest = max(self.problems, key=lambda problem: problem.n_variables)
        seed = self.seeds[self.problems.index(largest)]
        pilot = _Run(self.sampler, [largest] * len(SWEEP), [seed] * len(SWEEP), self.n_jobs, _mute)
        reads = min(SWEEP_READS, self.sampler.num_reads)
        finder = CliqueFinder(self.chip)
        plan = make_plan(self.chip, finder, pilot._sizes(), reads, self.sampler.settings)
        batches = pilot._ask(list(SWEEP), self.sampler.settings, plan)
        scores = [_score(batch) for batch in batches]
        best = int(np.argmin(scores))
        log.info("Chain strength: prefactor %g of %s", SWEEP[best], SWEEP)
        return SWEEP[best]

    def _again(self, prefactor: float, first: list[SampleBatch]) -> list[SampleBatch]:
        """Anneal in reverse from the best samples and merge what comes back."""
        schedule = _schedule(self.sampler.reverse_schedule)
        settings = dataclasses.replace(
            self.sampler.settings, annealing_time=None, anneal_schedule=schedule
        )
        plan = make_plan(
            self.chip,
            CliqueFinder(self.chip),
            self._sizes(),
            self.sampler.num_reads,
            settings,
            together=self.sampler.members_per_submission,
        )
        states = [refined_bits(p, b) for p, b in zip(self.problems, first, strict=True)]
        second = self._ask(prefactor, settings, plan, states)
        pairs = zip(self.problems, first, second, strict=True)
        return [merged(problem, one, two) for problem, one, two in pairs]

    def _ask(
        self,
        prefactor: float | list[float],
        settings: AnnealSettings,
        plan: Plan,
        states: list[NDArray[np.int8]] | None = None,
    ) -> list[SampleBatch]:
        factors = prefactor if isinstance(prefactor, list) else [prefactor] * len(self.problems)
        started = time.perf_counter()
        pieces: list[list[tuple[int, Placement, Embedded]]] = [[] for _ in self.problems]
        requests: list[Request] = []
        for submission in plan.submissions:
            submission = self._with_signs(submission)
            embedded = [
                embed(self.problems[p.problem], p.chains, self.chip, prefactor=factors[p.problem])
                for p in submission.placements
            ]
            parameters = settings.parameters() | {"auto_scale": False, "answer_mode": "histogram"}
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
                how=self.sampler.unembedding,
                solve_s=share_s,
                info={"solver": self.chip.name, "chain_strength_prefactor": factor},
            )
            for problem, parts, factor in zip(self.problems, pieces, factors, strict=True)
        ]

    def _with_signs(self, submission: Submission) -> Submission:
        if not self.sampler.spin_reversals:
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


def _score(batch: SampleBatch) -> float:
    """Return the mean energy of the better half of a batch's reads."""
    order = np.repeat(batch.energies, batch.occurrences)
    return float(order[: max(1, len(order) // 2)].mean())
