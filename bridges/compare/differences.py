"""Sections of the report on differences: of pairs, over all data sets, and for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridges.compare.effects import magnitude
from bridges.compare.rank_figure import rank_figure
from bridges.report.metrics import LABELS
from bridges.report.page import Picture, Section, Table
from bridges.report.typeset import markdown_table

if TYPE_CHECKING:
    from bridges.compare.across import Across
    from bridges.compare.summary import Verdicts

PAIR_HEADS = [
    "first",
    "second",
    "difference",
    "Cohen’s d",
    "smallest detectable",
    "P(worse)",
    "P(equivalent)",
    "P(better)",
]
ODDS_HEADS = ["first", "second", "P(worse)", "P(equivalent)", "P(better)"]


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with a fixed number of decimals, – for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def pairs_table(verdict: Verdicts) -> Table:
    """Return every pair of a data set with effect size, detectable difference and odds."""
    rows = []
    for c in verdict.comparisons:
        size = "–" if c.effect is None else f"{c.effect:.2f} ({magnitude(c.effect)})"
        odds = c.odds
        chances = (None, None, None) if odds is None else (odds.worse, odds.same, odds.better)
        rows.append(
            [
                c.first,
                c.second,
                f"{c.difference:+.4f}",
                size,
                number(c.detectable),
                *(number(p, 3) for p in chances),
            ]
        )
    note = (
        "Smallest detectable: the difference that these folds would have shown with a chance of "
        "80 %, all comparisons allowed for; smaller ones may exist. P: probability that the first "
        f"is worse, practically equivalent, better; {_rope(verdict)}."
    )
    return Table(PAIR_HEADS, rows, caption="Pairs", note=note)


def _rope(verdict: Verdicts) -> str:
    known = {c.odds.rope for c in verdict.comparisons if c.odds is not None}
    return f"differences below {known.pop():g} count as none" if known else "of repeated splits"


def across_section(over_all: Across) -> tuple[Section, Picture]:
    """Return the section on all data sets together, and its critical-difference diagram."""
    gap = over_all.ranking.critical_difference
    picture = Picture(
        rank_figure(over_all.ranking),
        f"Mean ranks in {LABELS[over_all.score]} over {over_all.ranking.n_data} data sets, the "
        "best on the left; bars join classifiers that cannot be told apart"
        + ("." if gap is None else " (Nemenyi's critical difference)."),
    )
    table = Table(ODDS_HEADS, odds_rows(over_all), note=_odds_note(over_all))
    section = Section(
        "All data sets together", over_all.sentences(), tables=[table], pictures=[picture]
    )
    return section, picture


def odds_rows(over_all: Across) -> list[list[str]]:
    """Return the odds of every pair over all data sets as text."""
    return [
        [p.first, p.second, *(f"{x:.3f}" for x in (p.odds.worse, p.odds.same, p.odds.better))]
        for p in over_all.pairs
    ]


def _odds_note(over_all: Across) -> str:
    odds = over_all.pairs[0].odds
    return (
        f"Probability that on another data set like these the first is worse, practically "
        f"equivalent, better ({odds.test}; differences below {odds.rope:g} count as none)."
    )


def across_markdown(over_all: Across) -> str:
    """Return ranks and odds over all data sets as Markdown."""
    ranking = over_all.ranking
    ranks = markdown_table(
        ["classifier", "mean rank"],
        [[n, f"{r:.2f}"] for n, r in zip(ranking.names, ranking.mean_ranks, strict=True)],
    )
    odds = markdown_table(ODDS_HEADS, odds_rows(over_all))
    return (
        f"## All data sets together\n\n{ranks}\n\n{ranking.sentence()}\n\n{odds}\n\n"
        f"{_odds_note(over_all)}\n"
    )
