"""Tasks of uneven cost dealt to whoever is free: rank 0's threads, and other ranks over MPI.

Rank 0 holds the list. Its own threads take tasks from it; for every other rank one handful (a task
per thread of that rank) is on its way at a time, through the executor of ``mpi4py.futures``, and
the next is sent when its results come back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

from bridges.machine.comm import Communicator, rank_executor

R = TypeVar("R")
Done = tuple[int, Any, float]
"""A task, its result or the exception that it raised, and its seconds."""


@dataclasses.dataclass(frozen=True)
class Shift:
    """What one rank did.

    Attributes
    ----------
    rank, workers, tasks : int
        The rank, its threads, the tasks that they did.
    busy_s, idle_s : float
        Seconds of all its workers spent in tasks and waiting.
    """

    rank: int
    workers: int
    tasks: int
    busy_s: float
    idle_s: float


def added(before: Sequence[Shift], after: Sequence[Shift]) -> list[Shift]:
    """Return the sums of two dealings, rank by rank; either may be empty."""
    if not before or not after:
        return [*before, *after]
    return [
        dataclasses.replace(
            a,
            tasks=a.tasks + b.tasks,
            busy_s=a.busy_s + b.busy_s,
            idle_s=a.idle_s + b.idle_s,
        )
        for a, b in zip(before, after, strict=True)
    ]


class Desk(Generic[R]):
    """Rank 0's list of tasks and results, used by several threads.

    Parameters
    ----------
    tasks : sequence of int
        Tasks in the order in which they are dealt.
    hand_in : callable
        Called as ``hand_in(task, result)``, one call at a time.
    """

    def __init__(self, tasks: Sequence[int], hand_in: Callable[[int, R], None]) -> None:
        self.tasks = iter(tasks)
        self.hand_in = hand_in
        self.lock = threading.Lock()
        self.failure: Exception | None = None
        self.closed = False
        self.shifts: dict[int, tuple[int, float]] = {}

    def take(self, count: int) -> list[int]:
        """Return the next tasks, none when there are no more, one has failed, or it is closed."""
        with self.lock:
            return [] if self.failure or self.closed else list(itertools.islice(self.tasks, count))

    def receive(self, rank: int, done: Sequence[Done]) -> None:
        """Take what a rank has done."""
        with self.lock:
            for task, result, seconds in done:
                count, busy = self.shifts.get(rank, (0, 0.0))
                self.shifts[rank] = (count + 1, busy + seconds)
                if isinstance(result, Exception):
                    self.failure = self.failure or result
                    continue
                try:
                    self.hand_in(task, result)
                except Exception as error:
                    self.failure = self.failure or error


@dataclasses.dataclass(frozen=True, eq=False)
class _Bench:
    """What a rank does with a task, and the threads that do it."""

    work: Callable[[int], Any]
    pool: Executor
    rank: int

    def do(self, task: int) -> Done:
        """Do one task; an exception is its result."""
        started = time.perf_counter()
        try:
            result = self.work(task)
        except Exception as error:
            result = error
        return task, result, time.perf_counter() - started

    def labour(self, desk: Desk[Any]) -> None:
        """Do tasks of rank 0 until there are no more."""
        while tasks := desk.take(1):
            desk.receive(self.rank, [self.do(tasks[0])])


_benches: dict[str, _Bench] = {}
"""Benches of the dealings that go on, by their token.

The executor sends numbers only, not the data that a task needs: a handful finds its bench here.
"""


def deal_out(
    comm: Communicator,
    tasks: Sequence[int],
    work: Callable[[int], R],
    hand_in: Callable[[int, R], None],
    workers: int,
) -> list[Shift]:
    """Do all tasks on all ranks; return what every rank did.

    Parameters
    ----------
    comm : Communicator
        All ranks call this together.
    tasks : sequence of int
        The order of dealing: expensive tasks first. Only rank 0's is used.
    work : callable
        ``work(task)`` does one; called from several threads.
    hand_in : callable
        Called on rank 0 as ``hand_in(task, result)``.
    workers : int
        Threads of this rank.

    Raises
    ------
    Exception
        What the first failing task raised, on every rank.
    """
    started = time.perf_counter()
    desk: Desk[R] = Desk(tasks, hand_in)
    threads = comm.allgather(workers)
    with (
        ThreadPoolExecutor(workers) as pool,
        _bench(comm, work, pool) as (token, bench),
        rank_executor(comm) as others,
    ):
        if comm.rank == 0:
            _deal(desk, bench, token, others, threads)
    wall = comm.bcast(time.perf_counter() - started)
    failure, shifts = comm.bcast((desk.failure, desk.shifts))
    if failure is not None:
        raise failure
    return [_shift(rank, count, shifts, wall) for rank, count in enumerate(threads)]


@contextlib.contextmanager
def _bench(
    comm: Communicator, work: Callable[[int], Any], pool: Executor
) -> Iterator[tuple[str, _Bench]]:
    """Set up this rank's bench under a token that all ranks of a dealing know."""
    token = comm.bcast(uuid.uuid4().hex)
    bench = _benches[token] = _Bench(work, pool, comm.rank)
    try:
        yield token, bench
    finally:
        del _benches[token]


def _deal(
    desk: Desk[Any], bench: _Bench, token: str, others: Executor | None, threads: Sequence[int]
) -> None:
    """Keep every other rank supplied and work with rank 0's own threads until all is done."""
    left = threading.Semaphore(0)

    def supply(count: int) -> None:
        tasks = desk.take(count)
        if not tasks or others is None:
            left.release()
            return
        others.submit(_handful, token, tasks).add_done_callback(lambda done: receive(done, count))

    def receive(done: Future[tuple[int, list[Done]]], count: int) -> None:
        try:
            desk.receive(*done.result())
        except (
            Exception
        ) as error:  # raised in a callback it would be lost, and rank 0 wait for ever
            desk.failure = desk.failure or error
        supply(count)

    for count in threads[1:]:
        supply(count)
    own = [bench.pool.submit(bench.labour, desk) for _ in range(threads[0])]
    try:
        wait(own, return_when=FIRST_EXCEPTION)
    finally:  # an interrupt must not wait until the other threads have done all that is left
        desk.closed = True
    for job in own:
        job.result()
    for _ in threads[1:]:
        left.acquire()


def _handful(token: str, tasks: list[int]) -> tuple[int, list[Done]]:
    """Do some tasks side by side on another rank; return its number and what came of them."""
    bench = _benches[token]
    return bench.rank, list(bench.pool.map(bench.do, tasks))


def _shift(rank: int, workers: int, shifts: dict[int, tuple[int, float]], wall: float) -> Shift:
    count, busy = shifts.get(rank, (0, 0.0))
    return Shift(rank, workers, count, busy, max(0.0, wall * workers - busy))
