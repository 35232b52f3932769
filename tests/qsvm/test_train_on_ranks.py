"""The main command on MPI ranks: the same model, and one voice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_scene import QUICK, scene_options, write_scene

from bridges.run.model_file import load_model
from qsvm.train import main


@pytest.fixture
def on_two_ranks(tmp_path):
    """Run the command on two ranks, on a scene of its own."""
    pytest.importorskip("mpi4py", reason="needs the extra mpi")
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None:
        pytest.skip("needs mpiexec")
    write_scene(tmp_path)

    def run(*words):
        return subprocess.run(
            [
                *(launcher, "-n", "2", sys.executable, "-m", "mpi4py", "-m", "qsvm.train"),
                *(*scene_options(tmp_path), *QUICK, *words),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
        )

    return run


def test_two_ranks_make_the_model_and_the_map_of_one(on_two_ranks, tmp_path):
    done = on_two_ranks("--members", "3", "--json", "--out", str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("150 train, 150 test") == 1
    words = [*scene_options(tmp_path), *QUICK, "--members", "3", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    alone = json.loads((tmp_path / "one" / "metrics.json").read_text(encoding="utf-8"))
    together = json.loads(done.stdout)
    for metrics in (alone, together):
        metrics.pop("fit_report")
    assert together == alone
    maps = [(tmp_path / name / "map.tif").read_bytes() for name in ("one", "two")]
    assert maps[0] == maps[1]
    ours, theirs = (load_model(tmp_path / n / "model.skops")[0][-1] for n in ("one", "two"))
    np.testing.assert_array_equal(ours.dual_coef_, theirs.dual_coef_)


def test_an_error_on_all_ranks_is_told_once_and_leaves_nothing(on_two_ranks, tmp_path):
    before = sorted(tmp_path.iterdir())
    words = ("--sampling", "slices", "--members", "30", "--member-size", "30", "--quiet")
    done = on_two_ranks(*words, "--out", str(tmp_path / "out"))
    assert done.returncode == 3
    assert done.stderr.count("error: Class 'water' has 60 training pixels") == 1
    assert done.stderr.count("hint: ") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(tmp_path.iterdir()) == before
