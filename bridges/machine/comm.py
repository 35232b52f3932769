"""MPI, with and without mpi4py: the only place where it is met.

A script runs under MPI as ``mpiexec -n N python -m mpi4py -m classical.train …`` so that an
exception on one rank ends all. Without mpi4py, or outside ``mpiexec``, everything runs as one rank.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, cast, runtime_checkable

from bridges.errors import SolverError, UsageError
from bridges.machine.launcher import is_worker, launched_ranks, mpi_is_running
from bridges.machine.threads import usable_cores

if TYPE_CHECKING:
    from mpi4py import MPI

T = TypeVar("T")


TURN_S, LONGEST_TURN_S = 0.5, 3.0
"""Seconds between the words of two failing ranks, and the longest wait."""

FORWARDED_S = 0.1
"""Seconds that a launcher gets to forward what a failing rank said, before it is to kill all."""


@runtime_checkable
class Communicator(Protocol):
    """What the toolkit asks of a communicator: the few calls it makes, named as mpi4py names them.

    mpi4py's intracommunicators and :class:`SingleRank` are ones. Values are pickled on the way;
    every rank of the communicator calls the same method at the same time.
    """

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        ...

    @property
    def size(self) -> int:
        """Number of ranks."""
        ...

    def bcast(self, value: T, /) -> T:
        """Return rank 0's value on every rank."""
        ...

    def gather(self, value: T, /) -> list[T] | None:
        """Return the values of all ranks, in their order, on rank 0; None on the others."""
        ...

    def allgather(self, value: T, /) -> list[T]:
        """Return the values of all ranks, in their order, on every rank."""
        ...

    def barrier(self) -> None:
        """Wait until every rank has come here."""
        ...

    def Split(self, colour: int, key: int, /) -> Communicator:
        """Return the communicator of the ranks of one colour, ordered by their keys."""
        ...

    def Split_type(self, kind: int, /) -> Communicator:
        """Return the communicator of the ranks that share something, such as a node's memory."""
        ...

    def Free(self) -> None:
        """Give back what a split communicator holds; it must not be used any more."""
        ...

    def Abort(self, exit_code: int, /) -> NoReturn:
        """End the processes of all ranks."""
        ...


class SingleRank:
    """The communicator of a program that runs alone, and what every call means with one rank."""

    rank = 0
    size = 1

    def bcast(self, value: T, /) -> T:
        """Return the value."""
        return value

    def gather(self, value: T, /) -> list[T]:
        """Return the value in a list."""
        return [value]

    def allgather(self, value: T, /) -> list[T]:
        """Return the value in a list."""
        return [value]

    def barrier(self) -> None:
        """Wait for nobody."""

    def Split(self, colour: int, key: int, /) -> SingleRank:
        """Return one rank on its own."""
        return SingleRank()

    def Split_type(self, kind: int, /) -> SingleRank:
        """Return one rank on its own."""
        return SingleRank()

    def Free(self) -> None:
        """Give back nothing."""

    def Abort(self, exit_code: int, /) -> NoReturn:
        """End this process."""
        raise SystemExit(exit_code)


class HeldCommunicator:
    """A communicator as an estimator's parameter: cloning the estimator keeps it.

    Parameters
    ----------
    comm : Communicator
        Any, for example a part of COMM_WORLD.
    """

    def __init__(self, comm: Communicator) -> None:
        self.comm = comm

    def __sklearn_clone__(self) -> HeldCommunicator:
        return self


class RemoteError(RuntimeError):
    """What another rank raised, where the exception itself could not be sent."""


def resolve(comm: object = None) -> Communicator:
    """Return the communicator to use, resolved at the time of the call.

    Parameters
    ----------
    comm : Communicator, HeldCommunicator or None
        None means COMM_WORLD for the ranks of an MPI launcher and where mpi4py is in use already,
        else this process alone (:mod:`bridges.machine.launcher`).

    Raises
    ------
    UsageError
        If it is something else.
    SolverError
        If a launcher started several ranks and mpi4py is missing, or belongs to another MPI.
    """
    given = comm.comm if isinstance(comm, HeldCommunicator) else comm
    if isinstance(given, Communicator):
        return given
    if given is not None:
        raise UsageError(
            f"A {type(given).__name__} is no communicator.",
            "Pass one of mpi4py, such as MPI.COMM_WORLD, or leave comm out.",
        )
    ranks, variable = launched_ranks()
    if ranks == 1 and (is_worker() or not mpi_is_running()):
        return SingleRank()
    try:
        from mpi4py import MPI
    except ImportError:
        raise SolverError(
            f"A launcher started {ranks} processes ({variable}={ranks}) but mpi4py is not "
            "installed, so every rank would do the whole work.",
            f"pip install mpi4py mpich, or start without mpiexec (unset {variable}).",
        ) from None
    world: Communicator = MPI.COMM_WORLD
    if world.size == 1 < ranks:
        raise SolverError(
            f"A launcher started {ranks} processes ({variable}={ranks}), but to mpi4py this one is "
            "alone: the launcher is that of another MPI, and every process would do the whole "
            "work.",
            "Start with the mpiexec that belongs to mpi4py (pip install mpich brings one), or "
            f"without any (unset {variable}).",
        )
    return world if world.size > 1 else SingleRank()


