"""Tables of samples: npz, csv and LIBSVM files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, UsageError
from bridges.machine.files import read_arrays
from bridges.samples.cells import Cells, looks_delimited, read_cells
from bridges.samples.labelled import LabelledData, Split, class_name, parse_classes, require_samples
from bridges.samples.numbers import are_missing, are_numbers, as_numbers
from bridges.samples.roles import TableRoles, assign_roles
from bridges.scene.raster import require_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

CSV, TEXT = (".csv", ".tsv"), (".txt", ".dat")
TRAIN_TEST = ("X_train", "y_train", "X_test", "y_test")
_LIBSVM_LINE = re.compile(r"^\s*[-+\w.]+(\s+\d+:\S+)+\s*(#.*)?$")


@dataclass
class _Raw:
    """A table as read: features, labels of any type, and what else it says."""

    X: NDArray[Any]
    y: NDArray[Any]
    test: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None
    regions: NDArray[np.int64] | None = None
    feature_names: list[str] = field(default_factory=list)
    class_names: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unlabelled: NDArray[np.bool_] | None = None
    coordinates: NDArray[np.float64] | None = None


def load_table(
    path: str | Path,
    *,
    classes: Sequence[str | int] | None = None,
    roles: TableRoles | None = None,
    regions: str | None = None,
) -> LabelledData:
    """Read a table of samples.

    Parameters
    ----------
    path : path
        ``.npz`` with ``X_train, y_train, X_test, y_test`` or ``X, y`` (and, if they are there,
        ``groups``, ``feature_names``, ``class_names``); ``.csv``, ``.tsv`` or ``.txt`` with
        delimiters, whose columns get their roles from ``roles`` or are judged cautiously
        (:mod:`bridges.samples.roles`), a column ``split`` holds ``train`` and ``test``;
        or a LIBSVM file, to which ``<path>.t`` is the test part where that file exists.
    classes : sequence of str or int, optional
        Names or codes of the classes to keep; by default all.
    roles : TableRoles, optional
        What the columns of a text table are.
    regions : str, optional
        Column of a text table, or array of an npz file, that tells the region of every sample.

    Returns
    -------
    LabelledData
        Samples without a label are left out and counted in ``notes``. Training and test samples
        of a table with both are stacked, ``fixed_split`` tells them apart.
        Labels that are names get the codes 1, 2, … in alphabetical order.

    Raises
    ------
    DataError
        If the file cannot be read, a feature is no number, or fewer than two classes are left.
    """
    path = require_file(path)
    roles = replace(roles or TableRoles(), region_column=regions)
    suffix = path.suffix.lower()
    if suffix in CSV or (suffix in TEXT and not _is_libsvm(path) and looks_delimited(path)):
        raw = _read_csv(path, roles)
    elif replace(roles, region_column=None).said() or (regions and suffix != ".npz"):
        raise UsageError(
            f"{path} is no text table, so its columns have no names to go by.",
            "Leave out --label-column and the like, or give a .csv file.",
        )
    else:
        raw = _read_npz(path, regions) if suffix == ".npz" else _read_libsvm(path)
    raw = _without_unlabelled(raw, path)
    codes, names = _class_codes(raw.y, path)
    return _labelled(raw, codes, raw.class_names or names, classes, path)


def _without_unlabelled(raw: _Raw, path: Path) -> _Raw:
    """Leave out samples whose label is missing, and say how many."""
    void = raw.unlabelled
    if void is None and raw.y.dtype.kind == "f":
        void = np.isnan(raw.y)
    if void is None or not void.any():
        return raw
    if len(raw.X) != len(void):
        return raw  # a misfit, of which _labelled tells
    kept = ~void
    missing = f"{int(void.sum())} of {len(void)} samples of {path.name}"
    raw.notes.append(f"{missing} have no label and are left out.")
    raw.X, raw.y, raw.unlabelled = raw.X[kept], raw.y[kept], None
    raw.test = None if raw.test is None else raw.test[kept]
    raw.groups = None if raw.groups is None else raw.groups[kept]
    raw.regions = None if raw.regions is None else raw.regions[kept]
    raw.coordinates = None if raw.coordinates is None else raw.coordinates[kept]
    return raw


def _labelled(
    raw: _Raw,
    codes: NDArray[np.int64],
    names: dict[int, str],
    classes: Sequence[str | int] | None,
    path: Path,
) -> LabelledData:
    if raw.X.ndim != 2 or len(raw.X) != len(codes):
        raise DataError(
            f"{path}: features of shape {raw.X.shape} do not fit {len(codes)} labels.",
            "X has one row per sample and one column per feature, y one label per sample.",
        )
    finite = np.isfinite(raw.X).all(axis=1)
    present = np.unique(codes).tolist()
    chosen = present if classes is None else parse_classes(classes, names, present)
    wanted = np.isin(codes, chosen)
    keep = wanted & finite
    labelled = {c: int(np.sum(codes == c)) for c in present}
    usable = {c: int(np.sum(codes[keep] == c)) for c in present}
    require_samples(chosen, names, labelled, usable, str(path))
    feature_names = raw.feature_names or [f"x{i + 1}" for i in range(raw.X.shape[1])]
    return LabelledData(
        X=np.ascontiguousarray(raw.X[keep], dtype=np.float64),
        y=codes[keep],
        class_names={c: class_name(names, c) for c in chosen},
        feature_names=feature_names,
        groups=None if raw.groups is None else raw.groups[keep],
        coordinates=None if raw.coordinates is None else raw.coordinates[keep],
        regions=None if raw.regions is None else raw.regions[keep],
        n_masked=int(np.sum(wanted & ~finite)),
        source=str(path),
        fixed_split=None if raw.test is None else _fixed(raw.test[keep], path),
        notes=tuple(raw.notes),
    )


def _fixed(test: NDArray[np.bool_], path: Path) -> Split:
    train, held = np.flatnonzero(~test), np.flatnonzero(test)
    if not len(train) or not len(held):
        raise DataError(
            f"The {'training' if not len(train) else 'test'} part of {path} is empty.",
            "Both parts need samples of the chosen classes.",
        )
    return Split(train, held, "fixed", f"the training and test parts that {path.name} prescribes")


def _class_codes(labels: NDArray[Any], path: Path) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Return int64 codes and names: numbers stay, names are numbered from 1."""
    labels = np.asarray(labels).reshape(-1)
    if labels.dtype.kind in "US":
        import pandas as pd

        texts = labels.astype(str)
        if are_numbers(pd.Series(texts, dtype=str)).all():
            labels = texts.astype(np.float64)
        else:
            names = sorted(set(texts.tolist()))
            codes = np.searchsorted(names, texts).astype(np.int64) + 1
            return codes, dict(enumerate(names, start=1))
    if labels.dtype.kind not in "iufb" or not np.array_equal(labels, np.rint(labels)):
        raise DataError(
            f"The labels of {path} are no classes: {labels[:3].tolist()} …",
            "Labels are whole numbers or names; for a measured quantity use a regressor.",
        )
    codes = labels.astype(np.int64)
    return codes, {}


