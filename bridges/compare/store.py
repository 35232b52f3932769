"""Rows on disk, appended as each cell finishes, so that a stopped comparison can go on."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bridges.compare.cell import COLUMNS
from bridges.errors import UsageError
from bridges.machine.files import (
    atomic_target,
    from_cache,
    plain,
    read_arrays,
    write_json,
    write_text,
)

SESSIONS = "compare.json"
PRODUCTS = (
    "rows.csv", "rows.json", "summary.json", "report.html", "table.md", "table.tex",
)  # fmt: skip


class RowStore:
    """The folder of a comparison.

    ``rows-<rank>.jsonl`` are the truth: one line per finished cell, flushed to disk before the next
    cell begins; a line cut short by a kill is ignored. Predictions lie in ``cells/<key>.npz`` and
    are written before the row. ``rows.csv`` grows along with it and is put in order at the end.

    Parameters
    ----------
    folder : path-like
        The folder.
    class_columns : sequence of str
        Names of all classes of all data sets, for the columns of the table.
    rank : int
        MPI rank; each writes a file of its own.
    """

    def __init__(
        self, folder: str | os.PathLike[str], class_columns: Sequence[str], rank: int = 0
    ) -> None:
        self.folder = Path(folder)
        self.rank = rank
        self.columns = [*COLUMNS, *class_fields(class_columns)]
        (self.folder / "cells").mkdir(parents=True, exist_ok=True)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return all finished rows by key; of several the last counts.

        Columns that a row of an earlier version does not have are None.
        """
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.folder.glob("rows-*.jsonl")):
            for line in path.read_bytes().split(b"\n")[:-1]:  # the last part is empty or cut short
                with contextlib.suppress(ValueError, TypeError, KeyError):  # a damaged line
                    row = json.loads(line)
                    found[str(row["key"])] = {**dict.fromkeys(COLUMNS), **row}
        return found

    def append(self, row: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished cell: its arrays first, then its row."""
        if arrays:
            with (
                atomic_target(self.folder / "cells" / f"{row['key']}.npz") as temporary,
                temporary.open("wb") as stream,
            ):
                np.savez_compressed(stream, **cast(dict[str, Any], dict(arrays)))
        path = self.folder / f"rows-{self.rank}.jsonl"
        line = json.dumps(row, allow_nan=False, default=plain) + "\n"
        _append(path, line.encode())
        if self.rank == 0:
            _append(self.folder / "rows.csv", self._csv([row]).encode())

    def arrays(self, key: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a finished cell, empty if it has none."""
        path = self.folder / "cells" / f"{key}.npz"
        return from_cache(path, read_arrays) or {}

    def start_table(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write ``rows.csv`` with the rows that are finished already."""
        write_text(self.folder / "rows.csv", self._csv(rows, header=True))

    def finish_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write ``rows.csv`` and ``rows.json`` in the order of the plan."""
        write_text(self.folder / "rows.csv", self._csv(rows, header=True))
        write_json(self.folder / "rows.json", list(rows))

    def _csv(self, rows: Iterable[Mapping[str, Any]], *, header: bool = False) -> str:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, self.columns, extrasaction="ignore", lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows({**row, **flat_classes(row)} for row in rows)
        return buffer.getvalue()


def class_fields(names: Sequence[str]) -> list[str]:
    """Return the columns of the classes: producer's and user's accuracy of each."""
    return [f"{kind}[{name}]" for name in names for kind in ("producers", "users")]


def flat_classes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the per-class accuracies of a row under their column names."""
    return {
        f"{kind}[{c['name']}]": c[f"{kind}_accuracy"]
        for c in row.get("classes") or ()
        for kind in ("producers", "users")
    }


def _append(path: Path, data: bytes) -> None:
    """Append to a file after making sure that it ends with a whole line; reach the disk."""
    with path.open("ab+") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def open_folder(folder: Path, *, overwrite: bool) -> None:
    """Make the folder of a comparison, or accept one that holds a comparison to go on with.

    Raises
    ------
    UsageError
        If the folder exists and holds something else.
    """
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        raise UsageError(
            f"{folder} exists and holds no comparison.", "Choose another folder with --out DIR."
        )
    folder.mkdir(parents=True, exist_ok=True)
    if overwrite:
        _clear(folder)


def _foreign(folder: Path) -> bool:
    return any(folder.iterdir()) and not (folder / SESSIONS).exists()


def _clear(folder: Path) -> None:
    figures = ("figures/*.svg", "figures/*.png", "figures/*.pdf")
    patterns = ("rows-*.jsonl", "cells/*.npz", "maps/*.tif", *figures)
    for pattern in patterns:
        for path in folder.glob(pattern):
            path.unlink()
    for name in (*PRODUCTS, SESSIONS):
        (folder / name).unlink(missing_ok=True)


def record_session(folder: Path, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Add what this run is to the list of runs that the folder's rows come from."""
    sessions = sessions_of(folder)
    sessions.append(dict(record))
    write_json(folder / SESSIONS, sessions)
    return sessions


def sessions_of(folder: Path) -> list[dict[str, Any]]:
    """Return the runs that have worked on a folder."""
    path = folder / SESSIONS
    return from_cache(path, _read_sessions) or []


def _read_sessions(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, list):
        raise ValueError("it is no list of runs")
    return [dict(session) for session in found]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one comparison; the lock ends with the process, however that ends.

    Raises
    ------
    UsageError
        If another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"Another comparison is running in {folder}.",
            "Wait for it to end, or choose another folder with --out DIR.",
        ) from None
    try:
        yield
    finally:
        lock.release()
