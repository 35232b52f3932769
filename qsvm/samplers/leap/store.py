"""The run store: what was sent, under which label and id, and what came back.

One SQLite file per run. Every submission is a row before it is sent, and every answer is in its row
before it is used, so that a run that dies at any moment can be resumed without paying twice, and
replayed without any connection. No credential ever gets in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bridges.errors import DataError, UsageError
from qsvm.samplers.chip.chips import Chip, chip_from_properties

FILE_NAME = "leap.sqlite"
"""Of the store inside a run's folder."""

ARGUMENTS = "arguments.json"
"""Beside the store: the options of a run of ``qsvm.train``, so that resuming needs no others."""

FORMAT = "1"

PLANNED, SENDING, SENT, ANSWERED = "planned", "sending", "sent", "answered"
"""Life of a submission: nothing sent; being sent, so perhaps accepted; accepted, id known; done."""

_TABLES = """
create table if not exists facts (key text primary key, value text not null);
create table if not exists submissions (
    call integer not null,
    position integer not null,
    label text not null unique,
    digest text not null,
    request text not null,
    estimate_us real not null,
    state text not null,
    problem_id text,
    sent_at real,
    answered_at real,
    answer blob,
    qpu_us real not null default 0,
    error text,
    primary key (call, position)
);
create table if not exists claims (
    call integer not null,
    process text not null,
    primary key (call, process)
);
"""

COPY = "Copy the run again from where it was made; what is lost has to be run anew."

PROCESS = uuid.uuid4().hex
"""This process: a call in the store that it has not claimed is one of an earlier process."""


@dataclasses.dataclass
class Row:
    """One submission in the store.

    Attributes
    ----------
    call, position : int
        Which call of ``sample`` of the run, and which submission of it.
    label : str
        The problem's label in the cloud, unique.
    digest : str
        Hash of the request.
    request : dict
        What is needed to read the answer: placements and problem digests.
    estimate_us : float
        Estimated QPU microseconds.
    state : str
        ``planned``, ``sending``, ``sent`` or ``answered``.
    problem_id : str or None
        The cloud's identifier, once known.
    sent_at : float or None
        When it was sent, in seconds since 1970.
    """

    call: int
    position: int
    label: str
    digest: str
    request: dict[str, Any]
    estimate_us: float
    state: str = PLANNED
    problem_id: str | None = None
    sent_at: float | None = None


class _Cursor(sqlite3.Cursor):
    """A cursor that tells damage met while reading, by which a store need not die at once."""

    def execute(self, *asked: Any) -> _Cursor:
        with _damage_told():
            super().execute(*asked)
        return self

    def fetchone(self) -> Any:
        with _damage_told():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with _damage_told():
            return super().fetchall()

    def __next__(self) -> Any:
        with _damage_told():
            return super().__next__()


class _Database(sqlite3.Connection):
    def execute(self, *asked: Any) -> _Cursor:
        return self.cursor(_Cursor).execute(*asked)


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise DataError(f"The run store cannot be read ({error}).", COPY) from error


