"""``qsvm.train --sampler qpu`` against a local Leap, from a table to the report."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qsvm import train


def test_the_report_tells_where_the_seconds_went_and_never_the_token(leap, tmp_path, capsys):
    server = leap()
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(40, 2)), rng.normal(2.5, 1.0, size=(40, 2))])
    np.savez(tmp_path / "table.npz", X=X, y=np.repeat([1, 2], 40))
    words = "--sampler qpu --members 2 --member-size 6 --n-bits 1 --num-reads 20 --json -q"
    out = tmp_path / "run"

    code = train.main([*words.split(), "--table", str(tmp_path / "table.npz"), "--out", str(out)])

    assert code == 0
    metrics = json.loads(capsys.readouterr().out)
    told = metrics["sampler_timing"]
    assert {"qpu_access", "qpu_programming", "qpu_sampling", "queue", "network"} <= set(told)
    assert told["qpu_access"] * 1e6 == pytest.approx(server.desk.spent_us(), rel=1e-6)
    assert metrics["fit_report"]["qpu_s"] > 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Where the seconds of the sampler went" in page
    assert "qpu programming [s]" in page
    for file in out.rglob("*"):
        assert server.token.encode() not in file.read_bytes()
