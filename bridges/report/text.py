"""Scores as plain text."""

from __future__ import annotations

from typing import Any


def score_table(metrics: dict[str, Any]) -> str:
    """Return the accuracy table with the null controls, for a terminal."""
    from bridges.report.metrics import LABELS, SCORES
    from bridges.report.sections import CONTROLS, control_sentences

    used = [key for key in SCORES if metrics.get(key) is not None]
    rows = [("this model", metrics)]
    rows += [(CONTROLS.get(k, k), v) for k, v in metrics.get("controls", {}).items()]
    width = max(len(name) for name, _ in rows)
    heads = [LABELS[key] for key in used]
    lines = ["".ljust(width) + "".join(f"  {head}" for head in heads)]
    for name, scores in rows:
        cells = (_cell(scores.get(k)).rjust(len(h)) for k, h in zip(used, heads, strict=True))
        lines.append(name.ljust(width) + "".join(f"  {cell}" for cell in cells))
    lines += ["", "class".ljust(width) + "  producer's  user's      F1  test samples"]
    for c in metrics["classes"]:
        shown = [_cell(c[key]) for key in ("producers_accuracy", "users_accuracy", "f1")]
        lines.append(
            f"{c['name']}".ljust(width)
            + f"  {shown[0]:>10}  {shown[1]:>6}  {shown[2]:>6}  {c['support']:>12}"
        )
    return "\n".join([*lines, "", *control_sentences(metrics)])


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
