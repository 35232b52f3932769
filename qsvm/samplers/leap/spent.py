"""What a stored run has spent, and where its time went."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from bridges.errors import DataError
from qsvm.samplers.leap.messages import seconds
from qsvm.samplers.leap.store import ANSWERED, RunStore, store_file


def account(run: str | Path) -> dict[str, Any]:
    """Return the accounts of a run.

    Parameters
    ----------
    run : str or Path
        The run's folder, or its store.

    Returns
    -------
    dict
        ``submissions`` by state; ``seconds`` in all by kind (QPU access, programming, sampling,
        post-processing, queue, network); ``rows`` of (label, state, problem id, QPU seconds).

    Raises
    ------
    DataError
        If there is no such store.
    """
    path = store_file(run)
    if not path.exists():
        raise DataError(f"'{path}' does not exist.", "Name the folder of a run on Leap.")
    store = RunStore(path, resume=True)
    try:
        total: Counter[str] = Counter()
        for row in store.all_rows():
            if row.state == ANSWERED:
                total.update(seconds(store.answer(row), store.turnaround_s(row)))
        rows = [list(row) for row in store.overview()]
        states = Counter(str(state) for _, state, _, _ in rows)
        return {"submissions": dict(states), "seconds": dict(total), "rows": rows}
    finally:
        store.close()
