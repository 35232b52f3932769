"""Branch and bound over boxes: lowest bound first, in rounds, every box searched on one thread."""

from __future__ import annotations

import dataclasses
import functools
import heapq
import itertools
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from bridges.machine.blas import one_blas_thread
from qsvm.samplers.proof.boxes import Box, distances, part_of, root_of, shrunk, strengthened
from qsvm.samplers.proof.levels import Whole, on_levels
from qsvm.samplers.proof.state import (
    BETTER,
    BOXES,
    NODES,
    Left,
    Model,
    Stack,
    new_left,
    new_stack,
    new_state,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.proof.boxes import Part

AGREED = 1e-9
"""Share of the best energy within which a bound counts as reaching it."""

ROOT_PASSES = 3
"""Choices of D for the whole lattice; each starts from the relaxation that the one before gave."""

TRIAL = 150
"""Nodes of a box that are searched before its D is chosen anew: most boxes need no more."""

SMALL, SMALL_TRIAL = 50, 1000
"""Coefficients up to which the whole lattice is tried with a plain D first, and nodes of that
trial: they take a few milliseconds, as does the choice of a better D."""

BUDGET = 2000
"""Nodes of a box that are searched before what is left of it goes back to the others."""

ROUND = 8
"""Boxes of a round. All of a round start from the same best energy and are merged in order, so what
is found depends on neither threads nor time."""

NEVER = 2**62
"""More nodes than any search visits."""

STACK = 48 * 2**20
"""Bytes of a thread's stack at most."""


@dataclasses.dataclass(frozen=True, eq=False)
class Proof:
    """The best lattice point known, and what is proven of it.

    Attributes
    ----------
    x : ndarray of shape (n,), float64
        The point.
    energy : float
        Its energy.
    lower_bound : float
        No lattice point has a lower energy, rounding included.
    proven : bool
        Whether the bound reaches the energy: to 1e-9 of it, or to what rounding allows where that
        is more (:attr:`qsvm.samplers.proof.levels.Whole.margin`, about 1e-8 of it at 150
        coefficients).
    nodes : int
        Nodes of the search.
    """

    x: NDArray[np.float64]
    energy: float
    lower_bound: float
    proven: bool
    nodes: int


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """What the search of one box gives.

    Attributes
    ----------
    best : float
        Energy below which the box holds nothing but what is left.
    levels : ndarray of shape (n,) or None
        Levels of a point of that energy, where the box had a better one.
    boxes : list of Box
        What is left to search.
    nodes : int
        Nodes visited.
    """

    best: float
    levels: NDArray[np.int64] | None
    boxes: list[Box]
    nodes: int


@dataclasses.dataclass(frozen=True, eq=False)
class Quest:
    """What all searches of one problem share.

    Attributes
    ----------
    whole : Whole
        The problem.
    slack : float
        A box is closed whose bound reaches the best energy less this.
    stop : ndarray of shape (1,), uint8
        Set to give up.
    """

    whole: Whole
    slack: float
    stop: NDArray[np.uint8]

    def stopped(self) -> bool:
        """Tell whether to give up."""
        return bool(self.stop[0])


def prove(
    problem: DualProblem,
    known: NDArray[np.float64],
    *,
    time_limit: float | None = None,
    max_nodes: int | None = None,
    executor: Executor | None = None,
    stop: NDArray[np.uint8] | None = None,
) -> Proof:
    """Search the lattice of a problem until no point can be better, or until told to stop.

    Parameters
    ----------
    problem : DualProblem
        At most 10 bits per coefficient.
    known : ndarray of shape (n_rows, n)
        Points of the lattice, at least one: the better, the fewer nodes.
    time_limit : float, optional
        Seconds after which to stop with the bound reached; the bound of the whole lattice's
        relaxation is computed in any case.
    max_nodes : int, optional
        Nodes after which to stop in the same way, on every machine alike.
    executor : Executor, optional
        Threads to search boxes on; the calling one by default.
    stop : ndarray of shape (1,), uint8, optional
        Set by another thread to stop.

    Returns
    -------
    Proof
        Independent of threads and time unless stopped.

    Raises
    ------
    UsageError
        If there are more than 10 bits per coefficient.
    DataError
        If the problem holds NaN or infinity.
    """
    compile_search()
    flag = np.zeros(1, dtype=np.uint8) if stop is None else stop
    timer = None
    if time_limit is not None:
        timer = threading.Timer(time_limit, flag.__setitem__, (0, 1))
        timer.daemon = True
        timer.start()
    try:
        with one_blas_thread():
            over = map if executor is None else executor.map
            return _search(problem, known, flag, over, max_nodes or NEVER)
    finally:
        if timer is not None:
            timer.cancel()
            timer.join()


@functools.cache
def compile_search() -> None:
    """Compile the search, or load its machine code: no part of anybody's time limit."""
    from qsvm.samplers.proof.tree import grow

    one = np.ones((1, 1))
    model = Model(one, np.ones((2, 1)), np.array([[0.0, 1.0]]))
    state = new_state(np.zeros(1, np.int64), np.ones(1, np.int64), np.zeros(1))
    stop = np.zeros(1, dtype=np.uint8)
    grow(model, state, new_stack(1, 0), new_left(1, 8), 0.0, 0.0, 0.0, 9, stop)


def _search(
    problem: DualProblem,
    known: NDArray[np.float64],
    flag: NDArray[np.uint8],
    over: Callable[..., Iterable[Found]],
    max_nodes: int,
) -> Proof:
    """Search round by round; ``over`` maps the search of a box over the boxes of a round."""
    energies = problem.energies(known)
    x, best = known[int(np.argmin(energies))], float(energies.min())
    whole = on_levels(problem, best)
    quest = Quest(whole, max(AGREED * abs(best), 2.0 * whole.margin), flag)
    waiting: list[tuple[float, int, Box]] = []
    number = itertools.count()
    batch, nodes = [root_of(whole)], 0
    while batch:
        budget = min(BUDGET, 1 + (max_nodes - nodes) // len(batch))
        explore = functools.partial(_explore, quest, best, nodes == 0, budget)
        for found in over(explore, batch):
            nodes += found.nodes
            for box in found.boxes:
                heapq.heappush(waiting, (box.bound, next(number), box))
            if found.levels is not None:
                point = whole.decode(found.levels)
                energy = float(problem.energies(point)[0])
                if energy < best:
                    x, best = point, energy
        ended = quest.stopped() or nodes >= max_nodes
        batch = [] if ended else _next_round(waiting, best - quest.slack)
    left = min((bound for bound, _, _ in waiting), default=np.inf)
    closed = best - quest.slack
    return Proof(x, best, min(left, closed - whole.margin), left >= closed, nodes)


def _next_round(waiting: list[tuple[float, int, Box]], cut: float) -> list[Box]:
    """Take the boxes of lowest bound off a heap, as many as a round has, none above the cut."""
    batch: list[Box] = []
    while waiting and len(batch) < ROUND and waiting[0][0] < cut:
        batch.append(heapq.heappop(waiting)[2])
    return batch


def _explore(quest: Quest, best: float, root: bool, budget: int, box: Box) -> Found:
    """Search a box below a best energy, with a D of its own unless it turns out to be small."""
    first = Found(best, None, [box], 0)
    small = int((box.low < box.high).sum()) <= SMALL
    trial = SMALL_TRIAL if root and small else 0 if root else TRIAL
    if trial:
        first = _dig(quest, best, box, min(trial, budget))
        if not first.boxes or quest.stopped() or first.nodes >= budget:
            return first
    nodes, weights = first.nodes, np.zeros(len(box.low))
    for number in range(ROOT_PASSES if root else 1):
        box, part, closed = _relaxed(quest, first.best, box)
        nodes += 1
        if closed:
            return dataclasses.replace(first, boxes=[], nodes=nodes)
        seen = distances(quest.whole, box, part)
        weights = 0.5 * (weights + seen) if number else seen
        if np.any(box.low < box.high):
            box = strengthened(quest.whole, box, weights, quest.stopped)
        if quest.stopped():
            return dataclasses.replace(first, boxes=[box], nodes=nodes)
    last = _dig(quest, first.best, box, budget)
    levels = first.levels if last.levels is None else last.levels
    return Found(last.best, levels, last.boxes, nodes + last.nodes)


def _relaxed(quest: Quest, best: float, box: Box) -> tuple[Box, Part, bool]:
    """Return a box as its relaxation leaves it, the relaxation, and whether nothing is left."""
    part = part_of(quest.whole, box)
    left = new_left(len(part.rows), 0)
    _grow(quest, best, part, new_stack(len(part.rows), 0), left, 1)
    if not left.counts[BOXES]:
        return box, part, True
    return shrunk(box, part, float(left.bounds[0]) + part.constant), part, False


def _dig(quest: Quest, best: float, box: Box, budget: int) -> Found:
    """Search a box depth first, with the D that it has."""
    part = part_of(quest.whole, box)
    m = len(part.rows)
    stack = new_stack(m, STACK)
    left = new_left(m, len(stack.bounds))
    best = _grow(quest, best, part, stack, left, budget)
    levels = None
    if left.counts[BETTER]:
        levels = box.low.copy()
        levels[part.rows] = left.best
    boxes = []
    for row in range(left.counts[BOXES]):
        low, high, x = box.low.copy(), box.high.copy(), box.x.copy()
        low[part.rows], high[part.rows], level = left.boxes[row]
        x[part.rows] = part.model.levels[np.arange(m), level]
        bound = max(float(left.bounds[row]) + part.constant, box.bound)
        boxes.append(Box(low, high, bound, x, box.diagonal))
    return Found(best, levels, boxes, int(left.counts[NODES]))


def _grow(quest: Quest, best: float, part: Part, stack: Stack, left: Left, budget: int) -> float:
    """Search a part; see :func:`qsvm.samplers.proof.tree.grow`. Returns the best energy known."""
    from qsvm.samplers.proof.tree import grow

    below = best - part.constant
    found = grow(
        part.model,
        part.state,
        stack,
        left,
        below,
        quest.slack,
        quest.whole.margin,
        budget,
        quest.stop,
    )
    return best if found == below else float(found) + part.constant
