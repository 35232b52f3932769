"""What the packages offer at their front doors, and how little opening one brings along."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

FACES = {
    "qsvm": {"QuboEnsemble", "QuboSVC"},
    "classical": {"GridSearch", "MPISVC"},
    "bridges": {
        "Diagnostics", "FitReport", "KernelEnsemble", "labelled_pixels", "load_model", "make",
        "make_sampler", "open_scene", "predict_map", "save_model",
    },
}  # fmt: skip
HEAVY = ("dimod", "dwave", "matplotlib", "mpi4py", "numba", "numpy", "rasterio", "scipy", "sklearn")


@pytest.mark.parametrize("package", FACES)
def test_names_at_the_front_door_are_those_of_the_rooms(package):
    door = importlib.import_module(package)
    assert set(door.__all__) >= FACES[package]
    for name in door.__all__:
        offered = getattr(door, name)
        room = importlib.import_module(offered.__module__)
        assert getattr(room, name) is offered
        assert offered.__module__.startswith(f"{package}.")
    assert set(dir(door)) >= FACES[package]


@pytest.mark.parametrize("package", FACES)
def test_opening_a_package_brings_nothing_heavy_along(package):
    check = f"import {package}, sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []
