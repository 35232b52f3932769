"""Compiled descent on a box-constrained quadratic: single and pair moves, the gradient kept."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

FLAT = 1e-12
"""Curvatures below this share of the diagonal's are treated as this share."""


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def descend(  # type: ignore[no-untyped-def]
    hessian, diagonal, linear, gradient, x, lower, upper, tol, max_steps
) -> Any:
    """Descend until the certified gap is below ``tol`` times the energy; changes x, gradient.

    Each step moves the coefficient i whose single move gains most together with the partner j
    whose pair move gains most, each pair minimised within its box.

    Parameters
    ----------
    hessian : ndarray of shape (n, n), float32 or float64
        H, symmetric.
    diagonal : ndarray of shape (n,), float64
        Its diagonal.
    linear, gradient : ndarray of shape (n,), float64
        f, and Hx + f at ``x``.
    x, lower, upper : ndarray of shape (n,), float64
        Point and box.
    tol : float
        Relative certified gap at which to stop.
    max_steps : int
        Steps after which to stop in any case.

    Returns
    -------
    float
        Upper bound of energy minus optimum if H is positive semi-definite.
    """
    n = len(x)
    floor = FLAT * max(np.max(np.abs(diagonal)), 1e-138)  # its square stays normal
    energy = 0.0
    for i in range(n):
        energy += 0.5 * x[i] * (gradient[i] + linear[i])
    bound = np.inf
    for _ in range(max_steps):
        bound = 0.0
        best = 0.0
        i = -1
        for k in range(n):
            g = gradient[k]
            bound += max(g * (x[k] - lower[k]), g * (x[k] - upper[k]))
            a = max(diagonal[k], floor)
            d = min(max(-g / a, lower[k] - x[k]), upper[k] - x[k])
            gain = -d * (g + 0.5 * diagonal[k] * d)
            if gain > best:
                best = gain
                i = k
        if i < 0 or bound <= tol * abs(energy):
            break
        row = hessian[i]
        gi = gradient[i]
        a = max(diagonal[i], floor)
        down, up = lower[i] - x[i], upper[i] - x[i]
        j = i
        for k in range(n):
            g = gradient[k]
            c = row[k]
            b = max(diagonal[k], floor)
            det = max(a * b - c * c, floor * b)
            di = min(max((c * g - b * gi) / det, down), up)
            dk = min(max(-(g + c * di) / b, lower[k] - x[k]), upper[k] - x[k])
            di = min(max(-(gi + c * dk) / a, down), up)
            gain = -di * (gi + 0.5 * a * di + c * dk) - dk * (g + 0.5 * b * dk)
            if gain > best and k != i:
                best = gain
                j = k
        di = min(max(-gi / a, down), up)
        if j != i:
            g = gradient[j]
            c = row[j]
            b = max(diagonal[j], floor)
            det = max(a * b - c * c, floor * b)
            di = min(max((c * g - b * gi) / det, down), up)
            dj = min(max(-(g + c * di) / b, lower[j] - x[j]), upper[j] - x[j])
            di = min(max(-(gi + c * dj) / a, down), up)
            x[j] = min(max(x[j] + dj, lower[j]), upper[j])
            other = hessian[j]
            for k in range(n):
                gradient[k] += dj * other[k]
        x[i] = min(max(x[i] + di, lower[i]), upper[i])
        for k in range(n):
            gradient[k] += di * row[k]
        energy -= best
    return bound
