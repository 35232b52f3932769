"""Send, wait, fetch: with everything written down before it happens."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bridges.errors import SolverError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.chip.budget import Budget
from qsvm.samplers.leap.connection import Connection
from qsvm.samplers.leap.faults import RESUME_HINT, Trouble, diagnose, refusal
from qsvm.samplers.leap.store import ANSWERED, PLANNED, SENDING, SENT, Row, RunStore

GRACE_S = 1.0
"""Before a submission whose reply was lost is sent again, it is looked for twice, so long apart."""

BAD_ANSWERS = 3
"""Times that an undecodable answer is fetched before giving up."""

DEAD = ("FAILED", "CANCELLED")

MakeJob = Callable[[Row], Any]
CheckAnswer = Callable[[Row, dict[str, Any]], float]
"""Takes a row and a raw answer, raises ValueError if it cannot be decoded, returns the QPU
microseconds that it cost."""


class Delivery:
    """Brings rows of the store from planned to answered.

    Parameters
    ----------
    connection : Connection
        Leap.
    store : RunStore
        Where every step is written down first.
    budget : Budget
        Counts what is spent.
    make_job : callable
        Returns the problem of a row in the form that the API takes.
    check_answer : callable
        See :data:`CheckAnswer`.
    in_flight : int
        Submissions that wait in the cloud at the same time.
    """

    def __init__(
        self,
        connection: Connection,
        store: RunStore,
        budget: Budget,
        make_job: MakeJob,
        check_answer: CheckAnswer,
        in_flight: int = 8,
    ) -> None:
        self.connection = connection
        self.patience = connection.patience
        self.store = store
        self.budget = budget
        self.make_job = make_job
        self.check_answer = check_answer
        self.in_flight = in_flight
        self._flying: dict[str, Row] = {}
        self._waiting: deque[Row] = deque()
        self._inherited: set[str] = set()
        self._failures = 0

    def run(self, rows: list[Row], progress: Progress = no_progress) -> None:
        """Get every row answered.

        Raises
        ------
        SolverError
            When a failure does not pass; the store can be resumed.
        BudgetError
            When the next submission would exceed the budget, or the quota is used up.
        """
        try:
            self._recover(rows)
            while self._waiting or self._flying:
                while self._waiting and len(self._flying) < self.in_flight:
                    self._send(self._waiting.popleft())
                self._collect()
                progress(sum(row.state == ANSWERED for row in rows), len(rows))
        except KeyboardInterrupt:
            self._cancel()
            raise

    def _recover(self, rows: list[Row]) -> None:
        """Find what an earlier process sent; queue what still has to be sent."""
        for row in rows:
            if row.state == SENDING:
                known = self._find(row)
                self.store.mark(row, SENT if known else PLANNED, known)
            if row.state == SENT and row.problem_id:
                row.sent_at = time.time()
                self._inherited.add(row.label)
                self._fly(row)
            elif row.state == PLANNED:
                self._waiting.append(row)

    def _fly(self, row: Row) -> None:
        self._flying[str(row.problem_id)] = row
        self.budget.promise(row.estimate_us)

    def _land(self, row: Row, actual_us: float) -> None:
        del self._flying[str(row.problem_id)]
        self.budget.settle(row.estimate_us, actual_us)

    def _send(self, row: Row) -> None:
        """Submit one problem exactly once, whatever happens to the reply."""
        self.budget.check(row.estimate_us, f"Submission {row.label}")
        job = self.make_job(row)
        self.store.mark(row, SENDING)
        while True:
            trouble = None
            try:
                reply = self.connection.api.submit_problems([job])[0]
                if getattr(reply, "error_msg", None) is not None:
                    trouble = refusal(str(reply.error_msg))
                else:
                    self._accepted(row, str(reply.id))
                    return
            except Exception as error:
                trouble = diagnose(error)
            if not trouble.passing:
                self.store.mark(row, PLANNED, error=self.connection.scrub(trouble.text))
                raise self.connection.complaint(f"sending {row.label}", trouble)
            self._bear("sending", row, trouble)
            known = self._find(row) if trouble.accepted else None
            if known:
                self._accepted(row, known)
                return

    def _accepted(self, row: Row, problem_id: str) -> None:
        self.store.mark(row, SENT, problem_id)
        self._failures = 0
        self._fly(row)

    def _bear(self, what: str, row: Row | None, trouble: Trouble) -> None:
        """Wait after a failure that may pass, or give up after too many in a row."""
        self._failures += 1
        if self._failures > self.patience.tries:
            name = row.label if row is not None else f"{len(self._flying)} problems"
            raise self.connection.complaint(
                f"{what} {name}, {self._failures} times in a row", trouble
            )
        self.patience.wait(self._failures, trouble.retry_after)

    def _find(self, row: Row) -> str | None:
        """Return the id of the problem with a row's label, None if the cloud has none alive."""
        for attempt in range(2):
            if attempt:
                time.sleep(min(GRACE_S, self.patience.longest_s))
            found = self.connection.calmly(
                f"looking for {row.label}",
                lambda: self.connection.api.list_problems(label=row.label),
            )
            alive = [p for p in found if p.label == row.label and str(p.status.value) not in DEAD]
            if alive:
                return str(min(alive, key=lambda p: p.submitted_on).id)
        return None

    def _collect(self) -> None:
        """Ask once how the flying problems are, and fetch the answers that are there."""
        if not self._flying:
            return
        trouble = None
        try:
            ids = list(self._flying)
            statuses = self.connection.api.get_problem_statuses(ids, timeout=self.patience.poll_s)
            self._failures = 0
        except Exception as error:
            trouble = diagnose(error)
        if trouble is not None:
            if not trouble.passing:
                raise self.connection.complaint("waiting for answers", trouble)
            self._bear("waiting for", None, trouble)
            statuses = []
        for status in statuses:
            self._attend(status)
        self._check_deadlines()

    def _attend(self, status: Any) -> None:
        row = self._flying.get(str(status.id))
        if row is None:
            return
        state = str(status.status.value)
        if state == "COMPLETED":
            answer, cost = self._fetch(row)
            self.store.keep_answer(row, answer, cost)
            self._land(row, cost)
        elif state in DEAD:
            text = str(getattr(status, "error_message", None) or f"status {state}")
            self._land(row, 0.0)
            self.store.mark(row, PLANNED, error=self.connection.scrub(text))
            if row.label not in self._inherited:
                raise self.connection.complaint(f"solving {row.label}", refusal(text))
            self._inherited.discard(row.label)
            self._waiting.append(row)

    def _fetch(self, row: Row) -> tuple[dict[str, Any], float]:
        bad = 0
        while True:
            trouble = None
            answer: dict[str, Any] | None = None
            try:
                answer = self.connection.answer(str(row.problem_id))
                cost = self.check_answer(row, answer)
                self._failures = 0
                return answer, cost
            except Exception as error:
                trouble = diagnose(error)
            if not trouble.passing:
                raise self.connection.complaint(f"fetching the answer to {row.label}", trouble)
            bad += answer is not None
            if bad >= BAD_ANSWERS:
                raise SolverError(
                    f"The answer to {row.label} cannot be decoded, {bad} times in a row.",
                    "The problem is paid for and stays in the cloud: fetch it again with "
                    "--resume RUN.",
                )
            self._bear("fetching the answer to", row, trouble)

    def _check_deadlines(self) -> None:
        now = time.time()
        for row in list(self._flying.values()):
            waited = now - (row.sent_at or now)
            if waited > self.patience.deadline_s:
                self._cancel()
                raise SolverError(
                    f"{row.label} was not answered within {self.patience.deadline_s:g} s; the "
                    "problems under way were cancelled.",
                    RESUME_HINT,
                )

    def _cancel(self) -> None:
        """Ask the cloud to drop what is under way; whoever resumes looks at what became of it."""
        if self._flying:
            with contextlib.suppress(Exception):
                self.connection.api.cancel_problems(list(self._flying))
