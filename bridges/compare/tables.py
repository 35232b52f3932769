"""Tables for papers: Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from bridges.compare.summary import Line, Verdicts
from bridges.report.metrics import LABELS, SCORES

HEADS = {
    "accuracy": "OA",
    "balanced_accuracy": "AA",
    "kappa": "kappa",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
}
ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "α": r"$\alpha$",
    "±": r"$\pm$",
    "–": "--",
    "↳": r"\quad",
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


def markdown(verdicts: Sequence[Verdicts]) -> str:
    """Return all tables with their sentences as Markdown."""
    parts = []
    for part in verdicts:
        rows = [heads(part), ["---"] * len(heads(part)), *text_rows(part)]
        table = "\n".join("| " + " | ".join(_pipe(c) for c in row) + " |" for row in rows)
        said = "\n".join(f"- {sentence}" for sentence in part.sentences())
        parts.append(f"## {part.data}\n\n{table}\n\n{explain(part)}\n\n{said}\n")
    return "\n".join(parts)


def _pipe(cell: str) -> str:
    return cell.replace("|", "\\|")


def latex(verdicts: Sequence[Verdicts]) -> str:
    """Return all tables as LaTeX (package booktabs), the winner and its ties in bold."""
    return "\n".join(_latex_table(part) for part in verdicts)


def _latex_table(verdicts: Verdicts) -> str:
    names = columns(verdicts)
    body = []
    for line, row in zip(verdicts.lines, text_rows(verdicts), strict=True):
        cells = [escape(cell) for cell in row]
        if line.label == verdicts.winner or line.label in verdicts.ties:
            place = 2 + names.index(verdicts.score)
            cells[place] = rf"\textbf{{{cells[place]}}}"
        body.append(" & ".join(cells) + r" \\")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(verdicts.data)}. {escape(explain(verdicts))} Bold: the highest and "
        r"what is not distinguishable from it.}",
        rf"\begin{{tabular}}{{ll{'r' * (len(names) + 2)}}}",
        r"\toprule",
        " & ".join(escape(head) for head in heads(verdicts)) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return "".join(ESCAPES.get(character, character) for character in text)
