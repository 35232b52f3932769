"""The command: the same data options and outputs as the annealed one, and the search."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classical.train import main


@pytest.fixture
def table(tmp_path):
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 240)
    X = np.random.default_rng(7).normal(size=(3, 4))[y] * 2 + random.normal(size=(240, 4))
    path = tmp_path / "table.npz"
    np.savez(path, X=X, y=y)
    return str(path)


def test_trains_and_writes_a_run(table, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["--table", table, "--C", "5", "--json", "--quiet", "--out", str(out)]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["accuracy"] > 0.7
    assert {path.name for path in out.iterdir()} >= {"metrics.json", "model.skops", "run.json"}


def test_searches_and_writes_table_and_figure(table, tmp_path, capsys):
    out = tmp_path / "run"
    grid = ["--grid", "C=1,10;gamma=0.1,1", "--cv", "3", "--checkpoint", str(tmp_path / "ck")]
    assert main(["--table", table, *grid, "--json", "--quiet", "--out", str(out)]) == 0
    search = json.loads(capsys.readouterr().out)["search"]
    assert search["n_cells"] == 4
    assert set(search["best_params"]) == {"C", "gamma"}
    assert (out / "grid.png").stat().st_size > 1000
    assert (out / "grid.csv").read_text().count("\n") == 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--grid", "C=0,1"], "numbers > 0"),
        (["--multiclass", "ovr"], "one-vs-one"),
        (["--early-stop"], "--grid"),
        (["--gamma", "-1"], "γ"),
        (["--inner", "sno"], "Unknown inner solver 'sno'"),
        (["--inner-option", "noise=1"], "no parameter 'noise'"),
    ],
)
def test_wrong_options_are_said_and_end_with_2(options, words, table, tmp_path, capsys):
    assert main(["--table", table, "--out", str(tmp_path / "run"), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "hint:" in said


def test_a_fit_keeps_what_it_solved(table, tmp_path):
    written = []
    for run in ("first", "again"):
        options = ["--checkpoint", str(tmp_path / "ck"), "--out", str(tmp_path / run)]
        assert main(["--table", table, *options]) == 0
        written.append([f.stat().st_mtime_ns for f in sorted((tmp_path / "ck").iterdir())])
    assert len(written[0]) == 3
    assert written[0] == written[1]


def test_dry_run_shows_the_duals(table, capsys):
    assert main(["--table", table, "--dry-run"]) == 0
    assert "3 duals" in capsys.readouterr().out