def _read_npz(path: Path, regions: str | None) -> _Raw:
    arrays = _load_arrays(path)
    if all(key in arrays for key in TRAIN_TEST):
        y_train, y_test = arrays["y_train"].ravel(), arrays["y_test"].ravel()
        _same_width(arrays["X_train"], arrays["X_test"], path)
        raw = _Raw(
            np.concatenate([arrays["X_train"], arrays["X_test"]]),
            np.concatenate([y_train, y_test]),
            test=np.arange(len(y_train) + len(y_test)) >= len(y_train),
        )
    elif "X" in arrays and "y" in arrays:
        raw = _Raw(arrays["X"], arrays["y"])
    else:
        raise DataError(
            f"{path} holds the arrays: {', '.join(arrays) or 'none'}.",
            f"It needs {', '.join(TRAIN_TEST)}, or X and y.",
        )
    if "groups" in arrays:
        raw.groups = np.unique(arrays["groups"], return_inverse=True)[1].astype(np.int64) + 1
    if regions is not None and regions not in arrays:
        raise DataError(f"{path} has no array '{regions}'.", f"It holds: {', '.join(arrays)}.")
    if regions is not None:
        raw.regions = np.unique(arrays[regions], return_inverse=True)[1].astype(np.int64) + 1
    if "feature_names" in arrays:
        raw.feature_names = arrays["feature_names"].astype(str).tolist()
    if "class_names" in arrays:
        codes = np.unique(raw.y).tolist()
        raw.class_names = dict(zip(codes, arrays["class_names"].astype(str).tolist(), strict=True))
    if raw.X.dtype.kind not in "iufb":
        raise DataError(f"The features of {path} are no numbers.", "Store X as float64.")
    return raw