def block_range(n: int, size: int, rank: int) -> tuple[int, int]:
    """Return the half-open range of ``n`` items that belongs to ``rank`` of ``size``.

    The ranges of all ranks partition ``range(n)`` in order; sizes differ by at most one.
    """
    base, extra = divmod(n, size)
    start = rank * base + min(rank, extra)
    return start, start + base + (rank < extra)


def on_root(comm: Communicator, work: Callable[[], T]) -> T:
    """Do something on rank 0 only and return its result, or raise its exception, on every rank.

    Parameters
    ----------
    comm : Communicator
        From :func:`resolve`.
    work : callable
        Called without arguments on rank 0; its result must be picklable.
    """
    outcome: tuple[Any, Exception | None] = (None, None)
    if comm.rank == 0:
        try:
            outcome = (work(), None)
        except Exception as error:
            outcome = (None, error)
    value, raised = comm.bcast(outcome)
    if raised is not None:
        raise raised
    return value


def together(comm: Communicator, work: Callable[[], T]) -> T:
    """Do something on every rank; if any rank raises, raise the first one's exception on all.

    Parameters
    ----------
    comm : Communicator
        From :func:`resolve`.
    work : callable
        Called without arguments on every rank; must not communicate.
    """
    value, raised = None, None
    try:
        value = work()
    except Exception as error:
        raised = error
    failures = [error for error in comm.allgather(_sendable(raised)) if error is not None]
    if failures:
        raise raised or failures[0]
    return value  # type: ignore[return-value]


def _sendable(error: Exception | None) -> Exception | None:
    """Return the exception if it survives pickling, else its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RemoteError(f"{type(error).__name__}: {error}")
    return error


def split(comm: Communicator, colour: int) -> Communicator:
    """Return the communicator of the ranks that pass the same colour, in the same order.

    A rank on its own gets a :class:`SingleRank`, which may be used from any thread.
    """
    if comm.size == 1:
        return SingleRank()
    part = comm.Split(colour, comm.rank)
    if part.size > 1:
        return part
    part.Free()
    return SingleRank()


@contextlib.contextmanager
def rank_executor(comm: Communicator) -> Iterator[Executor | None]:
    """Serve as an executor: rank 0 gets one that runs functions on the other ranks.

    The other ranks get None and serve until rank 0 leaves the context; alone, so does rank 0.
    Functions are sent by name, one at a time to every rank.
    """
    if comm.size == 1:
        yield None
        return
    from mpi4py.futures import MPICommExecutor

    with MPICommExecutor(cast("MPI.Intracomm", comm), root=0) as executor:
        yield executor  # type: ignore[misc]


def in_turn(comm: Communicator, work: Callable[[], T]) -> T:
    """Do something; if it raises, let the ranks before this one speak first.

    The first rank that fails says why and ends the job (:func:`end`), so the cause is told once
    even where all ranks fail alike. Only time keeps the order, since ranks that fail cannot be
    asked; held by tests/mpi/test_mpi.py::test_an_error_ends_all_ranks_and_is_told_once.
    """
    try:
        return work()
    except BaseException:
        time.sleep(min(TURN_S * comm.rank, LONGEST_TURN_S))
        raise


def end(comm: Communicator, exit_code: int) -> int:
    """Return the exit code if it is 0 or this rank is alone; else end the job on all ranks."""
    if exit_code and comm.size > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(FORWARDED_S)
        comm.Abort(exit_code)
    return exit_code


def threads_per_rank(comm: Communicator, n_jobs: int | None = None) -> int:
    """Return how many threads this rank may run so that ranks times threads fit the node's cores.

    Parameters
    ----------
    comm : Communicator
        From :func:`resolve`.
    n_jobs : int, optional
        Upper bound asked for by the user; None or -1 for as many as fit.
    """
    cores = usable_cores()
    local = 1
    if comm.size > 1:
        from mpi4py import MPI

        node = comm.Split_type(MPI.COMM_TYPE_SHARED)
        local = node.size
        node.Free()
    share = max(1, cores // local)
    return share if n_jobs is None or n_jobs < 0 else max(1, min(n_jobs, share))
