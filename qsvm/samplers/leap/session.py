"""One run in the cloud: its store, its budget, and a connection when one is needed."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from bridges.errors import UsageError
from bridges.machine.progress import Progress
from qsvm.samplers.chip.budget import QPU_TIME, SOLVER_TIME, Budget
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.leap.connection import Connection, configuration
from qsvm.samplers.leap.delivery import CheckAnswer, Delivery, MakeJob
from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.store import ANSWERED, SENT, Row, RunStore, default_store

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is to be asked: a hash, what the store keeps of it, estimated QPU microseconds."""

    digest: str
    description: dict[str, Any]
    estimate_us: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudRun:
    """A run in Leap: where it is sent, where it is kept, and how long failures are borne.

    Credentials are looked for when it is made, before anything slow.

    Attributes
    ----------
    kind : {"qpu", "bqm", "cqm", "nl"}
        What the solver must be.
    solver, region, profile : str, optional
        Choice of solver and account, as Ocean takes them.
    store : str, optional
        File or run folder of the store; a new one in the user's state directory by default.
    resume : bool
        Continue the run in ``store``.
    patience : Patience
        Deadline of a problem, and failures in a row before giving up.
    in_flight : int
        Submissions that wait in the cloud at the same time.
    label : str
        Begins the label of every submission, as the Leap dashboard shows it.

    Raises
    ------
    UsageError
        If a run is to be resumed whose store is not named.
    SolverError
        If the SDK or a token is missing.
    """

    kind: str
    solver: str | None = None
    region: str | None = None
    profile: str | None = None
    store: str | None = None
    resume: bool = False
    patience: Patience = dataclasses.field(default_factory=Patience)
    in_flight: int = 8
    label: str = "annealsvm"

    def __post_init__(self) -> None:
        if self.resume and self.store is None:
            raise UsageError("resume needs a store.", "Name the run's folder: --resume RUN.")
        configuration(self.profile, self.region)
        if self.store is None:  # settled here, so that all calls of the run find the same one
            object.__setattr__(self, "store", str(default_store()))

    def connect(self) -> Connection:
        """Connect to the solver."""
        return Connection(
            self.kind,
            solver=self.solver,
            region=self.region,
            profile=self.profile,
            patience=self.patience,
        )

    def begin(self, max_seconds: float | None) -> Session:
        """Open the run's store, or go on with it."""
        assert self.store is not None
        store = RunStore(self.store, resume=self.resume)
        log.info("Run store: %s", store.path)
        words = QPU_TIME if self.kind == "qpu" else SOLVER_TIME
        return Session(self, store, Budget(max_seconds, store.spent_us(), words))


class Session:
    """A run store, and a connection that is made when something must be sent.

    As a context it closes both, and an error in it ends the run: going on needs ``resume``.

    Parameters
    ----------
    run : CloudRun
        Where it is sent.
    store : RunStore
        Where it is kept.
    budget : Budget
        Of the run.
    """

    def __init__(self, run: CloudRun, store: RunStore, budget: Budget) -> None:
        self.run = run
        self.store = store
        self.budget = budget
        self._connection: Connection | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.store.fail()
        self.close()

    @property
    def connection(self) -> Connection:
        """The connection, made on first use."""
        if self._connection is None:
            self._connection = self.run.connect()
        return self._connection

    def chip(self) -> Chip:
        """Return the run's working graph."""
        known = self.store.chip()
        if known is None:
            known = self.connection.chip()
            self.store.remember_chip(known)
        return known

    def rows(self, entries: Sequence[Entry]) -> list[Row]:
        """Plan submissions in the store, or find them there.

        Parameters
        ----------
        entries : sequence of Entry
            What is to be asked, in the order of sending.

        Raises
        ------
        BudgetError
            If what is still to be sent would exceed the budget; nothing is planned then.
        UsageError
            If the store's run asked something else.
        """
        call = self.store.claim([entry.digest for entry in entries])
        rows = [
            Row(
                call,
                position,
                f"{self.run.label}:{self.store.run_id}:{call}:{position}",
                entry.digest,
                entry.description,
                entry.estimate_us,
            )
            for position, entry in enumerate(entries)
        ]
        known = self.store.rows(call)
        due = [row for row in known or rows if row.state not in (ANSWERED, SENT)]
        self.budget.check(sum(row.estimate_us for row in due), f"A run of {len(due)} submissions")
        if not known:
            self.store.add(rows)
        return known or rows

    def deliver(
        self,
        rows: list[Row],
        make_job: MakeJob,
        check: CheckAnswer,
        progress: Progress,
    ) -> None:
        """Get every row answered; see :class:`qsvm.samplers.leap.delivery.Delivery`."""
        delivery = Delivery(
            self.connection, self.store, self.budget, make_job, check, self.run.in_flight
        )
        delivery.run(rows, progress)

    def close(self) -> None:
        """End the connection, if there is one, and close the store."""
        if self._connection is not None:
            self._connection.close()
        self.store.close()
