"""The options that commands share: one object each, with the commands that use it.

**A command** is a name under ``annealsvm``. Its parser has the options that name it among their
``users``, those of this file first, then those of its own::

    COMMAND = Command("qsvm.plan", "What it costs.", of("plan", qsvm.options.OPTIONS), body)
    main = COMMAND.main  # body(args): flag > ANNEALSVM_… > --config FILE > default

It appears under ``annealsvm`` by an entry point of the group ``bridges.commands``
(:mod:`bridges.run.main`).

**To give a command an option of this file**, add the command's name to the option's ``users``.
**To add an option**, write one :class:`bridges.run.parser.Option` and put it into ``OPTIONS``: here
if several commands or the floor need it, in the wing's or room's own ``options.py`` if not. Choices
are the tuple of names that the implementing module exports; a value that a TOML file writes in
another form than a flag gets ``from_file``. Another default, help or form for one command is
``OPTION.but(users=("compare",), …)``. A name, once released, stays readable in old ``run.json``
files.

Errors, "did you mean", the environment, files and the record of a run need nothing further: they
work on every option of a parser. Another package's command gives its parser a list of these
objects and of its own: ``make_parser("python -m mine", [SEED, TABLE, MINE])``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridges.calibration.learning import METHODS
from bridges.errors import UsageError
from bridges.maps.layers import NAMES
from bridges.run import label_options, table_options
from bridges.run.option_types import (
    any_number,
    at_least,
    comma_list,
    file_number,
    number,
    share,
)
from bridges.run.parser import Anew, Option, Parser
from bridges.samples.distances import SPACES
from bridges.samples.scaling import SCALES
from bridges.samples.splits import AUTO, CHOICES
from bridges.svm.kernels import FEATURE_KERNELS
from bridges.svm.multiclass import SCHEMES

TRAINING = ("train", "fit-exact")
LEARNING = (*TRAINING, "compare")
"""Commands that read labelled samples."""
SCENES = (*LEARNING, "predict")
"""Commands that read scenes."""
ACCURACY = ("design", "assess", "clean")
"""Commands on how good maps and labels are."""
EVERY = (*SCENES, "plan", *ACCURACY, "change")

WRITING = (*TRAINING, *ACCURACY)
"""Commands that fill an output folder."""

DATA = "data"
SVM = "SVM"
OUTPUT = "output"

CONFIG = Option(
    ("--config",), "TOML file of options, or the run.json of an earlier run", EVERY, metavar="FILE"
)
SEED = Option(
    ("--seed",),
    "seed of everything random",
    (*LEARNING, "design", "clean"),
    default=0,
    type=at_least(0),
)
JSON = Option(("--json",), "print the result as JSON on stdout", EVERY, action="store_true")
VERBOSE = Option(("--verbose", "-v"), "say more; -vv traces", EVERY, default=0, action="count")
QUIET = Option(("--quiet", "-q"), "no narration, no progress", EVERY, action="store_true")
SHOW_VERSIONS = Option(("--show-versions",), "list versions and stop", EVERY, action="store_true")

OUT = Option(("--out",), "output folder (default: runs/<time>)", WRITING, OUTPUT, metavar="DIR")
OVERWRITE = Option(
    ("--overwrite",), "write into an existing folder", WRITING, OUTPUT, action="store_true"
)
DRY_RUN = Option(
    ("--dry-run",), "print what would be solved, and stop", LEARNING, OUTPUT, action="store_true"
)

IMAGE = Option(
    ("--image",),
    "image: a file, a list of files of one band each, or a product's folder or archive; repeat, "
    "each with --labels, to train on several",
    TRAINING,
    DATA,
    metavar="FILE",
    action=Anew,
)
LABELS = Option(
    ("--labels",),
    "classes: a raster, a vector file or a table of points",
    TRAINING,
    DATA,
    metavar="FILE",
    action=Anew,
)
LABEL_FIELD = label_options.LABEL_FIELD
GROUPS = Option(
    ("--groups",), "raster of polygon numbers", TRAINING, DATA, metavar="FILE", action=Anew
)
CLASSES = Option(
    ("--classes",), "names or codes to keep", LEARNING, DATA, metavar="A,B,…", type=comma_list
)
BANDS = Option(
    ("--bands",),
    "bands to use, and spectral indices (NDVI, TCW, …) to compute from them",
    SCENES,
    DATA,
    metavar="A,B,…",
    type=comma_list,
)
MASK = Option(
    ("--mask",),
    "raster that hides pixels, FILE:2,4 values",
    SCENES,
    DATA,
    metavar="FILE",
)
NODATA = Option(
    ("--nodata",), "value of missing pixels", SCENES, DATA, type=any_number, from_file=file_number
)
TABLE = Option(
    ("--table",),
    "samples in a .npz, .csv or LIBSVM file, instead of a scene",
    TRAINING,
    DATA,
    metavar="FILE",
)
SPLIT = Option(
    ("--split",),
    "how test samples are set apart; auto: as the table prescribes, else whole polygons where they "
    "are known, else random",
    LEARNING,
    DATA,
    default=AUTO,
    choices=CHOICES,
    from_file=lambda value: value,  # null in a record of version 0.1 is its default, not today's
)
TEST_SIZE = Option(
    ("--test-size",), "share of test samples", LEARNING, DATA, default=0.5, type=share
)
BLOCK_SIZE = Option(
    ("--block-size",), "pixels on a side of a spatial block", LEARNING, DATA, type=at_least(1)
)
REGIONS = Option(
    ("--regions",),
    "regions for --split regions: a field of the vector labels, a raster of numbers, a column",
    LEARNING,
    DATA,
    metavar="NAME|FILE",
)
BUFFER = Option(
    ("--buffer",),
    "pixels between training and test samples of --split buffered (default: 10)",
    LEARNING,
    DATA,
    type=number("a width", least=0),
)
SPACE = Option(
    ("--space",),
    "where --split knndm matches distances: on the map, or between features",
    LEARNING,
    DATA,
    default="geographic",
    choices=SPACES,
)
SCALE = Option(
    ("--scale",),
    "feature scaling, fitted on the training samples; minmax is to [-1, 1]",
    LEARNING,
    DATA,
    default="standard",
    choices=SCALES,
)

KERNEL = Option(("--kernel",), "kernel", TRAINING, SVM, default="rbf", choices=FEATURE_KERNELS)
GAMMA = Option(
    ("--gamma",),
    "γ: a number > 0, scale or auto",
    TRAINING,
    SVM,
    default="scale",
    type=number("γ", above=0, names=("scale", "auto")),
)
DEGREE = Option(("--degree",), "degree of poly", TRAINING, SVM, default=3, type=at_least(1))
COEF0 = Option(
    ("--coef0",),
    "constant of poly and sigmoid",
    TRAINING,
    SVM,
    default=0.0,
    type=number("coef0"),
)
C = Option(
    ("--C",), "upper bound of α", ("fit-exact",), SVM, default=10.0, type=number("C", above=0)
)
CLASS_WEIGHT = Option(
    ("--class-weight",), "weights of the classes", TRAINING, SVM, choices=("balanced",)
)
MULTICLASS = Option(
    ("--multiclass",), "class splits", TRAINING, SVM, default="ovo", choices=SCHEMES
)
CALIBRATE = Option(
    ("--calibrate",),
    "give the model class probabilities, learnt from samples that it has not seen",
    TRAINING,
    SVM,
    choices=METHODS,
)
LAYERS = Option(
    ("--layers",),
    "layers beside the map: confidence.tif (probability, margin, entropy, dissimilarity); "
    "calibrates by sigmoid if nothing else is said",
    (*TRAINING, "predict"),
    OUTPUT,
    choices=NAMES,
)
SMOOTH = Option(
    ("--smooth",),
    "smooth probabilities over a square of so many pixels along an edge (odd); calibrates by "
    "sigmoid if nothing else is said",
    (*TRAINING, "predict"),
    OUTPUT,
    default=0,
    type=at_least(0),
    metavar="PIXELS",
)
SIEVE = Option(
    ("--sieve",),
    "smallest patch of the map in pixels; smaller ones go to their largest neighbour",
    (*TRAINING, "predict"),
    OUTPUT,
    default=0,
    type=at_least(0),
    metavar="PIXELS",
)
JOBS = Option(("--jobs",), "threads (default: all cores)", LEARNING, type=at_least(1))

OPTIONS = (
    CONFIG, SEED, JOBS, JSON, VERBOSE, QUIET, SHOW_VERSIONS,
    OUT, OVERWRITE, DRY_RUN,
    IMAGE, LABELS, GROUPS, CLASSES, BANDS, MASK, NODATA, TABLE, SPLIT, TEST_SIZE, BLOCK_SIZE,
     REGIONS, BUFFER, SPACE, SCALE, *label_options.OPTIONS, *table_options.OPTIONS,
    KERNEL, GAMMA, DEGREE, COEF0, C, CLASS_WEIGHT, MULTICLASS, CALIBRATE, LAYERS,
    SMOOTH, SIEVE,
)  # fmt: skip
"""In the order of ``--help``."""


def of(command: str, *more: Iterable[Option]) -> tuple[Option, ...]:
    """Return the options of a command: the shared ones, and those of further registries.

    Parameters
    ----------
    command : str
        Its name under ``annealsvm``.
    *more : iterable of Option
        Registries beside :data:`OPTIONS`; an option of the same name replaces the shared one.

    Raises
    ------
    UsageError
        If no option names the command.
    """
    found: dict[str, Option] = {}
    for registry in (OPTIONS, *more):
        found |= {option.name: option for option in registry if command in option.users}
    if not found:
        raise UsageError(f"No option has the command '{command}'.", "Name it among their users.")
    return tuple(found.values())


def make_parser(
    prog: str, options: Sequence[Option], description: str = "", epilog: str = ""
) -> Parser:
    """Return the parser of a command.

    Parameters
    ----------
    prog : str
        How it is called: ``python -m qsvm.plan``.
    options : sequence of Option
        From :func:`of`.
    description, epilog : str
        For ``--help``.
    """
    return Parser(prog, options, description, epilog)
