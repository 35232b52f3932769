"""What holds over all data sets of a comparison: ranks, and odds of practical differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bridges.compare.hierarchical import hierarchical
from bridges.compare.ranking import Ranking, rank_classifiers
from bridges.compare.rope import Odds, signed_rank

if TYPE_CHECKING:
    from bridges.compare.line import Line
    from bridges.compare.summary import Verdicts

FOLDS = 3
"""Folds that every data set needs for the hierarchical model."""


@dataclasses.dataclass(frozen=True)
class PairOdds:
    """Odds of one classifier against another over all data sets."""

    first: str
    second: str
    odds: Odds

    def sentence(self) -> str:
        """Say the result in plain words."""
        text = self.odds.sentence(self.first, self.second)
        return f"On another data set like these: {text}."


@dataclasses.dataclass(frozen=True)
class Across:
    """Conclusions over several data sets.

    Attributes
    ----------
    data, score : tuple of str, and str
        Data sets and the deciding score.
    ranking : Ranking
        Mean ranks with the critical difference.
    pairs : tuple of PairOdds
        Every pair of classifiers, in the order of the ranks.
    """

    data: tuple[str, ...]
    score: str
    ranking: Ranking
    pairs: tuple[PairOdds, ...]

    def sentences(self) -> list[str]:
        """Say everything in plain words."""
        return [self.ranking.sentence(), *(pair.sentence() for pair in self.pairs)]


def across(
    verdicts: Sequence[Verdicts], rope: float, level: float = 0.05, seed: int = 0
) -> Across | None:
    """Return the conclusions over all data sets.

    Parameters
    ----------
    verdicts : sequence of Verdicts
        Conclusions on every data set.
    rope : float
        Difference of scores that makes no difference.
    level : float
        Significance level.
    seed : int
        Of the draws from posteriors.

    Returns
    -------
    Across or None
        None with fewer than two data sets, or two classifiers that have a score on all of them.
    """
    lines = [
        {x.label: x for x in v.lines if x.role == "classifier" and x.by_fold} for v in verdicts
    ]
    names = [name for name in (lines[0] if lines else {}) if all(name in part for part in lines)]
    if len(verdicts) < 2 or len(names) < 2:
        return None
    table = np.array([[_mean(part[name]) for name in names] for part in lines])
    ranking = rank_classifiers(table, names, level)
    share = float(np.mean([v.test_to_train / (1 + v.test_to_train) for v in verdicts]))
    pairs = tuple(
        PairOdds(first, second, _odds([(p[first], p[second]) for p in lines], share, rope, seed))
        for first, second in combinations(ranking.names, 2)
    )
    data = tuple(v.data for v in verdicts)
    return Across(data, verdicts[0].score, ranking, pairs)


def _mean(line: Line) -> float:
    return float(np.mean(list(line.by_fold.values())))


def _odds(lines: Sequence[tuple[Line, Line]], share: float, rope: float, seed: int) -> Odds:
    """Use scores by fold where every data set has as many, else mean scores."""
    gaps = []
    for first, second in lines:
        folds = sorted(first.by_fold.keys() & second.by_fold.keys())
        gaps.append([first.by_fold[fold] - second.by_fold[fold] for fold in folds])
    sizes = {len(part) for part in gaps}
    if len(sizes) == 1 and min(sizes) >= FOLDS:
        return hierarchical(gaps, share, rope, seed)
    return signed_rank([_mean(first) - _mean(second) for first, second in lines], rope, seed)
