"""The house rules: style, types, import directions, sizes, and what the wheel holds."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
PACKAGES = ("bridges", "qsvm", "classical")
CODE = sorted(
    p for d in (*PACKAGES, "tests", "benchmarks", "examples") for p in (ROOT / d).rglob("*.py")
)
MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 400


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


def test_style() -> None:
    run(sys.executable, "-m", "ruff", "check", ".")


def test_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_types() -> None:
    run(sys.executable, "-m", "mypy")


def test_imports_point_downwards() -> None:
    run(str(SCRIPTS / "lint-imports"))


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = node.end_lineno - body[0].lineno + 1 if body else 0
            assert length <= MAX_FUNCTION_LINES, f"{node.name}: {length} lines"


def test_wheel_holds_the_three_packages_and_nothing_else(tmp_path: Path) -> None:
    copy = tmp_path / "copy"  # building rewrites metadata in which other tests look up names
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(copy))
    wheel = next(tmp_path.glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    held = {name for name in names if name.endswith(".py")}
    sources = {str(p.relative_to(ROOT)) for d in PACKAGES for p in (ROOT / d).rglob("*.py")}
    assert held == sources
    assert "bridges/templates/report.html" in names


def test_version_is_stated_once() -> None:
    import tomllib

    from bridges import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_tests_named_beside_fragile_places_exist() -> None:
    names = set()
    for path in CODE:
        if path.parts[len(ROOT.parts)] in PACKAGES:
            text = re.sub(r"\s+", "", path.read_text(encoding="utf-8"))
            names |= set(re.findall(r"(tests/[\w/]+\.py)::(test_[a-z0-9_]+)", text))
    assert len(names) >= 6
    for file, test in sorted(names):
        found = re.findall(r"def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"))
        # words that follow in the text stick to the name here: the name is what begins them
        assert any(test.startswith(known) for known in found), f"{file}::{test} does not exist"
