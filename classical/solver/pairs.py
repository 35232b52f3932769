"""All binary duals of a classifier, over groups of ranks and over threads."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bridges.machine.comm import Communicator, on_root, split
from bridges.machine.threads import in_chunks
from classical.solver.assignment import deal
from classical.solver.binary import solve_task
from classical.solver.dual import BinarySolution

if TYPE_CHECKING:
    from bridges.machine.threads import Run
    from classical.solver.checkpoint import SolutionStore
    from classical.solver.training import Training


def solve_all(
    training: Training,
    comm: Communicator,
    threads: int,
    store: SolutionStore,
) -> list[BinarySolution]:
    """Solve all duals and return them, in order, on every rank.

    Parameters
    ----------
    training : Training
        The duals, the same on every rank.
    comm : Communicator
        All ranks.
    threads : int
        Threads of this rank.
    store : SolutionStore
        Duals that an earlier fit solved, or had begun, before it was stopped, and where to keep
        those of this fit.
    """
    tasks = training.tasks
    known, begun = on_root(comm, store.load)
    left = [t for t in range(len(tasks)) if t not in known]
    if not left:
        return [known[t] for t in range(len(tasks))]
    plan = deal([len(tasks[t].y) for t in left], comm.size)
    group = split(comm, plan.group_of_rank[comm.rank])
    mine = [left[t] for t in plan.tasks_of_group[plan.group_of_rank[comm.rank]]]

    def solve(number: int, run: Run) -> BinarySolution:
        task = tasks[number]
        if number in begun:
            task = dataclasses.replace(task, start=begun[number])
        journal = store.journal(number, task.start) if group.rank == 0 else None
        solution = solve_task(training.source, task, training.settings, group, run, journal)
        if group.size == 1:
            effort = dataclasses.replace(solution.effort, sent_bytes=0)
            solution = dataclasses.replace(solution, effort=effort)
        if group.rank == 0:
            store.save(number, solution)
        return solution

    if group.size == 1 and len(mine) > 1 and threads > 1:
        one = in_chunks(1)
        with ThreadPoolExecutor(threads) as pool:
            solved = list(pool.map(lambda number: solve(number, one), mine))
    else:
        run = in_chunks(threads)
        solved = [solve(number, run) for number in mine]
    offered = list(zip(mine, solved, strict=True)) if group.rank == 0 else []
    known.update(pair for part in comm.allgather(offered) for pair in part)
    if group.size > 1:
        group.Free()
    return [known[t] for t in range(len(tasks))]
