"""Where the values of options come from, and what is refused."""

from __future__ import annotations

import json

import pytest

from bridges.errors import UsageError
from bridges.run import config as values
from bridges.run import option_types, options
from bridges.run.parser import Option
from qsvm.train import make_parser as train_parser


def parser():
    own = (
        Option(("--member-size",), "pixels", type=option_types.at_least(2), default=80),
        Option(
            ("--sampler-option",), "more", type=option_types.key_value, action="append", default=[]
        ),
    )
    return options.make_parser("python -m x", [*options.of("fit-exact"), *own], "A command.")


def parse(*words):
    return values.parse(parser(), words)


@pytest.fixture
def config(tmp_path):
    def write(text, name="run.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_flag_before_environment_before_file_before_default(config, monkeypatch):
    path = config("member_size = 10\nseed = 1\nC = 1.5")
    assert parse().member_size == 80
    assert parse("--config", path).member_size == 10
    monkeypatch.setenv("ANNEALSVM_MEMBER_SIZE", "20")
    assert parse("--config", path).member_size == 20
    assert parse("--config", path, "--member-size", "30").member_size == 30
    args = parse("--config", path)
    assert (args.seed, args.C, args.gamma) == (1, 1.5, "scale")


def test_the_file_can_be_named_by_the_environment(config, monkeypatch):
    monkeypatch.setenv("ANNEALSVM_CONFIG", config("seed = 7"))
    assert parse().seed == 7


def test_files_take_values_as_flags_do(config):
    text = """
classes = [1, "water"]
bands = "B2,B3"
gamma = 0.5
overwrite = true
quiet = false
verbose = 1
sampler-option = ["num_reads=5", "beta_range=(0.1, 5)"]
"""
    args = parse("--config", config(text))
    assert args.classes == ["1", "water"]
    assert args.bands == ["B2", "B3"]
    assert args.gamma == 0.5
    assert args.overwrite is True
    assert args.quiet is False
    assert args.verbose == 1
    assert args.sampler_option == [("num_reads", 5), ("beta_range", (0.1, 5))]
    more = parse("--config", config(text), "--sampler-option", "num_sweeps=9")
    assert dict(more.sampler_option)["num_sweeps"] == 9
    assert dict(more.sampler_option)["num_reads"] == 5


def test_the_record_of_a_run_is_a_file_of_options(config):
    words = ["--member-size", "9", "--classes", "a,b", "--sampler-option", "num_reads=3", "-v"]
    args = parse(*words, "--out", "somewhere", "--json")
    record = json.dumps({"arguments": values.recorded(args), "seed": 0})
    again = parse("--config", config(record, "run.json"))
    assert values.recorded(again) == values.recorded(args)
    assert again.out is None
    assert again.json is False


def test_every_option_of_the_main_command_survives_its_record(config):
    args = values.parse(train_parser(), ["--C", "encoding", "--num-reads", "5", "--refine", "2"])
    record = json.dumps({"arguments": values.recorded(args)})
    again = values.parse(train_parser(), ["--config", config(record, "run.json")])
    assert values.recorded(again) == values.recorded(args)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("member_sise = 3", "member_sise"),
        ("member_size = 'many'", "many"),
        ("member_size = 1", "at least 2"),
        ("member_size = 2.5", "2.5"),
        ("member_size = true", "single value"),
        ("member_size = [3, 4]", "single value"),
        ("C = {a = 1}", "single value"),
        ("gamma = 'wide'", "wide"),
        ("gamma = nan", "nan"),
        ("seed = -1", "-1"),
        ("split = 'half'", "random, polygons"),
        ("overwrite = 'perhaps'", "perhaps"),
        ("verbose = 'much'", "much"),
        ("sampler_option = 'num_reads'", "key=value"),
        ("sampler_option = [['a', 1, 2]]", "pair"),
        ("config = 'other.toml'", "config"),
        ("member_size = ", "damaged"),
    ],
)
def test_wrong_files_are_refused_with_a_hint(config, text, said):
    path = config(text)
    with pytest.raises(UsageError) as caught:
        parse("--config", path)
    assert said in caught.value.message
    assert "run.toml" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["[1, 2]", "3", '{"arguments": 4}', "{"])
def test_records_that_are_none(config, text):
    with pytest.raises(UsageError) as caught:
        parse("--config", config(text, "run.json"))
    assert "run.json" in caught.value.message


def test_wrong_environment_is_refused_by_its_name(monkeypatch):
    monkeypatch.setenv("ANNEALSVM_MEMBER_SIZE", "big")
    with pytest.raises(UsageError, match="ANNEALSVM_MEMBER_SIZE"):
        parse()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--member-sise", "3"], "--member-size"),
        (["--member-size"], "expected one argument"),
        (["--member", "3"], "--member"),
        (["stray"], "stray"),
        (["--config"], "--config"),
    ],
)
def test_wrong_words_end_with_a_hint_and_without_a_page_of_usage(words, said, capsys):
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert said in str(caught.value)
    assert "--help" in caught.value.hint
    assert capsys.readouterr() == ("", "")


def test_help_shows_defaults_where_there_are_any(capsys):
    with pytest.raises(SystemExit) as caught:
        parse("--help")
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "(default: scale)" in shown
    assert "(default: None)" not in shown
    assert "(default: False)" not in shown


def test_values_of_key_value_pairs_are_literals_or_text():
    assert option_types.key_value("num-reads=10") == ("num_reads", 10)
    assert option_types.key_value("solver=Advantage_system4.1") == ("solver", "Advantage_system4.1")
    assert option_types.key_value("a=b=c") == ("a", "b=c")


@pytest.mark.parametrize("text", ["-3.4e+38", "-1E5", "-inf", "-.5", "-9999", "nan", "inf", "-5."])
def test_negative_numbers_in_any_form_are_values(text, tmp_path):
    found = parse("--nodata", text)
    assert str(found.nodata) == str(float(text))
    record = tmp_path / "run.json"
    record.write_text(json.dumps({"arguments": values.recorded(found)}, allow_nan=False))
    assert str(parse("--config", str(record)).nodata) == str(float(text))


@pytest.mark.parametrize("value", ["true", '"5"', '"many"', "[1]"])
def test_nodata_of_a_file_is_a_number(value, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(f"nodata = {value}\n")
    with pytest.raises(UsageError, match="nodata is"):
        parse("--config", str(config))


def test_a_record_holds_whatever_was_given():
    found = parse("--sampler-option", "a={1}", "--sampler-option", "b=[1e999, (2, b'x')]")
    written = json.dumps(values.recorded(found), allow_nan=False)
    assert json.loads(written)["sampler_option"] == [["a", "{1}"], ["b", ["inf", [2, "b'x'"]]]]
