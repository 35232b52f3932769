"""Figures: every function draws on an axes that it is given, keeps no state and shows nothing.

Colours come from viridis, whose lightness rises steadily, so classes stay apart for colour-blind
readers and in a grey print; lines differ in dash and marker, bars in hatching as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from bridges.report.lettering import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo", "---")
WRONG, RIGHT, UNKNOWN = "#b3001b", "#d9d9d9", "#ffffff"


def new_figure(width: float = 6.4, height: float = 4.4, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure without pyplot and its axes (an array of them for several columns).

    Parameters
    ----------
    width, height : float
        Inches of the whole figure.
    columns : int
        Axes side by side.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns)
    return figure, axes


def palette(n: int) -> list[tuple[float, float, float]]:
    """Return ``n`` RGB colours in [0, 1] whose lightness rises in equal steps."""
    from matplotlib import colormaps

    positions = np.linspace(0.0, 0.93, n) if n > 1 else [0.35]
    return [tuple(colormaps["viridis"](p)[:3]) for p in positions]


def plot_confusion(
    ax: Axes, confusion: ArrayLike, names: Sequence[str], title: str = "confusion matrix"
) -> None:
    """Draw a confusion matrix: counts as text, share of the true class as shade.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    confusion : array-like of shape (n_classes, n_classes)
        Rows are the truth, columns the prediction.
    names : sequence of str
        Class names in that order.
    title : str
        Title.
    """
    counts = np.asarray(confusion)
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    ax.imshow(share, cmap="Greys", vmin=0.0, vmax=1.0)
    size = 9 if len(names) <= 8 else 6
    for (i, j), count in np.ndenumerate(counts):
        colour = "white" if share[i, j] > 0.5 else "black"
        ax.text(j, i, f"{count}", ha="center", va="center", color=colour, fontsize=size)
    ticks = range(len(names))
    names = [plain(name) for name in names]
    ax.set_xticks(ticks, names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(ticks, names)
    ax.set(xlabel="predicted", ylabel="true", title=title)


Curve = tuple[str, "ArrayLike", "ArrayLike"]


def plot_roc(ax: Axes, curves: Iterable[Curve], title: str = "ROC") -> None:
    """Draw ROC curves.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    curves : iterable of (label, false positive rate, true positive rate)
        One curve each.
    title : str
        Title.
    """
    curves = list(curves)
    ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, label="chance")
    for i, (label, fpr, tpr) in enumerate(curves):
        ax.plot(
            fpr, tpr, label=plain(label), **line_style(i, len(curves)), markevery=0.15, markersize=4
        )
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", title=title)
    ax.set(xlabel="false positive rate", ylabel="true positive rate")
    ax.legend(loc="lower right", fontsize="small")


def line_style(i: int, n: int) -> dict[str, Any]:
    """Return colour, dash and marker of line ``i`` of ``n``, apart without colour too."""
    return {
        "color": palette(n + 1)[i],  # the last, lightest colour would vanish on white
        "linestyle": DASHES[i % len(DASHES)],
        "marker": MARKERS[i % len(MARKERS)],
    }


def plot_energies(
    ax: Axes,
    energies: ArrayLike,
    *,
    exact: float | None = None,
    used: float | None = None,
    title: str = "energies of the kept samples",
) -> None:
    """Draw a histogram of sample energies with the lines that they must be held against.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    energies : array-like of shape (n,)
        Energies of samples on the full QUBO. All-zero coefficients have the energy 0.
    exact, used : float, optional
        Energies of the exact dual and of the coefficients that a model uses.
    title : str
        Title.
    """
    values = np.asarray(energies, dtype=np.float64)
    ax.hist(
        values, bins=min(30, max(5, len(values) // 4)), color="0.75", edgecolor="0.4", linewidth=0.4
    )
    lines = (
        (0.0, "all coefficients zero", ":"),
        (exact, "exact optimum", "-"),
        (used, "combined, the one used", "--"),
    )
    for place, label, dash in lines:
        if place is not None:
            text = f"{label}: {place:.4g}"
            ax.axvline(place, color="black", linestyle=dash, linewidth=1.8, label=text)
    ax.set(xlabel="energy (lower is better)", ylabel="samples", title=title)
    ax.legend(fontsize="small")


def plot_class_bars(
    ax: Axes,
    values: Mapping[str, Sequence[float | None]],
    names: Sequence[str],
    title: str = "accuracy per class",
) -> None:
    """Draw horizontal bars per class, one for each of several quantities.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : mapping of str to sequence of float or None
        A quantity's name and its value per class; None (undefined) draws no bar.
    names : sequence of str
        Class names.
    title : str
        Title.
    """
    place = np.arange(len(names))
    height = 0.8 / max(1, len(values))
    for i, (label, numbers) in enumerate(values.items()):
        widths = [0.0 if v is None else v for v in numbers]
        shift = (i - (len(values) - 1) / 2) * height
        ax.barh(
            place + shift,
            widths,
            height,
            label=label,
            color=palette(len(values) + 1)[-1 - i],
            edgecolor="black",
            hatch=HATCHES[i % len(HATCHES)],
        )
    ax.set_yticks(place, [plain(name) for name in names])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=len(values), fontsize="small")


def save_figure(
    figure: Figure,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    format: str | None = None,
    dpi: int = 150,
) -> None:
    """Write a figure as PNG, SVG or PDF; equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
        The figure.
    target : path-like or binary file
        Where to write.
    format : {"png", "svg", "pdf"}, optional
        By default the suffix of the path.
    dpi : int
        Dots per inch of a PNG.
    """
    import matplotlib

    if format is None and isinstance(target, str | os.PathLike):
        format = os.fspath(target).rpartition(".")[2].lower()
    stamps = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with matplotlib.rc_context({"svg.hashsalt": "annealsvm"}):
        figure.savefig(target, dpi=dpi, format=format, metadata=stamps[format or "png"])
