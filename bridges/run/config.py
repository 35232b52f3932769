"""Where values come from: flag, environment, file, default."""

from __future__ import annotations

import argparse
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges.errors import UsageError
from bridges.run.option_types import comma_list
from bridges.run.options import _Parser

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
    early = _Parser(prog=parser.prog, add_help=False, allow_abbrev=False)
    early.add_argument("--config")
    chosen = early.parse_known_args(argv)[0].config or os.environ.get(f"{ENVIRONMENT}CONFIG")
    actions = {
        a.dest: a for a in parser._actions if a.option_strings and a.dest not in ("help", "config")
    }
    defaults: dict[str, Any] = {}
    if chosen:
        for key, value in read_config(Path(chosen)).items():
            dest = key.replace("-", "_")
            if dest not in actions:
                raise UsageError(
                    f"{chosen} sets '{key}', which is not an option.",
                    f"See {parser.prog} --help.",
                )
            defaults[dest] = _checked(actions[dest], value, str(chosen))
    for dest, action in actions.items():
        name = ENVIRONMENT + dest.upper()
        if name in os.environ:
            defaults[dest] = _checked(action, os.environ[name], name)
    parser.set_defaults(**defaults)
    return parser.parse_args(argv)


def read_config(path: Path) -> Mapping[str, Any]:
    """Read options from a TOML file, or from the ``run.json`` of an earlier run.

    Raises
    ------
    UsageError
        If the file is missing or damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", "Check the path.") from error
    except ValueError as error:
        raise UsageError(
            f"{path} is damaged: {error}.", "Write options as in: member_size = 40"
        ) from error
    if path.suffix == ".json" and isinstance(values, dict):
        values = values.get("arguments", values)
    if not isinstance(values, dict):
        raise UsageError(
            f"{path} holds no options.", "Give the run.json of an earlier run, or a TOML file."
        )
    return values


def _checked(action: argparse.Action, value: Any, origin: str) -> Any:
    """Return a value from a file or the environment as the flag would give it."""
    if value is None:
        return action.default
    try:
        value = _converted(action, value)
        if action.choices is not None and value not in action.choices:
            raise ValueError(f"'{value}' is none of {', '.join(map(str, action.choices))}")
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise UsageError(
            f"{origin}: {error} ({action.dest}).",
            f"Write it as you would after {action.option_strings[0]}; --help tells what it takes.",
        ) from error
    return value


def _converted(action: argparse.Action, value: Any) -> Any:
    """Return what the option's own type makes of a value; raise a ValueError if it cannot."""
    if action.nargs == 0:
        return int(value) if isinstance(action, argparse._CountAction) else _truth(value)
    convert: Callable[[str], Any] = action.type if callable(action.type) else str
    if isinstance(action, argparse._AppendAction):
        values = value if isinstance(value, list) else [value]
        return [_item(v, convert) for v in values]
    if isinstance(value, list) and convert is comma_list:
        return [str(v) for v in value]
    if isinstance(value, bool | list | dict):
        raise ValueError(f"'{value}' is not a single value")
    return convert(str(value))


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
    return {k: v for k, v in vars(args).items() if k not in NOT_RECORDED}
