"""The page on the design holds: every change goes to a few files, and these are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
CHANGES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## Where a change goes")[2].partition("\n## ")[0].splitlines()
    if re.search(r"\| \d+ \|$", line)
]
MOST = 4


def test_all_changes_that_were_tried_are_there() -> None:
    assert len(CHANGES) == 14


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_a_change_goes_to_a_few_files_that_are_there(change: list[str]) -> None:
    _, goes_to, files = change
    paths = re.findall(r"(new )?`([\w./]+\.(?:py|toml))`", goes_to)
    assert len(paths) == int(files) <= MOST
    for new, path in paths:
        if new:
            room = (ROOT / path.replace("SERVICE/", "")).parent
            assert room.is_dir()
        else:
            assert (ROOT / path).is_file()


def test_modules_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`((?:bridges|qsvm|classical)(?:\.\w+)+)`", PAGE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = set(project["entry-points"])
    assert len(named - groups) > 10
    for name in sorted(named - groups):
        module = name.replace(".", "/")
        parent, _, attribute = name.rpartition(".")
        found = [ROOT / f"{module}.py", ROOT / module]
        if not any(path.exists() for path in found):
            held = __import__(parent, fromlist=[attribute])
            assert hasattr(held, attribute), name
