"""``python -m bridges.clean …``: which labels look wrong, polygon by polygon."""

from __future__ import annotations

import argparse
import csv
import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from bridges.run import label_options, options, table_options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.option_types import number
from bridges.run.parser import Option

if TYPE_CHECKING:
    from bridges.accuracy.suspects import Removal, Suspects, Unit
    from bridges.run.folder import RunFolder
    from bridges.samples.labelled import LabelledData
    from bridges.scene.scene import Scene

ONLY = ("clean",)
PERCENT, NOTHING = 100, 255
"""Suspicion in the layer is in percent; 255 where there is no label, or nothing can be told."""

SHOWN = 15
"""Polygons printed; suspects.csv holds all."""

HEADS = (
    *("rank", "group", "class", "suggested", "suspicion", "disagreement", "conflict", "margin"),
    *("samples", "row", "col"),
)


def one(option: Option) -> Option:
    """Return an option that is given once."""
    return option.but(action=None)


OPTIONS = (
    *(
        option.but(users=ONLY)
        for option in (
            *(one(options.IMAGE), one(options.LABELS), *label_options.OPTIONS, one(options.GROUPS)),
            *(options.CLASSES, options.BANDS, options.MASK, options.NODATA, options.TABLE),
            *(options.SCALE, *table_options.OPTIONS),
        )
    ),
    Option(
        ("--classifier",),
        "registered classifier that is asked; its own defaults",
        ONLY,
        "suspicion",
        default="mpi-svc",
        metavar="NAME",
    ),
    Option(
        ("--remove",),
        "also write labels without the polygons from this suspicion on, 0 to 1",
        ONLY,
        "suspicion",
        type=number("a suspicion", above=0),
    ),
    options.DRY_RUN.but(users=ONLY, help="print the list and write nothing"),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def _body(args: argparse.Namespace) -> int:
    from bridges import registry
    from bridges.accuracy.suspects import find_suspects, remove
    from bridges.run.folder import RunFolder

    narrator = Narrator(-1 if args.quiet else args.verbose)
    registry.make(args.classifier)  # a wrong name is an error before anything is read
    data, scene = _load(args)
    make = partial(registry.make, args.classifier)
    found = find_suspects(data, make, scale=args.scale, seed=args.seed)
    removal = None if args.remove is None else remove(data, found, args.remove)
    for note in (*data.notes, *found.notes):
        narrator.note(note)
    if removal is not None:
        narrator.note(removal.sentence())
    content = _content(data, found, removal, narrator.notes)
    if not args.dry_run:
        with RunFolder(args.out, overwrite=args.overwrite) as folder:
            _write(folder, data, scene, found, removal, content, args)
        narrator.say(f"written: {folder.path}/")
    print(json.dumps(content, indent=2) if args.json else _text(data, found))
    return 0


def _load(args: argparse.Namespace) -> tuple[LabelledData, Scene | None]:
    import dataclasses
    import tempfile
    from pathlib import Path

    from bridges.run.label_options import label_reading
    from bridges.run.load import DataSpec, load_data
    from bridges.run.table_options import table_roles

    spec = DataSpec(
        table=args.table,
        image=args.image,
        labels=args.labels,
        groups=args.groups,
        label_field=args.label_field,
        reading=label_reading(args),
        classes=None if args.classes is None else tuple(args.classes),
        bands=None if args.bands is None else tuple(args.bands),
        mask=args.mask,
        nodata=args.nodata,
        roles=table_roles(args),
    )
    if not spec.names_anything:
        spec = dataclasses.replace(spec, synthetic=True)
    spec.check()
    with tempfile.TemporaryDirectory() as scratch:
        spec = spec.with_scene_in(Path(scratch) / "scene", args.seed)
        scene = spec.open_scene()
        return load_data(spec, scene), scene


def _content(
    data: LabelledData, found: Suspects, removal: Removal | None, notes: list[str]
) -> dict[str, Any]:
    removed = None
    if removal is not None:
        removed = {
            "threshold": removal.threshold,
            "share": removal.share,
            "by_class": removal.by_class,
        }
    rows = [dict(zip(HEADS, row, strict=True)) for row in _rows(data, found)]
    return {"polygons": rows, "removed": removed, "notes": list(notes)}


def _rows(data: LabelledData, found: Suspects) -> list[list[Any]]:
    return [[rank, *_row(data, unit)] for rank, unit in enumerate(found.units, start=1)]


def _row(data: LabelledData, unit: Unit) -> list[Any]:
    row = col = None
    if data.rows is not None and data.cols is not None:
        row = round(float(data.rows[unit.members].mean()))
        col = round(float(data.cols[unit.members].mean()))
    return [
        unit.group,
        data.class_names[unit.code],
        data.class_names[unit.suggested],
        None if unit.suspicion is None else round(unit.suspicion, 4),
        round(unit.disagreement, 4),
        round(unit.conflict, 4),
        round(unit.margin, 4),
        len(unit.members),
        row,
        col,
    ]


def _text(data: LabelledData, found: Suspects) -> str:
    width = max(len(name) for name in data.class_names.values())
    lines = [
        f"{'group':>6}  {'class':{width}}  {'suggested':{width}}  suspicion  disagreement  "
        "conflict  samples"
    ]
    for unit in found.units[:SHOWN]:
        said = "–" if unit.suspicion is None else f"{unit.suspicion:.3f}"
        lines.append(
            f"{unit.group:>6}  {data.class_names[unit.code]:{width}}  "
            f"{data.class_names[unit.suggested]:{width}}  {said:>9}  {unit.disagreement:>12.3f}  "
            f"{unit.conflict:>8.3f}  {len(unit.members):>7}"
        )
    if len(found.units) > SHOWN:
        lines.append(f"… {len(found.units) - SHOWN} more, less suspicious ones")
    return "\n".join(lines)


def _write(
    folder: RunFolder,
    data: LabelledData,
    scene: Scene | None,
    found: Suspects,
    removal: Removal | None,
    content: dict[str, Any],
    args: argparse.Namespace,
) -> None:
    """Write the list, the layer, what is kept, and the record of the run."""
    from bridges.run import config
    from bridges.run.record import run_record

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([HEADS, *_rows(data, found)])
    folder.write_text("suspects.csv", buffer.getvalue())
    folder.write_json("suspects.json", content)
    folder.write_json("run.json", run_record(config.recorded(args), args.seed, {}))
    if scene is not None:
        _write_layers(folder, data, scene, found, removal)
    elif removal is not None:
        _write_table(folder, data, removal)


def _write_layers(
    folder: RunFolder,
    data: LabelledData,
    scene: Scene,
    found: Suspects,
    removal: Removal | None,
) -> None:
    import numpy as np

    from bridges.scene.writing import write_pixels

    assert data.rows is not None
    assert data.cols is not None
    percent = np.rint(PERCENT * found.per_sample(len(data.y)))
    layer = np.where(np.isnan(percent), NOTHING, percent).astype(np.uint16)
    with folder.target("suspects.tif") as target:
        write_pixels(
            target, scene.grid, data.rows, data.cols, layer, nodata=NOTHING,
            description="suspicion of the label [percent]", tags={},
        )  # fmt: skip
    if removal is None:
        return
    keep = removal.keep
    unlabelled = 0 if 0 not in data.class_names else max(255, max(data.class_names) + 1)
    with folder.target("labels.tif") as target:
        write_pixels(
            target, scene.grid, data.rows[keep], data.cols[keep],
            data.y[keep].astype(np.uint16), nodata=unlabelled, description="labels that are kept",
            tags={f"CLASS_{code}": name for code, name in data.class_names.items()},
        )  # fmt: skip


def _write_table(folder: RunFolder, data: LabelledData, removal: Removal) -> None:
    import numpy as np

    kept = data.take(removal.keep)
    arrays: dict[str, Any] = {"X": kept.X, "y": kept.y, "feature_names": kept.feature_names}
    if kept.groups is not None:
        arrays["groups"] = kept.groups
    arrays["class_names"] = [kept.class_names[code] for code in sorted(kept.class_names)]
    with folder.target("clean.npz") as target:
        np.savez(target, **arrays)


COMMAND = Command(
    "bridges.clean",
    "Rank labelled polygons by how wrong their labels look; removal only on request.",
    options.of("clean", OPTIONS),
    _body,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
