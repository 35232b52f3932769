"""One run in the cloud: its store, its budget, and a connection when one is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from bridges.machine.progress import Progress
from qsvm.samplers.chip.budget import Budget
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.leap.connection import Connection
from qsvm.samplers.leap.delivery import CheckAnswer, Delivery, MakeJob
from qsvm.samplers.leap.store import ANSWERED, SENT, Row, RunStore


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is to be asked: a hash, what the store keeps of it, estimated QPU microseconds."""

    digest: str
    description: dict[str, Any]
    estimate_us: float = 0.0


class Session:
    """A run store, and a connection that is made when something must be sent.

    Parameters
    ----------
    store : RunStore
        The run.
    connect : callable
        Makes the connection.
    budget : Budget
        Of the run.
    """

    def __init__(self, store: RunStore, connect: Callable[[], Connection], budget: Budget) -> None:
        self.store = store
        self.budget = budget
        self._connect = connect
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection, made on first use."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def chip(self) -> Chip:
        """Return the run's working graph."""
        known = self.store.chip()
        if known is None:
            known = self.connection.chip()
            self.store.remember_chip(known)
        return known

    def rows(self, entries: Sequence[Entry], label: str) -> list[Row]:
        """Plan submissions in the store, or find them there.

        Parameters
        ----------
        entries : sequence of Entry
            What is to be asked, in the order of sending.
        label : str
            Begins every label.

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
                f"{label}:{self.store.run_id}:{call}:{position}",
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
        in_flight: int,
        progress: Progress,
    ) -> None:
        """Get every row answered; see :class:`qsvm.samplers.leap.delivery.Delivery`."""
        delivery = Delivery(self.connection, self.store, self.budget, make_job, check, in_flight)
        delivery.run(rows, progress)

    def close(self) -> None:
        """End the connection, if there is one, and close the store."""
        if self._connection is not None:
            self._connection.close()
        self.store.close()
