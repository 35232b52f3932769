"""Model files: what goes in comes out, and nothing foreign gets in."""

from __future__ import annotations

import threading
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bridges.errors import DataError, UsageError
from bridges.fit_report import Diagnostics, FitReport
from bridges.run.model_file import load_model, save_model
from bridges.svm.expansion import KernelExpansion
from bridges.svm.kernels import Kernel


@pytest.fixture
def fitted() -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = make_pipeline(StandardScaler(), SVC()).fit(X, X[:, 0] > 0)
    model.fit_report_ = FitReport(total_s=0.1 + 0.2, n_samples=40)
    model.diagnostics_ = Diagnostics(energy_gap_mean=1 / 3)
    model.expansion_ = KernelExpansion(
        Kernel("rbf", 0.25), np.arange(2), X[:2], np.array([[1.0, -1.0]]), np.zeros(1)
    )
    return model


def test_round_trip_is_exact(tmp_path: Path, fitted: Any) -> None:
    meta = {"class_names": {"1": "water"}, "scores": np.array([0.1]), "none": None}
    save_model(fitted, meta, tmp_path / "model.skops")
    model, found = load_model(tmp_path / "model.skops")
    X = np.random.default_rng(1).normal(size=(9, 3))
    np.testing.assert_array_equal(model.decision_function(X), fitted.decision_function(X))
    assert model.fit_report_ == fitted.fit_report_
    assert model.diagnostics_ == fitted.diagnostics_
    assert model.expansion_.kernel == Kernel("rbf", 0.25)
    np.testing.assert_array_equal(model.expansion_.coef, [[1.0, -1.0]])
    assert found == {"class_names": {"1": "water"}, "scores": [0.1], "none": None}
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        assert not any(name.endswith(".pkl") for name in archive.namelist())


def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="may not contain"):
        save_model(SVC(kernel=np.testing.assert_equal), {}, tmp_path / "model.skops")
    with pytest.raises(UsageError, match="cannot be written"):
        save_model(SVC(kernel=zipfile.ZipInfo("a")), {}, tmp_path / "model.skops")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_damaged_file_says_so(tmp_path: Path, fitted: Any, damage: str) -> None:
    path = tmp_path / "model.skops"
    save_model(fitted, {}, path)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[:middle],
            "flipped": data[:200] + bytes(255 - b for b in data[200:400]) + data[400:],
            "text": b"hello",
        }[damage]
    )
    with pytest.raises(DataError) as raised:
        load_model(path)
    assert raised.value.hint


def test_a_missing_file_says_where_models_lie(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no model file") as raised:
        load_model(tmp_path / "nothing.skops")
    assert "model.skops" in raised.value.hint


def test_another_skops_file_is_refused(tmp_path: Path, fitted: Any) -> None:
    skops.io.dump(SVC(), tmp_path / "other.skops")
    with pytest.raises(DataError, match="not a model of this toolkit"):
        load_model(tmp_path / "other.skops")


@pytest.mark.parametrize("foreign", [Path.unlink, partial(print, "x"), threading.local])
def test_foreign_types_are_refused(tmp_path: Path, foreign: Any) -> None:
    content = {"format": "annealsvm-model", "format_version": 1, "meta": "{}", "model": foreign}
    skops.io.dump(content, tmp_path / "evil.skops")
    with pytest.raises(DataError, match="not types of this toolkit"):
        load_model(tmp_path / "evil.skops")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    content = {"format": "annealsvm-model", "format_version": 99, "meta": "{}", "model": None}
    skops.io.dump(content, tmp_path / "new.skops")
    with pytest.raises(DataError, match="newer version"):
        load_model(tmp_path / "new.skops")
