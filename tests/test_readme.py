"""The README's Python runs and says what it promises; its commands name options that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(
    "module", sorted(set(re.findall(r"python -m ((?:qsvm|classical|bridges)\.\w+)", README)))
)
def test_commands_and_their_options_exist(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    known = set(re.findall(r"--[\w-]+", done.stdout))
    lines = [line for b in blocks("bash") for line in b.splitlines() if f"-m {module}" in line]
    used = {
        flag for line in lines for flag in re.findall(r"(?<=\s)--[\w-]+", line.split(module)[1])
    }
    assert used <= known
