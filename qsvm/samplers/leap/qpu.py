"""Leap's QPUs: many problems on one chip, nothing that was paid for is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bridges.errors import SolverError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.base import ALL_CONSTRAINTS, SampleBatch
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.packed import PackedSampler
from qsvm.samplers.chip.packing import Plan, Request
from qsvm.samplers.chip.reading import Answer
from qsvm.samplers.chip.settings import AUTO, DEFAULT_READS, ChipSettings, Schedule
from qsvm.samplers.leap.connection import configuration
from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.messages import decode_answer, describe, encode
from qsvm.samplers.leap.session import CloudRun, Entry, Session
from qsvm.samplers.leap.store import ANSWERED, Row

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem


class PackedQPU(PackedSampler):
    """Samples on a D-Wave QPU through Leap, as many problems at once as the chip holds.

    Every submission is in the run store before it is sent, every answer before it is used. A run
    that was interrupted is continued with ``resume=True`` and the same problems: answers that
    exist are fetched, the others sent.

    Parameters
    ----------
    solver, region, profile : str, optional
        Choice of solver and account, as Ocean takes them.
    store : str, optional
        File or run folder of the store; a new one in the user's state directory by default.
    resume : bool
        Continue the run in ``store``.
    num_reads, chain_strength, annealing_time, anneal_schedule, reverse_schedule, spin_reversals
    unembedding, reduce_intersample_correlation, programming_thermalization, readout_thermalization
    members_per_submission, max_qpu_seconds
        As in :class:`qsvm.samplers.chip.settings.ChipSettings`.
    deadline_s : float
        Wall-clock seconds that one problem may take.
    tries : int
        Failures in a row before giving up.
    in_flight : int
        Submissions that wait in the cloud at the same time.
    label : str
        Begins the label of every submission, as the Leap dashboard shows it.

    Raises
    ------
    SolverError
        If the SDK or a token is missing (before anything is sent), or Leap fails for good.
    """

    stores_runs: ClassVar[bool] = True
    summary = "D-Wave QPU through Leap: different problems packed on disjoint cliques"
    limits = "the chip's largest clique (Advantage about 170, Advantage2 about 100 variables)"
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        solver: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        store: str | None = None,
        resume: bool = False,
        num_reads: int = DEFAULT_READS,
        chain_strength: float | str = AUTO,
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
        deadline_s: float = 1800.0,
        tries: int = 6,
        in_flight: int = 8,
        label: str = "annealsvm",
    ) -> None:
        super().__init__(
            ChipSettings(
                num_reads=num_reads,
                chain_strength=chain_strength,
                annealing_time=annealing_time,
                anneal_schedule=anneal_schedule,
                reverse_schedule=reverse_schedule,
                spin_reversals=spin_reversals,
                unembedding=unembedding,
                reduce_intersample_correlation=reduce_intersample_correlation,
                programming_thermalization=programming_thermalization,
                readout_thermalization=readout_thermalization,
                members_per_submission=members_per_submission,
                max_qpu_seconds=max_qpu_seconds,
            )
        )
        self.run = CloudRun(
            kind="qpu",
            solver=solver,
            region=region,
            profile=profile,
            store=store,
            resume=resume,
            patience=Patience(tries=tries, deadline_s=deadline_s),
            in_flight=in_flight,
            label=label,
        )
        self._session: Session | None = None

    @classmethod
    def check_account(cls, profile: str | None, region: str | None) -> None:
        """Raise a SolverError if the SDK or a token is missing."""
        configuration(profile, region)

    def chip(self) -> Chip:
        """Return the working graph: the one that the run began with, or the solver's."""
        return self._open().chip()

    def plan(self, sizes: Sequence[int]) -> Plan:
        """Return what would be submitted; outside of a run, nothing is written to a store."""
        if self._session is not None:
            return super().plan(sizes)
        connection = self.run.connect()
        try:
            return self._plan_on(connection.chip(), sizes)
        finally:
            connection.close()

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        try:
            with self._open():
                return super().sample(problems, seeds, n_jobs=n_jobs, progress=progress)
        finally:
            self._session = None

    def _open(self) -> Session:
        if self._session is None:
            self._session = self.run.begin(self.settings.max_qpu_seconds)
            self._session.store.remember("options", json.dumps(self.settings.asked()))
        return self._session

    def _answer(
        self,
        requests: list[Request],
        seeds: Sequence[int],
        n_jobs: int | None,
        progress: Progress,
    ) -> list[Answer]:
        session = self._open()
        entries = [
            Entry(r.digest(self.chip().name), describe(r), r.submission.estimate_us)
            for r in requests
        ]
        rows = session.rows(entries)
        if any(row.state != ANSWERED for row in rows):
            self._deliver(session, rows, requests, progress)
        return [
            decode_answer(session.store.answer(row), request, session.store.turnaround_s(row))
            for row, request in zip(rows, requests, strict=True)
        ]

    def _deliver(
        self, session: Session, rows: list[Row], requests: list[Request], progress: Progress
    ) -> None:
        connection = session.connection
        if connection.chip().graph_id != self.chip().graph_id:
            raise SolverError(
                f"{connection.name} has another working graph now than when the run began.",
                f"Use what was answered with --sampler replay:{session.store.path}, or start anew.",
            )

        def make_job(row: Row) -> Any:
            request = requests[row.position]
            data = encode(connection.solver, request)
            return connection.job(data, "ising", request.parameters, row.label)

        def check(row: Row, answer: dict[str, Any]) -> float:
            decode_answer(answer, requests[row.position])
            return float(answer["answer"]["timing"]["qpu_access_time"])

        session.deliver(rows, make_job, check, progress)


class CliqueQPU(PackedQPU):
    """As :class:`PackedQPU` with one problem per submission, as Ocean's clique sampler does it.

    Slower and dearer, but every problem gets the shortest chains of the whole chip.
    """

    summary = "D-Wave QPU through Leap: one clique-embedded problem per submission"
    handles = ALL_CONSTRAINTS
    together = 1
