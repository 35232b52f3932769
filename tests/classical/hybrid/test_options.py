"""The command with the annealer inside: its options, its words, its files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.run.model_file import load_model
from classical.train import main

FAST = ["--inner", "annealer", "--block", "15", "--blocks", "4", "--num-reads", "10"]


@pytest.fixture
def table(tmp_path):
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 200)
    X = np.random.default_rng(7).normal(size=(3, 4))[y] * 1.5 + random.normal(size=(200, 4))
    path = tmp_path / "table.npz"
    np.savez(path, X=X, y=y)
    return str(path)


def test_a_run_tells_gaps_steps_and_attribution(table, tmp_path, capsys):
    out = tmp_path / "run"
    assert (
        main(["--table", table, *FAST, "--steps", "6", "--json", "--quiet", "--out", str(out)]) == 0
    )
    metrics = json.loads(capsys.readouterr().out)
    told = metrics["hybrid"]
    assert metrics["classifier"] == "hybrid-svc"
    assert metrics["sampler"] == "neal"
    assert told["steps"] == told["submissions"] == 6
    assert 0 <= told["gap_mean"] <= told["gap_max"] < 1
    assert told["qpu_s_estimated"] == 0
    assert [pair["classes"] for pair in told["pairs"]] == [[0, 1], [0, 2], [1, 2]]
    for part in (told, *told["pairs"]):
        assert set(part["attribution"]) == {"annealer", "kept", "random_columns", "polish"}
    controls = metrics["controls"]
    assert {"random_lattice", "exact_all"} <= set(controls)
    assert (out / "convergence.png").stat().st_size > 1000
    assert (out / "convergence.csv").read_text().startswith("class_a,class_b,step,gap\n0,1,0,1\n")
    assert "Descent on all training samples" in (out / "report.html").read_text(encoding="utf-8")
    assert load_model(out / "model.skops")[0]


def test_a_dry_run_tells_blocks_and_price(table, tmp_path, capsys):
    assert main(["--table", table, *FAST, "--dry-run", "--out", str(tmp_path / "r")]) == 0
    said = capsys.readouterr().out
    assert "a step is one list of" in said
    assert "no QPU time" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sampler", "neal"], "--sampler is for a solver that proposes columns"),
        (["--steps", "5"], "--steps is for"),
        (["--polish"], "--polish is for"),
        (["--inner", "annealer", "--sampler", "nael"], "Unknown sampler 'nael'"),
        (["--inner", "annealer", "--sampler-option", "noise=1"], "no parameter 'noise'"),
        (["--inner", "annealer", "--grid", "C=1,2"], "exact solver"),
        (["--inner", "annealer", "--sampler", "round", "--num-reads", "5"], "no number of reads"),
    ],
)
def test_wrong_options_are_said_and_end_with_2(options, words, table, tmp_path, capsys):
    assert main(["--table", table, "--out", str(tmp_path / "run"), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "hint:" in said
