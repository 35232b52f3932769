"""What brought a model how far: its energy attributed to samples, combination and optimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridges.report.page import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST = -0.25
"""Share of the way at which a bar ends that would reach further to the left."""

USED, OTHER, CONTROL = "#31688e", "0.75", "#ffffff"

CAPTION = (
    "Training a support vector machine means lowering an energy. 0 % is a model that was not "
    "trained at all, 100 % the exact optimum, which nothing can beat; the bars tell how much of "
    "that way was gone, as a mean over {problems}. A sample is one answer of the annealer. "
    "Hatched: random points of the same lattice, combined in the same way. What the model is "
    "ahead of that bar is what the sampler contributed; what it is ahead of the best single "
    "sample is what the combination contributed."
)


def ways(diagnostics: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return how much of the way from no training to the optimum each step of a run went.

    Parameters
    ----------
    diagnostics : mapping
        Of a run (``metrics.json``); unknown gaps are left out.

    Returns
    -------
    list of (str, float)
        What it is called in the picture, and one minus its energy gap; from the random control to
        the exact optimum. Empty unless the samples were combined by their hull.
    """
    if diagnostics.get("random_hull_gap_mean") is None:
        return []
    proven = diagnostics.get("proven_fraction", 1.0)
    of_all = "" if proven == 1.0 else f" for {proven:.0%} of the duals"
    named = (
        ("random points, all combined", "random_hull_gap_mean"),
        ("the best single sample", "best_sample_gap_mean"),
        (f"the best point of the lattice (proven{of_all})", "lattice_gap_mean"),
        ("average of the 20 best samples", "averaged_gap_mean"),
        ("all samples combined: this model", "energy_gap_mean"),
    )
    found = [(text, diagnostics.get(key)) for text, key in named]
    known = [(text, 1.0 - float(gap)) for text, gap in found if gap is not None]
    return [*known, ("the exact optimum", 1.0)]


def plot_ways(ax: Axes, steps: list[tuple[str, float]], title: str = "") -> None:
    """Draw one bar for each step of :func:`ways`, the first at the top.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    steps : list of (str, float)
        Labels and shares of the way.
    title : str
        Title.
    """
    for place, (text, share) in enumerate(steps):
        control = text.startswith("random")
        colour = USED if "this model" in text else CONTROL if control else OTHER
        shown = max(share, LEAST)
        ax.barh(
            place,
            shown,
            color=colour,
            edgecolor="0.3",
            linewidth=0.8,
            hatch="///" if control else "",
        )
        note = f"{share:.1%}" if share >= LEAST else f"{share:.0%}, worse than no training"
        ax.text(max(shown, 0.0) + 0.015, place, note, va="center", fontsize="small")
    ax.set_yticks(range(len(steps)), [text for text, _ in steps])
    ax.invert_yaxis()
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xticks(
        [0.0, 0.25, 0.5, 0.75, 1.0], ["0 %\nno training", "25 %", "50 %", "75 %", "100 %\noptimum"]
    )
    lowest = min(share for _, share in steps)
    ax.set(xlim=(min(0.0, max(lowest, LEAST)), 1.16), title=title)
    ax.spines[["top", "right"]].set_visible(False)


def attribution(diagnostics: Mapping[str, Any], problems: str) -> Picture | None:
    """Return the picture of a run whose samples were combined by their hull, else None.

    Parameters
    ----------
    diagnostics : mapping
        Of a run.
    problems : str
        What the gaps are means over, such as ``"12 duals"``.
    """
    from bridges.report import plots

    steps = ways(diagnostics)
    if not steps:
        return None
    figure, ax = plots.new_figure(7.0, 0.9 + 0.4 * len(steps))
    plot_ways(ax, steps, "how far towards the optimum")
    return Picture(figure, CAPTION.format(problems=problems))
