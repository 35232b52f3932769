"""How sure a map is, for the report: how likely its classes are, and where nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.report.page import Picture, Section
from bridges.report.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def confidence_section(
    p_max: NDArray[np.float64],
    dissimilarity: NDArray[np.float64],
    facts: Mapping[str, Any],
) -> Section:
    """Return the section on ``confidence.tif``.

    Parameters
    ----------
    p_max, dissimilarity : ndarray of shape (h, w)
        Layers, NaN where there is no class.
    facts : mapping
        The entry ``map`` of ``metrics.json``.
    """
    threshold = facts["aoa_threshold"]
    words = (
        f"{facts['inside_aoa']:.1%} of the map lie inside the area of applicability: there, pixels "
        "are no more unlike the training pixels than those were on which the scores were found "
        f"(dissimilarity at most {threshold:.3g}; Meyer and Pebesma 2021). Outside of it the "
        "scores of this report, and the probabilities, say nothing."
    )
    pictures = [
        Picture(_surface(p_max, "largest probability", 1.0), "How sure the class is.", raster=True),
        Picture(
            _surface(dissimilarity, "dissimilarity / threshold", 2.0, threshold),
            "Distance to the nearest training pixel in units of the threshold: from 1 on outside.",
            raster=True,
        ),
    ]
    return Section("Confidence", [words], pictures=pictures)


def _surface(values: NDArray[np.float64], title: str, top: float, unit: float = 1.0) -> Figure:
    height = float(np.clip(4.2 * values.shape[0] / values.shape[1], 2.0, 8.0))
    figure, ax = new_figure(4.8, height + 0.4)
    shown = ax.imshow(values / max(unit, 1e-12), vmin=0, vmax=top, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)
    figure.colorbar(shown, ax=ax, shrink=0.8)
    return figure
