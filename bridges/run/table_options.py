"""Options that say what the columns of a text table are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bridges.run.option_types import comma_list
from bridges.run.parser import Option

if TYPE_CHECKING:
    from bridges.samples.roles import TableRoles

USERS = ("train", "fit-exact", "compare")
GROUP = "columns of a text table (guessed cautiously where not said)"


def coordinate_pair(text: str) -> tuple[str, str] | tuple[()]:
    """Split ``X,Y``; ``none`` is no coordinates."""
    parts = comma_list(text)
    if text.strip().lower() == "none":
        return ()
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form X,Y, or none")
    return parts[0], parts[1]


def _pair_from_file(value: object) -> tuple[str, str] | tuple[()] | None:
    if value is None:
        return None
    words = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    try:
        return coordinate_pair(words or "none")
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from error


LABEL_COLUMN = Option(("--label-column",), "column of labels", USERS, GROUP, metavar="NAME")
GROUP_COLUMN = Option(
    ("--group-column",),
    "column that tells which samples belong together",
    USERS,
    GROUP,
    metavar="NAME",
)
IGNORE_COLUMNS = Option(
    ("--ignore-columns",),
    "columns that are no features",
    USERS,
    GROUP,
    metavar="A,B,…",
    type=comma_list,
)
COORDINATES = Option(
    ("--coordinates",),
    "columns that say where a sample lies, or none",
    USERS,
    GROUP,
    metavar="X,Y",
    type=coordinate_pair,
    from_file=_pair_from_file,
)
MISSING = Option(
    ("--missing",),
    "cells that mean missing, beside NA, nan, null and empty ones",
    USERS,
    GROUP,
    metavar="A,B,…",
    type=comma_list,
)
DELIMITER = Option(
    ("--delimiter",),
    "what stands between cells: a character, or tab, comma, semicolon, space, pipe",
    USERS,
    GROUP,
    metavar="CHAR",
)
DECIMAL = Option(("--decimal",), "decimal mark", USERS, GROUP, choices=(".", ","))

OPTIONS = (
    LABEL_COLUMN,
    GROUP_COLUMN,
    IGNORE_COLUMNS,
    COORDINATES,
    MISSING,
    DELIMITER,
    DECIMAL,
)


def table_roles(args: argparse.Namespace) -> TableRoles:
    """Return what the options say of a table's columns."""
    from bridges.samples.roles import TableRoles

    return TableRoles(
        args.label_column,
        args.group_column,
        tuple(args.ignore_columns or ()),
        args.coordinates,
        tuple(args.missing or ()),
        args.delimiter,
        args.decimal,
    )
