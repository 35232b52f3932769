"""``python -m bridges.assess MAP …``: accuracy and areas, estimated from a labelled sample."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from bridges.errors import UsageError
from bridges.run import config, options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.option_types import comma_list, number
from bridges.run.parser import Option

if TYPE_CHECKING:
    from bridges.accuracy.assessment import Assessment
    from bridges.accuracy.design import Design
    from bridges.run.folder import RunFolder

NO_DESIGN = (
    "Accuracies and areas of a map can be estimated from a probability sample only, and nothing "
    "says how these points were drawn."
)
NO_DESIGN_HINT = (
    "Name its design with --design design.json, or draw a sample: python -m bridges.design {map} "
    "--size 300 --out sample. Points and polygons picked by hand may train a classifier and "
    "compare classifiers (python -m bridges.compare … --split polygons), which tells how well "
    "classes are told apart, not how good this map is."
)


ONLY = ("assess",)
SAMPLE = "sample"
OPTIONS = (
    Option(("map",), "the class map", ONLY, metavar="MAP"),
    Option(("--reference",), "labelled points", ONLY, SAMPLE, metavar="FILE", required=True),
    Option(("--design",), "design.json: how they were drawn", ONLY, SAMPLE, metavar="FILE"),
    options.LABEL_FIELD.but(
        users=ONLY, help="field with classes or codes", group=SAMPLE, default="reference"
    ),
    Option(
        ("--other-map",),
        "assess another map than the one of the design",
        ONLY,
        SAMPLE,
        action="store_true",
    ),
    Option(
        ("--without",),
        "strata to leave out of the population",
        ONLY,
        SAMPLE,
        metavar="A,B,…",
        type=comma_list,
    ),
    Option(
        ("--z",),
        "half-width of intervals in standard errors; 1.96 is 95 %%",
        ONLY,
        SAMPLE,
        default=1.96,
        type=number("z", above=0),
    ),
    options.DRY_RUN.but(users=ONLY, help="print the result and write nothing"),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def _body(args: argparse.Namespace) -> int:
    from bridges.accuracy.assessment import plain_text
    from bridges.accuracy.design import read_design
    from bridges.run.folder import RunFolder

    narrator = Narrator(-1 if args.quiet else args.verbose)
    if args.design is None:
        raise UsageError(NO_DESIGN, NO_DESIGN_HINT.format(map=args.map))
    design = read_design(args.design)
    assessment = _assess(args, design)
    content = {**assessment.content(), "design": {**design.content(), **_short(design)}}
    if not args.dry_run:
        with RunFolder(args.out, overwrite=args.overwrite) as folder:
            folder.write_json("metrics.json", content)
            _write_report(folder, assessment, design, args)
        narrator.say(f"written: {folder.path}/")
    print(json.dumps(content, indent=2) if args.json else plain_text(assessment))
    return 0


def _assess(args: argparse.Namespace, design: Design) -> Assessment:
    from bridges.accuracy.assessment import assess
    from bridges.accuracy.class_map import open_map, survey
    from bridges.accuracy.points import read_points
    from bridges.accuracy.reference import join, population_notes

    classes = open_map(args.map)
    points = read_points(args.reference, classes.grid, args.label_field)
    sample = join(
        design,
        points,
        classes,
        survey(classes),
        other_map=args.other_map,
        without=args.without or (),
    )
    return assess(sample, design, population_notes(design), args.z)


def _short(design: Design) -> dict[str, None]:
    """Return design.json's long entries emptied, for a file that is about something else."""
    return {key: None for key in design.content() if key.startswith("points")}


def _write_report(
    folder: RunFolder, assessment: Assessment, design: Design, args: argparse.Namespace
) -> None:
    """Write tables, page and record of the run."""
    from bridges.accuracy import page
    from bridges.report.page import render_report
    from bridges.report.sections import run_section
    from bridges.run.record import run_record

    folder.write_text("tables.md", page.markdown(assessment, design))
    folder.write_text("tables.tex", page.latex(assessment, design))
    record = run_record(config.recorded(args), None, {})
    folder.write_json("run.json", record)
    with folder.target("report.html") as target:
        render_report(
            target,
            "Accuracy and areas of a map",
            [*page.sections(assessment, design), run_section(record)],
            lead=page.lead(assessment),
        )


COMMAND = Command(
    "bridges.assess",
    "Estimate accuracy and areas of a map from a labelled probability sample.",
    options.of("assess", OPTIONS),
    _body,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
