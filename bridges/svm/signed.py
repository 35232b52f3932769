"""Signed coefficients β = α y: their bounds, and the bias that they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def signed_bounds(
    y: NDArray[np.float64], bound: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of β from those of α.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Signs, -1 or 1.
    bound : ndarray of shape (n,)
        Upper bounds of α; the lower ones are zero.

    Returns
    -------
    lower, upper : ndarray of shape (n,)
        [0, bound] where y = 1, [-bound, 0] where y = -1.
    """
    return np.where(y > 0, 0.0, -bound), np.where(y > 0, bound, 0.0)


def bias_of(
    errors: NDArray[np.float64],
    may_grow: NDArray[np.bool_],
    may_shrink: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return the bias: the mean error of the free coefficients, else the middle of an interval.

    At the optimum an error is at most the bias where β may grow and at least the bias where it may
    shrink, so it is the bias where β is free; where none is, these conditions leave an interval
    (LIBSVM's rule). Where no coefficient may move at all the bias is 0.

    Parameters
    ----------
    errors : ndarray of shape (n,)
        y - Kβ, for regression y - Kβ ∓ ε.
    may_grow, may_shrink : ndarray of shape (n,), bool
        Whether β is below its upper, and above its lower bound. A coefficient that is neither (an
        interval of zero width) says nothing.
    weights : ndarray of shape (n,), optional
        Weights of the mean; the plain mean over the free coefficients by default.
    """
    if weights is not None:
        total = float(weights.sum())
        if total > 0:
            return float(weights @ errors) / total
    elif (free := may_grow & may_shrink).any():
        return float(errors[free].mean())
    low = errors[may_grow].max(initial=-np.inf)
    high = errors[may_shrink].min(initial=np.inf)
    ends = [float(end) for end in (low, high) if np.isfinite(end)]
    return 0.5 * (ends[0] + ends[-1]) if ends else 0.0
