"""The cells of a comparison: every classifier, control and baseline on every fold."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bridges.classifier import is_collective, null_controls_of
from bridges.compare.sources import Source
from bridges.compare.specs import ClassifierSpec, Settings
from bridges.errors import ToolkitError, UsageError

FORMAT = 1
BASELINE = "majority class"


@dataclasses.dataclass(frozen=True)
class Entry:
    """Something that gets a line in the table.

    Attributes
    ----------
    label : str
        What it is called.
    role : str
        ``classifier``, ``control`` or ``baseline``.
    spec : ClassifierSpec or None
        What makes it; a control's is that of the classifier that it controls. None: baseline.
    control : str or None
        Key of :meth:`null_controls`.
    collective : bool
        Whether all MPI ranks fit it together.
    curve : str or None
        Name of the curve that it is a point of.
    value : object
        The point.
    """

    label: str
    role: str
    spec: ClassifierSpec | None = None
    control: str | None = None
    collective: bool = False
    curve: str | None = None
    value: Any = None


@dataclasses.dataclass(frozen=True)
class Cell:
    """One entry on one fold of one data set with one seed.

    Attributes
    ----------
    key : str
        Names the result: equal keys, equal results. Labels are no part of it.
    entry : Entry
        What is fitted.
    source : Source
        On which data.
    fold, seed : int
        On which split, from which seed.
    train_limit : int or None
        Upper bound on training samples.
    mapped : bool
        Whether the scene is mapped too.
    """

    key: str
    entry: Entry
    source: Source
    fold: int
    seed: int
    train_limit: int | None
    mapped: bool


def make_plan(settings: Settings, sources: Sequence[Source], ranks: int = 1) -> list[Cell]:
    """Return all cells in the order of the final table.

    Parameters
    ----------
    settings : Settings
        The comparison.
    sources : sequence of Source
        Its data sets, loaded.
    ranks : int
        MPI ranks of this run, the points of the curve ``ranks``.

    Raises
    ------
    UsageError
        If a curve's parameter belongs to none of the classifiers.
    """
    entries = list(main_entries(settings))
    entries += list(curve_entries(settings, ranks))
    return [
        _cell(settings, source, entry, fold, seed)
        for source in sources
        for entry in entries
        for fold in range(len(source.splits))
        for seed in range(settings.seed, settings.seed + settings.seeds)
        if entry.role != "baseline" or seed == settings.seed
    ]


def main_entries(settings: Settings) -> Iterator[Entry]:
    """Yield the classifiers, each followed by its null controls, and the baseline."""
    for spec in settings.classifiers:
        estimator = probe(spec)
        together = is_collective(estimator)
        yield Entry(spec.label, "classifier", spec, collective=together)
        for name, control in controls_of(estimator).items():
            together = is_collective(control)
            yield Entry(f"{spec.label} / {name}", "control", spec, name, together)
    yield Entry(BASELINE, "baseline")


def probe(spec: ClassifierSpec) -> Any:
    """Return the unfitted estimator, or None if it cannot be made (its cells will say why)."""
    try:
        return spec.make()
    except (ToolkitError, ImportError, TypeError, ValueError):
        return None


def controls_of(estimator: Any) -> dict[str, Any]:
    """Return the null controls that an estimator offers; none where they cannot be made."""
    try:
        return null_controls_of(estimator)
    except (ToolkitError, ImportError, TypeError, ValueError):
        return {}


def curve_entries(settings: Settings, ranks: int) -> Iterator[Entry]:
    """Yield the points of the requested curves."""
    for name, values in settings.curves.items():
        points = (ranks,) if name == "ranks" else values
        found = False
        for spec in settings.classifiers:
            for value in points:
                changed = spec if name in ("train", "ranks") else spec.with_param(name, value)
                estimator = probe(changed)
                if estimator is None and probe(spec) is not None:
                    continue  # a parameter of other classifiers
                found = True
                together = is_collective(estimator)
                yield Entry(
                    spec.label, "classifier", changed, None, together, curve=name, value=value
                )
        if not found:
            raise UsageError(
                f"No classifier has the parameter '{name}' of the curve.",
                "Use train, ranks, or a parameter of one of the --classifier options.",
            )


def _cell(settings: Settings, source: Source, entry: Entry, fold: int, seed: int) -> Cell:
    limit = entry.value if entry.curve == "train" else settings.train_limit
    mapped = (
        settings.maps
        and source.spec.image is not None
        and entry.role == "classifier"
        and entry.curve is None
        and (fold, seed) == (0, settings.seed)
    )
    spec = entry.spec
    identity: dict[str, Any] = {
        "format": FORMAT,
        "data": source.fingerprint,
        "split": [source.splits[fold].kind, settings.test_size, settings.seed, fold],
        "scale": settings.scale,
        "limit": limit,
        "seed": seed,
        "classifier": None if spec is None else [spec.name, dict(spec.params)],
        "control": entry.control,
        "ranks": entry.value if entry.curve == "ranks" else None,
        "mapped": mapped,
    }
    # Only where they are given, so that rows of earlier versions keep their keys.
    if source.spec.block_size is not None:
        identity["blocks"] = source.spec.block_size
    if source.spec.regions is not None:
        identity["regions"] = str(source.spec.regions)
    if source.spec.buffer is not None:
        identity["buffer"] = source.spec.buffer
    if source.spec.space != "geographic":
        identity["space"] = source.spec.space
    chosen = {name: getattr(source.spec, name) for name in ("bands", "mask", "nodata")}
    if mapped and any(value is not None for value in chosen.values()):
        identity["scene"] = chosen
    text = json.dumps(identity, sort_keys=True, default=repr)
    key = hashlib.sha256(text.encode()).hexdigest()[:20]
    return Cell(key, entry, source, fold, seed, limit, mapped)
