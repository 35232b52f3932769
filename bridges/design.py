"""``python -m bridges.design MAP …``: draw the sample by which a map is assessed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.accuracy.allocation import RULES
from bridges.accuracy.drawing import KINDS
from bridges.errors import UsageError
from bridges.run import options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.option_types import at_least, number
from bridges.run.parser import Anew, Option

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.design import Design
    from bridges.accuracy.drawing import Drawn
    from bridges.accuracy.partition import Partition

EPILOG = (
    "Label the field 'reference' of DIR/points.gpkg (in QGIS, against better imagery), then run "
    "python -m bridges.assess MAP --reference DIR/points.gpkg --design DIR/design.json."
)
EXPECTED = 0.85
"""User's accuracy that strata are expected to have where nothing is said."""

MINIMUM = 10
"""Least number of points per stratum where nothing is said and the size allows it."""


ONLY = ("design",)
SAMPLE, POPULATION = "sample", "population"
OPTIONS = (
    Option(
        ("maps",),
        "class map; of several on one grid, the combinations of their classes are strata",
        ONLY,
        metavar="MAP",
        nargs="+",
    ),
    Option(
        ("--kind",),
        "stratified by map class, simple random, or a square grid with a random start",
        ONLY,
        SAMPLE,
        default="stratified",
        choices=KINDS,
    ),
    Option(("--size",), "points in all (default: 300)", ONLY, SAMPLE, type=at_least(2)),
    Option(
        ("--target-se",),
        "as many points as this standard error of overall accuracy is expected to take",
        ONLY,
        SAMPLE,
        type=number("a standard error", above=0),
    ),
    Option(
        ("--allocation",),
        "how points are shared out among strata",
        ONLY,
        SAMPLE,
        default="proportional",
        choices=RULES,
    ),
    Option(
        ("--minimum",),
        f"least number of points per stratum (default: {MINIMUM} if the size allows it)",
        ONLY,
        SAMPLE,
        type=at_least(0),
    ),
    Option(
        ("--expect",),
        "expected user's accuracy of a stratum, for neyman and --target-se; repeat",
        ONLY,
        SAMPLE,
        action=Anew,
        metavar="NAME=U",
    ),
    Option(("--zones",), "regions that divide strata further", ONLY, POPULATION, metavar="FILE"),
    Option(
        ("--zone-field",), "field of a vector file of regions", ONLY, POPULATION, metavar="NAME"
    ),
    Option(
        ("--purity",),
        "draw only pixels whose neighbourhood of this edge is of one stratum (3, 5, …)",
        ONLY,
        POPULATION,
        default=1,
        type=at_least(1),
    ),
    Option(
        ("--with-unclassified",),
        "pixels without a class are a stratum too: areas are then those of the whole image",
        ONLY,
        POPULATION,
        action="store_true",
    ),
    options.DRY_RUN.but(users=ONLY, help="print the strata and their points, and stop"),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def _body(args: argparse.Namespace) -> int:
    from bridges.accuracy.partition import partition
    from bridges.accuracy.points import FILE, write_points
    from bridges.accuracy.strata import open_stratification
    from bridges.run.folder import RunFolder

    narrator = Narrator(-1 if args.quiet else args.verbose)
    _check(args)
    source = open_stratification(
        args.maps,
        args.zones,
        args.zone_field,
        purity=args.purity,
        with_unclassified=args.with_unclassified,
    )
    parts = partition(source)
    allocation, facts = _allocation(parts, args)
    if args.dry_run:
        print(_table(parts, allocation.tolist()))
        return 0
    if args.out is not None:
        _require_unlabelled(Path(args.out) / FILE)
    with RunFolder(args.out, overwrite=args.overwrite) as folder:
        design = _design(parts, _draw(parts, allocation, args), args, facts)
        with folder.target(FILE) as temporary:
            write_points(temporary, design, source.maps[0].grid)
        folder.write_json("design.json", design.content())
    for note in design.notes:
        narrator.warn(note)
    narrator.say(f"written: {folder.path}/points.gpkg, {folder.path}/design.json")
    if args.json:
        print(json.dumps({**design.content(), "points (number, row, column, stratum)": None}))
    else:
        print(_table(parts, [design.n_sample[s.number] for s in design.strata]))
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.size is not None and args.target_se is not None:
        raise UsageError(
            "--size and --target-se exclude each other.", "Give the number of points, or the error."
        )
    stratified_only = {"--minimum": args.minimum, "--target-se": args.target_se}
    given = [flag for flag, value in stratified_only.items() if value is not None]
    if args.kind != "stratified" and given:
        raise UsageError(
            f"{given[0]} is for stratified samples.", "Leave it out, or --kind stratified."
        )


def _require_unlabelled(path: Path) -> None:
    from bridges.accuracy.points import labelled_points

    if n := labelled_points(path):
        raise UsageError(
            f"{path} holds {n} labelled points.",
            "They would be lost: choose another --out DIR, or move the file away.",
        )


def _allocation(parts: Partition, args: argparse.Namespace) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the points per stratum, and what design.json says about them."""
    import numpy as np

    from bridges.accuracy.allocation import (
        allocate,
        expected_deviations,
        size_for,
        standard_error,
    )

    sizes = np.array([s.n_pixels for s in parts.strata])
    if args.kind != "stratified":
        n = min(args.size or 300, parts.n_pixels)
        return allocate(sizes, n, "proportional"), {"size": n}
    expected = _expected(args.expect or [])
    spread = expected_deviations([s.name for s in parts.strata], expected, EXPECTED)
    size = args.size or 300
    least = min(MINIMUM, size // len(sizes)) if args.minimum is None else args.minimum
    if args.target_se is not None:
        size = size_for(sizes, args.target_se, args.allocation, spread, minimum=least)
    given = allocate(sizes, size, args.allocation, minimum=least, deviations=spread)
    facts = {
        "size": size,
        "rule": args.allocation,
        "minimum": least,
        "target_se": args.target_se,
        "expected_users_accuracy": {**expected, "others": EXPECTED},
        "expected_se": _finite(standard_error(sizes, given, spread)),
    }
    return given, facts


def _finite(value: float) -> float | None:
    return value if value < float("inf") else None


def _expected(pairs: Sequence[str]) -> dict[str, float]:
    expected = {}
    for pair in pairs:
        name, _, value = pair.rpartition("=")
        try:
            expected[name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise UsageError(f"--expect {pair} is no name with an accuracy.", "Say water=0.95.")
    return expected


def _draw(parts: Partition, allocation: NDArray[Any], args: argparse.Namespace) -> Drawn:
    from bridges.accuracy import drawing

    if args.kind == "stratified":
        return drawing.draw_stratified(parts, allocation, args.seed)
    draw = drawing.draw_simple if args.kind == "simple" else drawing.draw_systematic
    return draw(parts, int(allocation.sum()), args.seed)


def _design(
    parts: Partition, drawn: Drawn, args: argparse.Namespace, facts: dict[str, Any]
) -> Design:
    import numpy as np

    from bridges.accuracy.class_map import area_notes, pixel_area, place, survey
    from bridges.accuracy.design import Design, MapRecord

    maps = parts.cells.source.maps
    notes = area_notes(maps[0].grid)
    notes += [
        f"{m.path} states no nodata value; its pixels of value 0 are taken to be unclassified."
        for m in maps
        if m.assumed
    ]
    points = np.column_stack(
        [np.arange(1, len(drawn.rows) + 1), drawn.rows, drawn.cols, drawn.stratum]
    )
    return Design(
        kind=args.kind,
        strata=parts.strata,
        points=points,
        maps=tuple(MapRecord(str(m.path), survey(m).fingerprint) for m in maps),
        grid=place(maps[0].grid),
        seed=args.seed,
        zones=args.zones,
        purity=args.purity,
        with_unclassified=args.with_unclassified,
        left_out=parts.left_out,
        allocation=facts,
        pixel_area_m2=pixel_area(maps[0].grid),
        notes=tuple(notes),
    )


def _table(parts: Partition, n_sample: Sequence[int]) -> str:
    width = max(len("not in the population"), *(len(s.name) for s in parts.strata))
    lines = [f"{'stratum':{width}}  {'pixels':>14}  {'share':>7}  {'points':>6}"]
    for stratum, n in zip(parts.strata, n_sample, strict=True):
        share = stratum.n_pixels / parts.n_pixels
        lines.append(f"{stratum.name:{width}}  {stratum.n_pixels:>14}  {share:>7.2%}  {n:>6}")
    total = sum(int(n) for n in n_sample)
    lines.append(f"{'in all':{width}}  {parts.n_pixels:>14}  {1:>7.2%}  {total:>6}")
    lines += [f"{reason:{width}}  {n:>14}" for reason, n in parts.left_out.items()]
    return "\n".join(lines)


COMMAND = Command(
    "bridges.design",
    "Draw a probability sample of a map's pixels, to be labelled by an interpreter.",
    options.of("design", OPTIONS),
    _body,
    EPILOG,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
