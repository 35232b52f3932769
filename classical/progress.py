"""Finished tasks of a search on disk, so that a killed search goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classical.folds import GridData

Result = tuple["NDArray[np.bool_]", "NDArray[np.float64]"]


def fingerprint(data: GridData, *settings: Any) -> str:
    """Return what a search's results depend on as 16 hexadecimal digits."""
    digest = hashlib.sha256(repr(settings).encode())
    for part in (data.X, data.codes, data.weights, data.folds):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


class TaskStore:
    """One file per finished task, written whole or not at all.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        Fingerprint of the search; files of other searches are left alone.
    """

    def __init__(self, folder: str | Path | None, key: str) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.key = key
        self.known: set[int] = set()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> Iterator[tuple[int, Result]]:
        """Yield the tasks that were finished earlier and their results."""
        if self.folder is None:
            return
        for path in sorted(self.folder.glob(f"{self.key}-*.npz")):
            task = int(path.stem.rpartition("-")[2])
            with np.load(path) as stored:
                votes = np.unpackbits(stored["votes"], axis=1, count=int(stored["n"]))
                seconds = stored["seconds"]
            self.known.add(task)
            yield task, (votes.astype(np.bool_), seconds)

    def save(self, task: int, result: Result) -> None:
        """Keep the result of a task."""
        if self.folder is None:
            return
        votes, seconds = result
        path = self.folder / f"{self.key}-{task:06d}.npz"
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as stream:
            np.savez(stream, votes=np.packbits(votes, axis=1), n=votes.shape[1], seconds=seconds)
        os.replace(temporary, path)
