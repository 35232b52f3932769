"""Apply a saved model to another scene: the run behind ``qsvm.predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.machine import comm as mpi
from bridges.run import options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.parser import Option

if TYPE_CHECKING:
    import argparse

    from bridges.accuracy.applicability import Applicability
    from bridges.maps.classify import MapSummary
    from bridges.scene.scene import Scene

HECTARE_M2 = 10_000.0

ONLY = ("predict",)
OPTIONS = (
    Option(("model",), "model.skops of an earlier run", ONLY, metavar="MODEL"),
    options.IMAGE.but(
        users=ONLY,
        help="image: a file, files of one band each, a product's folder or archive",
        action=None,
        required=True,
    ),
    options.OUT.but(users=ONLY, help="the map, a GeoTIFF", metavar="FILE", required=True),
    options.OVERWRITE.but(users=ONLY, help="replace an existing map"),
    options.JOBS.but(users=ONLY, help="threads of each rank (default: all cores)"),
    Option(
        ("--any-values",),
        "map pixels though nearly all lie far outside the training values",
        ONLY,
        options.DATA,
        action="store_true",
    ),
    Option(
        ("--resume",),
        "go on with what an interrupted map at the same place has left",
        ONLY,
        options.OUTPUT,
        action="store_true",
    ),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def predict(args: argparse.Namespace) -> int:
    """Classify a scene as the options say; returns the exit code.

    Raises
    ------
    UsageError
        If the map exists.
    DataError
        If the model cannot be read, or the scene does not have the bands that it was trained on.
    """
    from bridges.maps.classify import assist

    comm = mpi.resolve()
    if comm.rank > 0:
        assist(comm, args.jobs)
        return 0
    narrator = Narrator(-1 if args.quiet else args.verbose)
    summary, names = _draw(args, narrator, comm)
    narrator.say(f"written: {summary.path} ({summary.total_s:.1f} s)")
    print(json.dumps(_counts(summary, names), indent=2) if args.json else _text(summary, names))
    return 0


def _draw(
    args: argparse.Namespace, narrator: Narrator, comm: mpi.Communicator
) -> tuple[MapSummary, dict[int, str]]:
    """Classify the scene; return what the map holds, and the names of its classes."""
    from bridges.maps.classify import predict_map
    from bridges.maps.companions import companions_of, write_companions
    from bridges.run.model_file import load_model

    out = Path(args.out)
    sure = None if args.layers is None else out.with_name("confidence.tif")
    for target in (out, *companions_of(out), sure):
        if target is not None and target.exists() and not args.overwrite:
            raise UsageError(
                f"The file {target} exists.", "Choose another --out FILE, or add --overwrite."
            )
    if sure == out:
        raise UsageError(
            "The map cannot be called confidence.tif, as its layers are.", "Name --out otherwise."
        )
    model, meta = load_model(args.model)
    scene = _suited(args, meta, narrator)
    names = {int(code): name for code, name in meta["class_names"].items()}
    with narrator.progress("map (pixels)") as progress:
        summary = predict_map(
            model,
            scene,
            out,
            class_names=names,
            class_colors=scene.colors_for(names),
            n_jobs=args.jobs,
            comm=comm,
            resume=args.resume,
            confidence=sure,
            applicability=_known(meta, narrator) if args.layers else None,
            smooth=args.smooth,
            sieve=args.sieve,
            progress=progress,
            told=lambda expected: narrator.say(f"map: {expected}"),
        )
    write_companions(out, scene, names, sure)
    return summary, names


def _known(meta: dict[str, Any], narrator: Narrator) -> Applicability | None:
    """Return what the training samples were like, if the model file tells."""
    from bridges.accuracy.applicability import Applicability

    if "applicability" not in meta:
        narrator.warn("The model file does not tell its training samples: no dissimilarity.")
        return None
    return Applicability.from_state(meta["applicability"])


def _suited(args: argparse.Namespace, meta: dict[str, Any], narrator: Narrator) -> Scene:
    """Open the image with the bands that the model takes."""
    from bridges.run.suitability import computed_features, suited
    from bridges.scene.opening import every_band, open_scene

    bands = args.bands or computed_features(meta, args.image)
    scene = open_scene(args.image, bands=bands, nodata=args.nodata, mask=args.mask)
    usual = scene.bands
    if bands is None:
        scene = every_band(args.image, nodata=args.nodata, mask=args.mask)
    notes = scene.notes
    scene, more, warnings = suited(
        scene, meta, usual, chosen=bands is not None, any_values=args.any_values
    )
    for note in (*notes, *more):
        narrator.note(note)
    for warning in warnings:
        narrator.warn(warning)
    return scene


def _counts(summary: MapSummary, names: dict[int, str]) -> dict[str, Any]:
    return {
        "classes": [
            {
                "code": code,
                "name": names.get(code, str(code)),
                "pixels": pixels,
                "area_ha": _hectares(summary, pixels),
            }
            for code, pixels in sorted(summary.counts.items())
        ],
        "masked_pixels": summary.n_masked,
        "inside_aoa": summary.inside_share,
        "seconds": summary.total_s,
    }


def _hectares(summary: MapSummary, pixels: int) -> float | None:
    if summary.pixel_area_m2 is None:
        return None
    return pixels * summary.pixel_area_m2 / HECTARE_M2


def _text(summary: MapSummary, names: dict[int, str]) -> str:
    width = max(len("masked"), *(len(name) for name in names.values()))
    lines = [f"{'class':{width}}      pixels      hectares"]
    for entry in _counts(summary, names)["classes"]:
        area = "–" if entry["area_ha"] is None else f"{entry['area_ha']:.1f}"
        lines.append(f"{entry['name']:{width}}  {entry['pixels']:10}  {area:>12}")
    lines.append(f"{'masked':{width}}  {summary.n_masked:10}")
    if summary.inside_share is not None:
        lines.append(f"{summary.inside_share:.1%} of it inside the area of applicability")
    return "\n".join(lines)


def command(module: str) -> Command:
    """Return the command that a package starts by ``python -m <module>``."""
    summary = "a saved model applied to another scene."
    return Command(module, summary, options.of("predict", OPTIONS), predict)
