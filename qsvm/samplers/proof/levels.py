r"""A problem in the form that the proof takes: convex, on levels, with the sums that must be whole.

Where coefficients have a common step, a sum :math:`t = \sum_n y_n x_n` runs over multiples of it as
well. It joins the problem as one more coefficient, held to the sum by
:math:`\tfrac{\rho}{2} (y^T x - t)^2`, which vanishes at the best t of any x: the optimum stays
where it was, and along the steepest direction of all, that of the penalty, the relaxation knows
the lattice (half to a tenth of the nodes).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError
from qsvm.problem.exact import solve_box
from qsvm.problem.lattice import lattice
from qsvm.samplers.proof.diagonal import is_definite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

MAX_BITS = 10
"""Bits per coefficient beyond which the tables of levels get too large."""

HOLD = 20.0
"""ρ in units of H's curvature along the sum; from 5 to 80 the trees are about the same, and a
larger one costs precision."""

NOISE = 1e-6
"""Negative curvature, as a share of the diagonal, that counts as rounding of a convex problem."""

WHOLE = 1e-9
"""Distance from a whole number within which a ratio of steps is one."""

DEEPEST = 8.0
"""How far below zero D may get where H is not convex, in units of what makes it definite."""

WIDEST = 4096
"""Levels of a sum beyond which it is left out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Whole:
    """A problem on levels.

    Attributes
    ----------
    hessian : ndarray of shape (n, n), float64
        H.
    linear : ndarray of shape (n,)
        f.
    levels : ndarray of shape (n, n_levels)
        Values of each coefficient, ascending.
    top : ndarray of shape (n,), int64
        Last level of each.
    x : ndarray of shape (n,)
        Where to begin: the continuous optimum.
    diagonal : ndarray of shape (n,)
        A D with H - D proven to be positive definite.
    floor : float
        What D stays above: 0, or less where H is not convex and all levels are two.
    margin : float
        What rounding can take off any bound of the energy.
    constant : float
        Energy to be added.
    decode : callable
        Returns the problem's coefficients for levels of shape (n,).
    """

    hessian: NDArray[np.float64]
    linear: NDArray[np.float64]
    levels: NDArray[np.float64]
    top: NDArray[np.int64]
    x: NDArray[np.float64]
    decode: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    constant: float = 0.0
    diagonal: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.zeros(0))
    floor: float = 0.0
    margin: float = 0.0


def on_levels(problem: DualProblem, known: float) -> Whole:
    """Return a problem on levels.

    Parameters
    ----------
    problem : DualProblem
        Any; where it is not convex and its coefficients have more than two levels, its bits take
        their place.
    known : float
        Energy of some point of the lattice.

    Raises
    ------
    UsageError
        If there are more than :data:`MAX_BITS` bits per coefficient.
    DataError
        If the problem holds NaN or infinity.
    """
    if problem.n_bits > MAX_BITS:
        raise UsageError(
            f"{problem.n_bits} bits per coefficient are too many for a proof.",
            f"Use at most {MAX_BITS}; a few rounds of refinement give the same precision.",
        )
    x, _ = solve_box(problem)
    hessian = problem.hessian.astype(np.float64)
    hessian = 0.5 * (hessian + hessian.T)
    ridge = _ridge(hessian)
    values = lattice(problem).values
    if ridge is None and len(values) > 2:
        return _without_convexity(_of_bits(problem))
    whole = Whole(
        hessian=hessian,
        linear=np.asarray(problem.linear, dtype=np.float64),
        levels=problem.lower[:, None] + problem.span[:, None] * values,
        top=np.where(problem.span > 0, len(values) - 1, 0),
        x=x,
        decode=lambda chosen: np.take_along_axis(
            problem.lower[:, None] + problem.span[:, None] * values,
            chosen[: problem.n_coefficients, None],
            axis=1,
        )[:, 0],
    )
    if ridge is None:
        return _without_convexity(whole)
    step = _common_step(problem)
    if step is not None and problem.equality is not None:
        whole = _with_sum(whole, problem.equality, step, known)
    return _convex(whole, ridge)


def _of_bits(problem: DualProblem) -> Whole:
    """Return the QUBO of a problem: its bits are the coefficients."""
    quadratic, linear, constant = problem.qubo()
    return Whole(
        hessian=quadratic,
        linear=linear,
        levels=np.tile([0.0, 1.0], (len(linear), 1)),
        top=np.repeat(np.where(problem.span > 0, 1, 0), problem.n_bits),
        x=np.full(len(linear), 0.5),
        decode=lambda chosen: problem.decode(chosen[None])[0],
        constant=constant,
    )


def _convex(whole: Whole, ridge: float) -> Whole:
    """Return a convex problem with a first D; a ridge that makes it definite counts as rounding."""
    reach = np.abs(whole.levels).max(axis=1)
    hessian = whole.hessian + ridge * np.eye(len(reach))
    margin = _margin(hessian, whole.linear, reach) + 0.5 * ridge * float(reach @ reach)
    for share in 10.0 ** -np.arange(0.25, 15.0, 0.25):
        diagonal = share * np.diag(hessian)
        if is_definite(hessian - np.diag(diagonal)):
            return dataclasses.replace(whole, hessian=hessian, diagonal=diagonal, margin=margin)
    return _convex(whole, max(8.0 * ridge, _least(hessian)))


