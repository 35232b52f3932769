r"""How much of the diagonal of H can be made exact on the lattice: a semidefinite programme.

For a diagonal D with :math:`M = H - D` positive semi-definite, :math:`\tfrac12 x^T M x` stays
convex and :math:`\tfrac12 D_n x_n^2` is replaced by the straight lines between its values at the
levels, which on the lattice changes nothing and between two levels a and b raises the relaxation by
:math:`\tfrac12 D_n (x_n - a)(b - x_n)`. The D that raises it most at a given x,

.. math:: \max_D \; \sum_n w_n D_n \quad \text{where} \quad H - D \succeq 0,

is found by Newton steps on the logarithmic barrier; the Hessian of log det is the elementwise
square of the inverse (Helmberg, Rendl, Vanderbei, Wolkowicz, *SIAM J. Optim.* 6, 1996). The
reformulation is that of Billionnet, Elloumi and Lambert (*Math. Program.* 131, 2012), with lines
instead of added bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stop = Callable[[], bool]

PRECISION = 1e-2
"""Duality gap of the programme, as a share of its value, at which the steps end."""

SHRINK = 0.2
"""Factor of the barrier's weight between two centres."""

MAX_STEPS = 100
"""Newton steps after which the best D so far is taken."""


def never() -> bool:
    """Return False: nobody asks to stop."""
    return False


def definite_shift(matrix: NDArray[np.float64]) -> float:
    r"""Return the shift c for which a Cholesky factor of ``matrix - c`` proves it definite.

    Floating-point Cholesky that runs to its end on :math:`A - cI` proves A positive definite for
    :math:`c \ge \gamma_{n+1} / (1 - \gamma_{n+1}) \, \mathrm{tr} A` and a little against underflow
    (Rump, *BIT* 46, 2006); doubled here.
    """
    n = len(matrix)
    unit = (n + 2) * np.finfo(np.float64).eps
    return 2.0 * unit * float(np.abs(np.diag(matrix)).sum()) + 1e-290 * n


def is_definite(matrix: NDArray[np.float64]) -> bool:
    """Tell whether a symmetric matrix is proven to be positive definite, rounding included."""
    shifted = matrix.copy()
    shifted[np.diag_indices_from(shifted)] -= definite_shift(matrix)
    return _factor(shifted) is not None


def strengthen(
    hessian: NDArray[np.float64],
    weights: NDArray[np.float64],
    floor: float,
    start: NDArray[np.float64],
    stopped: Stop = never,
) -> NDArray[np.float64]:
    """Return a D with H - D proven positive definite and Σ w D nearly as large as can be.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        H.
    weights : ndarray of shape (m,)
        w, positive.
    floor : float
        What D stays above.
    start : ndarray of shape (m,)
        A D strictly above the floor with H - D proven positive definite.
    stopped : callable
        Asked between steps; the D reached so far is returned.
    """
    diagonal = start
    barrier = float(weights @ (np.diag(hessian) - start)) / len(weights)
    for _ in range(MAX_STEPS):
        inverse = _inverse(hessian - np.diag(diagonal))
        if stopped() or inverse is None:
            break
        step, decrement = _newton(inverse, weights, floor, diagonal, barrier)
        if step is None:
            break
        reached = _line(hessian, diagonal, step, floor)
        if reached is None:
            break
        diagonal = reached
        if decrement < 0.5:
            value = abs(float(weights @ diagonal))
            if 2.0 * barrier * len(weights) <= PRECISION * value:
                break
            barrier *= SHRINK
    return diagonal if is_definite(hessian - np.diag(diagonal)) else start


def _newton(
    inverse: NDArray[np.float64],
    weights: NDArray[np.float64],
    floor: float,
    diagonal: NDArray[np.float64],
    barrier: float,
) -> tuple[NDArray[np.float64] | None, float]:
    """Return the Newton step of Σ w D + µ (log det(H - D) + Σ log(D - floor)) and its decrement."""
    from scipy.linalg.lapack import dposv

    per_room = 1.0 / (diagonal - floor)
    slope = weights / barrier - np.diag(inverse) + per_room
    curvature = inverse * inverse
    curvature[np.diag_indices_from(curvature)] += per_room**2
    _, step, info = dposv(curvature, slope)
    if info:
        return None, 0.0
    return step, float(np.sqrt(max(slope @ step, 0.0)))


def _line(
    hessian: NDArray[np.float64],
    diagonal: NDArray[np.float64],
    step: NDArray[np.float64],
    floor: float,
) -> NDArray[np.float64] | None:
    """Return the point after a step, or nine tenths of the way out where that leads outside."""
    length = 1.0
    for _ in range(40):
        trial = diagonal + length * step
        if np.all(trial > floor) and _factor(hessian - np.diag(trial)) is not None:
            return trial if length == 1.0 else diagonal + 0.9 * length * step
        length *= 0.7
    return None


def _factor(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the Cholesky factor, or None where there is none."""
    from scipy.linalg.lapack import dpotrf

    factor, info = dpotrf(matrix, lower=1)
    return None if info else factor


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the inverse of a positive definite matrix, or None where it is not."""
    from scipy.linalg.lapack import dpotri

    factor = _factor(matrix)
    if factor is None:
        return None
    half, info = dpotri(factor, lower=1)
    if info:
        return None
    lower = np.tril(half)
    return np.asarray(lower + np.tril(lower, -1).T)
