"""Options that commands share, and where values come from: flag, environment, file, default."""

from __future__ import annotations

import argparse
import ast
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges.errors import UsageError

ENVIRONMENT = "ANNEALSVM_"
"""Prefix of environment variables: ``--member-size`` is ``ANNEALSVM_MEMBER_SIZE``."""

NOT_RECORDED = ("config", "out", "overwrite", "json", "dry_run", "verbose", "quiet")
"""Options that say how a run is shown and kept, not what it computes."""


def make_parser(program: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """Return a parser with the options of every command: files, output, verbosity."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=description,
        epilog=epilog,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    run = parser.add_argument_group("run")
    run.add_argument("--config", metavar="FILE", help="TOML file of options, or a run.json")
    run.add_argument("--seed", type=int, default=0, help="seed of everything random")
    run.add_argument("--json", action="store_true", help="print the metrics as JSON on stdout")
    run.add_argument("--verbose", "-v", action="count", default=0, help="say more; -vv traces")
    run.add_argument("--quiet", "-q", action="store_true", help="no narration, no progress")
    return parser


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
    group.add_argument("--block-size", type=int, help="pixels on a side of a spatial block")
    group.add_argument(
        "--scale",
        choices=("standard", "minmax", "none"),
        default="standard",
        help="feature scaling, fitted on the training samples; minmax is to [-1, 1]",
    )


def add_kernel_options(parser: argparse.ArgumentParser, C: float) -> argparse._ArgumentGroup:
    """Add what every kernel SVM takes; returns the group."""
    group = parser.add_argument_group("SVM")
    group.add_argument(
        "--kernel", choices=("rbf", "linear", "poly", "sigmoid"), default="rbf", help="kernel"
    )
    group.add_argument("--gamma", type=number_or_name, default="scale", help="γ: a number or name")
    group.add_argument("--degree", type=int, default=3, help="degree of poly")
    group.add_argument("--coef0", type=float, default=0.0, help="constant of poly and sigmoid")
    group.add_argument("--C", type=number_or_name, default=C, help="upper bound of α")
    group.add_argument("--class-weight", choices=("balanced",), help="weights of the classes")
    group.add_argument("--multiclass", choices=("ovo", "ovr"), default="ovo", help="class splits")
    group.add_argument("--jobs", type=int, help="threads (default: all cores)")
    return group


def comma_list(text: str) -> list[str]:
    """Split ``a,b`` into its parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


def number_or_name(text: str) -> float | str:
    """Return a float if the text is one, else the text."""
    try:
        return float(text)
    except ValueError:
        return text


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
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--config")
    chosen = early.parse_known_args(argv)[0].config or os.environ.get(f"{ENVIRONMENT}CONFIG")
    actions = {a.dest: a for a in parser._actions if a.option_strings and a.dest != "help"}
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
    return values.get("arguments", values) if path.suffix == ".json" else values


def _checked(action: argparse.Action, value: Any, origin: str) -> Any:
    """Return a value from a file or the environment as the flag would give it."""
    if value is None:
        return action.default
    convert: Callable[[str], Any] = action.type if callable(action.type) else str
    if action.nargs == 0:
        value = _truth(value, origin)
    elif isinstance(value, list):
        repeated = isinstance(action, argparse._AppendAction)
        value = [_item(v, convert) for v in value] if repeated else [str(v) for v in value]
    elif not isinstance(value, bool):
        try:
            value = convert(str(value))
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise UsageError(f"{origin}: '{value}' does not fit {action.dest}.", str(error)) from (
                error
            )
        value = [value] if isinstance(action, argparse._AppendAction) else value
    if action.choices is not None and value not in action.choices:
        choices = ", ".join(map(str, action.choices))
        raise UsageError(f"{origin}: {action.dest} = '{value}'.", f"Use one of {choices}.")
    return value


def _item(value: Any, convert: Callable[[str], Any]) -> Any:
    return tuple(value) if isinstance(value, list) else convert(str(value))


def _truth(value: Any, origin: str) -> bool | int:
    if isinstance(value, bool | int):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in words:
        raise UsageError(f"{origin}: '{value}' is neither true nor false.", "Use true or false.")
    return words[str(value).lower()]


def recorded(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that ``run.json`` keeps: those that decide what is computed."""
    return {k: v for k, v in vars(args).items() if k not in NOT_RECORDED}
