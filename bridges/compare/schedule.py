"""Run the cells that are missing, over MPI ranks where there are several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from bridges.compare.cell import run_cell
from bridges.compare.plan import Cell
from bridges.compare.store import RowStore
from bridges.errors import SolverError, ToolkitError
from bridges.machine.comm import Communicator, threads_per_rank
from bridges.run.console import Narrator

Tell = Callable[[Mapping[str, Any]], None]
MET_BY_ALL = (ToolkitError, ValueError, TypeError, ImportError)
"""Errors about parameters and data, which are the same on all ranks."""


def missing(
    plan: Sequence[Cell], done: Mapping[str, Mapping[str, Any]], *, retry_failed: bool
) -> list[Cell]:
    """Return the cells to compute, each key once."""
    found: dict[str, Cell] = {}
    for cell in plan:
        row = done.get(cell.key)
        if row is None or (retry_failed and row["status"] != "ok"):
            found.setdefault(cell.key, cell)
    return list(found.values())


def run_missing(
    cells: Sequence[Cell],
    store: RowStore,
    scale: str,
    comm: Communicator,
    narrator: Narrator,
    jobs: int | None = None,
) -> None:
    """Compute cells: first those of single processes, spread over the ranks, then the collective.

    Parameters
    ----------
    cells : sequence of Cell
        The same on every rank.
    store : RowStore
        Where rows go; each rank has a file of its own.
    scale : str
        Scaling of the features.
    comm : Communicator
        From :func:`bridges.machine.comm.resolve`.
    narrator : Narrator
        Speaks on rank 0.
    jobs : int, optional
        Most threads of a process.
    """
    together = [cell for cell in cells if comm.size > 1 and cell.entry.collective]
    alone = [cell for cell in cells if comm.size == 1 or not cell.entry.collective]
    mine = alone[comm.rank :: comm.size]
    total = len(mine) + len(together)
    threads = threads_per_rank(comm, jobs) if comm.size > 1 or jobs else None
    with threadpool_limits(threads):
        for done, cell in enumerate(mine, 1):
            outcome = run_cell(cell, scale, 1, store.folder, threads)
            store.append(outcome.row, outcome.arrays)
            _teller(narrator, done, total)(outcome.row)
    comm.barrier()
    for done, cell in enumerate(together, len(mine) + 1):
        _run_together(cell, store, scale, comm, _teller(narrator, done, total))
    comm.barrier()


def _run_together(cell: Cell, store: RowStore, scale: str, comm: Communicator, tell: Tell) -> None:
    """Compute a cell with all ranks; rank 0 keeps it.

    Raises
    ------
    SolverError
        If this rank met an error that the others may not have met: they wait for it in vain, so
        its row is kept and the whole program has to end (``python -m mpi4py`` sees to that).
    """
    outcome = run_cell(cell, scale, comm.size, store.folder if comm.rank == 0 else None)
    if outcome.error is not None and not isinstance(outcome.error, MET_BY_ALL):
        store.append(outcome.row, {})
        raise SolverError(
            f"{cell.entry.label} failed on MPI rank {comm.rank}: {outcome.row['error']}",
            "Start the same command again: it goes on behind this cell.",
        ) from outcome.error
    if comm.rank == 0:
        store.append(outcome.row, outcome.arrays)
        tell(outcome.row)


def _teller(narrator: Narrator, done: int, total: int) -> Tell:
    def tell(row: Mapping[str, Any]) -> None:
        point = f", {row['curve']}={row['curve_value']}" if row["curve"] else ""
        where = f"[{done}/{total}] {row['data']}, fold {row['fold']}{point}: {row['classifier']}"
        if row["status"] == "ok":
            narrator.say(f"{where}: accuracy {row['accuracy']:.4f} in {row['fit_s']:.2f} s")
        else:
            narrator.say(f"{where}: FAILED: {row['error']}")
            narrator.say(f"hint: {row['hint']}")

    return tell
