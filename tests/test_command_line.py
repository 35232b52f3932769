"""What holds for every command: its errors, its order of values, its help, its registry."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from bridges.run import options
from bridges.run.command import Command

MODULES = {
    "qsvm.train": "qsvm.train",
    "qsvm.plan": "qsvm.plan",
    "qsvm.predict": "qsvm.predict",
    "classical.train": "classical.train",
    "bridges.compare": "bridges.compare.command",
}
"""How a command is started, and where it lies."""
SLOW = ("sklearn", "numba", "rasterio", "matplotlib", "dimod", "dwave.samplers", "scipy")


@pytest.fixture(params=MODULES)
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = importlib.import_module(MODULES[request.param]).COMMAND
    assert found.module == request.param
    return found


def required(command: Command) -> list[str]:
    return ["m.skops", "--image", "i", "--out", "o"] if "predict" in command.module else []


def test_a_misspelt_option_ends_with_2_and_a_hint(command, capsys):
    assert command.main([*required(command), "--sead", "3"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    error, hint = said.err.splitlines()
    assert error.startswith("error: Unrecognized arguments: --sead")
    assert hint.startswith("hint: ")
    if "seed" in command.make_parser().known:
        assert "Did you mean --seed?" in hint


def test_nothing_is_abbreviated(command, capsys):
    flags = {flag for option in command.options for flag in option.flags if flag[:2] == "--"}
    for flag in {flag[:-1] for flag in flags} - flags:
        assert command.main([*required(command), flag, "1"]) == 2
        assert "error: Unrecognized arguments" in capsys.readouterr().err


def test_a_misspelt_choice_is_named_with_the_nearest(capsys):
    compare = importlib.import_module("bridges.compare.command").COMMAND
    assert compare.main(["--scale", "standart"]) == 2
    assert "Did you mean standard?" in capsys.readouterr().err


def test_the_environment_is_read_and_checked_by_every_command(command, capsys, monkeypatch):
    for option in command.options:
        if option.type is None or option.choices or not option.flags[0].startswith("--"):
            continue
        variable = f"ANNEALSVM_{option.name.upper()}"
        if option.name in ("classes", "bands"):  # any text is a list
            continue
        monkeypatch.setenv(variable, "=")
        assert command.main(required(command)) == 2, variable
        said = capsys.readouterr().err
        assert f"error: {variable}" in said
        assert "hint: " in said
        monkeypatch.delenv(variable)


def test_an_unknown_key_of_a_file_is_an_error_of_every_command(command, tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text("jsom = true\n", encoding="utf-8")
    assert command.main([*required(command), "--config", str(path)]) == 2
    assert "Did you mean json?" in capsys.readouterr().err


def test_users_of_shared_options_are_the_commands_that_there_are():
    named = {user for option in options.OPTIONS for user in option.users}
    assert named == set(options.EVERY)


@pytest.mark.parametrize("module", MODULES)
def test_help_imports_nothing_slow(module):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", module, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"usage: python -m {module}" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & set(SLOW)
