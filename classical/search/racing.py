"""The tasks of a grid search, their votes, and which cells are given up early.

A task is one pair of classes at one γ, with several values of C and several folds. With early
stopping the folds are done in two stages: after the first, a cell stays only if McNemar's statistic
does not show it worse than the best cell on the samples held out so far (a race, after Maron and
Moore, *NIPS* 6, 1994).
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.dealer import Shift, deal_out
from classical.search.folds import GridData, KernelRows, solve_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.comm import Communicator
    from bridges.machine.progress import Progress
    from classical.search.checkpoint import TaskStore
    from classical.solver.checkpoint import Result
    from classical.solver.dual import Settings

HOPELESS = 3.0
"""Standard deviations by which a cell must be worse than the best to be given up."""


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """The tasks of a grid search: every γ with every pair of classes."""

    data: GridData
    costs: list[float]
    gammas: list[float]
    pairs: list[tuple[NDArray[np.intp], NDArray[np.float64]]]

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.gammas) * len(self.pairs)

    def order(self) -> list[int]:
        """Return the tasks by falling predicted cost: large pairs first, then large γ."""
        return sorted(
            range(self.n_tasks),
            key=lambda t: (-(len(self.pairs[t % len(self.pairs)][1]) ** 2), -self.gamma_of(t), t),
        )

    def gamma_of(self, task: int) -> float:
        """Return γ of a task."""
        return self.gammas[task // len(self.pairs)]

    def sides(self, pair: int) -> tuple[int, int]:
        """Return the class indices of a pair, the first one that of positive signs."""
        rows, y = self.pairs[pair]
        codes = self.data.codes[rows]
        return int(codes[y > 0][0]), int(codes[y < 0][0])


def stages(n_folds: int, n_stages: int) -> list[range]:
    """Return the folds of every stage: all at once, or a third (at least two) and the rest."""
    if n_stages == 1:
        return [range(n_folds)]
    first = min(n_folds, max(2, n_folds // 3))
    return [range(first), range(first, n_folds)]


class Tally:
    """The votes of the held-out models on every sample, for every γ and C.

    Parameters
    ----------
    plan : Plan
        The search.
    n_classes : int
        Classes.
    """

    def __init__(self, plan: Plan, n_classes: int) -> None:
        shape = (len(plan.gammas), len(plan.costs))
        self.plan = plan
        self.votes = np.zeros((*shape, len(plan.data.codes), n_classes), np.int16)
        self.seconds = np.zeros(shape)
        self.folds_done = np.zeros(shape, np.intp)

    def add(self, task: int, costs: NDArray[np.intp], folds: range, result: Result) -> None:
        """Count the votes of a task for some values of C, given by their places."""
        gamma, pair = divmod(task, len(self.plan.pairs))
        first, second = self.plan.sides(pair)
        held_out = slice(*self.plan.data.held_out(folds))
        votes, seconds = result
        self.votes[gamma, costs, held_out, first] += votes
        self.votes[gamma, costs, held_out, second] += ~votes
        self.seconds[gamma, costs] += seconds
        self.folds_done[gamma, costs] = folds.stop

    def right(self) -> NDArray[np.bool_]:
        """Return which samples every cell labels rightly, shape (γ, C, n)."""
        right: NDArray[np.bool_] = np.argmax(self.votes, axis=3) == self.plan.data.codes
        return right

    def alive(self) -> NDArray[np.bool_]:
        """Return the cells to go on with, shape (γ, C): all before the first stage."""
        done = int(self.folds_done.max())
        if not done:
            return np.ones(self.folds_done.shape, np.bool_)
        right = self.right()[:, :, : self.plan.data.held_out(range(done))[1]]
        best = right[np.unravel_index(np.argmax(right.sum(axis=2)), right.shape[:2])]
        worse, better = (best & ~right).sum(axis=2), (right & ~best).sum(axis=2)
        alive: NDArray[np.bool_] = worse - better <= HOPELESS * np.sqrt(worse + better)
        return alive

    def results(self) -> dict[str, Any]:
        """Return scikit-learn's table of a search, cells in the order of its ParameterGrid."""
        plan, right = self.plan, self.right()
        cells = [(g, c) for c in range(len(plan.costs)) for g in range(len(plan.gammas))]
        table = np.full((plan.data.n_folds, len(cells)), np.nan)
        for (k, cell), _ in np.ndenumerate(table):
            place = cells[cell]
            if k < self.folds_done[place]:
                table[k, cell] = right[place][plan.data.folds == k].mean()
        means = np.nanmean(table, axis=0)
        stopped = np.isnan(table).any(axis=0)
        order = np.where(stopped, means - 2.0, means)  # below all that were not given up
        return {
            "params": [{"C": plan.costs[c], "gamma": plan.gammas[g]} for g, c in cells],
            "mean_test_score": means,
            "std_test_score": np.nanstd(table, axis=0),
            "rank_test_score": np.array([1 + int((order > score).sum()) for score in order]),
            "minutes": np.array([self.seconds[place] / 60 for place in cells]),
            "stopped": stopped,
            **{f"split{k}_test_score": scores for k, scores in enumerate(table)},
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """Some folds of all cells that are left.

    Attributes
    ----------
    plan : Plan
        The search.
    source : KernelRows
        Kernel values.
    settings : Settings
        Tolerance and inner solver.
    number : int
        Which stage, from 0.
    folds : range
        Its folds.
    alive : ndarray of shape (γ, C), bool
        Its cells.
    """

    plan: Plan
    source: KernelRows
    settings: Settings
    number: int
    folds: range
    alive: NDArray[np.bool_]

    def costs(self, task: int) -> NDArray[np.intp]:
        """Return the places of the values of C that a task tries."""
        return np.flatnonzero(self.alive[task // len(self.plan.pairs)])

    def work(self, task: int) -> Result:
        """Do a task."""
        started = time.perf_counter()
        gamma, pair = divmod(task, len(self.plan.pairs))
        rows, y = self.plan.pairs[pair]
        costs = [self.plan.costs[c] for c in self.costs(task)]
        K = self.source.rows(gamma, rows)
        shared = (time.perf_counter() - started) / len(costs)
        votes, spent = solve_pair(self.plan.data, K, rows, y, costs, self.settings, self.folds)
        return votes, spent + shared

    def run(
        self,
        comm: Communicator,
        threads: int,
        store: TaskStore,
        tally: Tally,
        progress: Progress | None,
    ) -> tuple[int, list[Shift]]:
        """Do all tasks, or find them in the store; return how many were found, and the shifts."""
        wanted = [task for task in self.plan.order() if len(self.costs(task))]
        if not len(self.folds):
            return 0, []
        done, offset = 0, self.number * self.plan.n_tasks

        def count(task: int, result: Result) -> None:
            nonlocal done
            tally.add(task, self.costs(task), self.folds, result)
            done += 1
            if progress is not None:
                progress(done, len(wanted))

        def hand_in(task: int, result: Result) -> None:
            store.save(offset + task, result)
            count(task, result)

        known = set()
        for number, result in store.load(range(offset, offset + self.plan.n_tasks)):
            count(number - offset, result)
            known.add(number - offset)
        found = comm.bcast(done)
        left = [task for task in wanted if task not in known]
        return found, deal_out(comm, left, self.work, hand_in, threads)