class RunStore:
    """A run's submissions and answers in one SQLite file.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a run that has (or gets) one.
    resume : bool
        Whether what is in the store already may be used.

    Raises
    ------
    UsageError
        If the store has submissions of an earlier process and ``resume`` is False.
    DataError
        If the file is no run store.
    """

    def __init__(self, path: str | Path, *, resume: bool = False) -> None:
        self.path = store_file(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(
                self.path, isolation_level=None, timeout=30.0, factory=_Database
            )
            self._db.execute("pragma synchronous=full")
            (sound,) = self._db.execute("pragma quick_check(1)").fetchone()
            if sound != "ok":
                raise sqlite3.DatabaseError(str(sound).strip())
            self._db.executescript(_TABLES)
            self._set_once("format", FORMAT)
            self.run_id = self._set_once("run", uuid.uuid4().hex[:12])
        except (sqlite3.Error, ValueError) as error:  # ValueError: bytes that are no UTF-8
            raise DataError(
                f"'{self.path}' is not a run store, or damaged ({error}).",
                "Name another file or folder, or copy the run again from where it was made.",
            ) from error
        if self.fact("format") != FORMAT:
            raise DataError(f"'{self.path}' has another format.", "Start a new run.")
        if not resume and self.count() and not self._claimed():
            raise UsageError(
                f"'{self.path}' holds the submissions of an earlier run.",
                f"Continue it with --resume {self.path.parent}, or name another folder.",
            )

    def _claimed(self) -> set[int]:
        """Return the calls that this process has made, or found made by an earlier one."""
        query = "select call from claims where process = ?"
        return {call for (call,) in self._db.execute(query, (PROCESS,))}

    def digests(self) -> dict[int, list[str]]:
        """Return what every call asked: the digests of its submissions in order."""
        asked: dict[int, list[str]] = {}
        query = "select call, digest from submissions order by call, position"
        for call, digest in self._db.execute(query):
            asked.setdefault(call, []).append(digest)
        return asked

    def claim(self, digests: Sequence[str]) -> int:
        """Return the number under which this process asks something.

        That of a call of an earlier process that asked the same and that this one has not come to
        yet, else a new number. What was asked decides, not the order, so calls may come from
        several threads.

        Raises
        ------
        UsageError
            If calls of an earlier process are left, and none of them asked this.
        """
        with self._transaction():
            mine, asked = self._claimed(), self.digests()
            left = [call for call in asked if call not in mine]
            same = [call for call in left if asked[call] == list(digests)]
            if left and not same:
                raise self.other_run()
            call = same[0] if same else 1 + max(mine | set(asked), default=-1)
            self._db.execute("insert into claims values (?, ?)", (call, PROCESS))
        return call

    def other_run(self) -> UsageError:
        """Return the error for a question that the run did not ask."""
        return UsageError(
            f"The run in '{self.path}' was made with other data, seeds or options.",
            "Repeat it with the same ones (they are in its run.json), or start a new run.",
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do everything or nothing, while no other thread or process writes."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def fail(self) -> None:
        """Note that this process' run has ended in an error: going on needs ``resume``.

        A store without any submission is removed, since there is nothing to resume.
        """
        self._db.execute("delete from claims where process = ?", (PROCESS,))
        if not self.count():
            self._db.close()
            for left in (self.path, self.path.with_name(ARGUMENTS)):
                left.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: others use the folder too
                self.path.parent.rmdir()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _set_once(self, key: str, value: str) -> str:
        self._db.execute("insert or ignore into facts values (?, ?)", (key, value))
        found = self.fact(key)
        return found if found is not None else value

    def fact(self, key: str) -> str | None:
        """Return a fact about the run, None if it is not known."""
        row = self._db.execute("select value from facts where key = ?", (key,)).fetchone()
        return row[0] if row else None

    def known(self, key: str) -> Any:
        """Return a fact that was kept as JSON, None if it is not known.

        Raises
        ------
        DataError
            If it is damaged.
        """
        try:
            return json.loads(self.fact(key) or "null")
        except (TypeError, ValueError) as error:
            raise DataError(
                f"'{self.path}' is damaged: its {key} cannot be read ({error}).",
                COPY,
            ) from error

    def remember(self, key: str, value: str) -> None:
        """Keep a fact about the run; the first value stays."""
        self._set_once(key, value)

    def chip(self) -> Chip | None:
        """Return the working graph that the run began with."""
        data = self.known("chip")
        if data is None:
            return None
        return chip_from_properties(data["name"], data["properties"], data["graph_id"])

    def remember_chip(self, chip: Chip) -> None:
        """Keep the working graph of the run."""
        data = {"name": chip.name, "graph_id": chip.graph_id, "properties": chip.properties}
        self.remember("chip", json.dumps(data))

    def count(self) -> int:
        """Return the number of submissions, planned ones included."""
        return int(self._db.execute("select count(*) from submissions").fetchone()[0])

    def spent_us(self) -> float:
        """Return the QPU microseconds of all answers."""
        query = "select coalesce(sum(qpu_us), 0) from submissions"
        return float(self._db.execute(query).fetchone()[0])

    def add(self, rows: list[Row]) -> None:
        """Plan submissions, all of them or none."""
        insert = (
            "insert into submissions (call, position, label, digest, request, estimate_us, state) "
            "values (?, ?, ?, ?, ?, ?, ?)"
        )
        with self._transaction():
            for r in rows:
                asked = (r.label, r.digest, json.dumps(r.request), r.estimate_us, r.state)
                self._db.execute(insert, (r.call, r.position, *asked))

    def rows(self, call: int) -> list[Row]:
        """Return a call's submissions in the order of sending."""
        query = (
            "select call, position, label, digest, request, estimate_us, state, problem_id, "
            "sent_at from submissions where call = ? order by position"
        )
        found: list[Any] = self._db.execute(query, (call,)).fetchall()
        return [
            Row(call, position, label, digest, self._request(request), estimate, state, known, sent)
            for call, position, label, digest, request, estimate, state, known, sent in found
        ]

    def _request(self, text: str) -> dict[str, Any]:
        try:
            return dict(json.loads(text))
        except (TypeError, ValueError) as error:
            raise DataError(
                f"'{self.path}' is damaged: a request cannot be read ({error}).",
                COPY,
            ) from error

    def all_rows(self) -> list[Row]:
        """Return the submissions of all calls."""
        calls = self._db.execute("select distinct call from submissions order by call").fetchall()
        return [row for (call,) in calls for row in self.rows(call)]

    def mark(self, row: Row, state: str, problem_id: str | None = None, error: str = "") -> None:
        """Write a submission's new state before acting on it."""
        row.state, row.problem_id = state, problem_id
        if state == SENDING or row.sent_at is None:
            row.sent_at = time.time()
        self._db.execute(
            "update submissions set state = ?, problem_id = ?, sent_at = ?, error = ? "
            "where call = ? and position = ?",
            (state, problem_id, row.sent_at, error, row.call, row.position),
        )

    def keep_answer(self, row: Row, answer: dict[str, Any], qpu_us: float) -> None:
        """Store an answer before it is used."""
        packed = zlib.compress(json.dumps(answer).encode())
        row.state = ANSWERED
        self._db.execute(
            "update submissions set state = ?, answer = ?, qpu_us = ?, answered_at = ?, error = '' "
            "where call = ? and position = ?",
            (ANSWERED, packed, qpu_us, time.time(), row.call, row.position),
        )

    def answer(self, row: Row) -> dict[str, Any]:
        """Return a stored answer."""
        query = "select answer from submissions where call = ? and position = ?"
        packed = self._db.execute(query, (row.call, row.position)).fetchone()[0]
        try:
            return dict(json.loads(zlib.decompress(packed)))
        except (TypeError, ValueError, zlib.error) as error:
            raise DataError(
                f"The answer to {row.label} in '{self.path}' is missing or damaged.",
                "Resume the run: python -m qsvm.train … --resume RUN.",
            ) from error

    def turnaround_s(self, row: Row) -> float | None:
        """Return the seconds between sending and having a submission's answer."""
        query = "select answered_at - sent_at from submissions where call = ? and position = ?"
        found = self._db.execute(query, (row.call, row.position)).fetchone()[0]
        return float(found) if found is not None else None

    def overview(self) -> Iterator[tuple[str, str, str | None, float]]:
        """Yield (label, state, problem id, QPU seconds) of every submission."""
        query = "select label, state, problem_id, qpu_us from submissions order by call, position"
        for label, state, problem_id, qpu_us in self._db.execute(query):
            yield label, state, problem_id, qpu_us / 1e6


def store_file(path: str | Path) -> Path:
    """Return the store's file for a file name or a run's folder."""
    given = Path(path)
    return given if given.suffix == ".sqlite" else given / FILE_NAME


def default_store() -> Path:
    """Return a new store in the user's state directory (``XDG_STATE_HOME`` is respected)."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path(home) / "annealsvm" / f"{stamp}-{uuid.uuid4().hex[:6]}" / FILE_NAME
