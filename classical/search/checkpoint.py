"""The cells of a search that are done, kept on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bridges.machine.files import from_cache, read_arrays
from classical.solver.checkpoint import Result, write_arrays


def _read_result(path: Path) -> Result:
    stored = read_arrays(path)
    votes = np.unpackbits(stored["votes"], axis=1, count=int(stored["n"]))
    return votes.astype(np.bool_), stored["seconds"]


class TaskStore:
    """One file per finished task, written whole or not at all.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        Fingerprint of the search; files of other searches are left alone.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, key: str) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.key = key
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def load(self, wanted: range) -> Iterator[tuple[int, Result]]:
        """Yield those of the wanted tasks that were finished earlier, and their results."""
        if self.folder is None:
            return
        for path in sorted(self.folder.glob(f"{self.key}-*.npz")):
            task = int(path.stem.rpartition("-")[2])
            if task not in wanted:
                continue
            result = from_cache(path, _read_result)
            if result is not None:
                yield task, result

    def save(self, task: int, result: Result) -> None:
        """Keep the result of a task."""
        if self.folder is None:
            return
        votes, seconds = result
        path = self.folder / f"{self.key}-{task:06d}.npz"
        write_arrays(path, votes=np.packbits(votes, axis=1), n=votes.shape[1], seconds=seconds)
