"""What the rows say: means, intervals, the winner and what cannot be told from it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bridges.compare.line import Line
from bridges.compare.pairs import compare_pairs, ratio_of
from bridges.compare.specs import Settings
from bridges.compare.statistics import Comparison, mean_interval, proportion_interval
from bridges.errors import DataError
from bridges.fit_report import Diagnostics, FitReport, shown
from bridges.report.metrics import LABELS, SCORES

Row = Mapping[str, Any]
Arrays = Callable[[str], Mapping[str, Any]]
TIMES = ("fit_s", "predict_s_per_mpix")
"""Seconds that stand beside the scores."""
COSTS = {
    "peak_memory_mib": "peak memory [MiB]",
    **shown(FitReport, "costs"),
    **shown(Diagnostics, "costs"),
}
"""Columns of the table of costs and what stands above them."""


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """The conclusions for one data set.

    Attributes
    ----------
    data, split : str
        Data set and kind of its split.
    score : str
        The deciding score.
    lines : list of Line
        The table.
    comparisons : list of Comparison
        Every pair of classifiers, and every classifier with its controls.
    winner : str or None
        Classifier with the highest mean.
    ties : list of str
        Classifiers that cannot be told from the winner.
    test_to_train : float
        Test pixels divided by training pixels.
    """

    data: str
    split: str
    score: str
    lines: list[Line]
    comparisons: list[Comparison]
    winner: str | None
    ties: list[str]
    test_to_train: float

    def sentences(self) -> list[str]:
        """Say every comparison in plain words, the winner first."""
        controls = {line.label: line for line in self.lines if line.role == "control"}
        said = []
        for comparison in self.comparisons:
            if comparison.second in controls:
                name = controls[comparison.second].display.removeprefix("↳ ")
                comparison = dataclasses.replace(comparison, second=f"its control '{name}'")
            said.append(comparison.sentence(LABELS[self.score]))
        failed = [line for line in self.lines if line.role == "classifier" and line.n_failed]
        said += [f"{x.label}: {x.n_failed} cells failed ({x.error} {x.hint})" for x in failed]
        return [self.headline(), *said]

    def headline(self) -> str:
        """Name the winner and what is indistinguishable from it."""
        if self.winner is None:
            return f"{self.data}: every classifier failed."
        best = next(line for line in self.lines if line.label == self.winner)
        text = f"{self.data}: highest mean {LABELS[self.score]} by {self.winner} "
        text += f"({best.scores[self.score]:.4f}, {self.split} split)"
        names = {line.label for line in self.lines if line.role == "classifier"}
        rivals = [
            c
            for c in self.comparisons
            if self.winner in (c.first, c.second) and {c.first, c.second} <= names
        ]
        if not rivals:
            return f"{text}; it had no rival."
        if all(c.verdict == "not testable" for c in rivals):
            return f"{text}; these folds allow no test of the differences."
        if self.ties:
            return f"{text}; not distinguishable from it: {', '.join(self.ties)}."
        return f"{text}; better than every other classifier."


def summarise(rows: Sequence[Row], arrays: Arrays, settings: Settings) -> list[Verdicts]:
    """Return the conclusions for every data set.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of the main table (no curve points), in the order of the plan.
    arrays : callable
        Gives the stored arrays of a row's key.
    settings : Settings
        The deciding score and the level.
    """
    by_data: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_data[row["data"]].append(row)
    return [_verdicts(name, part, arrays, settings) for name, part in by_data.items()]


def _verdicts(name: str, rows: list[Row], arrays: Arrays, settings: Settings) -> Verdicts:
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row["classifier"]].append(row)
    score = _deciding_score(name, rows, settings.score)
    lines = [_line(part, score) for part in by_label.values()]
    comparisons = compare_pairs(lines, by_label, arrays, score, settings)
    ranked = [line for line in lines if line.role == "classifier" and line.by_fold]
    winner = max(ranked, key=lambda line: line.scores[score] or 0.0).label if ranked else None
    ties = [
        c.second if c.first == winner else c.first
        for c in comparisons
        if winner in (c.first, c.second) and c.verdict == "not distinguishable"
    ]
    rivals = {line.label for line in ranked}
    split = str(rows[0]["split"])
    ties = [tie for tie in ties if tie in rivals]
    ratio = ratio_of([row for row in rows if row["n_train"]])
    return Verdicts(name, split, score, lines, comparisons, winner, ties, ratio)


def _deciding_score(name: str, rows: Sequence[Row], wanted: str) -> str:
    done = [row for row in rows if row["status"] == "ok"]
    if done and all(row[wanted] is None for row in done):
        raise DataError(
            f"The score '{wanted}' does not exist for the data set '{name}'.",
            "auroc and auprc need two classes; choose another --score.",
        )
    return wanted


def _line(rows: Sequence[Row], score: str) -> Line:
    done = [row for row in rows if row["status"] == "ok"]
    failed = [row for row in rows if row["status"] != "ok"]
    means = {name: _mean([row[name] for row in done]) for name in SCORES}
    by_fold = _by_fold(done, score)
    return Line(
        label=rows[0]["classifier"],
        role=rows[0]["role"],
        control_of=rows[0]["control_of"],
        n_rows=len(done),
        n_failed=len(failed),
        scores=means,
        interval=_interval(done, by_fold, score),
        by_fold=by_fold,
        costs={name: _median([row[name] for row in done]) for name in (*TIMES, *COSTS)},
        error=failed[0]["error"] if failed else None,
        hint=failed[0]["hint"] if failed else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _by_fold(rows: Sequence[Row], score: str) -> dict[int, float]:
    """Average over seeds: the folds are the unit of the statistics."""
    folds: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row[score] is not None:
            folds[row["fold"]].append(row[score])
    return {fold: float(np.mean(values)) for fold, values in sorted(folds.items())}


def _interval(
    rows: Sequence[Row], by_fold: Mapping[int, float], score: str
) -> tuple[float, float] | None:
    if len(by_fold) > 1:
        return mean_interval(list(by_fold.values()), ratio_of(rows))[1]
    if rows and score == "accuracy":
        n = rows[0]["n_test"]
        return proportion_interval(round(next(iter(by_fold.values())) * n), n)
    return None
