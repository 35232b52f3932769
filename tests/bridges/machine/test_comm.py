"""Ranks without a launcher: arithmetic, and what one rank does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from bridges.ensemble.bagging import KernelEnsemble
from bridges.errors import DataError, UsageError
from bridges.machine import comm, launcher, threads
from bridges.reference import ReferenceSVC


@given(n=st.integers(0, 1000), size=st.integers(1, 40))
def test_ranges_partition_in_order_and_evenly(n, size):
    ranges = [comm.block_range(n, size, rank) for rank in range(size)]
    assert [i for start, stop in ranges for i in range(start, stop)] == list(range(n))
    lengths = [stop - start for start, stop in ranges]
    assert max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)


@pytest.fixture
def no_launcher(monkeypatch):
    for name in (*launcher.RANK_VARIABLES, *launcher.SIZE_VARIABLES, *threads.LOCAL_SIZE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(comm, "mpi_is_running", lambda: False)


def test_one_rank_needs_no_mpi(no_launcher):
    alone = comm.resolve()
    assert isinstance(alone, comm.SingleRank)
    assert (alone.rank, alone.size) == (0, 1)
    assert alone.bcast(3) == 3
    assert alone.gather(3) == alone.allgather(3) == [3]
    assert comm.split(alone, 7).size == 1


def test_a_communicator_given_is_the_one_used():
    given_one = comm.SingleRank()
    assert comm.resolve(given_one) is given_one
    held = comm.HeldCommunicator(given_one)
    assert comm.resolve(held) is given_one
    assert clone(held, safe=False) is held


def test_something_else_is_no_communicator():
    with pytest.raises(UsageError, match="A str is no communicator"):
        comm.resolve("world")


def test_one_rank_is_a_communicator_and_ends_its_process():
    alone = comm.SingleRank()
    assert isinstance(alone, comm.Communicator)
    with pytest.raises(SystemExit) as ended:
        alone.Abort(3)
    assert ended.value.code == 3


class Broadcasting(comm.SingleRank):
    """Rank 1 of 2, to which rank 0 has sent something."""

    rank, size = 1, 2

    def __init__(self, sent):
        self.sent = sent

    def bcast(self, value, root=0):
        return self.sent

    def allgather(self, value):
        return [self.sent, value]


def test_the_root_works_and_others_hear_of_it():
    called = []
    assert comm.on_root(Broadcasting((5, None)), lambda: called.append(1)) == 5
    assert called == []
    with pytest.raises(DataError, match="Bad"):
        comm.on_root(Broadcasting((None, DataError("Bad.", "Good."))), lambda: 1)


def test_errors_of_the_root_are_raised_on_it():
    def work():
        raise DataError("Bad.", "Good.")

    with pytest.raises(DataError, match="Bad"):
        comm.on_root(comm.SingleRank(), work)
    with pytest.raises(DataError, match="Bad"):
        comm.together(comm.SingleRank(), work)


def test_a_failure_elsewhere_is_raised_here():
    with pytest.raises(DataError, match="There"):
        comm.together(Broadcasting(DataError("There.", "Here.")), lambda: 1)
    assert comm.together(Broadcasting(None), lambda: 1) == 1


def test_what_cannot_be_sent_is_told():
    class Unsendable(Exception):
        def __reduce__(self):
            raise TypeError("no")

    told = comm._sendable(Unsendable("it broke"))
    assert isinstance(told, comm.RemoteError)
    assert "it broke" in str(told)


def test_threads_share_the_cores_of_a_node(no_launcher, monkeypatch):
    for module in (comm, threads):
        monkeypatch.setattr(module, "usable_cores", lambda: 8)
    assert threads.default_threads() == 8
    monkeypatch.setenv("MPI_LOCALNRANKS", "3")
    assert threads.default_threads() == 2
    alone = comm.SingleRank()
    assert comm.threads_per_rank(alone) == 8
    assert comm.threads_per_rank(alone, 3) == 3
    assert comm.threads_per_rank(alone, -1) == 8
    assert comm.threads_per_rank(alone, 99) == 8


class BesideItsTwin(Broadcasting):
    """Rank 1 of 2; rank 0 was given the same and has fitted its members."""

    def bcast(self, value, root=0):
        return value

    def allgather(self, value):
        return [value, value] if isinstance(value, tuple) else [self.sent, value]


def test_an_ensemble_on_ranks_fits_its_share_only(monkeypatch):
    """Rank 1 of 2 fits the last members and gathers the first from rank 0."""
    import numpy as np

    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    make = {"n_members": 5, "member_size": 10, "random_state": 0}
    alone = KernelEnsemble(ReferenceSVC(), map="threads", **make).fit(X, y)
    other = BesideItsTwin(alone.estimators_[:3])
    monkeypatch.setattr(comm, "resolve", lambda comm=None: other)
    monkeypatch.setattr(comm, "threads_per_rank", lambda comm, n_jobs=None: 1)
    fitted = []
    ensemble = KernelEnsemble(ReferenceSVC(), **make)
    ensemble.fit(X, y, progress=lambda done, total: fitted.append(total))
    assert fitted == [2, 2]
    np.testing.assert_array_equal(ensemble.dual_coef_, alone.dual_coef_)
