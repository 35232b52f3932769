r"""A small convex quadratic with equalities over non-negative weights, by an interior-point method.

.. math:: \min_w \tfrac12 w^T G w + c^T w, \qquad B w = d, \; w \ge 0

Mehrotra's predictor and corrector (*SIAM J. Optim.* 2(4), 1992) for quadratics (Nocedal & Wright,
*Numerical Optimization*, algorithm 16.4). For up to a few hundred weights: each of about ten steps
factorises a dense matrix. It returns the multipliers of the equalities as well, with which a
caller can price weights that it has left out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_STEPS = 80
"""Steps after which the best point so far is returned; convex problems need 8 to 15, those whose
equalities leave no weight positive but one up to 40."""

BACK_OFF = 0.995
"""Share of the way to the nearest bound that a step goes."""

RIDGE = 1e-13
"""Diagonal added to matrices, as a share of their mean diagonal, against rounding."""

FLOOR = 1e-3
"""Stands for the energy, in units of the largest term, where that is smaller: at zero."""

MAX_DROPS = 10
"""Attempts to find which weights are exactly zero."""

ROUNDING = 1e-11
"""Negative slope, in units of the largest term, that counts as zero."""

TINY = 1e-300
"""Stands for zero where something is divided by a scale."""


@dataclasses.dataclass(frozen=True, eq=False)
class InteriorPoint:
    """A point with its multipliers.

    Attributes
    ----------
    weights : ndarray of shape (s,), float64
        w ≥ 0; those that the optimum does not use are exactly zero.
    multipliers : ndarray of shape (m,), float64
        λ of Bw = d: Gw + c - Bᵀλ ≥ 0 at the optimum, 0 where w > 0.
    """

    weights: NDArray[np.float64]
    multipliers: NDArray[np.float64]


def minimise_over_weights(
    quadratic: NDArray[np.float64],
    linear: NDArray[np.float64],
    rows: NDArray[np.float64],
    right: NDArray[np.float64],
    tol: float = 1e-9,
) -> InteriorPoint:
    """Return the optimum of ½wᵀGw + cᵀw over Bw = d, w ≥ 0.

    Parameters
    ----------
    quadratic : ndarray of shape (s, s)
        G, symmetric. Where rounding or its nature make it indefinite it is shifted by its lowest
        eigenvalue.
    linear : ndarray of shape (s,)
        c.
    rows : ndarray of shape (m, s)
        B, of full row rank, entries of the order of one, with some w > 0 near Bw = d.
    right : ndarray of shape (m,)
        d.
    tol : float
        Gap wᵀz at which to stop, relative to the energy.
    """
    scale = max(float(np.abs(linear).max(initial=0)), float(np.diag(quadratic).max()), TINY)
    G, c = _convex(quadratic / scale), linear / scale
    w = np.full(len(c), 1.0 / len(c))
    slope = G @ w + c
    z = slope - slope.min() + 0.1 * max(float(np.abs(slope).max()), 1e-6)
    multipliers = np.zeros(len(right))
    for _ in range(MAX_STEPS):
        product = G @ w
        energy = abs(float(w @ (0.5 * product + c)))
        dual = product + c - multipliers @ rows - z
        primal = rows @ w - right
        enough = tol * max(energy, FLOOR)
        worst = max(float(np.abs(dual).max()), float(np.abs(primal).max()))
        if w @ z <= enough and worst <= enough:
            break
        step = _newton(G, rows, w, z, dual, primal)
        if step is None:
            break
        dw, dm, dz, length = step
        w, multipliers, z = w + length * dw, multipliers + length * dm, z + length * dz
    w, multipliers = _vertex(G, c, rows, right, w, multipliers, w > z)
    return InteriorPoint(w, multipliers * scale)


def _vertex(
    G: NDArray[np.float64],
    c: NDArray[np.float64],
    B: NDArray[np.float64],
    right: NDArray[np.float64],
    w: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    used: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the optimum with exact zeros, from a point near it and the weights that are used.

    Solves the optimality conditions of the used weights as linear equations; weights that come out
    negative are left out in turn. Without success the point is returned as it was.
    """
    from scipy.linalg.lapack import dsysv

    m = len(right)
    for _ in range(MAX_DROPS):
        n = int(used.sum())
        start = w[used]
        # In relative steps: of many optima, the nearest one, in which no small weight is overrun.
        system = np.zeros((n + m, n + m))
        system[:n, :n] = start[:, None] * G[np.ix_(used, used)] * start
        system[:n, n:] = start[:, None] * B[:, used].T
        system[n:, :n] = system[:n, n:].T
        ridge = RIDGE * max(float(np.trace(system)) / n, TINY)
        system[np.diag_indices(n + m)] += np.repeat([ridge, -ridge], [n, m])
        off = np.concatenate(
            [
                -start * (G[np.ix_(used, used)] @ start + c[used] - multipliers @ B[:, used]),
                right - B[:, used] @ start,
            ]
        )
        step, failed = dsysv(system, off)[2:]
        if failed or not np.isfinite(step).all():
            break
        exact = start * (1 + step[:n])
        if np.all(exact >= 0):
            full = np.zeros_like(w)
            full[used] = exact
            exactly = multipliers - step[n:]
            # Where few weights are used their equations leave some multipliers open.
            valid = np.min(G @ full + c - exactly @ B) > -ROUNDING
            return full, exactly if valid else multipliers
        used = used.copy()
        used[np.flatnonzero(used)[exact < 0]] = False
    return w, multipliers


