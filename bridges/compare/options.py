"""Command line and configuration file of a comparison."""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
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
from bridges.errors import UsageError
from bridges.report.metrics import SCORES
from bridges.samples.scaling import SCALES

DEFAULT_CLASSIFIERS = ("qubo-ensemble", "mpi-svc", "sklearn-svc")
SPLITS = ("auto", "random", "polygons", "blocks", "fixed")
PLAIN = ("scale", "repeats", "seeds", "seed", "test_size", "train_limit", "score", "level", "maps")
CONFIG_KEYS = (*PLAIN, "split", "out", "classifier", "data", "curve")
PATHS = ("table", "image", "labels", "groups")
DESCRIPTION = """\
Compare classifiers on data sets: one row per classifier, data set and fold, null controls for
annealed models, statistics, a report. A comparison that was stopped goes on where it was when the
same command is started again."""
EPILOG = """\
exit codes: 0 ok, 1 some cells failed (they are rows with their errors), 2 usage, 3 data,
4 something to install, 130 interrupted (start again to go on)"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; options that are not given are None."""
    parser = argparse.ArgumentParser(
        prog="python -m bridges.compare",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what(parser.add_argument_group("what is compared"))
    _add_how(parser.add_argument_group("how"))
    _add_run(parser.add_argument_group("the run"))
    return parser


def _add_what(group: Any) -> None:
    group.add_argument(
        "--classifier", action="append", metavar="NAME[:KEY=VALUE,…]",
        help=f"a registered classifier; repeat (default: {', '.join(DEFAULT_CLASSIFIERS)})",
    )  # fmt: skip
    group.add_argument("--table", action="append", help="npz, csv or libsvm file; repeat")
    group.add_argument("--image", action="append", help="scene; repeat, each with --labels")
    group.add_argument("--labels", action="append", help="labels of the scene: raster or vector")
    group.add_argument("--groups", action="append", help="polygon numbers of the scene's labels")
    group.add_argument("--label-field", help="attribute of vector labels that holds the class")
    group.add_argument("--classes", help="names or codes to keep, separated by commas")
    group.add_argument(
        "--synthetic", action="store_true", default=None,
        help="the built-in scene (default if no data are given)",
    )  # fmt: skip
    group.add_argument(
        "--curve", action="append", metavar="NAME=VALUE,…",
        help="learning or scaling curve over train (pixels), members, member_size, n_bits, "
        "num_reads or any other parameter; 'ranks' (no values) under mpiexec; repeat",
    )  # fmt: skip


def _add_how(group: Any) -> None:
    group.add_argument("--scale", choices=SCALES, help="scaling of features (default: standard)")
    group.add_argument("--split", choices=SPLITS, help="default: auto (fixed, polygons, random)")
    group.add_argument("--repeats", type=int, help="splits of each data set (default: 10)")
    group.add_argument("--test-size", type=float, help="share of test pixels (default: 0.5)")
    group.add_argument(
        "--train-size", dest="train_limit", type=int, metavar="N",
        help="at most N training pixels, drawn stratified",
    )  # fmt: skip
    group.add_argument("--seed", type=int, help="first seed (default: 0)")
    group.add_argument("--seeds", type=int, help="training seeds per fold (default: 1)")
    group.add_argument("--score", choices=SCORES, help="score that decides (default: accuracy)")
    group.add_argument("--level", type=float, help="significance level (default: 0.05)")
    group.add_argument(
        "--no-maps", dest="maps", action="store_false", default=None, help="do not map scenes"
    )


def _add_run(group: Any) -> None:
    group.add_argument("--config", metavar="FILE.toml", help="all of this in a file; flags win")
    group.add_argument("--out", help="folder (default: runs/<time>); an earlier one goes on")
    group.add_argument("--overwrite", action="store_true", help="start anew in --out")
    group.add_argument("--retry-failed", action="store_true", help="compute failed cells again")
    group.add_argument("--dry-run", action="store_true", help="list the cells and stop")
    group.add_argument("--json", action="store_true", help="print the summary as JSON")
    group.add_argument("--list-classifiers", action="store_true", help="print the names and stop")
    group.add_argument("--show-versions", action="store_true", help="print versions and stop")
    group.add_argument("-q", "--quiet", action="store_true", help="no narration")
    group.add_argument("-v", "--verbose", action="count", default=0, help="-vv: tracebacks")


def read_config(path: str | None) -> dict[str, Any]:
    """Return the content of a configuration file, empty without one.

    Raises
    ------
    UsageError
        If the file is missing, is no TOML, or has an unknown key.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no configuration file {path}.", "Check --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}.", "See examples/compare.toml.") from error
    _known(content, CONFIG_KEYS, path)
    return content


def _known(content: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in content:
        if key not in keys:
            raise UsageError(f"Unknown key '{key}' in {where}.", f"Known: {', '.join(keys)}.")


def make_settings(args: argparse.Namespace) -> Settings:
    """Return what flags (first) and configuration file (second) ask for.

    Raises
    ------
    UsageError
        If something does not exist or does not fit together.
    """
    config = read_config(args.config)
    fields = {key: config[key] for key in PLAIN if key in config}
    fields |= {key: getattr(args, key) for key in PLAIN if getattr(args, key) is not None}
    classifiers = _classifiers(args.classifier or config.get("classifier"))
    data = _data(args, config)
    unique("classifiers", [spec.label for spec in classifiers])
    unique("data sets", [spec.name for spec in data])
    curves = dict(parse_curve(text) for text in args.curve or _curve_texts(config))
    settings = Settings(tuple(classifiers), tuple(data), curves=curves, **fields)
    _check(settings)
    return settings


def _curve_texts(config: Mapping[str, Any]) -> list[str]:
    """Return ``curve = {train = [100, 200]}`` of a file as on the command line."""
    curves = config.get("curve", {})
    return [f"{k}={','.join(map(repr, v))}" if v else k for k, v in curves.items()]


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


def _data(args: argparse.Namespace, config: Mapping[str, Any]) -> list[DataSpec]:
    common: dict[str, Any] = {
        "label_field": args.label_field,
        "classes": _classes(args.classes),
        "split": args.split or config.get("split", "auto"),
    }
    found = [DataSpec(Path(t).stem, table=Path(t), **common) for t in args.table or ()]
    found += [DataSpec(_scene_name(p["image"]), **p, **common) for p in _scenes(args)]
    if args.synthetic:
        found.append(DataSpec("built-in scene", synthetic=True, **common))
    if not found:
        found = [_from_config(item, common) for item in config.get("data", [])]
    return _distinct(found or [DataSpec("built-in scene", synthetic=True, **common)])


def _classes(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",")) if text else None


def _scenes(args: argparse.Namespace) -> list[dict[str, Any]]:
    images, labels, groups = args.image or [], args.labels or [], args.groups or []
    if len(images) != len(labels) or (groups and len(groups) != len(images)):
        raise UsageError(
            f"{len(images)} --image, {len(labels)} --labels, {len(groups)} --groups do not pair.",
            "Give every --image its --labels, and --groups to all scenes or none; "
            "a --config file can mix them.",
        )
    columns = {"image": images, "labels": labels, **({"groups": groups} if groups else {})}
    return [{key: Path(columns[key][i]) for key in columns} for i in range(len(images))]


def _scene_name(image: Path) -> str:
    generic = image.stem.lower() in ("image", "scene", "stack")
    return image.resolve().parent.name if generic else image.stem


def _from_config(item: Mapping[str, Any], common: Mapping[str, Any]) -> DataSpec:
    known = [field.name for field in dataclasses.fields(DataSpec)]
    _known(item, known, "[[data]]")
    values = {**common, **item}
    values.update({key: Path(item[key]) for key in PATHS if key in item})
    if values.get("classes") is not None:
        values["classes"] = tuple(str(c) for c in values["classes"])
    if "name" not in item:
        place = values.get("table") or values.get("image")
        values["name"] = _scene_name(place) if place else "built-in scene"
    return DataSpec(**values)


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


def _check(settings: Settings) -> None:
    for name, low in (("repeats", 1), ("seeds", 1), ("train_limit", 2), ("seed", 0)):
        value = getattr(settings, name)
        if value is not None and (not isinstance(value, int) or value < low):
            raise UsageError(f"{name} is {value!r}.", f"Use a whole number of at least {low}.")
    for name in ("test_size", "level"):
        value = getattr(settings, name)
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise UsageError(f"{name} is {value!r}.", "Use a number between 0 and 1.")
    choices = {"scale": SCALES, "score": SCORES}
    for name, known in choices.items():
        if getattr(settings, name) not in known:
            raise UsageError(
                f"{name} is '{getattr(settings, name)}'.", f"Use one of {', '.join(known)}."
            )
    for spec in settings.data:
        if spec.split not in SPLITS:
            raise UsageError(f"split is '{spec.split}'.", f"Use one of {', '.join(SPLITS)}.")
