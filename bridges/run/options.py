"""Options that commands share, and where values come from: flag, environment, file, default."""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from bridges.errors import UsageError

ENVIRONMENT = "ANNEALSVM_"
"""Prefix of environment variables: ``--member-size`` is ``ANNEALSVM_MEMBER_SIZE``."""

NOT_RECORDED = ("config", "out", "overwrite", "json", "dry_run", "verbose", "quiet", "resume")
"""Options that say how a run is shown and kept, not what it computes."""


def make_parser(program: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """Return a parser with the options of every command: files, output, verbosity."""
    parser = _Parser(
        prog=f"python -m {program}",
        description=description,
        epilog=epilog,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    run = parser.add_argument_group("run")
    run.add_argument("--config", metavar="FILE", help="TOML file of options, or a run.json")
    run.add_argument("--seed", type=at_least(0), default=0, help="seed of everything random")
    run.add_argument("--json", action="store_true", help="print the metrics as JSON on stdout")
    run.add_argument("--verbose", "-v", action="count", default=0, help="say more; -vv traces")
    run.add_argument("--quiet", "-q", action="store_true", help="no narration, no progress")
    return parser


class _Parser(argparse.ArgumentParser):
    """Speaks of a wrong option as of every other error: one line, and one with what to type."""

    def error(self, message: str) -> NoReturn:
        words = re.findall(r"(?<!\S)--[\w-]+", message) if "unrecognized" in message else []
        near = (
            difflib.get_close_matches(words[0], self._option_string_actions, 1, 0.75)
            if words
            else []
        )
        guess = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"{guess}See {self.prog} --help.")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Defaults in the help, but not where there is none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, argparse.SUPPRESS) or action.required:
            return action.help
        return super()._get_help_string(action)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--out``, ``--overwrite`` and ``--dry-run``."""
    group = parser.add_argument_group("output")
    group.add_argument("--out", metavar="DIR", help="output folder (default: runs/<time>)")
    group.add_argument("--overwrite", action="store_true", help="write into an existing folder")
    group.add_argument(
        "--dry-run", action="store_true", help="print what would be solved, and stop"
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name training data and how to split and scale them."""
    group = parser.add_argument_group("data (without any: the built-in Landsat-like scene)")
    group.add_argument("--image", metavar="FILE", help="GeoTIFF or Landsat Collection 2 folder")
    group.add_argument("--labels", metavar="FILE", help="class codes: a raster or a vector file")
    group.add_argument("--label-field", metavar="NAME", help="field of a vector file with classes")
    group.add_argument("--groups", metavar="FILE", help="raster of polygon numbers")
    group.add_argument("--classes", metavar="A,B,…", type=comma_list, help="names or codes")
    group.add_argument("--bands", metavar="A,B,…", type=comma_list, help="bands to use")
    group.add_argument("--mask", metavar="FILE", help="raster that hides pixels, FILE:2,4 values")
    group.add_argument("--nodata", type=float, help="value of missing pixels")
    group.add_argument(
        "--table", metavar="FILE", help="samples in a .npz, .csv or LIBSVM file, instead of a scene"
    )
    group.add_argument(
        "--split",
        choices=("random", "polygons", "blocks", "fixed"),
        help="how test samples are set apart (default: fixed where the table has one, else random)",
    )
    group.add_argument("--test-size", type=float, default=0.5, help="share of test samples")
    group.add_argument("--block-size", type=at_least(1), help="pixels on a side of a spatial block")
    group.add_argument(
        "--scale",
        choices=("standard", "minmax", "none"),
        default="standard",
        help="feature scaling, fitted on the training samples; minmax is to [-1, 1]",
    )


def add_kernel_options(
    parser: argparse.ArgumentParser, C: float, C_names: Sequence[str] = ()
) -> argparse._ArgumentGroup:
    """Add what every kernel SVM takes; returns the group.

    Parameters
    ----------
    parser : ArgumentParser
        To add to.
    C : float
        Default of ``--C``.
    C_names : sequence of str
        Words that ``--C`` may be instead of a number.
    """
    group = parser.add_argument_group("SVM")
    group.add_argument(
        "--kernel", choices=("rbf", "linear", "poly", "sigmoid"), default="rbf", help="kernel"
    )
    group.add_argument(
        "--gamma",
        type=number("γ", above=0, names=("scale", "auto")),
        default="scale",
        help="γ: a number > 0, scale or auto",
    )
    group.add_argument("--degree", type=at_least(1), default=3, help="degree of poly")
    group.add_argument(
        "--coef0", type=number("coef0"), default=0.0, help="constant of poly and sigmoid"
    )
    group.add_argument(
        "--C", type=number("C", above=0, names=C_names), default=C, help="upper bound of α"
    )
    group.add_argument("--class-weight", choices=("balanced",), help="weights of the classes")
    group.add_argument("--multiclass", choices=("ovo", "ovr"), default="ovo", help="class splits")
    group.add_argument("--jobs", type=at_least(1), help="threads (default: all cores)")
    return group


def comma_list(text: str) -> list[str]:
    """Split ``a,b`` into its parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


def at_least(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return the type of an option that is a whole number from ``least`` (to ``most``)."""
    wanted = f"a whole number of at least {least}" + (f" and at most {most}" if most else "")

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
        return value

    return convert


def number(
    what: str,
    *,
    above: float | None = None,
    least: float | None = None,
    names: Sequence[str] = (),
) -> Callable[[str], float | str]:
    """Return the type of an option that is a finite number, or one of some words.

    Parameters
    ----------
    what : str
        Name of the quantity, for the message.
    above, least : float, optional
        Bound that the number must exceed, or at least reach.
    names : sequence of str
        The words.
    """
    bound = f" > {above:g}" if above is not None else f" ≥ {least:g}" if least is not None else ""
    wanted = ", ".join([f"a number{bound}", *names])

    def convert(text: str) -> float | str:
        if text in names:
            return text
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        fits = math.isfinite(value)
        fits = fits and (above is None or value > above) and (least is None or value >= least)
        if not fits:
            raise argparse.ArgumentTypeError(f"'{text}' does not fit {what}: {wanted}")
        return value

    return convert


def key_value(text: str) -> tuple[str, Any]:
    """Parse ``key=value``; the value is a Python literal, or text."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form key=value")
    try:
        return key.strip().replace("-", "_"), ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key.strip().replace("-", "_"), value


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