def _without_convexity(whole: Whole) -> Whole:
    """Return a problem of two levels a coefficient with a first D, negative.

    Over two levels the square is a straight line, whatever its sign.
    """
    n = len(whole.linear)
    taken = _least(whole.hessian)
    while not is_definite(whole.hessian + taken * np.eye(n)):
        taken *= 2.0
    reach = np.abs(whole.levels).max(axis=1)
    largest = np.abs(whole.hessian) + DEEPEST * taken * np.eye(n)
    return dataclasses.replace(
        whole,
        diagonal=np.full(n, -taken),
        floor=-DEEPEST * taken,
        margin=_margin(largest, whole.linear, reach),
    )


def _least(hessian: NDArray[np.float64]) -> float:
    """Return the smallest ridge worth trying: rounding of the largest entry."""
    return float(np.finfo(np.float64).eps * (np.abs(hessian).max(initial=0.0) or 1.0))


def _ridge(hessian: NDArray[np.float64]) -> float | None:
    """Return the diagonal to add for a proof that H is positive definite, None if it is not."""
    if is_definite(hessian):
        return 0.0
    ridge, most = _least(hessian), NOISE * float(np.abs(np.diag(hessian)).max(initial=0.0))
    while ridge <= most:
        if is_definite(hessian + ridge * np.eye(len(hessian))):
            return ridge
        ridge *= 8.0
    return None


def _margin(
    hessian: NDArray[np.float64], linear: NDArray[np.float64], reach: NDArray[np.float64]
) -> float:
    r"""Return what rounding can take off a bound: sums of n products, :math:`\gamma_n \sum |·|`.

    All sums of a bound, of the fixed coefficients and of their pull together are at most eight such
    sums of everything that there is (Higham, *Accuracy and Stability*, section 3.1).
    """
    total = float(reach @ np.abs(hessian) @ reach + np.abs(linear) @ reach)
    return 4.0 * (len(linear) + 16) * float(np.finfo(np.float64).eps) * total


def _common_step(problem: DualProblem) -> float | None:
    """Return the step of the sum that a constraint fixes, or None where it has none.

    It has one where there is one constraint, the levels are equally spaced, and the steps of all
    coefficients are multiples of the smallest.
    """
    shape = lattice(problem)
    if problem.equality is None or problem.groups is not None or not shape.uniform:
        return None
    steps = np.abs(problem.equality) * problem.span / (len(shape.values) - 1)
    steps = steps[steps > 0]
    if len(steps) < 2:
        return None
    step = float(steps.min())
    ratios = steps / step
    return step if np.abs(ratios - np.round(ratios)).max() < WHOLE else None


def _with_sum(whole: Whole, y: NDArray[np.float64], step: float, known: float) -> Whole:
    """Return a problem with the sum yᵀx as one more coefficient, or as it is.

    The sum of a point no higher than ``known`` lies within √(2 (known - E) / µ) of that at x, where
    H - µ y yᵀ is positive semi-definite and E a bound of the energy: only such levels are kept.
    """
    hessian, n = whole.hessian, len(whole.linear)
    curvature = float(y @ hessian @ y) / float(y @ y) ** 2
    least = 0.5 * _curvature_along(hessian, y)
    if not (least > 0 and is_definite(hessian - least * np.outer(y, y))):
        return whole
    low, high = whole.levels[:, 0], whole.levels[np.arange(n), whole.top]
    first, last = float(np.minimum(y * low, y * high).sum()), float(np.abs(y * (high - low)).sum())
    gradient = hessian @ whole.x + whole.linear
    energy = 0.5 * float(whole.x @ (gradient + whole.linear))
    certified = float(np.maximum(gradient * (whole.x - low), gradient * (whole.x - high)).sum())
    room = max(known - energy, 0.0) + certified + 1e-9 * (abs(known) + abs(energy))
    middle, radius = float(y @ whole.x), float(np.sqrt(2.0 * room / least))
    begin = max(int(np.floor((middle - radius - first) / step)) - 1, 0)
    end = min(int(np.ceil((middle + radius - first) / step)) + 1, round(last / step))
    if not 0 < end - begin <= WIDEST:
        return whole
    values = first + step * np.arange(begin, end + 1, dtype=np.float64)
    hold = HOLD * curvature
    column = -hold * y[:, None]
    return dataclasses.replace(
        whole,
        hessian=np.block([[hessian + hold * np.outer(y, y), column], [column.T, hold]]),
        linear=np.append(whole.linear, 0.0),
        levels=_stacked(whole.levels, values),
        top=np.append(whole.top, len(values) - 1),
        x=np.append(whole.x, np.clip(middle, values[0], values[-1])),
    )


def _stacked(levels: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a table of levels with one row more; short rows are filled with their last level."""
    missing = len(values) - levels.shape[1]
    row = np.pad(values, (0, max(-missing, 0)), mode="edge")
    return np.vstack([np.pad(levels, ((0, 0), (0, max(missing, 0))), mode="edge"), row])


def _curvature_along(hessian: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the largest µ with H - µ y yᵀ positive semi-definite: 1 / (yᵀ H⁻¹ y), 0 if none."""
    from scipy.linalg.lapack import dposv

    _, solution, info = dposv(hessian, y)
    inner = float(y @ solution)
    return 1.0 / inner if info == 0 and inner > 0 else 0.0
