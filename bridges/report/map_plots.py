"""Pictures of maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.report.lettering import plain
from bridges.report.plots import RIGHT, UNKNOWN, WRONG, new_figure
from bridges.scene.palette import class_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MAP_PIXELS = 800


def thin(codes: NDArray[Any], limit: int = MAP_PIXELS) -> NDArray[Any]:
    """Return every k-th row and column of a map so that its longer side is at most ``limit``."""
    step = max(1, -(-max(codes.shape) // limit))
    return codes[::step, ::step]


def plot_class_map(
    ax: Axes, codes: NDArray[Any], class_names: Mapping[int, str], title: str = ""
) -> None:
    """Draw a map of class codes; codes without a name (no data, no label) stay white.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    codes : ndarray of shape (height, width), int
        Class codes.
    class_names : mapping of int to str
        Codes and names; the names decide the colours (:mod:`bridges.scene.palette`), as in map.tif.
    title : str
        Title.
    """
    small = thin(np.asarray(codes))
    image = np.ones((*small.shape, 3))
    for code, color in class_palette(class_names).items():
        image[small == code] = np.array(color) / 255
    _show_image(ax, image, title)


def plot_error_map(
    ax: Axes, predicted: NDArray[Any], truth: NDArray[Any], class_names: Mapping[int, str]
) -> None:
    """Draw where a map disagrees with the truth: dark wrong, light right, white unknown.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    predicted, truth : ndarray of shape (height, width), int
        Class codes.
    class_names : mapping of int to str
        Codes and names; pixels of other codes on either map are unknown.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    predicted, truth = thin(np.asarray(predicted)), thin(np.asarray(truth))
    known = np.isin(predicted, list(class_names)) & np.isin(truth, list(class_names))
    image = np.empty((*truth.shape, 3))
    image[:] = to_rgb(UNKNOWN)
    image[known & (predicted == truth)] = to_rgb(RIGHT)
    image[known & (predicted != truth)] = to_rgb(WRONG)
    share = float((predicted != truth)[known].mean()) if known.any() else 0.0
    _show_image(ax, image, f"errors ({share:.1%} of the labelled)")
    handles = [
        Patch(facecolor=c, edgecolor="black", label=t)
        for c, t in ((RIGHT, "right"), (WRONG, "wrong"), (UNKNOWN, "no label"))
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3)


def _show_image(ax: Axes, image: NDArray[Any], title: str) -> None:
    ax.imshow(image, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)


def _class_handles(class_names: Mapping[int, str]) -> list[Any]:
    from matplotlib.patches import Patch

    colors = class_palette(class_names)
    return [
        Patch(
            facecolor=np.array(colors[code]) / 255,
            edgecolor="black",
            label=plain(class_names[code]),
        )
        for code in sorted(class_names)
    ]


def _map_canvas(shape: tuple[int, ...], legend_rows: int, columns: int = 1) -> tuple[Figure, Any]:
    height = float(np.clip(4.2 * shape[0] / shape[1], 2.0, 8.0))
    return new_figure(4.2 * columns, height + 0.6 + 0.28 * legend_rows, columns)


def single_map(codes: NDArray[Any], class_names: Mapping[int, str], title: str) -> Figure:
    """Return one class map with its legend, narrow enough for a phone."""
    figure, ax = _map_canvas(codes.shape, -(-len(class_names) // 3))
    plot_class_map(ax, codes, class_names, title)
    handles = _class_handles(class_names)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def single_error_map(
    predicted: NDArray[Any], truth: NDArray[Any], class_names: Mapping[int, str]
) -> Figure:
    """Return one error map with its legend."""
    figure, ax = _map_canvas(truth.shape, 1)
    plot_error_map(ax, predicted, truth, class_names)
    return figure


def map_figure(
    predicted: NDArray[Any],
    truth: NDArray[Any] | None,
    class_names: Mapping[int, str],
    title: str = "predicted",
) -> Figure:
    """Return the predicted map beside the truth and an error map, with one legend.

    Parameters
    ----------
    predicted : ndarray of shape (height, width), int
        Class codes.
    truth : ndarray of shape (height, width), int, or None
        Labels; None draws the prediction only.
    class_names : mapping of int to str
        Codes and names; other codes stand for no data and no label.
    title : str
        Title of the predicted map.
    """
    columns = 1 if truth is None else 3
    figure, axes = _map_canvas(predicted.shape, 1 - (-len(class_names) // (3 * columns)), columns)
    axes = np.atleast_1d(axes)
    plot_class_map(axes[0], predicted, class_names, title)
    if truth is not None:
        plot_class_map(axes[1], truth, class_names, "truth")
        plot_error_map(axes[2], predicted, truth, class_names)
    handles = _class_handles(class_names)
    ncols = min(len(handles), 3 * columns)
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, frameon=False)
    return figure