def _same_width(train: NDArray[Any], test: NDArray[Any], path: Path) -> None:
    if train.ndim != 2 or train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"{path}: X_train has shape {train.shape}, X_test {test.shape}.",
            "Both need two dimensions and the same columns.",
        )


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return read_arrays(path)
    except Exception as error:  # a damaged archive fails in zipfile, zlib, struct, ast or numpy
        raise DataError(
            f"Cannot read {path}: {error}.",
            "Write it with numpy.savez(path, X=…, y=…), arrays of numbers and not of objects.",
        ) from error


def _read_csv(path: Path, roles: TableRoles) -> _Raw:
    cells = read_cells(
        path, delimiter=roles.delimiter, decimal=roles.decimal, missing=roles.missing
    )
    n, width = cells.frame.shape
    if not n or width < 2:
        raise DataError(
            f"{path} has {n} samples of {width} columns.",
            "A table has one row per sample, one column per feature and one of labels.",
        )
    columns = assign_roles(cells, roles, path)
    names = cells.names or [f"x{i + 1}" for i in range(width)]
    labels = cells.frame[columns.label]
    raw = _Raw(np.empty((n, 0)), labels.to_numpy(dtype=str))
    raw.unlabelled = are_missing(labels, roles.missing)
    raw.notes = columns.notes
    if columns.split is not None:
        raw.test = _test_rows(cells.frame[columns.split].tolist(), path)
    if columns.group is not None:
        raw.groups = np.unique(cells.frame[columns.group], return_inverse=True)[1] + 1
    if columns.region is not None:
        raw.regions = np.unique(cells.frame[columns.region], return_inverse=True)[1] + 1
    features = [_numbers(cells, i, names[i], roles, path) for i in columns.features]
    raw.feature_names = [names[i] for i in columns.features]
    if features:
        raw.X = np.column_stack(features)
    if columns.coordinates is not None:
        places = [_numbers(cells, i, names[i], roles, path) for i in columns.coordinates]
        raw.coordinates = np.column_stack(places)
    return raw


def _numbers(
    cells: Cells, column: int, name: str, roles: TableRoles, path: Path
) -> NDArray[np.float64]:
    """Turn a column's text into numbers."""
    text = cells.frame[column]
    missing = are_missing(text, roles.missing)
    bad = ~(are_numbers(text, cells.decimal) | missing)
    if bad.any():
        shown = text[bad].iloc[0]
        comma = cells.decimal == "." and are_numbers(text[bad], ",").any()
        hint = "--decimal , reads decimal commas." if comma else ""
        raise DataError(
            f"Column '{name}' of {path} holds '{shown}', which is no number.",
            hint
            or f"Leave it out with --ignore-columns {name}; if it holds the labels, say "
            f"--label-column {name}; --missing WORD names a mark of missing values.",
        )
    return as_numbers(text, missing, cells.decimal)


def _test_rows(cells: Sequence[str], path: Path) -> NDArray[np.bool_]:
    words = [cell.strip().lower() for cell in cells]
    if odd := sorted(set(words) - {"train", "test"}):
        raise DataError(
            f"The column 'split' of {path} holds '{odd[0]}'.", "It may hold 'train' and 'test'."
        )
    return np.array(words) == "test"


def _is_libsvm(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return bool(_LIBSVM_LINE.match(next((line for line in file if line.strip()), "")))


def _read_libsvm(path: Path) -> _Raw:
    from sklearn.datasets import load_svmlight_files

    if not _is_libsvm(path):
        raise DataError(
            f"{path} is no table that can be read here.",
            "Name a .npz, .csv or .tsv file, or one of LIBSVM's with lines 'label 1:value 2:…'.",
        )
    test = path.with_name(path.name + ".t")
    files = [path, test] if test.is_file() else [path]
    try:
        loaded = load_svmlight_files([str(file) for file in files])
    except ValueError as error:
        raise DataError(f"Cannot read {path}: {error}.", "Check its lines.") from error
    X = np.concatenate([block.toarray() for block in loaded[::2]])
    raw = _Raw(X, np.concatenate(loaded[1::2]))
    if len(files) == 2:
        raw.test = np.arange(len(X)) >= loaded[0].shape[0]
        raw.notes.append(f"{test.name} beside {path.name} is the test part.")
    return raw
