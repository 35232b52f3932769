"""One cell: fit, predict, score, measure; whatever goes wrong becomes its row."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.classifier import (
    HasDiagnostics,
    HasFitReport,
    OffersNullControls,
    null_controls_of,
)
from bridges.compare.sources import Fold, make_fold
from bridges.errors import ToolkitError
from bridges.fit_report import Diagnostics, FitReport, shown
from bridges.report.energies import energies
from bridges.report.metrics import SCORES, evaluate, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.compare.plan import Cell

IDENTITY = (
    "key", "data", "classifier", "role", "control_of", "registered", "parameters", "split", "fold",
    "seed", "curve", "curve_value", "n_train", "n_test", "n_features", "n_classes",
)  # fmt: skip
OUTCOME = ("status", "error", "hint", "warnings")
REPORT = tuple(shown(FitReport, "rows"))
QUALITY = tuple(shown(Diagnostics, "rows"))
COSTS = ("fit_s", "predict_s_per_mpix", "peak_memory_mib", "ranks")
COLUMNS = (*IDENTITY, *OUTCOME, *SCORES, *COSTS, *REPORT, *QUALITY)
"""Columns of the table before those of the classes."""
TIMINGS = (*COSTS[:3], *(name for name in REPORT if name.endswith("_s")))
"""Columns that differ between two runs of one cell."""

MOST_WARNINGS = 3
WARM_UP = 10
"""Samples per class of the fit that warms up."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a cell came to.

    Attributes
    ----------
    row : dict
        One value per column of :data:`COLUMNS`, and ``classes`` and ``confusion``.
    arrays : dict of ndarray
        Test labels, predictions, decision values and energies for tests and figures.
    error : BaseException or None
        What went wrong.
    """

    row: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    error: BaseException | None = None


def run_cell(
    cell: Cell,
    scale: str,
    ranks: int = 1,
    folder: Path | None = None,
    threads: int | None = None,
) -> Outcome:
    """Compute a cell; errors are part of the outcome.

    Parameters
    ----------
    cell : Cell
        What to compute.
    scale : str
        Scaling of the features.
    ranks : int
        MPI ranks that fit it together.
    folder : Path, optional
        Where to write the map of the scene; None on ranks that write nothing.
    threads : int, optional
        Upper bound for classifiers with a parameter ``n_jobs`` that nobody set.
    """
    row = {**dict.fromkeys(COLUMNS), **describe(cell), "status": "ok", "ranks": ranks}
    arrays: dict[str, NDArray[Any]] = {}
    try:
        fold = make_fold(cell.source, cell.fold, scale, cell.train_limit, cell.seed)
        row.update(n_train=len(fold.y_train), n_test=len(fold.y_test))
        estimator = make_estimator(cell, threads)
        warm_up(estimator, fold)
        with noted_warnings(row):
            row["fit_s"], row["peak_memory_mib"] = measured_fit(estimator, fold)
            arrays = predictions(estimator, fold, row)
            row.update(scores(cell, fold, arrays))
            if cell.mapped and folder is not None:
                map_scene(cell, fold.scaler, estimator, folder)
        row.update(own_account(estimator))
    except (Exception, SystemExit) as error:
        return Outcome({**row, **failure(error)}, {}, error)
    return Outcome(row, arrays)


def describe(cell: Cell) -> dict[str, Any]:
    """Return the columns that are known before a cell is computed."""
    entry, spec = cell.entry, cell.entry.spec
    own = entry.role == "control" and spec is not None
    return {
        "key": cell.key,
        "data": cell.source.spec.name,
        "classifier": entry.label,
        "role": entry.role,
        "control_of": spec.label if own and spec else None,
        "registered": spec.name if spec else None,
        "parameters": json.dumps(dict(spec.params), default=repr) if spec else "{}",
        "split": cell.source.splits[cell.fold].kind,
        "fold": cell.fold,
        "seed": cell.seed,
        "curve": entry.curve,
        "curve_value": entry.value,
        "n_features": cell.source.data.X.shape[1],
        "n_classes": len(cell.source.class_names),
    }


def make_estimator(cell: Cell, threads: int | None = None) -> Any:
    """Return the unfitted estimator of a cell, seeded if it takes a seed that nobody set."""
    entry = cell.entry
    if entry.spec is None:
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="most_frequent")
    estimator = entry.spec.make()
    settable = estimator.get_params(deep=False).keys() - entry.spec.params.keys()
    if "random_state" in settable:
        state = np.random.SeedSequence([cell.seed, cell.fold]).generate_state(1)[0]
        estimator.set_params(random_state=int(state % 2**31))
    if "n_jobs" in settable and threads is not None:
        estimator.set_params(n_jobs=threads)
    return null_controls_of(estimator)[entry.control] if entry.control else estimator


@contextlib.contextmanager
def noted_warnings(row: dict[str, Any]) -> Iterator[None]:
    """Keep warnings out of the progress and put the first few distinct ones into the row."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    texts = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    row["warnings"] = "; ".join(list(texts)[:MOST_WARNINGS]) or None


