"""Whether a difference between two classifiers is more than chance.

Repeated random splits share training pixels, so their scores are not independent and the ordinary
paired t-test declares differences far too often; the corrected test of Nadeau and Bengio [1]_
widens the variance for it. On one fixed split McNemar's exact test [2]_ compares the pixels that
only one of the two gets right. Several comparisons at once are corrected by Holm's method [3]_.

References
----------
.. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003),
   239-281, equation for the corrected resampled t-test.
.. [2] T. G. Dietterich, "Approximate statistical tests for comparing supervised classification
   learning algorithms", Neural Computation 10 (1998), 1895-1923.
.. [3] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6 (1979), 65-70.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from bridges.compare.rope import Odds
from bridges.errors import SolverError, UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Verdict = Literal["better", "worse", "not distinguishable", "not testable"]
CORRECTED_T = "corrected paired t-test"
MCNEMAR = "McNemar's exact test"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One classifier held against another.

    Attributes
    ----------
    first, second : str
        Names.
    difference : float
        Score of the first minus score of the second.
    p_value : float or None
        Two-sided; None where the data allow no test (a single fold, or no spread between folds).
    test : str
        Name of the test.
    p_holm : float or None
        After Holm's correction for all comparisons made together.
    verdict : str
        Of the first: ``better``, ``worse``, ``not distinguishable`` or ``not testable``.
    effect : float or None
        Cohen's d of the scores by fold.
    detectable : float or None
        Smallest difference that these folds would have shown with a chance of 80 %.
    odds : Odds or None
        Probabilities of worse, practically the same, better.
    """

    first: str
    second: str
    difference: float
    p_value: float | None
    test: str
    p_holm: float | None = None
    verdict: Verdict = "not testable"
    effect: float | None = None
    detectable: float | None = None
    odds: Odds | None = None

    def sentence(self, score: str = "overall accuracy") -> str:
        """Say the result in plain words."""
        gap = f"{abs(self.difference):.4f} in {score}"
        if self.p_holm is None:
            return (
                f"{self.first} against {self.second}: {self.difference:+.4f} in {score}; "
                "these folds allow no test."
            )
        proof = f"{self.test}, p = {self.p_holm:.2g} after Holm's correction"
        if self.verdict == "not distinguishable":
            return (
                f"{self.first} and {self.second} are not distinguishable "
                f"(difference {gap}; {proof})."
            )
        return f"{self.first} is {self.verdict} than {self.second} by {gap} ({proof})."


def require_statsmodels() -> None:
    """Fail early, with a hint, where Holm's correction is not installed.

    Raises
    ------
    SolverError
        If statsmodels is missing.
    """
    try:
        import statsmodels.stats.multitest  # noqa: F401
    except ImportError as error:
        raise SolverError(
            "Comparisons need the package 'statsmodels' for their statistics.",
            "pip install statsmodels, or install this project with its extra 'compare'.",
        ) from error


def mean_interval(
    scores: ArrayLike, test_to_train: float = 0.0, level: float = 0.95
) -> tuple[float, tuple[float, float] | None]:
    """Return the mean over folds and its confidence interval.

    Parameters
    ----------
    scores : array-like of shape (n_folds,)
        One score per fold.
    test_to_train : float
        Test pixels divided by training pixels; the variance of the mean is taken as
        (1/n + test_to_train) s², which allows for folds that share training pixels [1]_. 0 for
        independent folds.
    level : float
        Confidence level.

    Returns
    -------
    mean : float
        The mean.
    interval : tuple of float, or None
        None with a single fold.
    """
    from scipy import stats

    values = np.asarray(scores, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, None
    error = math.sqrt((1 / len(values) + test_to_train) * values.var(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, len(values) - 1)) * error
    return mean, (mean - half, mean + half)


def proportion_interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's confidence interval of an accuracy on one fixed test set.

    Parameters
    ----------
    hits, n : int
        Right and all test pixels.
    level : float
        Confidence level.
    """
    from scipy import stats

    interval = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def corrected_t_test(
    first: ArrayLike,
    second: ArrayLike,
    test_to_train: float,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """Compare two classifiers on the same folds by the corrected resampled paired t-test [1]_.

    Parameters
    ----------
    first, second : array-like of shape (n_folds,)
        Scores, paired by fold.
    test_to_train : float
        Test pixels divided by training pixels of a fold.
    names : tuple of str
        What the two are called.

    Raises
    ------
    UsageError
        If the two have different numbers of folds.
    """
    from scipy import stats

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise UsageError(
            f"Scores on {len(a)} and {len(b)} folds cannot be paired.",
            "Compare classifiers on the same folds.",
        )
    gap = a - b
    mean, n = float(gap.mean()), len(gap)
    if n < 2:
        return Comparison(*names, mean, None, CORRECTED_T)
    error = math.sqrt((1 / n + test_to_train) * gap.var(ddof=1))
    p_value: float | None
    if np.ptp(gap) > 1e-12:
        p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    else:  # no spread to measure chance by: equal everywhere, or apart by the same everywhere
        p_value = 1.0 if abs(mean) <= 1e-12 else None
    return Comparison(*names, mean, p_value, CORRECTED_T)


def mcnemar(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """Compare two classifiers on one fixed test set by McNemar's exact test [2]_.

    Parameters
    ----------
    truth, first, second : array-like of shape (n,)
        True and predicted labels of the same test pixels.
    names : tuple of str
        What the two are called.
    """
    from scipy import stats

    right_a, right_b = (_hits(truth, predicted) for predicted in (first, second))
    only_a = int((right_a & ~right_b).sum())
    only_b = int((right_b & ~right_a).sum())
    difference = float(right_a.mean() - right_b.mean())
    p_value = 1.0
    if only_a + only_b:
        p_value = float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)
    return Comparison(*names, difference, p_value, MCNEMAR)


def _hits(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.bool_]:
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or len(truth) == 0:
        raise UsageError(
            f"{len(predicted)} predictions do not fit {len(truth)} labels.",
            "Compare classifiers on the same test pixels.",
        )
    return truth == predicted


def judge(comparisons: Sequence[Comparison], level: float = 0.05) -> list[Comparison]:
    """Correct p-values for having made several comparisons (Holm [3]_) and pass verdicts.

    Parameters
    ----------
    comparisons : sequence of Comparison
        All comparisons of one family; those without a p-value pass through.
    level : float
        Chance of declaring any difference where there is none.

    Returns
    -------
    list of Comparison
        The same in the same order with ``p_holm`` and ``verdict`` filled in.
    """
    from statsmodels.stats.multitest import multipletests

    testable = [c.p_value for c in comparisons if c.p_value is not None]
    if not testable:
        return list(comparisons)
    corrected = iter(multipletests(testable, alpha=level, method="holm")[1])
    judged = []
    for comparison in comparisons:
        if comparison.p_value is not None:
            p_holm = float(next(corrected))
            verdict: Verdict = "not distinguishable"
            if p_holm <= level and comparison.difference:
                verdict = "better" if comparison.difference > 0 else "worse"
            comparison = dataclasses.replace(comparison, p_holm=p_holm, verdict=verdict)
        judged.append(comparison)
    return judged
