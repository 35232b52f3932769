"""The same result on any number of ranks, and an end of the whole job when one rank fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

pytest.importorskip("mpi4py", reason="MPI tests need the extra 'mpi'")
HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec (pip install mpich)")


def mpi(ranks, script, *arguments, timeout=120):
    command = [MPIEXEC, "-n", str(ranks), sys.executable, "-m", "mpi4py", str(HERE / script)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_models_are_equal_to_the_last_bit_on_any_number_of_ranks():
    runs = [mpi(ranks, "fit_digest.py") for ranks in (1, 2, 3, 4)]
    assert [run.returncode for run in runs] == [0] * 4, runs[-1].stderr
    assert len({run.stdout for run in runs}) == 1


def test_one_rank_of_mpi_does_what_the_specification_says():
    run = mpi(1, "one_rank.py")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["communicator", "True"]


def test_a_search_is_the_same_on_any_number_of_ranks_and_resumes(tmp_path):
    alone = mpi(1, "grid_digest.py")
    pair = mpi(2, "grid_digest.py", tmp_path)
    for path in sorted(tmp_path.iterdir())[::2]:  # as if killed half way
        path.unlink()
    again = mpi(2, "grid_digest.py", tmp_path)
    digests = [run.stdout.split() for run in (alone, pair, again)]
    assert [d[1] for d in digests] == ["0", "0", "6"], again.stderr
    assert len({d[0] for d in digests}) == 1


def test_a_descent_is_the_same_on_any_number_of_ranks_and_goes_on_on_others(tmp_path):
    runs = [mpi(ranks, "hybrid_digest.py") for ranks in (1, 2, 3)]
    assert [run.returncode for run in runs] == [0] * 3, runs[-1].stderr
    assert len({run.stdout for run in runs}) == 1
    kept = [mpi(ranks, "hybrid_digest.py", tmp_path) for ranks in (3, 2)]
    assert {run.stdout for run in kept} == {runs[0].stdout}, kept[-1].stderr


def test_a_map_has_the_same_bytes_on_any_number_of_ranks(tmp_path):
    image = tmp_path / "image.tif"
    stack = np.random.default_rng(1).integers(1, 200, (3, 700, 600), np.uint8)
    with rasterio.open(
        image, "w", driver="GTiff", height=700, width=600, count=3, dtype="uint8",
        transform=rasterio.Affine(30, 0, 5e5, 0, -30, 4e6), crs="EPSG:32617",
    ) as target:  # fmt: skip
        target.write(stack)
    runs = [
        mpi(ranks, "map_digest.py", image, tmp_path / f"{ranks}{kind}.tif", kind)
        for ranks, kind in ((1, "kernel"), (2, "opaque"), (3, "kernel"))
    ]
    assert [run.returncode for run in runs] == [0] * 3, runs[-1].stderr
    found = [run.stdout.split() for run in runs]
    assert [ranks for _, ranks in found] == ["1", "1", "3"]
    assert len({digest for digest, _ in found}) == 1
    assert len(list(tmp_path.iterdir())) == 4  # no parts are left


@pytest.mark.parametrize("way", ["raise", "raise-all"])
def test_an_error_ends_all_ranks_and_is_told_once(way):
    started = time.monotonic()
    run = mpi(3, "failing_rank.py", way, timeout=60)
    assert run.returncode != 0
    assert run.stderr.count("error:") == 1
    assert run.stderr.count("hint: Mend") == 1
    assert time.monotonic() - started < 30


def test_a_killed_rank_ends_the_job():
    run = mpi(2, "failing_rank.py", "kill", timeout=60)
    assert run.returncode != 0
