"""Options that commands share, and where values come from: flag, environment, file, default."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import NoReturn

from bridges.errors import UsageError
from bridges.run.option_types import at_least, comma_list, number


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
