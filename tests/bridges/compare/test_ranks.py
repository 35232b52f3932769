"""The comparison under an MPI launcher: the same table, collective classifiers fitted together."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridges.compare.command import main
from bridges.report.metrics import SCORES

LAUNCHER = Path(sys.executable).with_name("mpiexec")


@pytest.fixture
def launcher() -> str:
    pytest.importorskip("mpi4py", reason="needs the extra mpi")
    found = str(LAUNCHER) if LAUNCHER.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("needs mpiexec")
    return found


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    np.savez(tmp_path / "three.npz", X=rng.normal(size=(120, 4)) + y[:, None], y=y)
    return tmp_path / "three.npz"


def test_ranks_share_the_work_and_give_the_same_scores(
    launcher: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [
        "--table", str(table), "--repeats", "2", "--classifier", "mpi-svc:C=2", "--classifier",
        "sklearn-svc:C=2", "--classifier", "mpi-svc:C=-1", "--curve", "ranks", "--out", str(out),
    ]  # fmt: skip
    command = [launcher, "-n", "2", sys.executable, "-m", "mpi4py", "-m", "bridges.compare"]
    done = subprocess.run(
        [*command, *arguments], check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 1, done.stderr  # C = -1 fails, on both ranks alike
    assert done.stderr.count("14 cells to compute, 0 kept") == 1
    rows = rows_of(out)
    assert {r["ranks"] for r in rows if r["registered"] == "mpi-svc"} == {2}
    assert {r["ranks"] for r in rows if r["registered"] == "sklearn-svc"} == {1}
    assert {r["classifier"] for r in rows if r["status"] == "failed"} == {"mpi-svc:C=-1"}

    # the same folder without a launcher: only the points of the curve over ranks are new
    assert main(arguments) == 1
    assert "6 cells to compute, 8 kept" in capsys.readouterr().err
    kept = ("classifier", "fold", "status", "n_support", *SCORES)  # others vary in the last digit
    points: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for row in rows_of(out):
        if row["curve"] == "ranks":
            points[row["curve_value"]].append({k: row[k] for k in kept})
    assert len(points[1]) == 6
    assert points[1] == points[2]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "rows.json").read_text())
