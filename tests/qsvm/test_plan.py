"""The plan command, and the training command on annealers."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from qsvm import options as annealer_options
from qsvm import plan, train
from qsvm.samplers.chip.chips import load_chip

SMALL = ["--chip", "advantage2-small", "--members", "5", "--member-size", "20", "--n-bits", "1"]


def test_a_plan_is_plain_numbers(capsys):
    assert plan.main([*SMALL, "--num-reads", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variables"] == 20
    assert found["couplers"] == 190
    assert found["submissions"] == 1
    assert found["qubits"] == found["members_per_submission"] * found["qubits"] // 5
    assert found["estimated_qpu_s"] < found["one_by_one_qpu_s"] / 4
    assert found["share_of_quota"] == pytest.approx(found["estimated_qpu_s"] / 60)


def test_a_plan_for_people(capsys):
    assert plan.main([*SMALL, "--duals", "3", "--spin-reversals", "2"]) == 0
    assert "estimated QPU time" in capsys.readouterr().out


def test_exit_codes_of_the_plan(capsys):
    assert plan.main([*SMALL, "--max-qpu-seconds", "0.001"]) == 6
    assert plan.main(["--chip", "advantage2-small", "--member-size", "99"]) == 5
    assert plan.main(["--solver", "any"]) == 4
    assert plan.main(["--chip", "abacus"]) == 2
    assert plan.main(["--save-solver", "x.json"]) == 2
    assert "hint:" in capsys.readouterr().err


def test_a_solver_is_saved_for_planning_without_an_account(leap, tmp_path, capsys):
    server = leap()
    file = tmp_path / "solver.json"
    assert plan.main(["--solver", "any", "--save-solver", str(file), "--member-size", "5"]) == 0
    assert server.token not in file.read_text()
    first = capsys.readouterr().out
    server.close = lambda: None
    assert plan.main(["--chip", str(file), "--member-size", "5"]) == 0
    assert capsys.readouterr().out == first
    assert load_chip(file).name == "Local_zephyr"


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    np.savez(tmp_path / "table.npz", X=X, y=(X[:, 0] + X[:, 1] > 0).astype(int))
    return str(tmp_path / "table.npz")


def _words(table, out, *more):
    words = ["--table", table, "--members", "2", "--member-size", "8", "--n-bits", "1"]
    return [*words, "--num-reads", "10", "--quiet", "--json", "--out", str(out), *more]


def test_the_whole_job_on_a_made_up_chip(table, tmp_path, capsys):
    code = train.main(_words(table, tmp_path / "a", "--sampler", "mock-qpu", "--chip", "zephyr:4"))
    assert code == 0
    assert json.loads(capsys.readouterr().out)["sampler"] == "mock-qpu"


def test_a_run_on_leap_is_resumed_and_replayed(table, tmp_path, leap, capsys, new_process):
    server = leap()
    out = tmp_path / "run"
    assert train.main(_words(table, out, "--sampler", "qpu")) == 0
    first = json.loads(capsys.readouterr().out)
    sent = len(server.desk.jobs)
    assert server.token.encode() not in b"".join(
        f.read_bytes() for f in out.iterdir() if f.is_file()
    )

    new_process()
    assert train.main(["--resume", str(out), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert plan.main(["--spent", str(out), "--json"]) == 0
    spent = json.loads(capsys.readouterr().out)
    assert spent["submissions"] == {"answered": 1}
    assert spent["seconds"]["qpu_access"] == pytest.approx(server.desk.spent_us() / 1e6)
    assert {"qpu_programming", "qpu_sampling", "post_processing", "queue"} <= set(spent["seconds"])
    assert plan.main(["--spent", str(out)]) == 0
    assert plan.main(["--spent", "nowhere"]) == 3
    capsys.readouterr()
    replay = _words(table, tmp_path / "replayed", "--sampler", f"replay:{out}")
    assert train.main(replay) == 0
    replayed = json.loads(capsys.readouterr().out)
    words = _words(table, tmp_path / "mean", "--sampler", f"replay:{out}", "--combination", "mean")
    assert train.main(words) == 0
    averaged = json.loads(capsys.readouterr().out)["diagnostics"]["energy_gap_mean"]
    mixed = first["diagnostics"]
    assert mixed["energy_gap_mean"] < mixed["averaged_gap_mean"] == pytest.approx(averaged)

    assert len(server.desk.jobs) == sent == 1
    assert first["accuracy"] == again["accuracy"] == replayed["accuracy"]


def test_a_refused_run_leaves_nothing(table, tmp_path, leap, capsys):
    server = leap()
    out = tmp_path / "run"
    words = _words(table, out, "--sampler", "qpu", "--max-qpu-seconds", "0.001")
    assert train.main(words) == 6
    assert not out.exists()
    assert not server.desk.jobs


def test_a_dry_run_tells_the_price_and_sends_nothing(table, tmp_path, leap, capsys):
    server = leap()
    assert train.main(_words(table, tmp_path / "run", "--sampler", "qpu", "--dry-run")) == 0
    assert "estimated QPU time" in capsys.readouterr().out
    assert not server.desk.jobs
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_resumed_is_said(tmp_path, capsys):
    assert train.main(["--resume", str(tmp_path / "nowhere")]) == 2
    assert train.main(["--sampler", "qpu"]) == 4
    assert "hint:" in capsys.readouterr().err


def test_chain_strength_is_a_number_or_sweep():
    assert annealer_options.chain_strength("sweep") == "sweep"
    assert annealer_options.chain_strength("2.8") == 2.8
