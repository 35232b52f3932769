"""How probable it is that one classifier is better, and that both are practically the same.

A region of practical equivalence (rope) is a difference of scores that makes no difference. The
posterior of the difference gives three probabilities: the first is better by more than the rope,
neither is, the second is (Benavoli et al. 2017 [1]_). On one data set: the correlated t-test, whose
posterior is Student's. On several: the signed-rank test with a Dirichlet process on mean scores, or
the hierarchical model of :mod:`bridges.compare.hierarchical` on scores by fold.

References
----------
.. [1] A. Benavoli, G. Corani, J. Demšar, M. Zaffalon, "Time for a change: a tutorial for comparing
   multiple classifiers through Bayesian analysis", Journal of Machine Learning Research 18 (2017),
   1-36.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CERTAIN = 0.95
"""Probability from which on a statement is made."""

SAMPLES = 50_000
"""Draws from a posterior: probabilities are good to about .004."""

PRIOR = 0.5
"""Strength of the prior of the signed-rank test, a pseudo-observation of no difference."""


@dataclasses.dataclass(frozen=True)
class Odds:
    """Three probabilities that add up to 1.

    Attributes
    ----------
    worse, same, better : float
        The first classifier is worse by more than the rope; neither; better.
    rope : float
        The difference that makes no difference.
    test : str
        What the posterior is of.
    """

    worse: float
    same: float
    better: float
    rope: float
    test: str

    def sentence(self, first: str, second: str) -> str:
        """Say the result in plain words."""
        sayings = (
            (self.better, f"{first} is practically better than {second}"),
            (self.worse, f"{first} is practically worse than {second}"),
            (self.same, f"{first} and {second} are practically equivalent"),
        )
        likely, text = max(sayings)
        sure = "" if likely >= CERTAIN else "undecided, most likely "
        return f"{sure}{text} (probability {likely:.3f}, rope {self.rope:g}; {self.test})"


def correlated_t(gaps: ArrayLike, correlation: float, rope: float) -> Odds:
    """Return the odds on one data set from differences by fold (Corani and Benavoli 2015).

    Parameters
    ----------
    gaps : array-like of shape (n,)
        Differences of scores, the first classifier's minus the second's; n ≥ 2.
    correlation : float
        Of the differences of two folds: the share of the test samples, since folds share training
        samples.
    rope : float
        The difference that makes no difference, ≥ 0.

    Raises
    ------
    UsageError
        If there are fewer than two folds.
    """
    from scipy import stats

    x = np.asarray(gaps, dtype=np.float64)
    n = _at_least_two(len(x), "folds")
    mean, variance = float(x.mean()), float(x.var(ddof=1))
    scale = np.sqrt(variance * (1 / n + correlation / (1 - correlation)))
    name = "correlated Bayesian t-test"
    if np.ptp(x) < 1e-12:  # no spread: the posterior is a point
        worse, better = float(mean < -rope), float(mean > rope)
        return Odds(worse, 1 - worse - better, better, rope, name)
    worse = float(stats.t.cdf(-rope, n - 1, mean, scale))
    better = float(stats.t.sf(rope, n - 1, mean, scale))
    return Odds(worse, max(0.0, 1 - worse - better), better, rope, name)


def signed_rank(gaps: ArrayLike, rope: float, seed: int = 0) -> Odds:
    """Return the odds over data sets from differences of mean scores.

    Weights of the data sets, and of one pseudo-observation of no difference, are drawn from a
    Dirichlet distribution; a draw says *better* if the weight of the pairs with a mean difference
    above the rope is the largest of the three.

    Parameters
    ----------
    gaps : array-like of shape (n_data,)
        Differences of mean scores, the first classifier's minus the second's.
    rope : float
        The difference that makes no difference, ≥ 0.
    seed : int
        Of the draws.

    Raises
    ------
    UsageError
        If there are fewer than two data sets.
    """
    x = np.asarray(gaps, dtype=np.float64)
    _at_least_two(len(x), "data sets")
    z = np.append(0.0, x)
    sums = z[:, np.newaxis] + z
    better, worse = (_above(sign * sums, 2 * rope) for sign in (1, -1))
    strength = np.append(PRIOR, np.ones(len(x)))
    weights = np.random.default_rng(seed).dirichlet(strength, SAMPLES)
    drawn = np.column_stack(
        [
            np.einsum("si,ij,sj->s", weights, part, weights, optimize=True)
            for part in (worse, better)
        ]
    )
    return odds_of(drawn[:, 0], drawn[:, 1], rope, "Bayesian signed-rank test")


def odds_of(
    worse: NDArray[np.float64], better: NDArray[np.float64], rope: float, test: str
) -> Odds:
    """Return how often each of three shares is the largest among draws of a posterior."""
    shares = np.column_stack([worse, 1 - worse - better, better])
    wins = np.bincount(np.argmax(shares, axis=1), minlength=3) / len(shares)
    return Odds(float(wins[0]), float(wins[1]), float(wins[2]), rope, test)


def _above(values: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Return 1 above the limit, ½ on it, 0 below."""
    return np.where(values > limit, 1.0, np.where(values == limit, 0.5, 0.0))


def _at_least_two(n: int, what: str) -> int:
    if n < 2:
        raise UsageError(f"{n} {what} have no posterior.", f"Compare on two or more {what}.")
    return n
