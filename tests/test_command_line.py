"""What holds for every command: its errors, its order of values, its help, its registry."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from bridges import registry
from bridges.errors import did_you_mean
from bridges.machine.files import plain
from bridges.run import config, options
from bridges.run.command import Command
from bridges.run.main import COMMANDS, main
from bridges.run.option_types import comma_list
from bridges.run.parser import Option

MODULES = {
    "qsvm.train": "qsvm.train",
    "qsvm.plan": "qsvm.plan",
    "qsvm.predict": "qsvm.predict",
    "classical.predict": "classical.predict",
    "bridges.predict": "bridges.predict",
    "classical.train": "classical.train",
    "bridges.compare": "bridges.compare.command",
    "bridges.design": "bridges.design",
    "bridges.assess": "bridges.assess",
    "bridges.clean": "bridges.clean",
    "bridges.change": "bridges.change",
}
"""How a command is started, and where it lies."""
SLOW = ("sklearn", "numba", "rasterio", "matplotlib", "dimod", "dwave.samplers", "scipy")


@pytest.fixture(params=MODULES)
def command(request: pytest.FixtureRequest) -> Command:
    found: Command = importlib.import_module(MODULES[request.param]).COMMAND
    assert found.module == request.param
    return found


def required(command: Command) -> list[str]:
    words = {
        "predict": ["m.skops", "--image", "i", "--out", "o"],
        "design": ["map.tif"],
        "change": ["a.tif", "b.tif", "--out", "c.tif"],
        "assess": ["map.tif", "--reference", "points.gpkg"],
    }
    return words.get(command.module.rpartition(".")[2], [])


def test_words_are_quoted_and_flags_are_not():
    assert did_you_mean("--sead", ["--seed", "--out"]) == "Did you mean --seed? "
    assert did_you_mean("neel", ["neal", "dense"]) == "Did you mean 'neal'? "
    assert did_you_mean("x", ["neal"]) == ""


def test_a_misspelt_option_ends_with_2_and_a_hint(command, capsys):
    assert command.main([*required(command), "--sead", "3"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    error, hint = said.err.splitlines()
    assert error.startswith("error: Unrecognized arguments: --sead")
    assert hint.startswith("hint: ")
    if "seed" in command.make_parser().known:
        assert "Did you mean --seed?" in hint


def test_a_misspelt_option_is_told_before_a_missing_one(capsys):
    predict = importlib.import_module("bridges.predict").COMMAND
    assert predict.main(["--imag", "x"]) == 2
    assert "Unrecognized arguments: --imag" in capsys.readouterr().err


def test_what_is_required_may_come_from_the_environment_or_a_file(tmp_path, monkeypatch, capsys):
    predict = importlib.import_module("bridges.predict").COMMAND
    monkeypatch.setenv("ANNEALSVM_IMAGE", "scene.tif")
    (tmp_path / "run.toml").write_text('out = "map.tif"\n', encoding="utf-8")
    words = ["m.skops", "--config", str(tmp_path / "run.toml")]
    args = config.parse(predict.make_parser(), words)
    assert (args.model, args.image, args.out) == ("m.skops", "scene.tif", "map.tif")
    assert predict.main(["m.skops"]) == 2
    assert "required: --out" in capsys.readouterr().err


def test_nothing_is_abbreviated(command, capsys):
    flags = {flag for option in command.options for flag in option.flags if flag[:2] == "--"}
    for flag in {flag[:-1] for flag in flags} - flags:
        assert command.main([*required(command), flag, "1"]) == 2
        assert "error: Unrecognized arguments" in capsys.readouterr().err


def test_a_misspelt_choice_is_named_with_the_nearest(capsys):
    compare = importlib.import_module("bridges.compare.command").COMMAND
    assert compare.main(["--scale", "standart"]) == 2
    assert "Did you mean 'standard'?" in capsys.readouterr().err


def test_the_environment_is_read_and_checked_by_every_command(command, capsys, monkeypatch):
    for option in command.options:
        if option.type is None or option.choices or not option.flags[0].startswith("--"):
            continue
        variable = f"ANNEALSVM_{option.name.upper()}"
        if option.type is comma_list:  # any text is a list
            continue
        monkeypatch.setenv(variable, "=")
        assert command.main(required(command)) == 2, variable
        said = capsys.readouterr().err
        assert f"error: {variable}" in said
        assert "hint: " in said
        monkeypatch.delenv(variable)


def test_a_misspelt_variable_is_told(command, capsys, monkeypatch):
    monkeypatch.setenv("ANNEALSVM_SEDE", "3")
    monkeypatch.setenv("ANNEALSVM_NUM_READS", "3")  # an option of some command
    assert command.main([*required(command), "--show-versions"]) == 0
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "warning: ANNEALSVM_SEDE is an option of no command. Did you mean 'ANNEALSVM_SEED'?"
    ]
    assert command.main([*required(command), "--show-versions", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


WORDS = {
    "qsvm.train": [
        "--C",
        "encoding",
        "--sampler-option",
        "num_sweeps=9",
        "--classes",
        "a,1",
    ],
    "classical.train": ["--grid", "C=1,10;gamma=0.5", "--coordinates", "x,y", "--bands", "2,red"],
    "bridges.compare": [
        *("--classifier", "mpi-svc:C=2", "--classifier", "sklearn-svc", "--curve", "train=5,10"),
        *(
            "--table",
            "a.npz",
            "--table",
            "b.npz",
            "--no-maps",
            "--train-size",
            "40",
            "--seeds",
            "2",
        ),
    ],
    "qsvm.plan": ["--solver", "any", "--quota", "1.5"],
    "bridges.predict": ["--mask", "m.tif:1,2", "--nodata", "-1"],
}


def test_what_a_run_records_is_read_back(command, tmp_path):
    words = [*required(command), *WORDS.get(command.module, [])]
    args = config.parse(command.make_parser(), words)
    record = [{"arguments": {}}, {"arguments": config.recorded(args), "seed": 0}]
    flagless = {o.name for o in command.options if not o.flags[0].startswith("-")}
    for name in flagless & set(record[1]["arguments"]):  # positional: given again
        record[1]["arguments"].pop(name, None)
    path = tmp_path / "run.json"
    for content in (record, record[1]):
        path.write_text(json.dumps(content, default=plain), encoding="utf-8")
        again = config.parse(command.make_parser(), [*required(command), "--config", str(path)])
        assert config.recorded(again) == config.recorded(args)


def test_an_unknown_key_of_a_file_is_an_error_of_every_command(command, tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text("jsom = true\n", encoding="utf-8")
    assert command.main([*required(command), "--config", str(path)]) == 2
    assert "Did you mean 'json'?" in capsys.readouterr().err


def test_users_of_shared_options_are_the_commands_that_there_are():
    named = {user for option in options.OPTIONS for user in option.users}
    assert named == set(options.EVERY)


def test_every_command_is_a_sub_command_and_says_so(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert set(registry.names(COMMANDS)) == set(options.EVERY)
    for name in options.EVERY:
        assert f"  {name} " in shown
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert f"usage: annealsvm {name} " in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert main(["compare", "--sead", "3"]) == 2
    assert "annealsvm compare --help" in capsys.readouterr().err
    assert main(["compare", "--list-classifiers"]) == 0
    assert "mpi-svc" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "said"), [(["trian"], "'train'"), ([], "--help")])
def test_a_misspelt_command_ends_with_2_and_a_hint(words, said, capsys):
    assert main(words) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert said in hint


def test_another_package_adds_a_command(monkeypatch, capsys):
    extra = Option(("--times",), "how often", default=1, type=int)
    mine = Command("mine", "Says a word.", (options.JSON, extra), lambda args: print(args.times))
    known = {"mine": mine, "broken": "a text"}
    monkeypatch.setattr(registry, "names", lambda group: list(known))
    monkeypatch.setattr(registry, "load", lambda name, group: known[name])
    monkeypatch.setenv("ANNEALSVM_TIMES", "2")
    assert main(["mine"]) == 0
    assert capsys.readouterr().out == "2\n"
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "mine       Says a word." in shown
    assert "broken     not available: " in shown
    assert main(["broken"]) == 2


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


def test_the_list_of_commands_imports_nothing_slow():
    code = "from bridges.run.main import main; main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    )
    assert "usage: annealsvm" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & set(SLOW)
