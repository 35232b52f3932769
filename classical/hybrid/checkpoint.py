"""The state of a descent in a file, written whole at every step, so that a killed run goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.comm import Communicator, on_root
from bridges.machine.files import from_cache, read_arrays
from classical.hybrid.ledger import Ledger
from classical.solver.checkpoint import write_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classical.hybrid.state import DualState, Points


class StateFile:
    """Keeps a descent.

    Coefficients *and* gradients are kept: a gradient computed anew would differ in its last bits,
    and so would the model.

    Parameters
    ----------
    folder : path or None
        Where; None keeps nothing. All ranks may differ in whether they see it: only the first
        reads and writes.
    key : str
        Fingerprint of data, parameters and generator; files of other fits are left alone.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, key: str) -> None:
        self.path = Path(folder) / f"hybrid-{key}.npz" if folder is not None else None

    def save(self, comm: Communicator, states: Sequence[DualState], ledger: Ledger) -> None:
        """Write the state; a collective call."""
        if self.path is None:
            return
        path = self.path
        own = [(state.beta, state.f) for state in states]
        parts = comm.gather(own)

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(path, **_packed(parts or [], states, ledger))

        on_root(comm, write)

    def load(self, comm: Communicator, states: Sequence[DualState]) -> Ledger | None:
        """Put a stored state into ``states`` and return its ledger; None where there is none."""
        if self.path is None:
            return None
        stored = on_root(comm, self._read)
        if stored is None:
            return None
        kept = _unpacked(stored)
        done = 0
        for p, state in enumerate(states):
            n = len(state.task.y)
            mine = slice(done + state.first, done + state.last)
            state.beta, state.f = stored["beta"][mine].copy(), stored["f"][mine].copy()
            state.multiplier = float(stored["multipliers"][p])
            state.kept = kept[p]
            done += n
        return Ledger.of(json.loads(str(stored["ledger"])))

    def _read(self) -> dict[str, Any] | None:
        assert self.path is not None
        return from_cache(self.path, read_arrays)


def _packed(
    parts: Sequence[Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]],
    states: Sequence[DualState],
    ledger: Ledger,
) -> dict[str, Any]:
    """Return the arrays of the file; ``parts`` are the rows of every rank."""
    kept = [
        (p, age, numbers, values)
        for p, state in enumerate(states)
        for age, points in enumerate(state.kept)
        for numbers, values in points
    ]
    ages = [len(state.kept) for state in states]
    shapes = [(p, age, *values.shape) for p, age, _, values in kept]
    return {
        "beta": np.concatenate([rank[p][0] for p in range(len(states)) for rank in parts]),
        "f": np.concatenate([rank[p][1] for p in range(len(states)) for rank in parts]),
        "multipliers": np.array([state.multiplier for state in states]),
        "ages": np.array(ages, np.int64),
        "shapes": np.array(shapes, np.int64).reshape(-1, 4),
        "numbers": np.concatenate([np.zeros(0, np.int64), *(numbers for *_, numbers, _ in kept)]),
        "points": np.concatenate([np.zeros(0), *(values.ravel() for *_, values in kept)]),
        "ledger": json.dumps(ledger.as_dict()),
    }


def _unpacked(stored: dict[str, Any]) -> list[list[Points]]:
    """Return the remembered columns of every dual."""
    kept: list[list[Points]] = [[[] for _ in range(age)] for age in stored["ages"].tolist()]
    at, place = 0, 0
    for p, age, rows, width in stored["shapes"].tolist():
        numbers = stored["numbers"][at : at + width]
        values = stored["points"][place : place + rows * width].reshape(rows, width)
        kept[p][age].append((numbers, values))
        at, place = at + width, place + rows * width
    return kept
