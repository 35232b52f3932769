"""The comparison end to end: rows, controls, failures, going on after a kill, the report."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fake_classifiers as fakes
import numpy as np
import pytest

from bridges import registry
from bridges.compare.cell import COLUMNS, TIMINGS
from bridges.compare.command import main, make_parser
from bridges.compare.options import make_settings
from bridges.compare.sources import load_source, make_fold
from bridges.run import config

N = 120


@pytest.fixture(autouse=True)
def announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Announce the fakes as another package's entry points would."""
    monkeypatch.setattr(registry, "load", fakes.load)
    monkeypatch.setattr(registry, "names", fakes.names)
    fakes.ALL_FITTED.clear()


@pytest.fixture
def pageless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the report, which other tests look at and which takes the most time."""
    monkeypatch.setattr("bridges.compare.page.write_products", lambda *_: None)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes without a prescribed split; features of different scales."""
    rng = np.random.default_rng(0)
    y = np.arange(N) % 3 + 1
    X = (rng.normal(size=(N, 4)) + y[:, None]) * [1.0, 10.0, 100.0, 1.0]
    path = tmp_path_factory.mktemp("tables") / "three.npz"
    np.savez(path, X=X, y=y)
    return path


@pytest.fixture(scope="module")
def split_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes with a prescribed split."""
    rng = np.random.default_rng(1)
    y = np.arange(N) % 2
    X = rng.normal(size=(N, 3)) + y[:, None]
    path = tmp_path_factory.mktemp("tables") / "two.npz"
    np.savez(path, X_train=X[:60], y_train=y[:60], X_test=X[60:], y_test=y[60:])
    return path


def run(*argv: str | Path) -> int:
    return main([str(part) for part in argv])


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "rows.json").read_text())


def csv_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "rows.csv").open() as stream:
        return list(csv.DictReader(stream))


def without_clock(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMINGS} for row in rows]


@pytest.mark.usefixtures("pageless")
def test_every_classifier_control_and_baseline_is_a_row(
    table: Path, split_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(
        "--table", table, "--table", split_table, "--classifier", "nearest:noise=0.5",
        "--classifier", "annealed", "--repeats", 3, "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0
    rows = rows_of(tmp_path / "out")
    expected = [
        "nearest:noise=0.5", "annealed", "annealed / random_alpha", "annealed / exact_all",
        "majority class",
    ]  # fmt: skip
    assert [r["classifier"] for r in rows if r["data"] == "two"] == expected
    assert [r["classifier"] for r in rows if r["data"] == "three"] == np.repeat(
        expected, 3
    ).tolist()
    assert {r["status"] for r in rows} == {"ok"}
    annealed = next(r for r in rows if r["classifier"] == "annealed")
    assert (annealed["n_support"], annealed["objective"], annealed["energy_gap_mean"]) == (
        7, -3.5, 0.02,
    )  # fmt: skip
    assert annealed["predict_s_per_mpix"] > 0
    assert annealed["auroc"] is None
    assert 0.5 < next(r["auroc"] for r in rows if r["data"] == "two") <= 1
    table_rows = csv_rows(tmp_path / "out")
    assert len(table_rows) == len(rows)
    assert set(COLUMNS) <= table_rows[0].keys()
    assert {"producers[class 1]", "users[class 1]"} <= table_rows[0].keys()
    out = capsys.readouterr().out
    assert "annealed is better than its control 'random alpha'" in out
    assert "report.html" in out


def test_the_report_is_self_contained_and_the_figures_are_files(
    split_table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("--table", split_table, "--classifier", "annealed", "--classifier", "nearest", "--out", out)
    page = (out / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "http" not in re.sub(r'src="[^"]*"', "", page)
    for text in ("McNemar", "not distinguishable", "Null controls", "What was run"):
        assert text in page
    figures = {path.name for path in (out / "figures").iterdir()}
    for kind in ("scores", "time", "roc", "classes", "annealed-energies", "nearest-confusion"):
        assert {f"two-{kind}.svg", f"two-{kind}.pdf"} <= figures
    latex = (out / "table.tex").read_text()
    assert r"\quad random alpha" in latex
    assert r"\textbf{" in latex
    assert "| classifier |" in (out / "table.md").read_text()


def test_failures_are_rows_with_hints_and_the_rest_goes_on(
    split_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code = run(
        "--table", split_table, "--classifier", "raising", "--classifier", "raising:way=data",
        "--classifier", "nearest:C=3", "--classifier", "nearest", "--out", out,
    )  # fmt: skip
    assert code == 1
    rows = {row["classifier"]: row for row in rows_of(out)}
    assert [rows[name]["status"] for name in rows] == ["failed", "failed", "failed", "ok", "ok"]
    assert "ZeroDivisionError: by zero" in rows["raising"]["error"]
    assert rows["raising:way=data"]["hint"] == "Give more pixels."
    assert "no parameter 'C'" in rows["nearest:C=3"]["error"]
    assert "3 cells failed" in capsys.readouterr().err
    assert "Too few pixels." in (out / "report.html").read_text()


@pytest.mark.usefixtures("pageless")
def test_a_classifier_that_needs_a_missing_extra_is_a_row(
    split_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, group: str = registry.CLASSIFIERS) -> Any:
        if name == "nearest":
            raise registry.SolverError("It needs the package 'x'.", "pip install x")
        return fakes.load(name, group)

    monkeypatch.setattr(registry, "load", load)
    code = run("--table", split_table, "--classifier", "nearest", "--out", tmp_path / "out")
    assert code == 1
    row = rows_of(tmp_path / "out")[0]
    assert (row["error"], row["hint"]) == ("It needs the package 'x'.", "pip install x")


@pytest.mark.usefixtures("pageless")
def test_warnings_are_told_and_any_scikit_learn_classifier_joins(
    split_table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code = run(
        "--table", split_table, "--classifier", "raising:way=warning", "--classifier",
        "forest:n_estimators=5", "--seeds", 2, "--out", out,
    )  # fmt: skip
    assert code == 0
    warned, _, forest, other, _ = rows_of(out)
    assert warned["warnings"] == "UserWarning: did not converge"
    assert forest["warnings"] is None
    assert 0.5 < forest["auroc"] < 1
    assert forest["auroc"] != other["auroc"]  # another seed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data"][0]["comparisons"][0]["test"] == "McNemar's exact test"


@pytest.mark.usefixtures("pageless")
def test_nothing_is_computed_twice_and_additions_only_add(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ("--table", table, "--repeats", 2, "--out", out, "--classifier", "nearest")
    run(*arguments)
    first = rows_of(out)
    fitted = len(fakes.ALL_FITTED)
    assert run(*arguments) == 0
    assert len(fakes.ALL_FITTED) == fitted
    assert rows_of(out) == first
    run(*arguments, "--classifier", "nearest:noise=2")
    assert len(fakes.ALL_FITTED) == fitted + 2
    assert [r for r in rows_of(out) if r["classifier"] != "nearest:noise=2"] == first
    assert "2 cells to compute, 4 kept" in capsys.readouterr().err


@pytest.mark.usefixtures("pageless")
def test_failed_cells_are_computed_again_on_request_only(
    split_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--table", split_table, "--classifier", "raising", "--out", tmp_path / "out")
    assert run(*arguments) == 1
    assert run(*arguments) == 1
    assert "0 cells to compute" in capsys.readouterr().err
    run(*arguments, "--retry-failed")
    assert "1 cells to compute" in capsys.readouterr().err
    run(*arguments, "--overwrite")
    assert "2 cells to compute" in capsys.readouterr().err


KILLED = """
import os, signal, sys
from bridges.compare import store
from bridges.compare.command import main

