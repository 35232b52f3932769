"""Runs on the local server: packing, prices, credentials, replay, processes killed."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from handmade import make_dual

from bridges import registry
from bridges.errors import BudgetError, DataError, SolverError, UsageError

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from leap_server import Fault

from qsvm.samplers.leap import store as run_store
from qsvm.samplers.leap.qpu import CliqueQPU
from qsvm.samplers.leap.replay import Replay

ROOT = Path(__file__).resolve().parents[4]
PROBLEMS = [make_dual(6, seed=s) for s in range(5)]
SEEDS = list(range(5))

CHILD = """
import json, sys
sys.path.insert(0, "tests/qsvm")
from handmade import make_dual
from qsvm.samplers.leap.qpu import PackedQPU
problems = [make_dual(6, seed=s) for s in range(15)]
sampler = PackedQPU(
    store=sys.argv[1], resume=sys.argv[2] == "resume", num_reads=20, members_per_submission=2,
    in_flight=3,
)
batches = sampler.sample(problems, list(range(15)))
print(json.dumps([batch.x.tolist() for batch in batches]))
"""


def test_packing_saves_submissions_and_qpu_time(leap, quick_sampler, tmp_path):
    server = leap()

    packed = quick_sampler(members_per_submission=None).sample(PROBLEMS, SEEDS)
    n_packed, packed_us = len(server.desk.jobs), server.desk.spent_us()
    CliqueQPU(store=str(tmp_path / "single"), num_reads=20).sample(PROBLEMS, SEEDS)

    assert n_packed == 1
    assert len(server.desk.jobs) == n_packed + 5
    single_us = server.desk.spent_us() - packed_us
    assert packed_us < single_us / 4
    assert sum(batch.qpu_s for batch in packed) == pytest.approx(packed_us / 1e6)
    timing = packed[0].info["timing"]
    assert {"qpu_access", "qpu_programming", "queue", "network"} <= set(timing)


def test_the_estimate_is_what_the_server_charges(leap, quick_sampler):
    server = leap()
    sampler = quick_sampler(annealing_time=50.0, reduce_intersample_correlation=False)

    planned = sampler.plan([6] * 5).estimate_us
    sampler._session = None
    sampler.sample(PROBLEMS, SEEDS)

    assert server.desk.spent_us() == pytest.approx(planned)


def test_budget_refuses_before_sending(leap, quick_sampler):
    server = leap()

    with pytest.raises(BudgetError) as caught:
        quick_sampler(max_qpu_seconds=0.02).sample(PROBLEMS, SEEDS)

    assert caught.value.exit_code == 6
    assert not server.desk.jobs


def test_budget_counts_over_the_calls_of_a_run(leap, quick_sampler):
    server = leap()
    sampler = quick_sampler(max_qpu_seconds=0.05, members_per_submission=None)
    sampler.sample(PROBLEMS, SEEDS)
    sampler.sample(PROBLEMS, SEEDS)

    with pytest.raises(BudgetError, match=r"0\.037 s are spent"):
        sampler.sample(PROBLEMS, SEEDS)
    assert len(server.desk.jobs) == 2


def test_sweep_reversals_and_reverse_annealing_run_and_resume(leap, quick_sampler, new_process):
    server = leap()
    options = {
        "chain_strength": "sweep",
        "spin_reversals": 2,
        "reverse_schedule": [[0, 1], [5, 0.45], [15, 0.45], [20, 1]],
        "members_per_submission": None,
    }
    batches = quick_sampler(**options).sample(PROBLEMS, SEEDS)
    sent = len(server.desk.jobs)
    new_process()

    again = quick_sampler(resume=True, **options).sample(PROBLEMS, SEEDS)

    assert sent == 1 + 2 + 1
    assert len(server.desk.jobs) == sent
    for one, other in zip(batches, again, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        assert one.occurrences.sum() == 40
        assert one.info["timing"]["qpu_access"] == pytest.approx(one.qpu_s)  # both directions


def test_replay_decodes_with_other_rules(leap, quick_sampler, tmp_path, monkeypatch):
    server = leap()
    batches = quick_sampler().sample(PROBLEMS, SEEDS)
    server.close = lambda: None
    monkeypatch.setenv("DWAVE_API_TOKEN", "")

    same = Replay(run=str(tmp_path / "run")).sample(PROBLEMS, SEEDS)
    better = Replay(run=str(tmp_path / "run"), unembedding="descent").sample(PROBLEMS, SEEDS)

    for one, other, third in zip(batches, same, better, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        assert third.energies[0] <= one.energies[0] + 1e-12
    with pytest.raises(UsageError, match="other data"):
        Replay(run=str(tmp_path / "run")).sample(PROBLEMS[::-1], SEEDS)
    with pytest.raises(DataError, match="does not exist"):
        Replay(run=str(tmp_path / "nowhere"))


def test_a_replay_does_not_disturb_the_run_that_it_reads(leap, quick_sampler, tmp_path):
    server = leap()
    sampler = quick_sampler()
    first = sampler.sample(PROBLEMS, SEEDS)
    replay = Replay(run=str(tmp_path / "run"))
    sampler.sample(PROBLEMS[:2], SEEDS[:2])  # the second call of the run, still without resume
    sampler.sample(PROBLEMS, SEEDS)  # a third, not the first once more
    assert len(server.desk.jobs) == 3 + 1 + 3
    for _ in range(2):
        assert len(replay.sample(PROBLEMS[:2], SEEDS[:2])) == 2
    np.testing.assert_array_equal(replay.sample(PROBLEMS, SEEDS)[0].x, first[0].x)


def test_without_a_token_it_ends_at_once(monkeypatch):
    begun = time.monotonic()
    with pytest.raises(SolverError) as caught:
        registry.make_sampler("qpu")
    assert caught.value.exit_code == 4
    assert "dwave config create" in caught.value.hint
    assert time.monotonic() - begun < 5.0


CLOUD = ["qpu", "qpu-clique", "hybrid", "hybrid-cqm", "hybrid-nl", "mock-qpu"]


@pytest.mark.parametrize("name", CLOUD)
def test_without_the_extra_it_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "dwave.cloud", None)
    with pytest.raises(SolverError, match="not installed") as caught:
        registry.make_sampler(name)
    assert "annealsvm[leap]" in caught.value.hint


def test_an_unknown_solver_is_named_beside_the_known(leap, quick_sampler):
    leap()
    with pytest.raises(SolverError, match="nowhere") as caught:
        quick_sampler(solver="nowhere").sample(PROBLEMS, SEEDS)
    assert "Local_zephyr" in caught.value.hint


def test_a_solver_is_chosen_by_features(leap, quick_sampler, monkeypatch, tmp_path):
    server = leap()
    monkeypatch.setenv("DWAVE_API_SOLVER", '{"topology__type": "zephyr"}')
    quick_sampler().sample(PROBLEMS, SEEDS)
    assert server.desk.jobs
    monkeypatch.setenv("DWAVE_API_SOLVER", '{"topology__type": "chimera"}')
    with pytest.raises(SolverError, match="online"):
        quick_sampler(store=str(tmp_path / "other")).sample(PROBLEMS, SEEDS)


@pytest.mark.parametrize("where", ["solvers", "submit", "poll", "answer"])
def test_the_token_is_nowhere(where, leap, quick_sampler, tmp_path, caplog):
    server = leap()
    server.faults.add(Fault(where, status=401))
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG), pytest.raises(SolverError) as caught:
            quick_sampler().sample(PROBLEMS, SEEDS)
    finally:
        logging.getLogger().removeHandler(handler)

    shown = "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    for said in (text.getvalue(), caplog.text, shown, repr(caught.value), str(caught.value)):
        assert server.token not in said
    assert server.token.encode() not in pickle.dumps(caught.value)
    for file in (tmp_path / "run").rglob("*"):
        assert server.token.encode() not in file.read_bytes()


def _child(path: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def _states(folder: Path) -> dict[str, int]:
    """Return how many submissions of a run are in which state."""
    with contextlib.closing(sqlite3.connect(folder / run_store.FILE_NAME)) as db:
        try:
            return dict(db.execute("select state, count(*) from submissions group by state"))
        except sqlite3.OperationalError:
            return {}


def kill_and_resume(server, folder: Path, delay_s: float, undisturbed: str) -> str:
    """Kill a run so long after it planned its submissions, resume it, check the books."""
    victim = _child(folder, "new")
    while victim.poll() is None:
        if (folder / run_store.FILE_NAME).exists() and _states(folder):
            break
        time.sleep(0.01)
    time.sleep(delay_s)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    reached = _states(folder)
    resumed = _child(folder, "resume")
    out, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    assert json.loads(out) == json.loads(undisturbed)
    assert set(server.desk.paid().values()) == {1}
    assert len(server.desk.paid()) == 8
    return f"killed {delay_s:.2f} s after planning: {reached}"


def test_a_killed_run_is_resumed_without_paying_twice(leap, tmp_path):
    times = int(os.environ.get("ANNEALSVM_KILLS", "1"))
    leap()
    undisturbed, error = _child(tmp_path / "reference", "new").communicate(timeout=60)
    assert undisturbed, error
    for number in range(times):
        server = leap(delay_s=0.2)
        delay_s = random.Random(number).uniform(0.0, 0.8)
        print(kill_and_resume(server, tmp_path / f"run{number}", delay_s, undisturbed))
