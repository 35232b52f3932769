"""Who solves which binary dual: groups of ranks, and threads within a rank, by predicted cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

PARALLEL_SHARE = 0.6
"""Share of a large dual's time in gradient updates, which a group's ranks and threads divide."""

EXPONENT = 1.7
"""Time of a dual grows with this power of its samples (measured from 2 000 to 100 000)."""

STEP_S, SAMPLE_S = 4e-4, 4e-8
"""Seconds of messages per dual in a group of several ranks, and per sample**EXPONENT of work."""


@dataclasses.dataclass(frozen=True)
class Deal:
    """Which group solves which duals.

    Attributes
    ----------
    group_of_rank : list of int
        Group of every rank.
    tasks_of_group : list of list of int
        Duals of every group, largest first.
    predicted_s : float
        Seconds until the last group is done.
    """

    group_of_rank: list[int]
    tasks_of_group: list[list[int]]
    predicted_s: float


def predicted_cost(n_samples: int) -> float:
    """Return the predicted seconds of a dual on one core."""
    return SAMPLE_S * float(n_samples) ** EXPONENT


def deal_to(costs: Sequence[float], sizes: Sequence[int]) -> tuple[list[list[int]], float]:
    """Deal tasks, largest first, to the group that would finish them first; return the makespan."""
    load = [0.0] * len(sizes)
    tasks: list[list[int]] = [[] for _ in sizes]
    for task in sorted(range(len(costs)), key=lambda t: (-costs[t], t)):
        ends = [
            load[g]
            + costs[task] * (1 - PARALLEL_SHARE + PARALLEL_SHARE / size)
            + (STEP_S if size > 1 else 0.0)
            for g, size in enumerate(sizes)
        ]
        best = min(range(len(sizes)), key=lambda g: (ends[g], g))
        load[best] = ends[best]
        tasks[best].append(task)
    return tasks, max(load)


def deal(n_samples: Sequence[int], n_ranks: int) -> Deal:
    """Choose the number of groups that finishes first by the cost model.

    One group of all ranks divides every dual's rows; as many groups as ranks give each rank whole
    duals; anything between is possible.

    Parameters
    ----------
    n_samples : sequence of int
        Samples of every dual.
    n_ranks : int
        Ranks to share them.
    """
    costs = [predicted_cost(n) for n in n_samples]
    best: Deal | None = None
    for n_groups in range(min(n_ranks, len(costs)), 0, -1):
        groups = [rank * n_groups // n_ranks for rank in range(n_ranks)]
        tasks, makespan = deal_to(costs, [groups.count(g) for g in range(n_groups)])
        if best is None or makespan < best.predicted_s:
            best = Deal(groups, tasks, makespan)
    assert best is not None
    return best