original, count = store.RowStore.append, 0

def append(self, row, arrays):
    global count
    count += 1
    if count == 4:
        with (self.folder / "rows-0.jsonl").open("a") as stream:
            stream.write('{"key": "half a li')
        os.kill(os.getpid(), signal.SIGKILL)
    original(self, row, arrays)

store.RowStore.append = append
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.usefixtures("pageless")
def test_a_comparison_killed_half_way_goes_on_to_the_same_table(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--table", str(table), "--repeats", "2", "--classifier", "sklearn-svc:C=2",
        "--classifier", "sklearn-svc:C=1", "--out",
    ]  # fmt: skip
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, *arguments, str(killed)]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=120)
    assert ended.returncode == -9
    assert len(csv_rows(killed)) == 3
    assert run(*arguments, killed) == 0
    assert "3 cells to compute, 3 kept" in capsys.readouterr().err
    assert run(*arguments, tmp_path / "whole") == 0
    assert without_clock(rows_of(killed)) == without_clock(rows_of(tmp_path / "whole"))
    assert not list(killed.glob("**/.*partial*"))


def test_scaling_is_fitted_on_training_pixels_only(table: Path) -> None:
    arguments = ["--table", str(table), "--scale", "minmax", "--classifier", "nearest"]
    settings = make_settings(config.parse(make_parser(), arguments))
    source = load_source(settings.data[0], settings)
    fold = make_fold(source, 0, "minmax", None, 0)
    np.testing.assert_allclose(fold.X_train.min(axis=0), -1)
    np.testing.assert_allclose(fold.X_train.max(axis=0), 1)
    assert np.abs(fold.X_test).max() > 1
    fewer = make_fold(source, 0, "none", 12, 0)
    assert np.bincount(fewer.y_train)[1:].tolist() == [4, 4, 4]


