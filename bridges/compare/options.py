"""Command line and configuration file of a comparison."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges.compare.specs import (
    ClassifierSpec,
    DataSpec,
    Settings,
    checked,
    parse_classifier,
    parse_curve,
    unique,
)
from bridges.errors import UsageError, did_you_mean
from bridges.report.metrics import SCORES
from bridges.run import config, label_options, options, table_options
from bridges.run.label_options import label_reading
from bridges.run.option_types import at_least, number, share
from bridges.run.parser import Anew, Option
from bridges.run.table_options import table_roles
from bridges.scene.names import as_path

DEFAULT_CLASSIFIERS = ("qubo-ensemble", "mpi-svc", "sklearn-svc")
PLAIN = (
    "scale",
    "repeats",
    "seeds",
    "seed",
    "test_size",
    "train_limit",
    "score",
    "level",
    "rope",
    "maps",
    "jobs",
)
PATHS = ("table", "image", "labels", "groups")
OF_LABELS = tuple(option.name for option in label_options.OPTIONS)
OF_SCENES = (*OF_LABELS, "bands", "mask", "nodata")
OF_SPLITS = ("block_size", "regions", "buffer", "space")
OF_TABLES = tuple(option.name for option in table_options.OPTIONS)
KEYS = (
    *("name", "synthetic", *PATHS, "classes", "split", *OF_SPLITS, *OF_SCENES),
    *OF_TABLES,
)
"""What a [[data]] of a file may set."""
BUILT_IN = "built-in scene"


def as_classifiers(value: Any) -> Any:
    """Return the ``classifier`` of a file: texts as after the flag, and tables with labels."""
    if value is not None and not isinstance(value, list):
        raise ValueError("it is a list of texts, or tables [[classifier]]")
    return value


def as_curves(value: Any) -> list[str] | None:
    """Return ``curve = {train = [100, 200]}`` of a file as on the command line."""
    if isinstance(value, list | None):
        return value
    if not isinstance(value, dict):
        raise ValueError("it is a table, as in: curve = { train = [100, 200] }")
    return [f"{k}={','.join(map(repr, v))}" if v else k for k, v in value.items()]


def as_data(value: Any) -> Any:
    """Return the tables ``[[data]]`` of a file."""
    if value is not None and not isinstance(value, list):
        raise ValueError("it is written as tables [[data]]")
    return value


ONLY = ("compare",)
WHAT, HOW = "what is compared", "how"
OPTIONS = (
    options.OUT.but(users=ONLY, help="folder (default: runs/<time>); an earlier one goes on"),
    options.OVERWRITE.but(users=ONLY, help="start anew in --out"),
    options.DRY_RUN.but(users=ONLY, help="list the cells and stop"),
    Option(
        ("--retry-failed",), "compute failed cells again", ONLY, options.OUTPUT, action="store_true"
    ),
    Option(
        ("--classifier",),
        f"a registered classifier; repeat (default: {', '.join(DEFAULT_CLASSIFIERS)})",
        ONLY,
        WHAT,
        action=Anew,
        metavar="NAME[:KEY=VALUE,…]",
        from_file=as_classifiers,
    ),
    Option(
        ("--curve",),
        "learning or scaling curve over train (pixels), members, member_size, n_bits, num_reads or "
        "any other parameter; 'ranks' (no values) under mpiexec; repeat",
        ONLY,
        WHAT,
        action=Anew,
        metavar="NAME=VALUE,…",
        from_file=as_curves,
    ),
    Option(("--data",), "tables of data sets", ONLY, file_only=True, from_file=as_data),
    options.TABLE.but(users=ONLY, help="npz, csv or libsvm file; repeat", action=Anew),
    options.IMAGE.but(users=ONLY, help="scene; repeat, each with --labels", action=Anew),
    options.LABELS.but(
        users=ONLY, help="labels of the scene: raster or vector; repeat", action=Anew
    ),
    options.GROUPS.but(
        users=ONLY, help="polygon numbers of the scene's labels; repeat", action=Anew
    ),
    Option(
        ("--synthetic",),
        "the built-in scene (default if no data are given)",
        ONLY,
        options.DATA,
        action="store_true",
    ),
    Option(("--repeats",), "splits of each data set", ONLY, HOW, default=10, type=at_least(1)),
    Option(
        ("--train-size",),
        "at most N training pixels, drawn stratified",
        ONLY,
        HOW,
        type=at_least(2),
        metavar="N",
        dest="train_limit",
    ),
    options.SEED.but(users=ONLY, help="first seed"),
    Option(("--seeds",), "training seeds per fold", ONLY, HOW, default=1, type=at_least(1)),
    Option(
        ("--score",), "score that decides", ONLY, HOW, default="accuracy", choices=tuple(SCORES)
    ),
    Option(("--level",), "significance level", ONLY, HOW, default=0.05, type=share),
    Option(
        ("--rope",),
        "difference of scores that makes no difference in practice",
        ONLY,
        HOW,
        default=0.01,
        type=number("a difference of scores", least=0),
    ),
    Option(
        ("--maps",),
        "map scenes",
        ONLY,
        HOW,
        default=True,
        action=argparse.BooleanOptionalAction,
    ),
    Option(("--list-classifiers",), "print the names and stop", ONLY, action="store_true"),
)
"""What this command has beside :data:`bridges.run.options.OPTIONS`, or in another form."""


def make_settings(args: argparse.Namespace) -> Settings:
    """Return what the options ask for.

    Raises
    ------
    UsageError
        If something does not exist or does not fit together.
    """
    fields = {key: getattr(args, key) for key in PLAIN}
    classifiers = _classifiers(args.classifier)
    data = _data(args)
    unique("classifiers", [spec.label for spec in classifiers])
    unique("data sets", [spec.name for spec in data])
    curves = dict(parse_curve(text) for text in args.curve or ())
    return Settings(tuple(classifiers), tuple(data), curves=curves, **fields)


def _known(content: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in content:
        if key not in keys:
            raise UsageError(
                f"Unknown key '{key}' in {where}.",
                f"{did_you_mean(key, keys)}Known: {', '.join(keys)}.",
            )


def _classifiers(given: Sequence[Any] | None) -> list[ClassifierSpec]:
    specs = []
    for item in given or DEFAULT_CLASSIFIERS:
        if isinstance(item, str):
            specs.append(parse_classifier(item))
            continue
        _known(item, ("name", "label", "params"), "[[classifier]]")
        if "name" not in item:
            raise UsageError("A [[classifier]] has no name.", 'Add name = "qubo-ensemble".')
        params = item.get("params", {})
        specs.append(checked(ClassifierSpec(item.get("label", item["name"]), item["name"], params)))
    return specs


def _data(args: argparse.Namespace) -> list[DataSpec]:
    given = vars(args)
    found = [_spec(Path(t).stem, {**given, "table": as_path(t)}) for t in args.table or ()]
    found += [_spec(_scene_name(p["image"]), {**given, **p}) for p in _scenes(args)]
    if args.synthetic:
        found.append(_spec(BUILT_IN, given))
    if not found:
        found = [_from_config(item, given) for item in args.data or ()]
    found = _distinct(found or [_spec(BUILT_IN, {**given, "synthetic": True})])
    _check_kinds(given, found)
    return found


def _spec(name: str, given: Mapping[str, Any]) -> DataSpec:
    """Return a table, scene or built-in scene; common options of the other kinds are left out."""
    spec = DataSpec(
        name,
        classes=_tuple(given["classes"]),
        split=given["split"],
        **{name: given[name] for name in OF_SPLITS},
    )
    if isinstance(given["table"], Path):
        roles = table_roles(argparse.Namespace(**given))
        return dataclasses.replace(spec, table=given["table"], roles=roles)
    files = {key: given[key] for key in PATHS if isinstance(given[key], Path)}
    return dataclasses.replace(
        spec,
        **files,
        synthetic=not files,
        label_field=given["label_field"],
        reading=label_reading(argparse.Namespace(**given)),
        bands=_tuple(given["bands"]),
        mask=given["mask"],
        nodata=given["nodata"],
    )


def _check_kinds(given: Mapping[str, Any], found: Sequence[DataSpec]) -> None:
    """Raise a UsageError for a common option that no data set of the comparison can take."""
    tables = [spec.table is not None for spec in found]
    of_scenes = [name for name in OF_SCENES if given[name] not in (None, False)]
    if of_scenes and all(tables):
        raise UsageError(
            f"--{of_scenes[0].replace('_', '-')} is for scenes, and only tables are compared.",
            "Leave it out, or add --image FILE --labels FILE.",
        )
    of_tables = [name for name in OF_TABLES if given[name] is not None]
    if of_tables and not any(tables):
        raise UsageError(
            f"--{of_tables[0].replace('_', '-')} is for tables, and only scenes are compared.",
            "Leave it out, or add --table FILE.",
        )


def _tuple(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _scenes(args: argparse.Namespace) -> list[dict[str, Any]]:
    images, labels, groups = args.image or [], args.labels or [], args.groups or []
    if len(images) != len(labels) or (groups and len(groups) != len(images)):
        raise UsageError(
            f"{len(images)} --image, {len(labels)} --labels, {len(groups)} --groups do not pair.",
            "Give every --image its --labels, and --groups to all scenes or none; "
            "a --config file can mix them.",
        )
    columns = {"image": images, "labels": labels, **({"groups": groups} if groups else {})}
    return [{key: as_path(columns[key][i]) for key in columns} for i in range(len(images))]


def _scene_name(image: Path) -> str:
    generic = image.stem.lower() in ("image", "scene", "stack")
    return image.resolve().parent.name if generic else image.stem


def _from_config(item: Mapping[str, Any], given: Mapping[str, Any]) -> DataSpec:
    """Return the data set of a table [[data]], which wins over the options common to all."""
    _known(item, KEYS, "[[data]]")
    own = {key: as_path(item[key]) for key in PATHS if key in item}
    place = own.get("table") or own.get("image")
    name = str(item.get("name", _scene_name(place) if place else BUILT_IN))
    parser = options.make_parser("python -m bridges.compare", options.of("compare", OPTIONS))
    more = {k: v for k, v in item.items() if k not in (*PATHS, "name", "synthetic")}
    spec = _spec(name, {**given, **config.checked(parser, more, "[[data]]"), **own})
    foreign = set(item) & set((*PATHS[1:], *OF_SCENES) if spec.table else OF_TABLES)
    if foreign:
        raise UsageError(
            f"The [[data]] '{name}' is a {'table' if spec.table else 'scene'} and sets "
            f"{', '.join(sorted(foreign))}.",
            "Leave it out, or name the data that it is for.",
        )
    spec = dataclasses.replace(spec, synthetic=item.get("synthetic") is True)
    spec.check()
    return spec


def _distinct(specs: Sequence[DataSpec]) -> list[DataSpec]:
    """Return the data sets, those with the same name numbered."""
    seen: dict[str, int] = {}
    named = []
    for spec in specs:
        seen[spec.name] = seen.get(spec.name, 0) + 1
        count = seen[spec.name]
        named.append(
            spec if count == 1 else dataclasses.replace(spec, name=f"{spec.name} ({count})")
        )
    return named
