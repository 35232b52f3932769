"""Every fault of the cloud ends in the right answer, or in an error and a store to resume."""

from __future__ import annotations

import time

import numpy as np
import pytest
from handmade import make_dual

from bridges.errors import BudgetError, EmbeddingError, SolverError

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from leap_server import Fault

PROBLEMS = [make_dual(6, seed=s) for s in range(5)]
SEEDS = list(range(5))

SURVIVED = [
    pytest.param([Fault("submit", status=429, retry_after=0.2)], id="submit 429 Retry-After"),
    pytest.param([Fault("poll", status=429, retry_after=0.2)], id="poll 429 Retry-After"),
    *[
        pytest.param([Fault(where, status=status, times=2)], id=f"{where} {status}")
        for where in ("solvers", "submit", "poll", "answer")
        for status in (500, 502, 503)
    ],
    *[
        pytest.param([Fault(where, kind, times=2)], id=f"{where} {kind}")
        for where in ("submit", "poll", "answer")
        for kind in ("drop-before", "drop-after", "no-id", "malformed")
    ],
    pytest.param([Fault("submit", "drop-after", times=None)], id="every submit reply lost"),
    pytest.param([Fault("submit", "drop-after"), Fault("poll", status=500)], id="lost, then 500"),
    pytest.param([Fault("answer", "garbled", times=2)], id="answer garbled twice"),
    pytest.param([Fault("submit", "refuse", seconds=0.3, after=1)], id="submit refused"),
    pytest.param([Fault("poll", "refuse", seconds=0.3)], id="poll refused"),
    pytest.param([Fault("answer", "refuse", seconds=0.3, after=1)], id="answer refused"),
]

FATAL = [
    *[
        pytest.param([Fault(where, status=status)], SolverError, id=f"{where} {status}")
        for where in ("submit", "poll", "answer")
        for status in (401, 403)
    ],
    pytest.param([Fault("solvers", status=401)], SolverError, id="solvers 401"),
    *[
        pytest.param(
            [Fault(where, status=503, times=None)], SolverError, id=f"{where} 503 for ever"
        )
        for where in ("submit", "poll", "answer")
    ],
    pytest.param([Fault("submit", "never", after=1)], SolverError, id="never ends"),
    pytest.param([Fault("submit", "offline", after=1)], SolverError, id="offline before submit"),
    pytest.param([Fault("poll", "offline")], SolverError, id="offline while waiting"),
    pytest.param([Fault("submit", "quota", after=1)], BudgetError, id="quota exhausted"),
    pytest.param([Fault("submit", "too-large", after=1)], EmbeddingError, id="too large"),
    pytest.param([Fault("answer", "garbled", times=None, after=1)], SolverError, id="garbled"),
    pytest.param([Fault("answer", "malformed", times=None)], SolverError, id="malformed"),
]


_undisturbed = []


@pytest.fixture
def reference(leap, quick_sampler, tmp_path):
    """Return the batches of an undisturbed run, made once."""
    if not _undisturbed:
        leap()
        sampler = quick_sampler(store=str(tmp_path / "reference"))
        _undisturbed.extend(sampler.sample(PROBLEMS, SEEDS))
    return _undisturbed


def _same(batches, reference) -> None:
    for one, other in zip(batches, reference, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.occurrences, other.occurrences)


def _paid_once(server) -> None:
    paid = server.desk.paid()
    assert len(paid) == 3
    assert set(paid.values()) == {1}


@pytest.mark.parametrize("faults", SURVIVED)
def test_passing_faults_are_survived(faults, reference, leap, quick_sampler):
    server = leap()
    server.faults.add(*faults)

    batches = quick_sampler(tries=12).sample(PROBLEMS, SEEDS)

    assert server.faults.struck
    _same(batches, reference)
    _paid_once(server)


@pytest.mark.parametrize(("faults", "error"), FATAL)
def test_lasting_faults_leave_a_store_to_resume(faults, error, reference, leap, quick_sampler):
    server = leap(delay_s=0.05)
    server.faults.add(*faults)
    begun = time.monotonic()

    with pytest.raises(error) as caught:
        quick_sampler(deadline_s=0.5).sample(PROBLEMS, SEEDS)

    assert time.monotonic() - begun < 5.0
    assert caught.value.hint
    assert server.faults.struck
    server.faults.clear()
    server.set_status("ONLINE")
    server.release()
    batches = quick_sampler(resume=True).sample(PROBLEMS, SEEDS)
    _same(batches, reference)
    _paid_once(server)


def test_a_run_is_not_continued_by_accident(leap, quick_sampler, new_process):
    leap()
    quick_sampler().sample(PROBLEMS, SEEDS)
    new_process()

    from bridges.errors import UsageError

    with pytest.raises(UsageError, match="earlier run"):
        quick_sampler().sample(PROBLEMS, SEEDS)


def test_resuming_with_other_data_is_refused(leap, quick_sampler, new_process):
    from bridges.errors import UsageError

    leap()
    quick_sampler().sample(PROBLEMS, SEEDS)
    new_process()

    with pytest.raises(UsageError, match="other data"):
        quick_sampler(resume=True).sample(PROBLEMS[::-1], SEEDS)


def test_retry_after_is_honoured(leap, quick_sampler):
    server = leap()
    server.faults.add(Fault("submit", status=429, retry_after=0.7))
    begun = time.monotonic()

    quick_sampler().sample(PROBLEMS[:1], SEEDS[:1])

    assert time.monotonic() - begun > 0.7


def test_interrupt_cancels_what_is_under_way(leap, quick_sampler, monkeypatch, reference):
    server = leap()
    server.faults.add(Fault("submit", "never", times=3))
    sampler = quick_sampler()

    from qsvm.samplers.leap.delivery import Delivery

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "_check_deadlines", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sampler.sample(PROBLEMS, SEEDS)

    assert {job.status for job in server.desk.jobs.values()} == {"CANCELLED"}
    _same(quick_sampler(resume=True).sample(PROBLEMS, SEEDS), reference)
    _paid_once(server)
