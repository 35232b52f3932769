"""Where values come from: flag, environment, file, default."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges.errors import UsageError, did_you_mean
from bridges.run.option_types import comma_list
from bridges.run.parser import Anew, Option, Parser

ENVIRONMENT = "ANNEALSVM_"
"""Prefix of environment variables: ``--member-size`` is ``ANNEALSVM_MEMBER_SIZE``."""

NOT_RECORDED = ("config", "out", "overwrite", "json", "dry_run", "verbose", "quiet", "resume")
"""Options that say how a run is shown and kept, not what it computes."""


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line; options not given come from the environment, the file, the default.

    Raises
    ------
    UsageError
        If the file cannot be read, or a value of the file or the environment does not fit.
    """
    early = Parser(parser.prog, add_help=False)
    early.add_argument("--config")
    chosen = early.parse_known_args(argv)[0].config or os.environ.get(f"{ENVIRONMENT}CONFIG")
    given = checked(parser, read_config(Path(chosen)), chosen) if chosen else {}
    for name, slot in _slots(parser).items():
        variable = ENVIRONMENT + name.upper()
        if variable in os.environ and slot.action is not None:
            given[slot.dest] = slot.checked(os.environ[variable], variable, text=True)
    words = sys.argv[1:] if argv is None else list(argv)
    if isinstance(parser, Parser):
        parser.require_known_flags(words)
    parser.set_defaults(**given)
    for action in parser._actions:
        if action.dest in given:
            action.required = False
    return parser.parse_args(words)


def checked(
    parser: argparse.ArgumentParser, values: Mapping[str, Any], origin: str
) -> dict[str, Any]:
    """Return the values of a file as the flags would give them, by the names of the options.

    Raises
    ------
    UsageError
        If a name is not one of the parser's options, or a value does not fit.
    """
    slots = _slots(parser)
    found: dict[str, Any] = {}
    for key, value in values.items():
        slot = slots.get(key.replace("-", "_"))
        if slot is None:
            raise UsageError(
                f"Unknown key '{key}' in {origin}: it is not an option.",
                f"{did_you_mean(key, list(slots))}See {parser.prog} --help.",
            )
        found[slot.dest] = slot.checked(value, origin)
    return found


def read_config(path: Path) -> Mapping[str, Any]:
    """Read options from a TOML file, or from an earlier run's ``run.json`` or ``compare.json``.

    Raises
    ------
    UsageError
        If the file is missing or damaged.
    """
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except FileNotFoundError as error:
        raise UsageError(f"There is no configuration file {path}.", "Check --config.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", "Check the path.") from error
    except ValueError as error:
        raise UsageError(
            f"{path} is damaged, no {kind}: {error}.", "Write options as in: member_size = 40"
        ) from error
    if kind == "JSON" and isinstance(values, list) and values:
        values = values[-1]  # compare.json: the runs that worked on a comparison
    if kind == "JSON" and isinstance(values, dict):
        values = values.get("arguments", values)
    if not isinstance(values, dict):
        raise UsageError(
            f"{path} holds no options.", "Give the run.json of an earlier run, or a TOML file."
        )
    return values


@dataclasses.dataclass(frozen=True)
class _Slot:
    """What a key of a file, or a variable, sets: an option, and the flag that it has, if any."""

    dest: str
    action: argparse.Action | None
    option: Option | None

    def checked(self, value: Any, origin: str, *, text: bool = False) -> Any:
        """Return a value from a file, or the environment's text, as the flag would give it."""
        try:
            return self._converted(value, text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            flag = self.action.option_strings[0] if self.action else f"in the file, {self.dest}"
            raise UsageError(
                f"{origin}: {self.dest} is {value!r}; {error}.",
                f"Write it as you would after {flag}; --help tells what it takes.",
            ) from error

    def _converted(self, value: Any, text: bool) -> Any:
        read = self.option.from_file if self.option else None
        if read is not None and not text:
            value = read(value)
        elif value is None:
            return self._flag.default
        else:
            value = _as_after_the_flag(self._flag, value, text)
        choices = self.action.choices if self.action else None
        if choices is not None and value is not None and value not in choices:
            near = did_you_mean(str(value), [str(c) for c in choices])
            raise ValueError(f"{near}It is none of {', '.join(map(str, choices))}")
        return value

    @property
    def _flag(self) -> argparse.Action:
        if self.action is None:
            raise ValueError("it has no form of its own")
        return self.action


def _slots(parser: argparse.ArgumentParser) -> dict[str, _Slot]:
    """Return what every name in a file or the environment sets.

    argparse lists its actions in private attributes only; held by tests/bridges/run/
    test_options.py::test_every_option_of_the_main_command_survives_its_record.
    """
    options = parser.known if isinstance(parser, Parser) else {}
    unfit = ("help", "config")
    actions = {a.dest: a for a in parser._actions if a.option_strings and a.dest not in unfit}
    slots = {dest: _Slot(dest, action, options.get(dest)) for dest, action in actions.items()}
    for dest, option in options.items():
        slot = _Slot(dest, actions.get(dest), option)
        if dest not in unfit and (slot.action or option.file_only):
            slots |= dict.fromkeys(option.names, slot)
    return slots


def _as_after_the_flag(action: argparse.Action, value: Any, text: bool) -> Any:
    """Return what the option's own type makes of a value; raise a ValueError if it cannot."""
    if action.nargs == 0:
        return int(value) if isinstance(action, argparse._CountAction) else _truth(value)
    convert: Callable[[str], Any] = action.type if callable(action.type) else str
    if isinstance(action, argparse._AppendAction | Anew):
        values = value if isinstance(value, list) else [value]
        return [_item(v, convert) for v in values]
    if isinstance(value, list) and convert is comma_list:
        return [str(v) for v in value]
    if isinstance(value, bool | list | dict):
        raise ValueError(f"'{value}' is not a single value")
    converted = convert(str(value))
    if isinstance(value, str) and isinstance(converted, int | float) and not text:
        raise ValueError("a number stands without quotes")
    return converted


def _item(value: Any, convert: Callable[[str], Any]) -> Any:
    if isinstance(value, list):
        if len(value) != 2:
            raise ValueError(f"'{value}' is not a pair of key and value")
        return str(value[0]), value[1]
    return convert(str(value))


def _truth(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError(f"'{value}' is neither true nor false")
    return words[str(value).lower()]


def recorded(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that ``run.json`` keeps: those that decide what is computed."""
    return {k: _json_value(v) for k, v in vars(args).items() if k not in NOT_RECORDED}


def _json_value(value: Any) -> Any:
    """Return what JSON can hold: texts for NaN, infinite numbers and what else it does not know.

    A record that cannot be written would be noticed after the work.
    """
    if isinstance(value, dict):
        return {str(key): _json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    known = value is None or isinstance(value, str | int | float)
    return value if known else str(value)
