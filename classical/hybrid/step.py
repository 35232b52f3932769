"""One step of one dual: its blocks go out, columns come back, the master problem decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.svm.columns import Block, Proposal
from bridges.svm.simplicial import (
    LocalDual,
    MasterStep,
    as_changes,
    as_points,
    convex_shift,
    cut,
    level,
    make_blocks,
    master,
    usable,
    working_set,
)
from classical.hybrid.state import DualState, Offer, flat_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.threads import Run
    from bridges.svm.simplicial import Pieces
    from classical.hybrid.settings import HybridSettings
    from classical.hybrid.state import Points

NOTHING = 1e-10
"""Decrease that is rounding, as a share of the sizes of step and gradient multiplied."""


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """The blocks of a dual in a step.

    Attributes
    ----------
    task : int
        Number of the dual.
    numbers : ndarray of shape (n,), int64
        Rows of the local dual, increasing: working set and rows of kept columns.
    beta, f : ndarray of shape (n,)
        Their coefficients and gradient.
    partitions : list of list of Block
        Disjoint blocks of the working set, once for every shuffle.
    seeds : list of int
        One per block.
    """

    task: int
    numbers: NDArray[np.int64]
    beta: NDArray[np.float64]
    f: NDArray[np.float64]
    partitions: list[list[Block]]
    seeds: list[int]

    @property
    def blocks(self) -> list[Block]:
        """The blocks of all partitions in one list."""
        return [block for partition in self.partitions for block in partition]


@dataclasses.dataclass(frozen=True)
class Spent:
    """What a step of a dual took.

    Attributes
    ----------
    n_blocks, n_columns, n_refused : int
        Blocks, columns weighed, and columns that were no points of their blocks.
    solve_s, qpu_s, estimated_qpu_s, submissions : float
        Sums over the blocks.
    broken : float or None
        Mean share of broken chains.
    """

    n_blocks: int
    n_columns: int
    n_refused: int
    solve_s: float
    qpu_s: float
    estimated_qpu_s: float
    submissions: float
    broken: float | None

    @classmethod
    def of(cls, found: Sequence[Proposal], n_columns: int, n_refused: int) -> Spent:
        """Sum up what the proposals took."""
        broken = [p.chain_break_fraction for p in found if p.chain_break_fraction is not None]
        return cls(
            len(found),
            n_columns,
            n_refused,
            sum(p.solve_s for p in found),
            sum(p.qpu_s for p in found),
            sum(p.estimated_qpu_s for p in found),
            sum(p.submissions for p in found),
            float(np.mean(broken)) if broken else None,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Move:
    """What a step does to a dual, told to all ranks.

    Attributes
    ----------
    task : int
        Number of the dual.
    numbers, beta, change : ndarray of shape (m,)
        Rows that move, their new coefficients, and by how much these differ from the old ones.
    annealer, control, kept : float
        Decrease of the objective by the columns that were proposed; what as many columns without
        optimisation would have given in their place; decrease by columns of earlier steps.
    multiplier : float
        Of the equality, after the step.
    points : list of (numbers, points)
        Used columns.
    spent : Spent
        What it took.
    """

    task: int
    numbers: NDArray[np.int64]
    beta: NDArray[np.float64]
    change: NDArray[np.float64]
    annealer: float
    control: float
    kept: float
    multiplier: float
    points: Points
    spent: Spent


def plan(
    state: DualState, task: int, offer: Offer, step: int, settings: HybridSettings, run: Run
) -> Plan:
    """Choose the working set among the candidates of all ranks and cut it into blocks.

    Only values and row numbers decide, never which rank offered them.
    """
    random = np.random.default_rng([settings.seed, step, task])
    lower, upper = (bound[offer.numbers] for bound in state.bounds)
    chosen = working_set(offer.f, offer.beta, lower, upper, state.multiplier, settings.size)
    wanted = np.union1d(offer.numbers[chosen], flat_numbers(state.kept))
    places = np.searchsorted(offer.numbers, wanted)
    order = np.searchsorted(wanted, offer.numbers[chosen])
    beta, f = offer.beta[places], offer.f[places]
    at = np.sort(order)
    where = state.task.rows[wanted[at]]
    dual = LocalDual(
        state.source.block(where, run),
        f[at],
        beta[at],
        state.bounds[0][wanted[at]],
        state.bounds[1][wanted[at]],
    )
    multiplier = level(dual.f, dual.beta, dual.lower, dual.upper)
    ranked = np.searchsorted(at, order)
    partitions = []
    for shuffle in range(settings.shuffles):
        if shuffle:
            ranked = random.permutation(ranked)
        made = make_blocks(
            dual, ranked, settings.block, multiplier, random, f"{step}/{task}/{shuffle}"
        )
        partitions.append([dataclasses.replace(b, places=at[b.places]) for b in made])
    seeds = random.integers(2**31, size=sum(map(len, partitions))).tolist()
    return Plan(task, wanted, beta, f, partitions, seeds)


def move(
    state: DualState, plan: Plan, found: Sequence[Proposal], settings: HybridSettings, run: Run
) -> Move:
    """Solve the master problems over new columns, then over those of earlier steps."""
    dual = LocalDual(
        state.source.block(state.task.rows[plan.numbers], run),
        plan.f.copy(),
        plan.beta.copy(),
        state.bounds[0][plan.numbers],
        state.bounds[1][plan.numbers],
    )
    if not settings.definite:
        dual.shift = convex_shift(dual.K)
    annealer, control, kept = 0.0, 0.0, 0.0
    used: Pieces = []
    n_columns, n_usable, done = 0, 0, 0
    for partition in plan.partitions:
        proposals = found[done : done + len(partition)]
        done += len(partition)
        columns = [usable(b, p.columns) for b, p in zip(partition, proposals, strict=True)]
        n_usable += sum(map(len, columns))
        random = [_control(b, p) for b, p in zip(partition, proposals, strict=True)]
        control += _weighed(dual, plan.beta, cut(partition, random, settings.pieces)).decrease
        step = _weighed(dual, plan.beta, cut(partition, columns, settings.pieces))
        n_columns += step.n_columns
        used += as_points(dual, step.used)
        annealer += _take(dual, step)
    for points in state.kept:
        local = [(np.searchsorted(plan.numbers, rows), values) for rows, values in points]
        kept += _take(dual, master(dual, as_changes(dual, local)))
    change = dual.beta - plan.beta
    moved = np.flatnonzero(change)
    n_refused = sum(len(p.columns) for p in found) - n_usable
    return Move(
        plan.task,
        plan.numbers[moved],
        dual.beta[moved],
        change[moved],
        annealer,
        control,
        kept,
        level(dual.f, dual.beta, dual.lower, dual.upper),
        [(plan.numbers[places], values) for places, values in used],
        Spent.of(found, n_columns, n_refused),
    )


def _weighed(dual: LocalDual, origin: NDArray[np.float64], pieces: Pieces) -> MasterStep:
    """Return the best step along columns that start where the step of the outer loop did."""
    return master(dual, as_changes(dual, [(at, origin[at] + columns) for at, columns in pieces]))


def _control(block: Block, proposal: Proposal) -> NDArray[np.float64]:
    """Return the columns without optimisation; none where the generator has none."""
    if proposal.control is None:
        return np.zeros((0, len(block.places)))
    return usable(block, proposal.control)


def _take(dual: LocalDual, step: MasterStep) -> float:
    """Take a step unless its gain is rounding; return the gain."""
    if step.decrease <= NOTHING * float(np.abs(step.change) @ np.abs(dual.f[step.places])):
        return 0.0
    dual.move(step.places, step.change)
    return step.decrease
