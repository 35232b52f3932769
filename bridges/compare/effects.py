"""How large a difference is, and the smallest that the folds could have shown.

References
----------
.. [1] J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition (1988).
.. [2] A. Akinshin, "Nonparametric Cohen's d-consistent effect size" (2020).
.. [3] N. Cliff, "Dominance statistics", Psychological Bulletin 114 (1993), 494-509.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

POWER = 0.8
"""Chance of finding the smallest detectable difference."""

MAGNITUDES = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"))
"""Cohen's words for |d| below a limit; "large" from the last one on."""


def _pooled(a: NDArray[np.float64], b: NDArray[np.float64], spread: tuple[float, float]) -> float:
    weights = len(a) - 1, len(b) - 1
    squares = weights[0] * spread[0] ** 2 + weights[1] * spread[1] ** 2
    return float(np.sqrt(squares / (weights[0] + weights[1])))


def _ratio(gap: float, spread: float) -> float | None:
    if spread > 0:
        return gap / spread
    return 0.0 if gap == 0 else None


def cohens_d(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the difference of means over the pooled standard deviation [1]_.

    None where neither score varies but they differ, and of a single fold.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(len(a), len(b)) < 2:
        return None
    spread = _pooled(a, b, (float(a.std(ddof=1)), float(b.std(ddof=1))))
    return _ratio(float(a.mean() - b.mean()), spread)


def akinshins_gamma(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the difference of medians over the pooled median absolute deviation [2]_.

    The deviation is scaled to be the standard deviation of a normal distribution.
    """
    from scipy.stats import median_abs_deviation

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(len(a), len(b)) < 2:
        return None
    spread = tuple(1.4826 * float(median_abs_deviation(values)) for values in (a, b))
    return _ratio(float(np.median(a) - np.median(b)), _pooled(a, b, (spread[0], spread[1])))


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float:
    """Return P(first > second) − P(first < second) over all pairs of scores [3]_."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return float(np.sign(a[:, np.newaxis] - b).mean())


def magnitude(effect: float | None) -> str:
    """Return Cohen's word for the size of d or γ."""
    if effect is None:
        return "large"
    return next((word for limit, word in MAGNITUDES if abs(effect) < limit), "large")


def detectable_by_mcnemar(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    level: float = 0.05,
    power: float = POWER,
) -> float | None:
    """Return the smallest difference of accuracies that McNemar's test would probably have found.

    (z_{1−α/2} + z_{power}) · √(p / n), with the share p of the n test pixels that only one of the
    two gets right, as observed. None where there is no such pixel.

    Parameters
    ----------
    truth, first, second : array-like of shape (n,)
        True and predicted labels.
    level, power : float
        See :func:`detectable_difference`.
    """
    from scipy import stats

    y = np.asarray(truth)
    apart = float(np.mean((np.asarray(first) == y) != (np.asarray(second) == y)))
    if apart == 0:
        return None
    return float(stats.norm.ppf([1 - level / 2, power]).sum()) * float(np.sqrt(apart / len(y)))


def detectable_difference(
    gaps: ArrayLike, test_to_train: float, level: float = 0.05, power: float = POWER
) -> float | None:
    """Return the smallest true difference that the corrected t-test would probably have found.

    (t_{1−α/2} + t_{power}) · √((1/n + n_test/n_train) s²), with n − 1 degrees of freedom and s² of
    the observed differences: a difference of this size is found with the chance ``power``. What is
    "not distinguishable" may well differ by less.

    Parameters
    ----------
    gaps : array-like of shape (n_folds,)
        Differences of scores, paired by fold.
    test_to_train : float
        Test pixels divided by training pixels of a fold.
    level : float
        Significance level; of several comparisons at once, divided by their number.
    power : float
        Chance of finding it.

    Returns
    -------
    float or None
        None of a single fold.
    """
    from scipy import stats

    values = np.asarray(gaps, dtype=np.float64)
    n = len(values)
    if n < 2:
        return None
    error = float(np.sqrt((1 / n + test_to_train) * values.var(ddof=1)))
    quantiles = stats.t.ppf([1 - level / 2, power], n - 1)
    return float(quantiles.sum()) * error
