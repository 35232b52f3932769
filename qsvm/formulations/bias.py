"""Rules for the bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError
from bridges.svm.signed import bias_of
from qsvm.problem.dual_problem import AT_BOUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

BIAS_RULES = {
    "free": "mean of y - f weighted by α(C - α); the KKT midpoint where no α is free",
    "mean-free": "plain mean of y - f over 0 < α < C; the KKT midpoint where there is none",
    "mean-sv": "plain mean of y - f over α > 0; the KKT midpoint where there is none",
    "midpoint": "middle of the interval that the optimality conditions leave to the bias",
    "zero": "no bias",
}
"""Rules of :func:`bias`, by name."""


def bias(
    alpha: NDArray[np.float64],
    y: NDArray[np.float64],
    upper: NDArray[np.float64],
    outputs: NDArray[np.float64],
    rule: str = "free",
) -> float:
    """Return the bias b of f(x) = Σ α_n y_n k(x_n, x) + b.

    Parameters
    ----------
    alpha, y, upper : ndarray of shape (n,)
        Coefficients, signs and bounds C_n.
    outputs : ndarray of shape (n,)
        Σ_m α_m y_m k(x_m, x_n), without bias.
    rule : str
        One of :data:`BIAS_RULES`.

    Raises
    ------
    UsageError
        If the rule is unknown.
    """
    if rule not in BIAS_RULES:
        raise UsageError(f"Unknown bias rule '{rule}'.", f"Use one of {', '.join(BIAS_RULES)}.")
    if rule == "zero":
        return 0.0
    above, below = alpha > AT_BOUND * upper, alpha < (1 - AT_BOUND) * upper
    weights = {
        "free": np.where(above & below, alpha * (upper - alpha), 0.0),
        "mean-free": (above & below).astype(np.float64),
        "mean-sv": above.astype(np.float64),
        "midpoint": np.zeros(len(alpha)),
    }[rule]
    grow, shrink = np.where(y > 0, below, above), np.where(y > 0, above, below)
    return bias_of(y - outputs, grow, shrink, weights)
