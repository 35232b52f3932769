"""Tables for papers: Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from bridges.compare.across import Across
from bridges.compare.differences import across_markdown
from bridges.compare.line import Line
from bridges.compare.summary import Verdicts
from bridges.report.metrics import LABELS, SCORES
from bridges.report.typeset import latex_table, markdown_table

HEADS = {
    "accuracy": "OA",
    "balanced_accuracy": "AA",
    "kappa": "kappa",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
}

CAUTIOUS = 2.0
"""Test pixels per training pixel beyond which the corrected t-test hardly finds a difference."""


def columns(verdicts: Verdicts) -> list[str]:
    """Return the scores that any line of a data set has."""
    return [
        name for name in SCORES if any(line.scores[name] is not None for line in verdicts.lines)
    ]


def score_text(line: Line, name: str, verdicts: Verdicts) -> str:
    """Return a mean, with half the width of its interval if it is the deciding score."""
    value = line.scores[name]
    if value is None:
        return "–"
    if name == verdicts.score and line.interval is not None:
        return f"{value:.4f} ± {(line.interval[1] - line.interval[0]) / 2:.4f}"
    return f"{value:.4f}"


def note(line: Line, verdicts: Verdicts) -> str:
    """Return what a line is: highest, tied with it, lower, a control, the baseline, failed."""
    if not line.n_rows:
        return "failed"
    if line.label == verdicts.winner:
        return "highest"
    if line.label in verdicts.ties:
        return "tied"
    if line.role != "classifier":
        return line.role
    beaten = any(
        {c.first, c.second} == {line.label, verdicts.winner} and c.p_holm is not None
        for c in verdicts.comparisons
    )
    return "lower" if beaten else ""


def seconds(value: float | None) -> str:
    """Return seconds with three significant digits."""
    return "–" if value is None else f"{value:.3g}"


def text_rows(verdicts: Verdicts) -> list[list[str]]:
    """Return the table of a data set as text: name, note, scores, seconds."""
    names = columns(verdicts)
    return [
        [
            line.display,
            note(line, verdicts),
            *(score_text(line, name, verdicts) for name in names),
            seconds(line.costs["fit_s"]),
            seconds(line.costs["predict_s_per_mpix"]),
        ]
        for line in verdicts.lines
    ]


def heads(verdicts: Verdicts) -> list[str]:
    """Return the headings of :func:`text_rows`."""
    names = [HEADS[name] for name in columns(verdicts)]
    return ["classifier", "", *names, "fit [s]", "predict [s/Mpixel]"]


def explain(verdicts: Verdicts) -> str:
    """Return the sentence under a table that says how to read it."""
    text = (
        f"Means over folds ({verdicts.split} split); ± is half the 95 % confidence interval of the "
        f"{LABELS[verdicts.score]}, training pixels shared by folds allowed for. "
        "Tied: not distinguishable from the highest."
    )
    if verdicts.split == "fixed" and any(line.n_rows > 1 for line in verdicts.lines):
        text += " The test compares the predictions of the first seed."
    if verdicts.split != "fixed" and verdicts.test_to_train > CAUTIOUS:
        text += (
            f" With {verdicts.test_to_train:.1f} test pixels per training pixel, the test is very "
            "cautious; a smaller --test-size makes it sharper."
        )
    return text


def markdown(verdicts: Sequence[Verdicts], over_all: Across | None = None) -> str:
    """Return all tables with their sentences as Markdown, that of all data sets last."""
    parts = []
    for part in verdicts:
        table = markdown_table(heads(part), text_rows(part))
        said = "\n".join(f"- {sentence}" for sentence in part.sentences())
        parts.append(f"## {part.data}\n\n{table}\n\n{explain(part)}\n\n{said}\n")
    if over_all is not None:
        parts.append(across_markdown(over_all))
    return "\n".join(parts)


def latex(verdicts: Sequence[Verdicts]) -> str:
    """Return all tables as LaTeX (package booktabs), the winner and its ties in bold."""
    return "\n".join(_latex_table(part) for part in verdicts)


def _latex_table(verdicts: Verdicts) -> str:
    place = 2 + columns(verdicts).index(verdicts.score)
    best = [verdicts.winner, *verdicts.ties]
    strong = [(i, place) for i, line in enumerate(verdicts.lines) if line.label in best]
    caption = (
        f"{verdicts.data}. {explain(verdicts)} Bold: the highest and what is not distinguishable "
        "from it."
    )
    return latex_table(heads(verdicts), text_rows(verdicts), caption, text_columns=2, strong=strong)
