"""Model files of version 0.1.0, written before the rooms were made, still predict the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridges.run.model_file import load_model

OLD = Path(__file__).resolve().parents[2] / "fixtures" / "models_0_1"
KINDS = sorted(path.stem for path in OLD.glob("*.skops"))


def test_there_is_one_of_each_kind():
    assert KINDS == ["grid", "mpi-svc", "qubo-ensemble", "qubo-svc", "sklearn-svc"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_model_predicts_as_when_it_was_written(kind):
    model, meta = load_model(OLD / f"{kind}.skops")
    samples, expected = np.load(OLD / "samples.npz")["Q"], np.load(OLD / "expected.npz")
    assert meta == {"kind": kind}
    assert model.predict(samples).tolist() == expected[f"{kind}:predict"].tolist()
    np.testing.assert_allclose(
        model.decision_function(samples)[:20], expected[f"{kind}:decision"], rtol=1e-5, atol=1e-6
    )


def test_records_of_an_older_model_are_those_of_today():
    model, _ = load_model(OLD / "grid.skops")
    search = model[-1]
    assert type(search).__module__ == "classical.search.grid"
    assert search.best_params_.keys() == {"C", "gamma"}