@pytest.mark.usefixtures("pageless")
def test_the_same_classifier_under_two_names_is_not_distinguishable(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(
        "--table", table, "--classifier", "nearest", "--classifier", "nearest:noise=0.0",
        "--repeats", 4, "--out", out, "--json",
    )  # fmt: skip
    summary = json.loads(capsys.readouterr().out)
    (verdicts,) = summary["data"]
    (comparison,) = verdicts["comparisons"]
    assert comparison["verdict"] == "not distinguishable"
    assert verdicts["ties"] == ["nearest:noise=0.0"]
    assert summary == json.loads((out / "summary.json").read_text())


def test_curves_over_pixels_and_parameters(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = run(
        "--table", table, "--classifier", "nearest", "--classifier", "raising:way=data",
        "--repeats", 2, "--curve", "train=12,24", "--curve", "noise=0.1,5", "--out", out,
    )  # fmt: skip
    assert code == 1
    points = [r for r in rows_of(out) if r["curve"]]
    mine = [(r["curve"], r["curve_value"]) for r in points if r["classifier"] == "nearest"]
    assert mine == [
        (curve, value) for curve, values in (("train", (12, 24)), ("noise", (0.1, 5)))
        for value in values for _ in range(2)
    ]  # fmt: skip
    assert {r["n_train"] for r in points if r["curve"] == "train" and r["n_train"]} == {12, 24}
    assert {r["curve"] for r in points if r["classifier"] != "nearest"} == {"train"}
    assert (out / "figures" / "three-curve-noise-accuracy.svg").exists()


@pytest.mark.usefixtures("pageless")
def test_usage_errors(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("x")
    base = ("--table", table, "--classifier", "nearest", "--out")
    assert run(*base, tmp_path) == 2
    assert "holds no comparison" in capsys.readouterr().err
    assert run(*base, tmp_path / "a", "--curve", "colour=1,2") == 2
    assert "No classifier has the parameter 'colour'" in capsys.readouterr().err
    assert run(*base, tmp_path / "b", "--score", "auroc", "--repeats", 2) == 3
    assert "auroc" in capsys.readouterr().err
    assert run("--table", tmp_path / "none.npz", "--out", tmp_path / "c") == 3


def test_a_dry_run_lists_the_cells_and_writes_nothing(
    split_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ("--table", split_table, "--classifier", "annealed", "--out", out)
    assert run(*arguments, "--dry-run") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert not out.exists()


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list-classifiers") == 0
    assert "sklearn-svc" in capsys.readouterr().out.splitlines()
    assert run("--show-versions") == 0
    assert "numpy" in capsys.readouterr().out


@pytest.mark.usefixtures("pageless")
def test_two_comparisons_do_not_share_a_folder(
    split_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bridges.compare.store import locked

    out = tmp_path / "out"
    arguments = ("--table", split_table, "--classifier", "nearest", "--out", out)
    run(*arguments)
    with locked(out):
        assert run(*arguments) == 2
    assert "Another comparison is running" in capsys.readouterr().err
