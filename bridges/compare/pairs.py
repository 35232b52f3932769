"""Pairs of classifiers on one data set: the test, the size of the difference, the odds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.compare.effects import cohens_d, detectable_by_mcnemar, detectable_difference
from bridges.compare.rope import correlated_t
from bridges.compare.statistics import Comparison, corrected_t_test, judge, mcnemar

if TYPE_CHECKING:
    from bridges.compare.line import Line
    from bridges.compare.specs import Settings

Row = Mapping[str, Any]
Arrays = Callable[[str], Mapping[str, Any]]


def compare_pairs(
    lines: Sequence[Line],
    by_label: Mapping[str, Sequence[Row]],
    arrays: Arrays,
    score: str,
    settings: Settings,
) -> list[Comparison]:
    """Compare every pair of classifiers, and every classifier with its own controls.

    Parameters
    ----------
    lines : sequence of Line
        The table of a data set.
    by_label : mapping of str to sequence of mapping
        Rows of every line.
    arrays : callable
        Gives the stored arrays of a row's key.
    score : str
        The deciding score.
    settings : Settings
        Level and rope.

    Returns
    -------
    list of Comparison
        With verdicts, corrected for having made all of them.
    """
    chosen = _pairs(lines)
    level = settings.level / max(1, len(chosen))
    pairs = [_Pair.of(first, second, by_label, arrays, score) for first, second in chosen]
    return judge([pair.compared(level, settings.rope) for pair in pairs], settings.level)


def _pairs(lines: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Return every pair of classifiers, then every classifier with its own controls."""
    works = [line for line in lines if line.by_fold]
    classifiers = [line for line in works if line.role == "classifier"]
    controls = [
        (line, control)
        for line in classifiers
        for control in works
        if control.control_of == line.label
    ]
    return [*combinations(classifiers, 2), *controls]


@dataclasses.dataclass(frozen=True)
class _Pair:
    """Scores of two lines by common folds, or their predictions on the one fixed test set."""

    names: tuple[str, str]
    first: list[float]
    second: list[float]
    ratio: float
    predicted: tuple[Any, Any, Any] | None

    @classmethod
    def of(
        cls,
        first: Line,
        second: Line,
        by_label: Mapping[str, Sequence[Row]],
        arrays: Arrays,
        score: str,
    ) -> _Pair:
        names = (first.label, second.label)
        done = [[row for row in by_label[name] if row["status"] == "ok"] for name in names]
        predicted = None
        if done[0][0]["split"] == "fixed" and score == "accuracy":
            a, b = (arrays(rows[0]["key"]) for rows in done)
            predicted = a["y_test"], a["y_pred"], b["y_pred"]
        common = sorted(first.by_fold.keys() & second.by_fold.keys())
        return cls(
            names,
            [first.by_fold[fold] for fold in common],
            [second.by_fold[fold] for fold in common],
            ratio_of(done[0]),
            predicted,
        )

    def compared(self, level: float, rope: float) -> Comparison:
        """Return the test with effect size, odds and the smallest detectable difference."""
        if self.predicted is not None:
            found = mcnemar(*self.predicted, self.names)
            least = detectable_by_mcnemar(*self.predicted, level)
            return dataclasses.replace(found, detectable=least)
        found = corrected_t_test(self.first, self.second, self.ratio, self.names)
        gaps = np.subtract(self.first, self.second)
        if len(gaps) < 2:
            return found
        share = self.ratio / (1 + self.ratio)
        return dataclasses.replace(
            found,
            effect=cohens_d(self.first, self.second),
            detectable=detectable_difference(gaps, self.ratio, level),
            odds=correlated_t(gaps, share, rope),
        )


def ratio_of(rows: Sequence[Row]) -> float:
    """Return test pixels divided by training pixels, mean over rows."""
    return float(np.mean([row["n_test"] / row["n_train"] for row in rows])) if rows else 0.0
