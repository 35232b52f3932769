"""``python -m bridges.change BEFORE AFTER --out FILE``: what changed between two maps."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.run import options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.parser import Option

if TYPE_CHECKING:
    from bridges.maps.change import Change

ONLY = ("change",)
HECTARE_M2 = 10_000.0

OPTIONS = (
    Option(("before",), "the earlier map", ONLY, metavar="BEFORE"),
    Option(("after",), "the later map, on the same grid", ONLY, metavar="AFTER"),
    options.OUT.but(
        users=ONLY, help="the map of changes, a GeoTIFF", metavar="FILE", required=True
    ),
    options.OVERWRITE.but(users=ONLY, help="replace an existing file"),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def _body(args: argparse.Namespace) -> int:
    from bridges.maps.change import map_change

    out = Path(args.out)
    if out.exists() and not args.overwrite:
        raise UsageError(
            f"The file {out} exists.", "Choose another --out FILE, or add --overwrite."
        )
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent}.", f"mkdir -p {out.parent}")
    found = map_change(args.before, args.after, out)
    Narrator(-1 if args.quiet else args.verbose).say(f"written: {out}")
    print(json.dumps(_content(found), indent=2) if args.json else _text(found))
    return 0


def _content(found: Change) -> dict[str, Any]:
    area = found.pixel_area_m2
    return {
        "classes": found.classes,
        "pixels": found.pixels.tolist(),
        "hectares": None if area is None else (found.pixels * (area / HECTARE_M2)).tolist(),
        "changed_pixels": found.n_changed,
        "changed_share": found.n_changed / max(1, int(found.pixels.sum())),
        "unknown_pixels": found.n_unknown,
    }


def _text(found: Change) -> str:
    """Return the matrix, in hectares where these are known: rows before, columns after."""
    area = found.pixel_area_m2
    values = found.pixels if area is None else found.pixels * (area / HECTARE_M2)
    width = max(12, *(len(name) + 2 for name in found.classes))
    unit = "pixels" if area is None else "hectares"
    lines = [f"{unit:{width}}" + "".join(f"{name:>{width}}" for name in found.classes)]
    for name, row in zip(found.classes, values.tolist(), strict=True):
        cells = "".join(f"{v:>{width}}" if area is None else f"{v:>{width}.1f}" for v in row)
        lines.append(f"{name:{width}}{cells}")
    share = found.n_changed / max(1, int(found.pixels.sum()))
    return "\n".join(
        [
            *lines,
            f"rows before, columns after; {share:.1%} changed, {found.n_unknown} pixels unknown",
        ]
    )


COMMAND = Command(
    "bridges.change",
    "what changed between two maps, as a map and a matrix.",
    options.of("change", OPTIONS),
    _body,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
