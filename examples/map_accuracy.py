"""Which number answers which question: one map, its scores, and what is true of it.

The built-in scene is the only one whose every pixel is known. An exact SVM is trained on its
polygons, and the score of every kind of split is put beside the map's accuracy over all pixels, and
beside the estimate from a probability sample of that map, as an agency would make it.

    python examples/map_accuracy.py --out runs/map_accuracy --size 300

Olofsson et al., Remote Sensing of Environment 148 (2014) 42-57, for the estimate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyogrio
import rasterio

from bridges.errors import UsageError
from bridges.run.console import guarded
from bridges.run.parser import Parser

SPLITS = ("random", "polygons", "blocks", "buffered", "knndm")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser("python examples/map_accuracy.py", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/map_accuracy"))
    parser.add_argument("--size", type=int, default=300, help="points that are labelled")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def run(module: str, *arguments: str) -> None:
    """Run a command as a user would, and say which."""
    command = ["-m", module, *arguments]
    print("python", *command, file=sys.stderr, flush=True)
    quiet = [sys.executable, *command, "--overwrite", "--quiet"]
    if status := subprocess.run(quiet, stdout=subprocess.DEVNULL, check=False).returncode:
        raise UsageError(f"{module} ended with status {status}.", "Mend what it says above.")


def metrics(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return read


def interpret(points: Path, truth: Path, labelled: Path) -> None:
    """Label the points by the truth of the scene, in the place of an interpreter."""
    with rasterio.open(truth) as raster:
        classes = raster.read(1)
    meta, _, geometry, columns = pyogrio.raw.read(points)
    table = dict(zip(meta["fields"], columns, strict=True))
    table["reference"] = classes[table["row"], table["col"]].astype(str).astype(object)
    pyogrio.raw.write(
        labelled,
        geometry=geometry,
        field_data=list(table.values()),
        fields=list(table),
        geometry_type="Point",
        crs=meta["crs"],
        driver="GPKG",
    )


def true_accuracy(map_file: Path, truth: Path) -> float:
    """Return the share of classified pixels that have their true class."""
    with rasterio.open(map_file) as mapped, rasterio.open(truth) as true:
        classes = mapped.read(1)
        return float((classes == true.read(1))[classes > 0].mean())


def compare(args: argparse.Namespace) -> None:
    """Train, map, sample, assess, and print every number beside the truth."""
    out, seed = args.out, ("--seed", str(args.seed))
    for split in SPLITS:
        run("classical.train", "--split", split, *seed, "--out", str(out / split))
    mapped, truth = out / "random/map.tif", out / "random/scene/truth.tif"
    drawn, labelled, found = out / "sample", out / "labelled.gpkg", out / "assessment"
    size = ("--size", str(args.size))
    run("bridges.design", str(mapped), *size, *seed, "--out", str(drawn))
    interpret(drawn / "points.gpkg", truth, labelled)
    sample = ("--reference", str(labelled), "--design", str(drawn / "design.json"))
    run("bridges.assess", str(mapped), *sample, "--out", str(found))
    print(f"{'':<26}overall accuracy")
    for split in SPLITS:
        print(f"{'split ' + split:<26}{metrics(out / split)['accuracy']:.3f}")
    overall = metrics(found)["overall_accuracy"]
    interval = f"{overall['value']:.3f} ({overall['low']:.3f} to {overall['high']:.3f})"
    print(f"{f'sample of {args.size} points':<26}{interval}")
    print(f"{'all pixels of the map':<26}{true_accuracy(mapped, truth):.3f}")


def main(argv: list[str] | None = None) -> int:
    return guarded(lambda: compare(parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
