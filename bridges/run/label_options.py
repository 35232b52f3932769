"""Options that say how labels of a scene are read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bridges.run.option_types import pair, pair_from_file
from bridges.run.parser import Option

if TYPE_CHECKING:
    from bridges.samples.reading import LabelReading

USERS = ("train", "fit-exact", "compare")
GROUP = "labels of a scene"

LABEL_FIELD = Option(
    ("--label-field",), "field of a vector file with classes", USERS, GROUP, metavar="NAME"
)
GROUP_FIELD = Option(
    ("--group-field",),
    "field that tells which features belong together (default: each is a group)",
    USERS,
    GROUP,
    metavar="NAME",
)
ALL_TOUCHED = Option(
    ("--all-touched",),
    "features label every pixel they touch, not only those whose centre they cover",
    USERS,
    GROUP,
    action="store_true",
)
XY = Option(
    ("--xy",),
    "columns of coordinates in a table of points",
    USERS,
    GROUP,
    metavar="X,Y",
    type=pair,
    from_file=pair_from_file,
)
CRS = Option(
    ("--crs",),
    "coordinate system of vector labels or points, such as EPSG:4326",
    USERS,
    GROUP,
    metavar="CRS",
)
ALLOW_MISSING = Option(
    ("--allow-missing-classes",),
    "go on where a class has labels but no usable pixel",
    USERS,
    GROUP,
    action="store_true",
)

OPTIONS = (LABEL_FIELD, GROUP_FIELD, ALL_TOUCHED, XY, CRS, ALLOW_MISSING)


def label_reading(args: argparse.Namespace) -> LabelReading | None:
    """Return what the options say of labels, None if nothing."""
    from bridges.samples.reading import AS_IT_STANDS, LabelReading

    said = LabelReading(
        group_field=args.group_field,
        all_touched=bool(args.all_touched),
        xy=None if args.xy is None else (args.xy[0], args.xy[1]),
        crs=args.crs,
        allow_missing=bool(args.allow_missing_classes),
    )
    return None if said == AS_IT_STANDS else said
