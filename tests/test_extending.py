"""The examples of docs/extending.md: short, and they run, one section at a time."""

from __future__ import annotations

import re
import sys
import tomllib
import types
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")[1:]}
LONGEST = 20


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], flags=re.DOTALL)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_example_is_short_and_runs(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = blocks(section, "python")
    assert found
    assert all(block.strip().count("\n") < LONGEST for block in found)
    module = types.ModuleType("example")  # where pickle looks for the example's classes
    monkeypatch.setitem(sys.modules, "example", module)
    exec("\n".join(found), vars(module))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_announcement_names_a_group_that_is_looked_up(section: str) -> None:
    from bridges import registry
    from bridges.run.command import COMMANDS
    from bridges.scene.products import PRODUCTS

    groups = {
        COMMANDS,
        PRODUCTS,
        registry.CLASSIFIERS,
        registry.FORMULATIONS,
        registry.SAMPLERS,
        registry.SUBPROBLEMS,
    }
    for block in blocks(section, "toml"):
        assert set(tomllib.loads(block)["project"]["entry-points"]) <= groups
