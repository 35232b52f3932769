"""What the variables of a launcher say of a process, and of one that only inherited them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bridges.errors import SolverError
from bridges.machine import comm, launcher, threads


@pytest.mark.parametrize(
    ("env", "ranks"),
    [
        ({}, 1),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, 4),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, 1),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, 3),
        ({"PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "9"}, 8),
        ({"PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "9"}, 1),
        ({"PMIX_RANK": "0", "PMIX_NAMESPACE": "x"}, 1),
        ({"MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "2"}, 2),
        ({"SLURM_NTASKS": "4"}, 1),
        ({"PMI_RANK": "0", "PMI_SIZE": "2", "PMI_FD": "987"}, 1),
        ({"PMI_RANK": "0", "PMI_SIZE": "2", "PMI_FD": "no"}, 1),
        ({"PMI_RANK": "0", "PMI_SIZE": "2", "PMI_FD": "2"}, 2),
    ],
)
def test_ranks_told_by_the_environment(env, ranks):
    found, variable = launcher.launched_ranks(env)
    assert found == ranks
    assert (variable in env) == (ranks > 1)


def test_a_worker_of_a_rank_is_no_rank(monkeypatch):
    env = {"PMI_RANK": "0", "PMI_SIZE": "4"}
    assert launcher.launched_ranks(env)[0] == 4
    monkeypatch.setattr(launcher, "is_worker", lambda: True)
    assert launcher.launched_ranks(env) == (1, "")


def test_a_launcher_of_another_mpi_is_refused(monkeypatch):
    from types import SimpleNamespace

    world = comm.SingleRank()
    monkeypatch.setitem(
        sys.modules, "mpi4py", SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=world))
    )
    monkeypatch.setattr(comm, "launched_ranks", lambda: (2, "OMPI_COMM_WORLD_SIZE"))
    with pytest.raises(SolverError, match="alone: the launcher is that of another MPI") as error:
        comm.resolve()
    assert "unset OMPI_COMM_WORLD_SIZE" in error.value.hint


def test_several_ranks_need_mpi4py_and_one_task_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(comm, "mpi_is_running", lambda: False)
    monkeypatch.setattr(comm, "launched_ranks", lambda: (3, "PMI_SIZE"))
    with pytest.raises(SolverError, match="PMI_SIZE=3"):
        comm.resolve()
    monkeypatch.setattr(comm, "launched_ranks", lambda: (1, ""))
    assert comm.resolve().size == 1


@pytest.mark.parametrize("name", threads.THREAD_LIMITS)
@pytest.mark.parametrize(
    ("text", "limited"), [("1", True), ("1,2", True), ("", False), ("x", False)]
)
def test_limits_of_the_environment_are_obeyed(monkeypatch, name, text, limited):
    for other in threads.THREAD_LIMITS:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 6)
    assert threads.usable_cores() == 6
    monkeypatch.setenv(name, text)
    assert threads.usable_cores() == (1 if limited else 6)


def test_a_reader_that_has_gone_is_no_error():
    code = "from bridges.run.console import guarded; import sys\n"
    code += "sys.exit(guarded(lambda: [print('x' * 1000) for _ in range(10_000)] and 0))"
    job = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    job.stdout.read(10)
    job.stdout.close()
    told = job.stderr.read()
    job.stderr.close()
    assert job.wait(60) == 141
    assert told == b""
