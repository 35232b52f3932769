"""Finished tasks on disk, so that a killed search or fit goes on where it stopped."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.digest import array_digest
from bridges.machine.files import atomic_target, from_cache, read_arrays
from classical.solver.dual import BinarySolution, Effort

if TYPE_CHECKING:
    from numpy.typing import NDArray

JOURNAL_S = 120.0
"""Seconds between two writings of the coefficients of a dual."""

Result = tuple["NDArray[np.bool_]", "NDArray[np.float64]"]


def fingerprint(arrays: Iterable[NDArray[Any]], *settings: Any) -> str:
    """Return what results depend on as 16 hexadecimal digits."""
    return array_digest(settings, arrays)[:16]


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write an npz file whole or not at all."""
    with atomic_target(path) as temporary:
        np.savez(temporary, **arrays)


class SolutionStore:
    """One file per solved binary dual of a fit, and one of coefficients while it is being solved.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        Fingerprint of the fit; files of other fits are left alone.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, key: str) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.key = key
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> tuple[dict[int, BinarySolution], dict[int, NDArray[np.float64]]]:
        """Return the duals that were solved earlier, and where others had got to."""
        if self.folder is None:
            return {}, {}
        read = {number: from_cache(path, _read_solution) for number, path in self._files("-")}
        solved = {number: solution for number, solution in read.items() if solution is not None}
        betas = {number: from_cache(path, _read_beta) for number, path in self._files("+")}
        begun = {n: beta for n, beta in betas.items() if beta is not None and n not in solved}
        return solved, begun

    def _files(self, sign: str) -> list[tuple[int, Path]]:
        assert self.folder is not None
        paths = sorted(self.folder.glob(f"{self.key}{sign}*.npz"))
        return [(int(path.stem.rpartition(sign)[2]), path) for path in paths]

    def journal(self, task: int, start: NDArray[np.float64]) -> Journal | None:
        """Return what keeps the coefficients of a dual while it is being solved."""
        if self.folder is None:
            return None
        return Journal(self.folder / f"{self.key}+{task:06d}.npz", start)

    def save(self, task: int, solution: BinarySolution) -> None:
        """Keep the solution of a dual."""
        if self.folder is not None:
            numbers = {**dataclasses.asdict(solution.effort)}
            write_arrays(
                self.folder / f"{self.key}-{task:06d}.npz",
                beta=solution.beta,
                numbers=[solution.intercept, solution.objective, solution.at_bound],
                effort=list(numbers.values()),
                names=list(numbers),
            )
            (self.folder / f"{self.key}+{task:06d}.npz").unlink(missing_ok=True)


class Journal:
    """The coefficients of a dual that is being solved, written to disk from time to time.

    Every change of the outer loop passes rank 0, so it can keep all coefficients without a message.

    Parameters
    ----------
    path : Path
        The file.
    start : ndarray of shape (n,)
        Signed coefficients at the start.
    """

    def __init__(self, path: Path, start: NDArray[np.float64]) -> None:
        self.path = path
        self.beta = start.copy()
        self.written = time.monotonic()

    def note(self, rows: NDArray[np.int64], change: NDArray[np.float64]) -> None:
        """Add changes of some rows; write the file if the last time is long ago."""
        self.beta[rows] += change
        if time.monotonic() - self.written >= JOURNAL_S:
            write_arrays(self.path, beta=self.beta)
            self.written = time.monotonic()


def _read_beta(path: Path) -> NDArray[np.float64]:
    beta: NDArray[np.float64] = read_arrays(path)["beta"]
    return beta


def _read_solution(path: Path) -> BinarySolution:
    stored = read_arrays(path)
    intercept, objective, at_bound = stored["numbers"].tolist()
    pairs = zip(stored["names"].tolist(), stored["effort"].tolist(), strict=True)
    whole = {field.name for field in dataclasses.fields(Effort) if field.type == "int"}
    effort = Effort(**{k: int(v) if k in whole else v for k, v in pairs})
    return BinarySolution(stored["beta"], intercept, objective, int(at_bound), effort)
