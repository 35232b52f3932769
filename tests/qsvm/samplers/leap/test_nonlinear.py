"""The nonlinear hybrid solver through the real client against the local server."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import dimod
import numpy as np
import pytest
from handmade import make_dual

from bridges import make_sampler
from bridges.errors import BudgetError, DataError, SolverError, UsageError
from bridges.testing.problems import class_task

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from leap_server import Fault, hybrid_nl

from qsvm import plan, train
from qsvm.classifier import QuboSVC
from qsvm.formulations.base import make_formulation
from qsvm.problem.dual_problem import bit_weights
from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.nonlinear import HybridNL, nonlinear_model, planes, read_states

ROOT = Path(__file__).resolve().parents[4]
PROBLEMS = [make_dual(5, n_bits=2, seed=s, upper=3.0) for s in range(3)]
SEEDS = [0, 1, 2]


def of_classes(n_classes: int, name: str = "ovo", **encoding):
    return make_formulation(name).problems(class_task(n_classes, 3, **encoding))[0]


def shifted(problem):
    """Return the problem on intervals as a round of refinement makes them."""
    rng = np.random.default_rng(0)
    lower = rng.uniform(0.0, 0.4, problem.n_coefficients) * problem.span
    span = rng.uniform(0.2, 0.5, problem.n_coefficients) * problem.span
    return dataclasses.replace(problem, lower=lower, span=np.where(span < 0.7, 0.0, span))


def quick(path, tries: int = 3, **options) -> HybridNL:
    sampler = HybridNL(store=str(path), **options)
    patience = Patience(tries=tries, first_s=0.01, longest_s=0.05, poll_s=1)
    sampler.run = dataclasses.replace(sampler.run, patience=patience)
    return sampler


MODELS = {
    "alike": make_dual(6, n_bits=3),
    "weighted": of_classes(2, n_bits=7),
    "levels apart": of_classes(2, base=3),
    "groups": of_classes(3, "crammer-singer"),
    "single precision": of_classes(2, precision="single"),
    "refined": shifted(make_dual(6, n_bits=2, upper=3.0)),
    "no constraint": dataclasses.replace(make_dual(4), equality=None, penalty=0.0),
}


@pytest.mark.parametrize("problem", MODELS.values(), ids=MODELS)
def test_the_model_is_the_problem_without_its_penalty(problem):
    bits = np.random.default_rng(1).integers(0, 2, (20, problem.n_variables))
    x = np.vstack([problem.decode(bits), problem.lower])
    model = nonlinear_model(problem)
    (level,) = model.iter_decisions()
    free = problem.with_penalty(0.0)
    shares = np.divide(
        x - problem.lower, problem.span, where=problem.span > 0, out=np.zeros(x.shape)
    )
    values = np.unique(np.round(_every_level(problem), 12))
    model.states.resize(len(x))
    with model.lock():
        for index, share in enumerate(shares):
            level.set_state(index, np.abs(share[:, None] - values).argmin(axis=1))
            wanted = free.energies(x[index])[0] - free.energies(problem.lower)[0]
            assert float(model.objective.state(index)) == pytest.approx(wanted, abs=1e-6)
            near = all(
                abs(x[index] @ plane.row - plane.total) <= plane.slack + 1e-9
                for plane in planes(problem)
            )
            assert model.feasible(index) == near
        with model.states.to_file() as file:
            levels = read_states(file.read(), problem)
    np.testing.assert_allclose(problem.lower + problem.span * values[levels], x, atol=1e-9)


def _every_level(problem):
    one = [
        [(number >> k) & 1 for k in range(problem.n_bits)] for number in range(2**problem.n_bits)
    ]
    return np.array(one) @ problem.weights


OCEAN = """
import json, sys
sys.path.insert(0, "tests/qsvm")
from dwave.system import LeapHybridNLSampler
from handmade import make_dual
from qsvm.samplers.leap.nonlinear import nonlinear_model

model = nonlinear_model(make_dual(5, n_bits=2, upper=3.0))
with LeapHybridNLSampler() as ocean:
    usual = {k: v for k, v in ocean.properties.items() if k != "parameters"}
    slow = usual | {"num_nodes_multiplier": 2.0, "state_size_multiplier": 0.125}
    times = [(usual, ocean.estimated_min_time_limit(model))]
    info = ocean.sample(model).result().info
    ocean._properties = slow
    times.append((slow, ocean.estimated_min_time_limit(model)))
with model.lock():
    feasible = [model.feasible(index) for index in range(model.states.size())]
