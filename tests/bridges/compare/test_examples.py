"""The example scripts of the papers' experiments run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridges.compare.command import make_parser
from bridges.compare.options import make_settings
from bridges.run import config

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def example(name: str) -> Callable[[list[str]], int]:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(160) % 2
    X = rng.normal(size=(160, 7)) + y[:, None]
    path = tmp_path / "two.npz"
    np.savez(path, X_train=X[:80], y_train=y[:80], X_test=X[80:], y_test=y[80:])
    return path


def test_the_igarss_protocol(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridges.compare.page.write_products", lambda *_: None)
    arguments = ["--table", str(table), "--slices", "3", "--samples", "10", "--out"]
    assert example("igarss2020")([*arguments, str(tmp_path / "out")]) == 0
    rows = json.loads((tmp_path / "out" / "rows.json").read_text())
    controls = ("random_alpha", "constant_alpha", "exact_same_members", "exact_all")
    assert [row["classifier"] for row in rows] == [
        "3 slices of 10",
        *(f"3 slices of 10 / {name}" for name in controls),
        "majority class",
    ]
    ensemble = rows[0]
    assert (ensemble["n_members"], ensemble["n_variables"]) == (3, 30)
    assert ensemble["auroc"] > 0.8


def test_the_calibration_goes_on(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--table", str(table), "--out", str(tmp_path / "out"), "--base", "2", "--n-bits", "1",
        "--penalty", "0", "1", "--train-size", "12", "--folds", "2", "--gamma",
    ]  # fmt: skip
    assert example("calibration")([*arguments, "0.25"]) == 0
    first = capsys.readouterr()
    assert "4 of 4 cells to compute" in first.err
    assert len(first.out.splitlines()) == 3
    assert example("calibration")([*arguments, "0.25", "0.5"]) == 0
    assert "4 of 8 cells to compute" in capsys.readouterr().err


def test_the_example_configuration_is_valid() -> None:
    arguments = ["--config", str(EXAMPLES / "compare.toml")]
    settings = make_settings(config.parse(make_parser(), arguments))
    assert settings.repeats == 5
    assert settings.data[0].classes == ("shrubland", "herbaceous")
    assert settings.curves["train"] == (100, 200, 400)
