"""Reliability diagrams: whether probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_reliability(
    ax: Axes, bins: Sequence[Mapping[str, Any]], title: str = "reliability"
) -> None:
    """Draw the share of hits against the mean largest probability, bin by bin.

    Parameters
    ----------
    ax : Axes
        Where to.
    bins : sequence of mapping
        From :func:`bridges.calibration.scores.calibration_scores`: ``low``, ``high``,
        ``confidence``, ``accuracy`` and ``samples``.
    title : str
        Title.
    """
    ax.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1, label="calibrated")
    middle = [(b["low"] + b["high"]) / 2 for b in bins]
    widths = [b["high"] - b["low"] for b in bins]
    ax.bar(
        middle,
        [b["accuracy"] for b in bins],
        widths,
        color="#d9e6f2",
        edgecolor="0.5",
        linewidth=0.6,
        label="share of hits",
    )
    x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
    ax.plot(x, y, color="#1f4e79", marker="o", markersize=4, linewidth=1.2)
    for b in bins:
        place = ((b["low"] + b["high"]) / 2, 0.015)
        ax.annotate(str(b["samples"]), place, ha="center", fontsize=6, rotation=90, color="0.3")
    ax.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal", title=title)
    ax.set_xlabel("largest probability")
    ax.set_ylabel("share of hits")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