print(json.dumps([times, info["timing"]["charge_time"], feasible]))
"""
"""In a process of its own: the sampler leaves the file that it uploads open."""


def test_ocean_s_own_sampler_is_answered_and_estimates_the_same_time(leap, tmp_path):
    leap()
    words = [sys.executable, "-c", OCEAN]
    child = subprocess.run(
        words,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.returncode == 0, child.stderr
    times, charge_us, feasible = json.loads(child.stdout)
    for properties, estimate in times:
        assert quick(tmp_path)._minimum_s(properties, PROBLEMS[0]) == pytest.approx(estimate)
    assert times[0][1] == 5.0 < times[1][1]
    assert charge_us == 5e6
    assert len(feasible) > 1
    assert all(feasible)


def test_samples_keep_the_equality_and_reach_the_optimum(leap, tmp_path):
    leap(num_sweeps=60)
    batches = quick(tmp_path).sample(PROBLEMS, SEEDS)
    for problem, batch in zip(PROBLEMS, batches, strict=True):
        np.testing.assert_allclose(problem.energies(batch.x), batch.energies)
        np.testing.assert_allclose(batch.x @ problem.equality, 0.0, atol=1e-9)
        assert batch.qpu_s == pytest.approx(0.02)
        assert batch.info["timing"]["charge"] == 5.0
        exact = dimod.ExactSolver().sample(problem.to_bqm())
        on_plane = [
            energy
            for sample, energy in exact.data(["sample", "energy"])
            if abs(problem.decode([sample[v] for v in range(problem.n_variables)])[0]
                   @ problem.equality) < 1e-9
        ]  # fmt: skip
        assert batch.energies[0] == pytest.approx(on_plane[0])


def test_states_that_break_the_equality_are_dropped_unless_all_do(caplog):
    problem = PROBLEMS[0]

    def message(*rows):
        model = nonlinear_model(problem)
        (level,) = model.iter_decisions()
        model.states.resize(len(rows))
        for index, row in enumerate(rows):
            level.set_state(index, np.array(row))
        with model.states.to_file() as file:
            return {"answer": {"data": base64.b64encode(file.read()).decode()}}

    broken = np.array([3, 0, 0, 0, 0])
    x, _, _ = HybridNL.read(message(np.zeros(5), broken), problem)
    np.testing.assert_array_equal(x, np.zeros((1, 5)))
    assert not caplog.records
    x, counts, _ = HybridNL.read(message(broken), problem)
    np.testing.assert_allclose(x, [[3.0, 0, 0, 0, 0]])
    assert counts.tolist() == [1]
    assert "no state keeps" in caplog.text


@pytest.mark.parametrize("data", [b"", b"states", b"DWNL\x01\x00" + bytes(90)])
def test_what_is_no_file_of_states_is_no_answer(data):
    with pytest.raises(ValueError, match="holds no states"):
        read_states(data, PROBLEMS[0])


def test_states_of_another_model_are_no_answer():
    other = nonlinear_model(make_dual(7, n_bits=2))
    (level,) = other.iter_decisions()
    other.states.resize(1)
    level.set_state(0, np.ones(7))
    with other.states.to_file() as file, pytest.raises(ValueError, match="holds no states"):
        read_states(file.read(), PROBLEMS[0])


def test_lost_replies_and_data_are_fetched_again_and_nothing_is_paid_twice(
    leap, tmp_path, new_process
):
    server = leap()
    server.faults.add(
        Fault("submit", "drop-after"),
        Fault("answer-data", status=500),
        Fault("answer-data", "drop-after"),
        Fault("answer-data", "garbled"),
    )
    batches = quick(tmp_path, tries=6).sample(PROBLEMS, SEEDS)
    assert len(server.desk.jobs) == 3
    assert [where for where, _ in server.faults.struck] == ["submit", *["answer-data"] * 3]
    new_process()
    server.close = lambda: None
    again = quick(tmp_path, resume=True).sample(PROBLEMS, SEEDS)
    assert len(server.desk.jobs) == 3
    for one, other in zip(batches, again, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
    new_process()
    with pytest.raises(UsageError, match="other data"):
        quick(tmp_path, resume=True).sample(
            [dataclasses.replace(p, weights=bit_weights(2, 3)) for p in PROBLEMS], SEEDS
        )


def test_data_that_stay_broken_are_an_error_and_the_run_goes_on_later(leap, tmp_path, new_process):
    server = leap()
    server.faults.add(Fault("answer-data", "garbled", times=None))
    with pytest.raises(SolverError, match="cannot be decoded"):
        quick(tmp_path).sample(PROBLEMS, SEEDS)
    server.faults.clear()
    new_process()
    assert len(quick(tmp_path, resume=True).sample(PROBLEMS, SEEDS)) == 3
    assert len(server.desk.jobs) == 3
    assert server.endpoint.encode() not in (tmp_path / "leap.sqlite").read_bytes()


def test_it_is_priced_before_anything_is_sent(leap, tmp_path):
    server = leap()
    sampler = quick(tmp_path / "a", max_hybrid_seconds=14.9)
    assert sampler.price(PROBLEMS) == {
        "solver": "hybrid_nonlinear_program_version1p",
        "submissions": 3,
        "solver_s": 15.0,
    }
    with pytest.raises(
        BudgetError, match=r"15\.000 s of solver time.*--max-hybrid-seconds"
    ) as caught:
        sampler.sample(PROBLEMS, SEEDS)
    assert "shorter time_limit or fewer members" in caught.value.hint
    with pytest.raises(SolverError, match="minimum of 5 s"):
        quick(tmp_path / "b", time_limit=2.0).sample(PROBLEMS, SEEDS)
    assert quick(tmp_path / "c", time_limit=7.0).price(PROBLEMS)["solver_s"] == 21.0
    assert not server.desk.jobs


def test_the_newest_version_is_asked(leap, tmp_path):
    server = leap()
    for version in ("1.1", "1.2", "0.9"):
        solver = hybrid_nl(f"nl_{version}", version)
        server.desk.solvers[f"nl_{version}"] = solver
    assert quick(tmp_path).price(PROBLEMS)["solver"] == "nl_1.2"
    assert quick(tmp_path, solver="nl_0.9").price(PROBLEMS)["solver"] == "nl_0.9"


def test_models_take_seven_bits_and_count_whole_numbers(leap, tmp_path):
    leap()
    X = np.random.default_rng(0).normal(size=(12, 2))
    y = (X[:, 0] > 0).astype(int)
    model = QuboSVC(sampler="hybrid-nl", sampler_params={"store": str(tmp_path)}).fit(X, y)
    assert model.resolved_bits() == HybridNL.whole_number_bits == 7
    assert model.fit_report_.n_variables == 12
    assert np.abs(model.dual_coef_).sum() > 0
    assert QuboSVC(sampler="hybrid-nl", n_bits=3).resolved_bits() == 3
    assert QuboSVC(sampler="hybrid").resolved_bits() == 2


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    np.savez(tmp_path / "table.npz", X=X, y=(X[:, 0] + X[:, 1] > 0).astype(int))
    return str(tmp_path / "table.npz")


def test_the_command_tells_the_price_runs_resumes_and_accounts(
    table, tmp_path, leap, capsys, new_process
):
    server = leap()
    out = tmp_path / "run"
    words = ["--table", table, "--members", "2", "--member-size", "8", "-q", "--json"]
    words += ["--sampler", "hybrid-nl", "--out", str(out)]
    assert train.main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "2 submissions, one problem each; solver time charged 10 s" in told
    assert "the largest has 7 variables" in told  # of 8 pixels, one was drawn twice
    assert train.main([*words, "--max-hybrid-seconds", "9"]) == 6
    assert not server.desk.jobs
    capsys.readouterr()

    assert train.main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["fit_report"]["n_variables"] == 7
    assert first["sampler_timing"]["charge"] == 10.0
    new_process()
    assert train.main(["--resume", str(out), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["accuracy"] == first["accuracy"]
    assert len(server.desk.jobs) == 2
    assert plan.main(["--spent", str(out), "--json"]) == 0
    spent = json.loads(capsys.readouterr().out)
    assert spent["seconds"]["charge"] == 10.0
    assert spent["submissions"] == {"answered": 2}

    replay = ["--config", str(out / "run.json"), "--sampler", f"replay-hybrid:{out}", "--json"]
    replay += ["--out", str(tmp_path / "other"), "-q"]
    assert train.main([*replay, "--combination", "best"]) == 2
    assert "--n-bits 7" in capsys.readouterr().err
    assert train.main([*replay, "--n-bits", "7"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == first["accuracy"]
    assert len(server.desk.jobs) == 2


@pytest.mark.parametrize("name", ["hybrid", "hybrid-cqm", "hybrid-nl"])
def test_a_run_is_decoded_again_without_an_account(name, leap, tmp_path, monkeypatch):
    server = leap()
    batches = make_sampler(name, store=str(tmp_path)).sample(PROBLEMS, SEEDS)
    server.close = lambda: None
    monkeypatch.setenv("DWAVE_API_TOKEN", "")
    replay = make_sampler("replay-hybrid", run=str(tmp_path))
    for _ in range(2):
        for one, other in zip(batches, replay.sample(PROBLEMS, SEEDS), strict=True):
            np.testing.assert_array_equal(one.x, other.x)
            assert one.info == other.info
    assert replay.sample([], []) == []
    with pytest.raises(UsageError, match="other data"):
        replay.sample(PROBLEMS[::-1], SEEDS)


def test_what_cannot_be_decoded_again_is_said(leap, quick_sampler, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        make_sampler("replay-hybrid", run=str(tmp_path / "nowhere"))
    server = leap()
    quick_sampler(store=str(tmp_path / "qpu")).sample(PROBLEMS, SEEDS)
    with pytest.raises(DataError, match="no run of a hybrid solver"):
        make_sampler("replay-hybrid", run=str(tmp_path / "qpu"))
    server.faults.add(Fault("answer-data", "garbled", times=None, after=1))
    with pytest.raises(SolverError):
        quick(tmp_path / "half").sample(PROBLEMS, SEEDS)
    with pytest.raises(DataError, match="never answered"):
        make_sampler("replay-hybrid", run=str(tmp_path / "half")).sample(PROBLEMS, SEEDS)
