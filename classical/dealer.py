"""Tasks of uneven cost dealt to whoever is free: ranks ask rank 0, which works too.

Every worker (a thread of a rank) asks for its next task when it hands in the last. Rank 0 answers
from a thread that looks for messages between short sleeps, so that all its cores can work.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

R = TypeVar("R")

REQUEST, REPLY = 1, 2
"""Message tags; the reply to worker w of a rank has tag REPLY + w."""

PAUSE_S = 5e-4
"""Seconds that rank 0 sleeps between two looks for messages."""


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

    def next(self) -> int | None:
        """Return the next task, or None when there is none or one has failed."""
        with self.lock:
            return None if self.failure else next(self.tasks, None)

    def receive(self, task: int | None, result: R | Exception | None) -> None:
        """Take a result, or the exception that the task raised."""
        with self.lock:
            if isinstance(result, Exception):
                self.failure = self.failure or result
            elif task is not None:
                try:
                    self.hand_in(task, result)  # type: ignore[arg-type]
                except Exception as error:
                    self.failure = self.failure or error


def deal_out(
    comm: Any,
    tasks: Sequence[int],
    work: Callable[[int], R],
    hand_in: Callable[[int, R], None],
    workers: int,
) -> list[Shift]:
    """Do all tasks on all ranks; return what every rank did.

    Parameters
    ----------
    comm : communicator
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
    line = comm.Dup() if comm.size > 1 else comm
    ask = _local(desk) if comm.rank == 0 else _remote(line)
    others = sum(comm.allgather(workers)) - workers if comm.rank == 0 else comm.allgather(workers)
    with ThreadPoolExecutor(workers + 1) as pool:
        serving = pool.submit(_serve, line, desk, others) if comm.rank == 0 else None
        done = list(pool.map(lambda slot: _labour(ask, work, slot), range(workers)))
        if serving is not None:
            serving.result()
    shifts_done = comm.allgather((comm.rank, workers, done))
    failure = comm.bcast(desk.failure)
    if comm.size > 1:
        line.Free()
    if failure is not None:
        raise failure
    wall = max(comm.allgather(time.perf_counter() - started))
    return [_shift(rank, count, parts, wall) for rank, count, parts in shifts_done]


def _shift(rank: int, workers: int, parts: list[tuple[int, float]], wall: float) -> Shift:
    busy = sum(seconds for _, seconds in parts)
    return Shift(rank, workers, sum(n for n, _ in parts), busy, max(0.0, wall * workers - busy))


def _local(desk: Desk[R]) -> Callable[..., int | None]:
    def ask(_: int, task: int | None, result: Any) -> int | None:
        desk.receive(task, result)
        return desk.next()

    return ask


def _remote(line: Any) -> Callable[..., int | None]:
    def ask(slot: int, task: int | None, result: Any) -> int | None:
        line.send((line.rank, slot, task, result), dest=0, tag=REQUEST)
        return line.recv(source=0, tag=REPLY + slot)

    return ask


def _labour(
    ask: Callable[..., int | None], work: Callable[[int], Any], slot: int
) -> tuple[int, float]:
    """Ask for tasks and do them until there are no more; return how many and the seconds."""
    count, busy = 0, 0.0
    task = ask(slot, None, None)
    while task is not None:
        started = time.perf_counter()
        try:
            result = work(task)
        except Exception as error:
            result = error
        busy += time.perf_counter() - started
        count += 1
        task = ask(slot, task, result)
    return count, busy


def _serve(line: Any, desk: Desk[Any], workers: int) -> None:
    """Answer the requests of other ranks until all their workers have been sent home."""
    while workers:
        if not line.iprobe(tag=REQUEST):
            time.sleep(PAUSE_S)
            continue
        rank, slot, task, result = line.recv(tag=REQUEST)
        desk.receive(task, result)
        following = desk.next()
        workers -= following is None
        line.send(following, dest=rank, tag=REPLY + slot)
