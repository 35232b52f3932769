"""All binary duals of a classifier, over groups of ranks and over threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bridges.comm import SingleRank, split
from bridges.fused import in_chunks
from classical.binary import BinarySolution, BinaryTask, solve_task
from classical.dealing import deal

if TYPE_CHECKING:
    from classical.decomposition import Settings
    from classical.kernel import KernelSource


def solve_all(
    source: KernelSource,
    tasks: Sequence[BinaryTask],
    settings: Settings,
    comm: Any,
    threads: int,
) -> list[BinarySolution]:
    """Solve all duals and return them, in order, on every rank.

    Parameters
    ----------
    source : KernelSource
        Kernel of the training rows, the same on every rank.
    tasks : sequence of BinaryTask
        The duals, the same on every rank.
    settings : Settings
        Tolerance and limits.
    comm : communicator
        All ranks.
    threads : int
        Threads of this rank.
    """
    plan = deal([len(task.y) for task in tasks], comm.size)
    group = split(comm, plan.group_of_rank[comm.rank])
    mine = plan.tasks_of_group[plan.group_of_rank[comm.rank]]
    if group.size == 1 and len(mine) > 1 and threads > 1:
        solved = _in_threads(source, [tasks[t] for t in mine], settings, threads)
    else:
        run = in_chunks(threads)
        solved = [solve_task(source, tasks[t], settings, group, run) for t in mine]
    offered = list(zip(mine, solved, strict=True)) if group.rank == 0 else []
    known = dict(pair for part in comm.allgather(offered) for pair in part)
    if group.size > 1:
        group.Free()
    return [known[t] for t in range(len(tasks))]


def _in_threads(
    source: KernelSource, tasks: Sequence[BinaryTask], settings: Settings, threads: int
) -> list[BinarySolution]:
    """Solve whole duals side by side, one thread each."""
    run = in_chunks(1)
    with ThreadPoolExecutor(threads) as pool:
        return list(
            pool.map(lambda task: solve_task(source, task, settings, SingleRank(), run), tasks)
        )