def warm_up(estimator: Any, fold: Fold) -> None:
    """Fit a clone on a few samples, so that code is compiled and loaded outside the clock.

    Annealed models (those with null controls) are left alone: QPU seconds cost money.
    """
    from sklearn.base import clone

    if isinstance(estimator, OffersNullControls):
        return
    codes = np.unique(fold.y_train)
    few = np.concatenate([np.flatnonzero(fold.y_train == code)[:WARM_UP] for code in codes])
    with warnings.catch_warnings(), contextlib.suppress(Exception):  # the measured fit will tell
        warnings.simplefilter("ignore")
        clone(estimator).fit(fold.X_train[few], fold.y_train[few])


def measured_fit(estimator: Any, fold: Fold) -> tuple[float, float | None]:
    """Fit; return wall-clock seconds and the peak resident memory of this process in MiB."""
    resettable = _reset_peak()
    started = time.perf_counter()
    estimator.fit(fold.X_train, fold.y_train)
    seconds = time.perf_counter() - started
    return seconds, _peak_mib() if resettable else None


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: no figure is better than a wrong one
        return False
    return True


def _peak_mib() -> float | None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None


def predictions(estimator: Any, fold: Fold, row: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Predict the test samples, timed; return labels, predictions, decision values, energies."""
    from sklearn.dummy import DummyClassifier

    estimator.predict(fold.X_test[:1])  # compiled code and caches warm up outside the clock
    started = time.perf_counter()
    predicted = np.asarray(estimator.predict(fold.X_test))
    seconds = time.perf_counter() - started
    row["predict_s_per_mpix"] = seconds / len(fold.X_test) * 1e6
    arrays = {"y_test": fold.y_test, "y_pred": predicted, "classes": np.asarray(estimator.classes_)}
    if hasattr(estimator, "decision_function"):
        arrays["scores"] = np.asarray(estimator.decision_function(fold.X_test), dtype=np.float64)
    elif hasattr(estimator, "predict_proba") and not isinstance(estimator, DummyClassifier):
        arrays["scores"] = np.asarray(estimator.predict_proba(fold.X_test), dtype=np.float64)
    arrays.update(energies(estimator))
    return arrays


def scores(cell: Cell, fold: Fold, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the scores of a cell; ranking scores need both classes in training."""
    names = cell.source.class_names
    ranking = arrays.get("scores") if len(arrays["classes"]) == len(names) else None
    return evaluate(fold.y_test, arrays["y_pred"], ranking, names)


def own_account(estimator: Any) -> dict[str, Any]:
    """Return what a fitted estimator says about itself."""
    report = estimator.fit_report_ if isinstance(estimator, HasFitReport) else None
    quality = estimator.diagnostics_ if isinstance(estimator, HasDiagnostics) else None
    found: dict[str, Any] = {name: _plain(getattr(report, name, None)) for name in REPORT}
    found.update({name: _plain(getattr(quality, name, None)) for name in QUALITY})
    if not found["n_support"] and hasattr(estimator, "support_"):
        found["n_support"] = len(estimator.support_)
    return found


def _plain(value: Any) -> float | None:
    """Return a number as the table takes it: counts stay whole."""
    return int(value) if isinstance(value, Integral) else number(value)


def failure(error: BaseException) -> dict[str, Any]:
    """Return the columns of a cell that failed."""
    if isinstance(error, ToolkitError):
        return {"status": "failed", "error": error.message, "hint": error.hint}
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    hint = "Not a message of this toolkit: see the classifier's own documentation."
    if isinstance(error, ImportError):
        hint = f"pip install {error.name or 'the missing package'}, or the extra that brings it."
    return {
        "status": "failed",
        "error": f"{type(error).__name__}: {error}{place}",
        "hint": hint,
    }


def map_scene(cell: Cell, scaler: Any, estimator: Any, folder: Path) -> None:
    """Predict the whole scene into ``maps/<key>.tif``."""
    from sklearn.pipeline import Pipeline

    from bridges.maps.classify import predict_map

    pipeline = Pipeline([("scale", scaler), ("classify", estimator)])
    target = folder / "maps" / f"{cell.key}.tif"
    target.parent.mkdir(exist_ok=True)
    scene = cell.source.spec.open_scene()
    assert scene is not None
    predict_map(pipeline, scene, target, class_names=cell.source.class_names)
