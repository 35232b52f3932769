"""Several classifiers on several data sets in one test: Friedman's, and Nemenyi's.

On every data set classifiers are ranked, 1 for the best, ties sharing the mean of their ranks.
Friedman's test asks whether mean ranks differ at all; two classifiers differ if their mean ranks
are more than the critical difference q_α √(k (k + 1) / (12 N)) apart, q_α being the upper quantile
of the studentised range for k classifiers (Demšar 2006 [1]_, section 3.2.2, where q_α is divided by
√2 and stands before √(k (k + 1) / (6 N))).

References
----------
.. [1] J. Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of
   Machine Learning Research 7 (2006), 1-30.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FRIEDMAN = "Friedman's test"
WILCOXON = "Wilcoxon's signed-rank test"

FEW = 5
"""Data sets below which these tests hardly find anything."""


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Classifiers in the order of their mean ranks.

    Attributes
    ----------
    names : tuple of str
        The best first.
    mean_ranks : tuple of float
        1 for one that is best everywhere.
    n_data : int
        Data sets.
    test : str
        Of whether there is any difference.
    p_value : float or None
        Of that test; None where all classifiers score the same everywhere.
    critical_difference : float or None
        Of mean ranks; None for two classifiers, of which the test says everything.
    groups : tuple of tuple of str
        Largest groups whose members cannot be told apart; may overlap.
    level : float
        Significance level.
    """

    names: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    n_data: int
    test: str
    p_value: float | None
    critical_difference: float | None
    groups: tuple[tuple[str, ...], ...]
    level: float

    def sentence(self) -> str:
        """Say the result in plain words."""
        found = self.p_value is not None and self.p_value <= self.level
        p = "" if self.p_value is None else f" ({self.test}, p = {self.p_value:.2g})"
        if not found:
            few = f" {self.n_data} data sets are few for it." if self.n_data < FEW else ""
            return f"Over {self.n_data} data sets no differences in rank are found{p}.{few}"
        if self.critical_difference is None:
            return f"Over {self.n_data} data sets {self.names[0]} ranks before {self.names[1]}{p}."
        apart = [name for name in self.names[1:] if not self._together(self.names[0], name)]
        ahead = f"{self.names[0]} ranks before {', '.join(apart)}" if apart else "no pair differs"
        return (
            f"Over {self.n_data} data sets ranks differ{p}; by Nemenyi's critical difference of "
            f"{self.critical_difference:.3g}, {ahead}."
        )

    def _together(self, first: str, second: str) -> bool:
        return any(first in group and second in group for group in self.groups)


def critical_difference(k: int, n: int, level: float = 0.05) -> float:
    """Return Nemenyi's critical difference of mean ranks of k classifiers on n data sets."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - level, k, np.inf))
    return quantile * float(np.sqrt(k * (k + 1) / (12 * n)))


def rank_classifiers(
    scores: ArrayLike, names: Sequence[str], level: float = 0.05, *, higher_is_better: bool = True
) -> Ranking:
    """Rank classifiers over data sets.

    Parameters
    ----------
    scores : array-like of shape (n_data, k)
        Scores, at least two data sets and two classifiers.
    names : sequence of str
        Of the classifiers.
    level : float
        Significance level.
    higher_is_better : bool
        Whether the largest score gets rank 1.

    Raises
    ------
    UsageError
        If there are too few data sets or classifiers, or a score is missing.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or table.shape[1] != len(names):
        raise UsageError(
            f"Scores of shape {table.shape} of {len(names)} classifiers cannot be ranked.",
            "Ranking takes two data sets and two classifiers, one score each.",
        )
    if not np.isfinite(table).all():
        raise UsageError("A score is missing.", "Leave the classifier or the data set out.")
    from scipy.stats import rankdata

    mean = rankdata(-table if higher_is_better else table, axis=1).mean(axis=0)
    order = np.argsort(mean, kind="stable")
    k, n = table.shape[1], len(table)
    gap = critical_difference(k, n, level) if k > 2 else None
    test, p_value = _omnibus(table)
    ranked = [names[i] for i in order]
    groups = _groups(ranked, mean[order], gap, p_value, level)
    return Ranking(
        names=tuple(ranked),
        mean_ranks=tuple(float(r) for r in mean[order]),
        n_data=n,
        test=test,
        p_value=p_value,
        critical_difference=gap,
        groups=groups,
        level=level,
    )


def _omnibus(table: NDArray[np.float64]) -> tuple[str, float | None]:
    from scipy import stats

    if np.all(np.ptp(table, axis=1) < 1e-12):
        return (FRIEDMAN if table.shape[1] > 2 else WILCOXON), None
    if table.shape[1] > 2:
        return FRIEDMAN, float(stats.friedmanchisquare(*table.T).pvalue)
    return WILCOXON, float(stats.wilcoxon(table[:, 0], table[:, 1], method="approx").pvalue)


def _groups(
    names: Sequence[str],
    ranks: NDArray[np.float64],
    gap: float | None,
    p_value: float | None,
    level: float,
) -> tuple[tuple[str, ...], ...]:
    """Return the largest runs of classifiers that cannot be told apart."""
    if gap is None:
        return () if p_value is not None and p_value <= level else (tuple(names),)
    runs: list[tuple[int, int]] = []
    for first in range(len(names)):
        last = int(np.searchsorted(ranks, ranks[first] + gap, side="right"))
        if last - first > 1 and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return tuple(tuple(names[first:last]) for first, last in runs)
