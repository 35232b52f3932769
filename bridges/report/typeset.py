"""Tables for papers: Markdown and LaTeX from headings and rows of text."""

from __future__ import annotations

from collections.abc import Sequence

ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "α": r"$\alpha$",
    "±": r"$\pm$",
    "–": "--",
    "’": "'",
    "↳": r"\quad",
}


def escape(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return "".join(ESCAPES.get(character, character) for character in text)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_pipe(c) for c in line) + " |" for line in lines)


def _pipe(cell: str) -> str:
    return cell.replace("|", "\\|")


def latex_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    *,
    text_columns: int = 1,
    strong: Sequence[tuple[int, int]] = (),
) -> str:
    """Return a table in LaTeX (package booktabs).

    Parameters
    ----------
    heads : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells as plain text.
    caption : str
        As plain text.
    text_columns : int
        Columns from the left that are set flush left; the others are set flush right.
    strong : sequence of (row, column)
        Cells in bold.
    """
    body = []
    for i, row in enumerate(rows):
        cells = [escape(cell) for cell in row]
        for _, j in (place for place in strong if place[0] == i):
            cells[j] = rf"\textbf{{{cells[j]}}}"
        body.append(" & ".join(cells) + r" \\")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * text_columns}{'r' * (len(heads) - text_columns)}}}",
        r"\toprule",
        " & ".join(escape(head) for head in heads) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)
