"""The outer solver: rows over ranks, a working set of the worst violators, fused gradient updates.

Per outer step every rank offers its most violating samples; rank 0 merges the offers into a working
set, has it solved (:mod:`classical.solver.inner`) and hands the changes back; every rank
updates the gradient of its own rows by a kernel evaluation fused with the accumulation. No n × n
or q × n matrix is stored. All choices depend on values and global row numbers only and a row's
gradient on that row only, so the result is the same to the last bit on any number of ranks and
threads.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.comm import Communicator, on_root
from classical.solver.dual import Effort, Rows, Settings
from classical.solver.inner import make_inner, minimise
from classical.solver.smo import violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.threads import Run
    from bridges.svm.fused import Evaluator
    from classical.solver.checkpoint import Journal

COARSE_SHARE = 10
"""The coarse start solves every tenth sample first."""

COARSE_FROM = 50_000
"""Samples from which a coarse start pays."""

COARSE_TOL = 1.0
"""Tolerance of the coarse start: it only has to find the neighbourhood."""

BAND = 1.0
"""Samples whose decision value is farther than this from the margin are left out until a check."""

KEEP = 0.7
"""Largest share of a working set that is kept from the last one: its free coefficients."""

SLACK = 0.3
"""How far into the other half of the violation interval candidates are taken."""


def smallest(keys: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the places of the ``count`` smallest keys, earlier places first among equal ones."""
    if len(keys) > count:
        limit = np.partition(keys, count - 1)[count - 1]
        below = np.flatnonzero(keys < limit)
        equal = np.flatnonzero(keys == limit)
        chosen = np.concatenate([below, equal[: count - len(below)]])
    else:
        chosen = np.arange(len(keys))
    return chosen[np.lexsort((chosen, keys[chosen]))]


def locate(
    numbers: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the places of wanted numbers in sorted ones, and which of them were found."""
    if not len(numbers):
        return np.zeros(0, np.intp), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    found = numbers[places] == wanted
    return places[found], found


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Rows offered for a working set, by increasing row number.

    Attributes
    ----------
    Z : ndarray of shape (c, width)
        Prepared samples.
    numbers : ndarray of shape (c,), int64
        Global row numbers.
    beta, f, lower, upper : ndarray of shape (c,), float64
        Signed coefficients, gradient and bounds.
    """

    Z: NDArray[Any]
    numbers: NDArray[np.int64]
    beta: NDArray[np.float64]
    f: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows, places: NDArray[np.intp]) -> Candidates:
        """Return copies of some rows of a rank."""
        whole = cls(rows.Z, rows.numbers, rows.beta, rows.f, rows.lower, rows.upper)
        return whole.take(places)

    @classmethod
    def joined(cls, offers: Sequence[Candidates]) -> Candidates:
        """Return the candidates of all ranks, in the order of the global row numbers."""
        columns = zip(*(offered.fields() for offered in offers), strict=True)
        pool = cls(*(np.concatenate(column) for column in columns))
        return pool.take(np.argsort(pool.numbers, kind="stable"))

    def fields(self) -> tuple[NDArray[Any], ...]:
        """Return all arrays, in the order of the attributes."""
        return (self.Z, self.numbers, self.beta, self.f, self.lower, self.upper)

    def take(self, places: NDArray[np.intp]) -> Candidates:
        """Return copies of some of the candidates."""
        return Candidates(*(values[places] for values in self.fields()))

    @property
    def nbytes(self) -> int:
        """Bytes of a message that carries them."""
        return sum(values.nbytes for values in self.fields())


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """What an outer step changed.

    Attributes
    ----------
    numbers : ndarray of shape (m,), int64
        Global numbers of the rows that changed.
    change : ndarray of shape (m,), float64
        By how much.
    Z : ndarray of shape (m, width)
        Their samples.
    kept : ndarray of int64
        Rows that stay in the working set.
    inner : int
        Steps of the inner solver so far, in all outer steps.
    """

    numbers: NDArray[np.int64]
    change: NDArray[np.float64]
    Z: NDArray[Any]
    kept: NDArray[np.int64]
    inner: int

    @property
    def nbytes(self) -> int:
        """Bytes of a message that carries it."""
        return self.numbers.nbytes + self.change.nbytes + self.Z.nbytes + self.kept.nbytes


