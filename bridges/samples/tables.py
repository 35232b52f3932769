"""Tables of samples: npz, csv and LIBSVM files."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.labelled import LabelledData, Split, class_name, parse_classes, require_samples
from bridges.scene.raster import require_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL_COLUMNS = ("label", "class", "y", "target")
TRAIN_TEST = ("X_train", "y_train", "X_test", "y_test")
_LIBSVM_LINE = re.compile(r"^\s*[-+\w.]+(\s+\d+:\S+)+\s*(#.*)?$")


@dataclass
class _Raw:
    """A table as read: features, labels of any type, and what else it says."""

    X: NDArray[Any]
    y: NDArray[Any]
    test: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None
    feature_names: list[str] = field(default_factory=list)
    class_names: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def load_table(path: str | Path, *, classes: Sequence[str | int] | None = None) -> LabelledData:
    """Read a table of samples.

    Parameters
    ----------
    path : path
        ``.npz`` with ``X_train, y_train, X_test, y_test`` or ``X, y`` (and, if they are there,
        ``groups``, ``feature_names``, ``class_names``); ``.csv`` or ``.tsv`` whose labels are in
        the column ``label``, ``class``, ``y`` or ``target``, or else in the last one, with an
        optional column ``group`` and an optional column ``split`` of ``train`` and ``test``;
        or a LIBSVM file, to which ``<path>.t`` is the test part where that file exists.
    classes : sequence of str or int, optional
        Names or codes of the classes to keep; by default all.

    Returns
    -------
    LabelledData
        Training and test samples of a table with both are stacked, ``fixed_split`` tells them
        apart. Labels that are names get the codes 1, 2, … in alphabetical order.

    Raises
    ------
    DataError
        If the file cannot be read, a feature is no number, or fewer than two classes are left.
    """
    path = require_file(path)
    reader = {".npz": _read_npz, ".csv": _read_csv, ".tsv": _read_csv}.get(path.suffix.lower())
    raw = (reader or _read_libsvm)(path)
    codes, names = _class_codes(raw.y, path)
    return _labelled(raw, codes, raw.class_names or names, classes, path)


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
        texts = labels.astype(str)
        try:
            labels = texts.astype(np.float64)
        except ValueError:
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


def _read_npz(path: Path) -> _Raw:
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
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"Cannot read {path}: {error}.",
            "Write it with numpy.savez(path, X=…, y=…), arrays of numbers and not of objects.",
        ) from error


def _read_csv(path: Path) -> _Raw:
    rows = _csv_rows(path)
    header = [cell.strip() for cell in rows[0]] if not any(map(_is_number, rows[0])) else None
    body = rows[1:] if header else rows
    names = header or [f"x{i + 1}" for i in range(len(rows[0]))]
    if not body or len(names) < 2:
        raise DataError(
            f"{path} has {len(body)} samples of {len(names)} columns.",
            "A table has one row per sample, one column per feature and one of labels.",
        )
    columns = dict(enumerate(zip(*body, strict=True)))
    lower = [name.lower() for name in names]
    label = next((lower.index(n) for n in LABEL_COLUMNS if n in lower), len(names) - 1)
    raw = _Raw(np.empty(0), np.array([cell.strip() for cell in columns.pop(label)]))
    for position in [i for i, name in enumerate(lower) if name == "split" and i in columns]:
        raw.test = _test_rows(columns.pop(position), path)
    for position in [i for i, name in enumerate(lower) if name == "group" and i in columns]:
        raw.groups = np.unique(columns.pop(position), return_inverse=True)[1] + 1
    raw.feature_names = [names[i] for i in columns]
    features = [_numbers(cells, names[i], path) for i, cells in columns.items()]
    raw.X = np.column_stack(features) if features else np.empty((len(body), 0))
    return raw


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max("\t;,", key=first.count)
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"Cannot read {path}: {error}.", "Save it as CSV in UTF-8.") from error
    if not rows:
        raise DataError(f"{path} is empty.", "Name a table with samples.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(
                f"Row {number} of {path} has {len(row)} cells, the first has {len(rows[0])}.",
                "Every row needs the same columns.",
            )
    return rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(cells: Sequence[str], name: str, path: Path) -> NDArray[np.float64]:
    """Turn a column's text into numbers; an empty cell and NA are missing."""
    filled = ["nan" if cell.strip() in ("", "NA") else cell for cell in cells]
    try:
        return np.array(filled, dtype=np.float64)
    except ValueError as error:
        bad = next(cell for cell in filled if not _is_number(cell))
        raise DataError(
            f"Column '{name}' of {path} holds '{bad}', which is no number.",
            f"Remove the column; labels are read from {', '.join(LABEL_COLUMNS)} or the last one.",
        ) from error


def _test_rows(cells: Sequence[str], path: Path) -> NDArray[np.bool_]:
    words = [cell.strip().lower() for cell in cells]
    if odd := sorted(set(words) - {"train", "test"}):
        raise DataError(
            f"The column 'split' of {path} holds '{odd[0]}'.", "It may hold 'train' and 'test'."
        )
    return np.array(words) == "test"


def _read_libsvm(path: Path) -> _Raw:
    from sklearn.datasets import load_svmlight_files

    with path.open(encoding="utf-8", errors="replace") as file:
        first = next((line for line in file if line.strip()), "")
    if not _LIBSVM_LINE.match(first):
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
