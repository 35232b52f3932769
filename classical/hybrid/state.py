"""One dual of the descent on a rank: its own rows, what it offers, and how they change."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.machine.comm import Communicator, block_range
from bridges.svm.signed import signed_bounds
from bridges.svm.simplicial import FREE_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.machine.threads import Run
    from classical.solver.dual import BinaryTask
    from classical.solver.kernel import KernelSource

    Points = list[tuple[NDArray[np.int64], NDArray[np.float64]]]
    """Pieces of remembered columns: row numbers, and the coefficients that every column has."""

UNIT = 2.0**-30
"""Grid of the certificate's summands in units of the largest bound: sums of multiples of it are
exact, so they do not depend on how rows are shared out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Offer:
    """Rows of a rank that may enter the working set of a dual.

    Attributes
    ----------
    numbers : ndarray of shape (n,), int64
        Numbers among the dual's rows, increasing.
    beta, f : ndarray of shape (n,)
        Their coefficients and gradient.
    certificate : float
        This rank's part of the duality gap.
    """

    numbers: NDArray[np.int64]
    beta: NDArray[np.float64]
    f: NDArray[np.float64]
    certificate: float

    @classmethod
    def joined(cls, offers: Sequence[Offer]) -> Offer:
        """Join the offers of all ranks, which own rows in their order."""
        return cls(
            np.concatenate([o.numbers for o in offers]),
            np.concatenate([o.beta for o in offers]),
            np.concatenate([o.f for o in offers]),
            math.fsum(o.certificate for o in offers),
        )


class DualState:
    """The rows of one dual that a rank owns.

    Parameters
    ----------
    source : KernelSource
        Kernel of the training rows.
    task : BinaryTask
        The dual; its ``start`` is where the descent begins.
    comm : Communicator
        Ranks that share the rows. Where kernel values are stored whole, the first rank owns all.

    Attributes
    ----------
    beta, f : ndarray of shape (n_own,)
        Coefficients and gradient of the rows that this rank owns.
    multiplier : float
        Estimate of the multiplier of Σβ = 0, the same on every rank.
    kept : list of list of (numbers, points)
        Used columns of the last steps, the latest first; the same on every rank.
    """

    def __init__(self, source: KernelSource, task: BinaryTask, comm: Communicator) -> None:
        self.source = source
        self.task = task
        n = len(task.y)
        whole = (0, n) if comm.rank == 0 else (n, n)
        spread = source.evaluator is not None
        self.first, self.last = block_range(n, comm.size, comm.rank) if spread else whole
        mine = slice(self.first, self.last)
        self.bounds = signed_bounds(task.y.astype(np.float64), task.bound)
        self.lower, self.upper = (bound[mine] for bound in self.bounds)
        self.beta = task.start[mine].copy()
        self.f = -task.y[mine].astype(np.float64)
        self.Z = source.Z[task.rows[mine]] if spread and source.Z is not None else None
        self.unit = UNIT * 2.0 ** math.ceil(math.log2(float(task.bound.max())))
        self.multiplier = 0.0
        self.kept: list[Points] = []

    def offer(self, size: int) -> Offer:
        """Return the candidates for a working set: worst violators, and rows of kept columns."""
        error = self.f - self.multiplier
        grow, shrink = self.beta < self.upper, self.beta > self.lower
        free = grow & shrink
        places = [
            worst(np.flatnonzero(free), -np.abs(error), int(FREE_SHARE * size)),
            worst(np.flatnonzero(grow & ~free), error, size),
            worst(np.flatnonzero(shrink & ~free), -error, size),
        ]
        kept = [numbers for points in self.kept for numbers, _ in points]
        for numbers in kept:
            held = numbers[(numbers >= self.first) & (numbers < self.last)]
            places.append((held - self.first).astype(np.intp))
        chosen = np.unique(np.concatenate(places))
        return Offer(
            chosen + self.first, self.beta[chosen], self.f[chosen], self.certificate(error)
        )

    def certificate(self, error: NDArray[np.float64]) -> float:
        """Return this rank's part of an upper bound of objective less optimum.

        Σ max(e (β - l), e (β - u)) with e = f - ν for any ν, rounded up to a grid.
        """
        slack = np.maximum(error * (self.beta - self.lower), error * (self.beta - self.upper))
        return float(np.ceil(slack / self.unit).sum()) * self.unit

    def update(
        self,
        numbers: NDArray[np.int64],
        beta: NDArray[np.float64],
        change: NDArray[np.float64],
        run: Run,
    ) -> None:
        """Set the coefficients of some rows of the dual, of whatever rank; update the gradient."""
        mine = (numbers >= self.first) & (numbers < self.last)
        self.beta[numbers[mine] - self.first] = beta[mine]
        if len(numbers):
            self.add(numbers, change, run)

    def add(self, numbers: NDArray[np.int64], change: NDArray[np.float64], run: Run) -> None:
        """Add the effect of changed coefficients to the gradient of this rank's rows."""
        moved = self.task.rows[numbers]
        if self.source.evaluator is None:
            assert self.source.matrix is not None
            own = self.task.rows[self.first : self.last]
            if len(own):
                self.f += np.einsum("ij,i->j", self.source.matrix[np.ix_(moved, own)], change)
            return
        assert self.source.Z is not None
        assert self.Z is not None
        self.source.evaluator.accumulate(
            self.Z, self.source.Z[moved], change[:, None], self.f[:, None], run
        )

    def remember(self, points: Points, keep: int) -> None:
        """Keep the used columns of a step; forget those of the oldest."""
        self.kept = [points, *self.kept][:keep] if keep else []


def worst(places: NDArray[np.intp], keys: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the places of the ``count`` smallest keys, earlier places first among equal ones."""
    if len(places) <= count:
        return places
    given = keys[places]
    limit = np.partition(given, count - 1)[count - 1] if count else -np.inf
    below = places[given < limit]
    equal = places[given == limit]
    return np.concatenate([below, equal[: count - len(below)]])


def flat_numbers(kept: Iterable[Points]) -> NDArray[np.int64]:
    """Return the distinct row numbers of remembered columns, increasing."""
    numbers = [rows for points in kept for rows, _ in points]
    return np.unique(np.concatenate(numbers)) if numbers else np.zeros(0, np.int64)
