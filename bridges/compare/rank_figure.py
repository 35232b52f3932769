"""The critical-difference diagram (Demšar 2006): mean ranks on an axis, bars over what is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridges.compare.figures import short
from bridges.report.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bridges.compare.ranking import Ranking

LABEL = 26
"""Letters of a name that fit beside the axis."""

STEP = 0.5
"""Height of a line of text or a bar, in the figure's units."""


def rank_figure(ranking: Ranking) -> Figure:
    """Draw the critical-difference diagram of a ranking."""
    k = len(ranking.names)
    rows = 2 + len(ranking.groups) + (k + 1) // 2
    figure, ax = new_figure(6.4, 0.8 + 0.3 * rows)
    bottom = _draw_bars(ax, ranking)
    _draw_names(ax, ranking, bottom)
    _draw_axis(ax, ranking)
    ax.set(
        xlim=(0.6 - 0.35 * k, k + 0.4 + 0.35 * k), ylim=(bottom - STEP * ((k + 1) // 2 + 1), 1.6)
    )
    ax.axis("off")
    return figure


def _draw_axis(ax: Axes, ranking: Ranking) -> None:
    k = len(ranking.names)
    ax.plot([1, k], [0, 0], color="black", linewidth=1)
    for rank in range(1, k + 1):
        ax.plot([rank, rank], [0, 0.15], color="black", linewidth=1)
        ax.text(rank, 0.25, str(rank), ha="center", va="bottom", fontsize=9)
    gap = ranking.critical_difference
    if gap is not None:
        ax.plot([1, 1 + gap], [1.05, 1.05], color="black", linewidth=1.6)
        for end in (1, 1 + gap):
            ax.plot([end, end], [0.95, 1.15], color="black", linewidth=1.6)
        label = f"critical difference {gap:.3g}"
        ax.text(1 + gap / 2, 1.2, label, ha="center", va="bottom", fontsize=9)


def _draw_bars(ax: Axes, ranking: Ranking) -> float:
    """Draw a bar over every group; return where the names may begin."""
    place = dict(zip(ranking.names, ranking.mean_ranks, strict=True))
    y = 0.0
    for group in ranking.groups:
        y -= STEP * 0.7
        ends = [place[group[0]] - 0.04, place[group[-1]] + 0.04]
        ax.plot(ends, [y, y], color="0.25", linewidth=4, solid_capstyle="butt")
    return y


def _draw_names(ax: Axes, ranking: Ranking, bottom: float) -> None:
    """Write the better half on the left and the others on the right, the best outermost."""
    k = len(ranking.names)
    half = (k + 1) // 2
    for i, (name, rank) in enumerate(zip(ranking.names, ranking.mean_ranks, strict=True)):
        left = i < half
        row = i if left else k - 1 - i
        y = bottom - STEP * (row + 1)
        edge = 0.8 if left else k + 0.2
        ax.plot([rank, rank, edge], [0, y, y], color="0.4", linewidth=0.9)
        ax.text(
            edge + (-0.06 if left else 0.06),
            y,
            f"{short(name, LABEL)}  {rank:.2f}" if left else f"{rank:.2f}  {short(name, LABEL)}",
            ha="right" if left else "left",
            va="center",
            fontsize=9,
        )