def _convex(G: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return G, shifted along its diagonal where it is not positive semi-definite."""
    from scipy.linalg.lapack import dpotrf

    ridge = RIDGE * max(float(np.trace(G)) / len(G), TINY)
    shifted = 0.5 * (G + G.T) + ridge * np.eye(len(G))
    if dpotrf(shifted)[1]:
        shifted[np.diag_indices(len(G))] -= min(0.0, 2.0 * float(np.linalg.eigvalsh(shifted)[0]))
    return np.asarray(shifted)


def _newton(
    G: NDArray[np.float64],
    B: NDArray[np.float64],
    w: NDArray[np.float64],
    z: NDArray[np.float64],
    dual: NDArray[np.float64],
    primal: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float] | None:
    """Return predictor-corrector steps of w, λ and z and their length; None at the end of reach."""
    from scipy.linalg.lapack import dpotrf, dpotrs  # scipy's own wrappers take longer than the work

    system = G.copy()
    system[np.diag_indices(len(w))] += z / w
    factor, failed = dpotrf(system)
    if failed:
        return None
    solved = dpotrs(factor, B.T)[0]
    schur = B @ solved
    schur[np.diag_indices(len(B))] += RIDGE * np.trace(schur)
    schur_factor, failed = dpotrf(schur)
    if failed:
        return None

    def steps(products: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Solve for the steps that bring w·z down by ``products``."""
        pull = -dual - products / w
        dm = dpotrs(schur_factor, -primal - solved.T @ pull)[0]
        dw = dpotrs(factor, pull)[0] + solved @ dm
        return dw, dm, -(products + z * dw) / w

    dw, dm, dz = steps(w * z)
    mean = float(w @ z) / len(w)
    ahead = float((w + _reach(w, dw) * dw) @ (z + _reach(z, dz) * dz)) / len(w)
    # The centring weight of Mehrotra: little where the plain Newton step already goes far.
    dw, dm, dz = steps(w * z + dw * dz - mean * (ahead / mean) ** 3)
    length = min(1.0, BACK_OFF * min(_reach(w, dw), _reach(z, dz)))
    if not (np.isfinite(dw).all() and np.isfinite(dz).all() and length > 1e-10):
        return None
    return dw, dm, dz, length


def _reach(v: NDArray[np.float64], dv: NDArray[np.float64]) -> float:
    """Return how far v + t·dv stays non-negative, at most 1 / BACK_OFF."""
    falling = dv < 0
    return float(np.min(v[falling] / -dv[falling], initial=1.0 / BACK_OFF))
