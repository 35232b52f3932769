"""Distributions of distances as curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bridges.report.plots import line_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

POINTS = 500
"""Steps of a drawn curve."""


def plot_distances(ax: Axes, distances: Mapping[str, ArrayLike], label: str) -> None:
    """Draw distribution functions of distances.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    distances : mapping of str to array-like
        Name of a curve and its distances.
    label : str
        Of the axis of distances.
    """
    for i, (name, values) in enumerate(distances.items()):
        share = np.linspace(0, 1, POINTS)
        style = {**line_style(i, len(distances)), "marker": ""}
        ax.plot(np.quantile(np.asarray(values), share), share, label=name, **style)
    ax.set(xlabel=label, ylabel="share not farther", xlim=(0, None), ylim=(0, 1.01))
    ax.legend(loc="lower right", fontsize="small")


def distance_figure(distances: Mapping[str, ArrayLike], label: str) -> Figure:
    """Return a figure of :func:`plot_distances`."""
    figure, ax = new_figure(5.2, 3.6)
    plot_distances(ax, distances, label)
    return figure
