"""A binary dual: its task, its rows on a rank, and its solution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.signed import signed_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_SETS = ((8_000, 1024), (16_000, 1536), (50_000, 2048))
"""Working sets for duals of fewer samples than the first number (4, 9 and 16 MB in float32)."""

LARGEST_WORKING_SET = 3072
"""Working set of larger duals (38 MB in float32)."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the outer loop needs to know.

    Attributes
    ----------
    tol : float
        Largest violation of the optimality conditions left.
    max_steps : int
        Pair steps after which to stop.
    working_set : int, optional
        Samples in the working set; by default chosen by the number of samples.
    inner : str
        Registered name of the inner solver.
    inner_params : mapping
        Its parameters.
    """

    tol: float = 1e-3
    max_steps: int = 10_000_000
    working_set: int | None = None
    inner: str = "smo"
    inner_params: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def size(self, n: int) -> int:
        """Return the working set for ``n`` samples."""
        fitting = (size for limit, size in WORKING_SETS if n < limit)
        return self.working_set or next(fitting, LARGEST_WORKING_SET)


@dataclasses.dataclass(eq=False)
class Rows:
    """The rows of a binary dual that a rank owns.

    Attributes
    ----------
    Z : ndarray of shape (n, width)
        Prepared samples.
    numbers : ndarray of shape (n,), int64
        Global row numbers, increasing.
    y : ndarray of shape (n,), float64
        Signs.
    bound : ndarray of shape (n,), float64
        Upper bounds of the coefficients.
    beta, f : ndarray of shape (n,), float64
        Signed coefficients and gradient K beta - y.
    """

    Z: NDArray[Any]
    numbers: NDArray[np.int64]
    y: NDArray[np.float64]
    bound: NDArray[np.float64]
    beta: NDArray[np.float64]
    f: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.lower, self.upper = signed_bounds(self.y, self.bound)

    def take(self, places: NDArray[Any]) -> Rows:
        """Return copies of some of the rows."""
        fields = (self.Z, self.numbers, self.y, self.bound, self.beta, self.f)
        return Rows(*(field[places] for field in fields))


@dataclasses.dataclass
class Effort:
    """What a solution cost.

    Attributes
    ----------
    outer, inner : int
        Outer steps and pair steps.
    sent_bytes : int
        Bytes of arrays that this rank handed to messages.
    kernel_values : int
        Kernel values evaluated on this rank.
    inner_s, update_s : float
        Seconds in the inner solver and in gradient updates.
    violation : float
        Largest violation at the end.
    """

    outer: int = 0
    inner: int = 0
    sent_bytes: int = 0
    kernel_values: int = 0
    inner_s: float = 0.0
    update_s: float = 0.0
    violation: float = np.inf


@dataclasses.dataclass(frozen=True, eq=False)
class BinaryTask:
    """A binary dual over some of the training rows.

    Attributes
    ----------
    rows : ndarray of shape (n,), intp
        Training rows, increasing.
    y : ndarray of shape (n,)
        Signs.
    bound : ndarray of shape (n,)
        Upper bounds of the coefficients.
    start : ndarray of shape (n,)
        Signed coefficients to start from, feasible; zeros for a cold start.
    """

    rows: NDArray[np.intp]
    y: NDArray[np.float64]
    bound: NDArray[np.float64]
    start: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class BinarySolution:
    """The optimum of a binary dual.

    Attributes
    ----------
    beta : ndarray of shape (n,)
        Signed coefficients of the task's rows.
    intercept : float
        Bias.
    objective : float
        Dual objective, minimised form.
    at_bound : int
        Coefficients at their upper bound.
    effort : Effort
        What it cost.
    """

    beta: NDArray[np.float64]
    intercept: float
    objective: float
    at_bound: int
    effort: Effort


DIRECT_LIMIT = 3000
"""Samples of a dual up to which its whole kernel matrix is stored."""
