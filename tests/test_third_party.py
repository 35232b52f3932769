"""Parts of other people's packages: installed, found by name, tried by the kit, used in the jobs.

The four packages hold the examples of docs/extending.md, announced as the page says.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classical.train import main

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")[1:]}
PACKAGES = {
    "their_sampler": "A sampler",
    "their_classifier": "A classifier",
    "their_formulation": "A formulation",
    "their_solver": "An inner solver",
}
"""Package and the section that it holds."""

TRIAL = """
from bridges import make, make_sampler, registry, testing

assert "random bits" in registry.sampler_table()
testing.assert_sampler(make_sampler("guess", num_reads=50))
testing.assert_classifier(make("linear"))
testing.assert_formulation(registry.load("least-squares", registry.FORMULATIONS)())
testing.assert_inner_solver(registry.load("worst-pair", registry.SUBPROBLEMS), exact=True)
"""


def write_wheel(folder: Path, package: str) -> Path:
    """Write the wheel of a package with the first example of a section."""
    section = SECTIONS[PACKAGES[package]]
    code = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    announced = re.findall(r"```toml\n(.*?)```", section, flags=re.DOTALL)[0]
    groups = tomllib.loads(announced.replace("my_package", package))["project"]["entry-points"]
    points = [
        line
        for group, names in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
    ]
    info = f"{package}-1.0.dist-info"
    held = {
        f"{package}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "\n".join(points),
    }
    held[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*held, f"{info}/RECORD"])
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in held.items():
            wheel.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install the four packages into a folder; return the environment that has it on the path."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels = [str(write_wheel(folder, package)) for package in PACKAGES]
    site = str(folder / "site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", site, *wheels], check=True, timeout=200)
    return {**os.environ, "PYTHONPATH": site}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a table of three classes."""
    random = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = 3.0 * np.eye(3)[y] + random.normal(size=(90, 3))
    path = tmp_path_factory.mktemp("table") / "table.npz"
    np.savez(path, X=X, y=y)
    return str(path)


def run(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        env=environment, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def job(environment: dict[str, str], module: str, table: str, out: Path, *words: str) -> Any:
    """Run a command on the table; return its JSON."""
    shared = ["--table", table, "--out", str(out), "--json", "--quiet"]
    return json.loads(run(environment, "-m", module, *shared, *words))


def test_all_are_found_by_name_and_pass_the_kit(environment):
    run(environment, "-W", "error", "-c", TRIAL)


def test_sampler_and_formulation_train_the_main_job(environment, table, tmp_path):
    small = ["--members", "2", "--member-size", "15", "--num-reads", "300", "--n-bits", "1"]
    metrics = job(
        environment, "qsvm.train", table, tmp_path / "run",
        *small, "--sampler", "guess", "--multiclass", "least-squares",
    )  # fmt: skip
    assert metrics["sampler"] == "guess"
    assert metrics["accuracy"] > 0.6
    assert metrics["fit_report"]["n_problems"] == 2 * 3


def test_inner_solver_trains_the_exact_svm(environment, table, tmp_path, capsys):
    metrics = job(environment, "classical.train", table, tmp_path / "run", "--inner", "worst-pair")
    assert main(["--table", table, "--out", str(tmp_path / "exact"), "--json", "--quiet"]) == 0
    exact = json.loads(capsys.readouterr().out)
    assert metrics["classes"] == exact["classes"]
    assert metrics["fit_report"]["objective"] == pytest.approx(
        exact["fit_report"]["objective"], rel=1e-4
    )


def test_classifier_is_compared(environment, table, tmp_path):
    summary = job(
        environment, "bridges.compare", table, tmp_path / "run",
        "--repeats", "2", "--classifier", "linear:C=10", "--classifier", "mpi-svc",
    )  # fmt: skip
    assert "linear" in json.dumps(summary)
    rows = (tmp_path / "run" / "rows.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in rows if "linear:C=10" in line]
    assert kept
    assert all(",ok," in line for line in kept)