def offer(rows: Rows, count: int, kept: NDArray[np.int64]) -> Candidates:
    """Return this rank's candidates: its worst violators of both sides and the rows kept."""
    held, _ = locate(rows.numbers, kept)
    new = np.ones(len(rows.numbers), np.bool_)
    new[held] = False
    grow = np.flatnonzero(new & (rows.beta < rows.upper))
    shrink = np.flatnonzero(new & (rows.beta > rows.lower))
    grow = grow[smallest(rows.f[grow], count)]
    shrink = shrink[smallest(-rows.f[shrink], count)]
    return Candidates.of(rows, np.unique(np.concatenate([grow, shrink, held])))


def choose(pool: Candidates, size: int, kept: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the places in the pool that make the working set, increasing."""
    f, beta = pool.f, pool.beta
    taken = np.zeros(len(f), np.bool_)
    taken[locate(pool.numbers, kept)[0]] = True
    can_grow, can_shrink = beta < pool.upper, beta > pool.lower
    high, low = f[can_shrink].max(), f[can_grow].min()
    # Solving the set moves the level, so the worst on today's side of it alone would be one-sided
    # tomorrow: SLACK lets in some from just beyond.
    middle, slack = 0.5 * (high + low), SLACK * (high - low)
    grow = np.flatnonzero(can_grow & ~taken & (f < middle + slack))
    shrink = np.flatnonzero(can_shrink & ~taken & (f > middle - slack))
    half = (size - int(taken.sum())) // 2
    worst = [grow[smallest(f[grow], half)], shrink[smallest(-f[shrink], half)]]
    return np.unique(np.concatenate([*worst, np.flatnonzero(taken)]))


class Decomposition:
    """The outer loop on one binary dual.

    Parameters
    ----------
    evaluator : Evaluator
        The kernel.
    comm : Communicator
        The ranks that share the rows.
    settings : Settings
        Tolerance and sizes.
    run : callable
        Deals rows to this rank's threads (:func:`bridges.machine.threads.in_chunks`).
    journal : Journal, optional
        Keeps the coefficients of a long fit; used on rank 0.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        comm: Communicator,
        settings: Settings,
        run: Run,
        journal: Journal | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.comm = comm
        self.settings = settings
        self.run = run
        self.journal = journal if comm.rank == 0 else None
        self.inner = make_inner(settings.inner, settings.inner_params)
        self.stride = 1
        self.effort = Effort()
        self.buffer: NDArray[Any] = np.empty(0, evaluator.dtype)

    def solve(self, rows: Rows) -> None:
        """Minimise; on return ``rows.beta`` and ``rows.f`` are those of the optimum.

        ``rows.beta`` may hold a feasible start; ``rows.f`` must be ``-rows.y``.
        """
        used = rows.beta != 0
        if any(self.comm.allgather(bool(used.any()))):
            self.update(rows, rows.Z[used], rows.beta[used])
            self.finish(rows, self.settings.tol)
        else:
            self.descend(rows, self.settings.tol)

    def descend(self, rows: Rows, tol: float) -> None:
        """Minimise from zero, by way of every tenth sample if there are many."""
        if sum(self.comm.allgather(len(rows.y))) >= COARSE_FROM:
            every = rows.numbers % COARSE_SHARE == 0
            part = rows.take(np.flatnonzero(every))
            part.numbers //= COARSE_SHARE
            self.stride *= COARSE_SHARE
            self.descend(part, max(tol, COARSE_TOL))
            self.stride //= COARSE_SHARE
            rows.beta[every] = part.beta
            self.update(rows, part.Z[part.beta != 0], part.beta[part.beta != 0])
        self.finish(rows, tol)

    def finish(self, rows: Rows, tol: float) -> None:
        """Iterate on the samples near the margin, then check all, until all satisfy ``tol``."""
        size = self.settings.size(sum(self.comm.allgather(len(rows.y))))
        while True:
            high, low = self.extremes(rows)
            self.effort.violation = high - low
            if not self.goes_on(tol):
                return
            # Beside the margin's neighbourhood all that is on the wrong side of the level must be
            # active, however far: a far violator left out would be found by the check again and
            # again. The rest is at a bound where it is content, so the level may move by BAND
            # before one of them matters.
            middle = 0.5 * (high + low)
            near = np.abs(rows.f - middle) <= BAND
            near |= (rows.beta < rows.upper) & (rows.f <= middle)
            near |= (rows.beta > rows.lower) & (rows.f >= middle)
            places, far = np.flatnonzero(near), np.flatnonzero(~near)
            active, rest = rows.take(places), rows.take(far)
            self.iterate(active, tol, size)
            change = active.beta - rows.beta[places]
            rows.beta[places], rows.f[places] = active.beta, active.f
            self.update(rest, active.Z[change != 0], change[change != 0])
            rows.f[far] = rest.f

    def goes_on(self, tol: float) -> bool:
        """Return whether the violation is above the tolerance and steps are left."""
        return self.effort.violation > tol and self.effort.inner < self.settings.max_steps

    def iterate(self, rows: Rows, tol: float, size: int) -> None:
        """Take outer steps until the largest violation is at most ``tol``."""
        kept = np.zeros(0, np.int64)
        while True:
            high, low = self.extremes(rows)
            self.effort.violation = high - low
            if not self.goes_on(tol):
                return
            step = self.step(rows, kept, tol, size)
            kept = step.kept
            self.effort.inner, self.effort.outer = step.inner, self.effort.outer + 1
            if not len(step.numbers):
                self.effort.inner = self.settings.max_steps
                return
            if self.journal is not None:
                self.journal.note(step.numbers * self.stride, step.change)
            places, found = locate(rows.numbers, step.numbers)
            rows.beta[places] += step.change[found]
            self.accumulate(rows, step.Z, step.change)

    def update(self, rows: Rows, Z: NDArray[Any], change: NDArray[np.float64]) -> None:
        """Add the effect of changed coefficients of this and all other ranks to the gradient."""
        self.effort.sent_bytes += Z.nbytes + change.nbytes
        pieces = self.comm.allgather((Z, change))
        self.accumulate(rows, *(np.concatenate(column) for column in zip(*pieces, strict=True)))

    def accumulate(self, rows: Rows, Z: NDArray[Any], change: NDArray[np.float64]) -> None:
        """Add the effect of changed coefficients to the gradient of this rank's rows."""
        started = time.perf_counter()
        if len(Z):
            self.evaluator.accumulate(rows.Z, Z, change[:, None], rows.f[:, None], self.run)
        self.effort.kernel_values += len(rows.f) * len(Z)
        self.effort.update_s += time.perf_counter() - started

    def extremes(self, rows: Rows) -> tuple[float, float]:
        """Return the largest f that may shrink and the smallest that may grow, over all ranks."""
        both = self.comm.allgather(violation(rows.f, rows.beta, rows.lower, rows.upper))
        return max(high for high, _ in both), min(low for _, low in both)

    def step(self, rows: Rows, kept: NDArray[np.int64], tol: float, size: int) -> Step:
        """Have a working set solved on rank 0, and tell all ranks what changed."""
        mine = offer(rows, size // 2, kept)
        self.effort.sent_bytes += mine.nbytes
        offers = self.comm.gather(mine) or ()
        step = on_root(self.comm, lambda: self.solve_working_set(offers, kept, tol, size))
        if self.comm.rank == 0:
            self.effort.sent_bytes += step.nbytes
        return step

    def solve_working_set(
        self, offers: Sequence[Candidates], kept: NDArray[np.int64], tol: float, size: int
    ) -> Step:
        """Choose a working set among the candidates of all ranks and have it solved."""
        started = time.perf_counter()
        pool = Candidates.joined(offers)
        part = pool.take(choose(pool, size, kept))
        if len(self.buffer) < size * size:
            self.buffer = np.empty(size * size, self.evaluator.dtype)
        K = self.evaluator.gram(part.Z, self.buffer, self.run)
        beta, f = part.beta.copy(), part.f.copy()
        inner_tol = max(0.1 * self.effort.violation, 0.5 * tol)
        left = self.settings.max_steps - self.effort.inner
        steps = minimise(self.inner, K, f, beta, part.lower, part.upper, inner_tol, left)
        change = beta - part.beta
        moved = np.flatnonzero(change)
        free = np.flatnonzero((beta > part.lower) & (beta < part.upper))
        self.effort.inner_s += time.perf_counter() - started
        return Step(
            part.numbers[moved],
            change[moved],
            part.Z[moved],
            part.numbers[free[: int(size * KEEP)]],
            self.effort.inner + steps,
        )
