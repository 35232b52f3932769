r"""What proposes the columns of a simplicial decomposition: the list door between the wings.

A *block* is a small part of a dual: find changes δ of its coefficients for which

.. math:: \tfrac12 \delta^T K \delta + f^T \delta, \qquad l_n \le \delta_n \le u_n

is low, where f is the gradient less the multiplier of Σβ = 0. Every low point, not only the lowest,
is a *column* of a master problem (:mod:`bridges.svm.simplicial`), which decides how far to go along
each and keeps the objective from rising. All blocks of a step, of all duals of a model, go through
the door in one list, so that a chip is filled by every submission.

A generator is found by its registered name (entry-point group ``bridges.subproblems``); it may be
an inner solver (:class:`bridges.svm.inner.InnerSolver`) besides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bridges.machine.progress import Progress, no_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """A part of a dual.

    Attributes
    ----------
    places : ndarray of shape (q,), intp
        Its coefficients among those of the local dual that it was cut from; neighbours in this
        order are strongly coupled.
    K : ndarray of shape (q, q), float64
        Kernel values.
    f : ndarray of shape (q,), float64
        Gradient of the dual less the multiplier of its equality.
    lower, upper : ndarray of shape (q,), float64
        Ends of the interval of every change, lower ≤ 0 ≤ upper.
    positive : ndarray of shape (q,), bool
        Which coefficients belong to the class of positive ones.
    label : str
        Name for stores and dashboards.
    """

    places: NDArray[np.intp]
    K: NDArray[np.float64]
    f: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    positive: NDArray[np.bool_]
    label: str = "block"


@dataclasses.dataclass(frozen=True, eq=False)
class Proposal:
    """The columns of a block.

    Attributes
    ----------
    columns : ndarray of shape (n_columns, q), float64
        Changes δ, one a row; what lies outside the block's intervals, or is no number, is left out
        by the master problem.
    control : ndarray of shape (n_control, q), float64, or None
        As many points of the same intervals without any optimisation: what the master problem makes
        of them tells what the columns are worth.
    solve_s, qpu_s : float
        Seconds that the block took, and its share of QPU access time.
    estimated_qpu_s : float
        The same as it was estimated before it was sent.
    submissions : float
        The block's share of submissions to a chip.
    chain_break_fraction : float or None
        Mean share of broken chains; None where nothing was embedded.
    """

    columns: NDArray[np.float64]
    control: NDArray[np.float64] | None = None
    solve_s: float = 0.0
    qpu_s: float = 0.0
    estimated_qpu_s: float = 0.0
    submissions: float = 0.0
    chain_break_fraction: float | None = None


@dataclasses.dataclass(frozen=True)
class Price:
    """What one list of blocks would cost.

    Attributes
    ----------
    submissions : int
        Calls of the hardware.
    qpu_s : float
        Estimated QPU access time in seconds.
    text : str
        The same in words.
    """

    submissions: int
    qpu_s: float
    text: str


@runtime_checkable
class ColumnGenerator(Protocol):
    """Proposes columns for many blocks at once.

    Attributes
    ----------
    independent : bool
        Whether a proposal depends on its own block and seed only: then ranks share out the list;
        else rank 0 asks for all of it, as for a chip on which the blocks lie side by side.
    keeps_calls : bool
        Whether it files what it sends and is answered, because it costs money.
    """

    independent: bool
    keeps_calls: bool

    def propose(
        self,
        blocks: Sequence[Block],
        seeds: Sequence[int],
        *,
        call: int = 0,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[Proposal]:
        """Return a proposal for every block, in their order.

        Parameters
        ----------
        blocks : sequence of Block
            Any sizes, mixed.
        seeds : sequence of int
            One per block.
        call : int
            Number of the list in its run. A generator that keeps what it sends files it under that
            number, and gives the same list asked again under it the answer that it has.
        n_jobs : int, optional
            Threads; all cores by default.
        progress : callable
            Called with (blocks done, blocks in all).
        """
        ...

    def price(self, sizes: Sequence[int]) -> Price | None:
        """Return what a list of blocks of these sizes would cost; None where it costs nothing."""
        ...
