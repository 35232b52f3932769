"""Figures of a comparison, one by one and narrow enough for a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.compare.line import Line
from bridges.compare.sources import Source
from bridges.compare.summary import Verdicts
from bridges.report import map_plots, plots
from bridges.report.metrics import LABELS, binary_scores, roc_points
from bridges.report.page import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Row = Mapping[str, Any]
Arrays = Callable[[str], Mapping[str, Any]]
MOST = 8
"""Classifiers drawn one by one; more would be a wall of pictures."""
GRID = np.linspace(0.0, 1.0, 201)


def file_name(*parts: str) -> str:
    """Return a plain file name of some words."""
    return re.sub(r"[^A-Za-z0-9]+", "-", " ".join(parts)).strip("-").lower()[:80]


def short(label: str, length: int = 38) -> str:
    """Return a label that fits beside an axis."""
    return label if len(label) <= length else f"{label[: length - 1]}…"


def interval_figure(verdicts: Verdicts) -> Figure:
    """Draw the deciding score of every line with its confidence interval."""
    lines = [line for line in verdicts.lines if line.scores[verdicts.score] is not None]
    figure, ax = plots.new_figure(5.6, 1.2 + 0.34 * len(lines))
    for place, line in enumerate(lines):
        value = line.scores[verdicts.score]
        if line.interval is not None:
            ax.plot(line.interval, (place, place), color="black", linewidth=1.4)
        style = _role_style(line, verdicts)
        ax.plot(value, place, color="black", markersize=7, linestyle="", **style)
    ax.set_yticks(range(len(lines)), [short(line.display) for line in lines], fontsize=8)
    ax.invert_yaxis()
    ax.margins(x=0.08)
    ax.grid(axis="x", color="0.85")
    ax.set(xlabel=f"{LABELS[verdicts.score]}, 95 % interval")
    return figure


def _role_style(line: Line, verdicts: Verdicts) -> dict[str, Any]:
    if line.role != "classifier":
        return {"marker": "o", "markerfacecolor": "white"}
    tied = line.label == verdicts.winner or line.label in verdicts.ties
    return {"marker": "D" if tied else "o", "markerfacecolor": "black"}


def time_figure(verdicts: Verdicts) -> Figure | None:
    """Draw the deciding score against the seconds of a fit."""
    lines = [
        line
        for line in verdicts.lines
        if line.role == "classifier" and line.costs["fit_s"] and line.by_fold
    ]
    if not lines:
        return None
    figure, ax = plots.new_figure(6.0, 4.2)
    for i, line in enumerate(lines):
        value, spread = line.scores[verdicts.score] or 0.0, line.interval
        bars = None if spread is None else [[value - spread[0]], [spread[1] - value]]
        style = {**plots.line_style(i, len(lines)), "linestyle": "none"}
        ax.errorbar(
            line.costs["fit_s"], value, bars, capsize=3, label=short(line.label), markersize=8,
            **style,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.margins(x=0.2)
    ax.grid(color="0.9")
    ax.set(xlabel="seconds per fit (log scale)", ylabel=LABELS[verdicts.score])
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize="small")
    return figure


def roc_figure(rows: Sequence[Row], arrays: Arrays, source: Source) -> Figure | None:
    """Draw ROC curves of the first fold; of several classes, the mean of one against the rest."""
    curves = []
    for row in rows:
        curve = _mean_roc(arrays(row["key"]), sorted(source.class_names))
        if curve is not None:
            curves.append((short(row["classifier"], 30), GRID, curve))
    if not curves:
        return None
    figure, ax = plots.new_figure(5.4, 5.2)
    plots.plot_roc(ax, curves, "ROC, first fold")
    return figure


def _mean_roc(arrays: Mapping[str, Any], codes: Sequence[int]) -> NDArray[np.float64] | None:
    """Return true positive rates on :data:`GRID`, None where decision values are missing."""
    if "scores" not in arrays or list(arrays["classes"]) != list(codes):
        return None
    values, truth = arrays["scores"], arrays["y_test"]
    if len(codes) == 2:
        columns = [(codes[1], binary_scores(values))]
    else:
        columns = [(code, values[:, i]) for i, code in enumerate(codes)]
    points = [roc_points(truth, column, code) for code, column in columns]
    known = [np.interp(GRID, *point) for point in points if point is not None]
    return np.mean(known, axis=0) if known else None


def class_figure(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    """Draw the producer's accuracy per class of every classifier, averaged over folds."""
    values: dict[str, list[float | None]] = {}
    for label in dict.fromkeys(row["classifier"] for row in rows):
        cells = [row["classes"] for row in rows if row["classifier"] == label]
        values[short(label, 30)] = [
            _known_mean([classes[i]["producers_accuracy"] for classes in cells])
            for i in range(len(names))
        ]
    figure, ax = plots.new_figure(6.0, 1.6 + len(names) * max(0.4, 0.2 * len(values)))
    plots.plot_class_bars(ax, values, names, "producer's accuracy per class")
    legend_columns = 1 if max(map(len, values)) > 20 else 2
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=legend_columns, fontsize=8)
    return figure


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def confusion_figure(row: Row) -> Figure:
    """Draw the confusion matrix of one cell."""
    names = [c["name"] for c in row["classes"]]
    side = max(4.4, 2.6 + 0.4 * len(names))
    figure, ax = plots.new_figure(side, side)
    plots.plot_confusion(ax, row["confusion"], names, short(row["classifier"]))
    ax.title.set_fontsize(9)
    return figure


def energy_figure(row: Row, arrays: Mapping[str, Any]) -> Figure | None:
    """Draw the energies of an annealed model's samples, all duals on one scale."""
    if "energies" not in arrays:
        return None
    figure, ax = plots.new_figure(6.0, 3.8)
    used = float(np.mean(arrays["used_energies"]))
    title = short(row["classifier"], 56)
    plots.plot_energies(ax, arrays["energies"], exact=-1.0, used=used, title=title)
    ax.title.set_fontsize(9)
    ax.set(xlabel="energy / |exact optimum| (lower is better)")
    return figure


def map_pictures(
    rows: Sequence[Row], source: Source, folder: Path
) -> Iterator[tuple[str, Picture]]:
    """Yield the truth, and the map and the error map of every classifier that made one."""
    from bridges.maps.pictures import map_picture

    truth = labels_map(source)
    made = [row for row in rows if (folder / "maps" / f"{row['key']}.tif").exists()]
    if truth is None or not made:
        return
    names, name = source.class_names, source.spec.name
    figure = map_plots.single_map(truth, names, "truth (labelled pixels)")
    yield file_name(name, "truth"), Picture(figure, f"{name}: labelled pixels.", raster=True)
    for row in made:
        codes = map_picture(folder / "maps" / f"{row['key']}.tif").codes
        label = row["classifier"]
        figure = map_plots.single_map(codes, names, short(label))
        yield file_name(name, label, "map"), Picture(figure, f"Map by {label}.", raster=True)
        errors = map_plots.single_error_map(codes, truth, names)
        text = f"Errors of {label} on all labelled pixels, those of training included."
        yield file_name(name, label, "errors"), Picture(errors, text, raster=True)


def labels_map(source: Source) -> NDArray[np.int64] | None:
    """Return the labelled pixels as a picture of codes, -1 elsewhere; None for a table."""
    from bridges.maps.pictures import thinning
    from bridges.samples.labels import UNLABELLED

    data, scene = source.data, source.spec.open_scene()
    if scene is None or data.rows is None or data.cols is None:
        return None
    step = thinning(scene.height, scene.width)
    shown = (data.rows % step == 0) & (data.cols % step == 0)
    codes = np.full((-(-scene.height // step), -(-scene.width // step)), UNLABELLED)
    codes[data.rows[shown] // step, data.cols[shown] // step] = data.y[shown]
    return codes


def curve_figures(rows: Sequence[Row], score: str) -> Iterator[tuple[str, Picture]]:
    """Yield score and time over the points of every curve, per data set."""
    groups = dict.fromkeys((row["data"], row["curve"]) for row in rows)
    for data, curve in groups:
        part = [row for row in rows if (row["data"], row["curve"]) == (data, curve)]
        for what, label, log in ((score, LABELS[score], False), ("fit_s", "seconds per fit", True)):
            figure, ax = plots.new_figure(5.4, 4.4)
            _draw_curve(ax, part, what)
            ax.set(xlabel=AXES.get(curve, curve), ylabel=label, title=data)
            if log:
                ax.set_yscale("log")
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=8)
            caption = f"{data}: {label} over {AXES.get(curve, curve)}; bars span the folds."
            yield file_name(data, "curve", curve, what), Picture(figure, caption)


AXES = {"train": "training pixels", "ranks": "MPI ranks"}


def _draw_curve(ax: Axes, rows: Sequence[Row], what: str) -> None:
    labels = list(dict.fromkeys(row["classifier"] for row in rows))
    for i, label in enumerate(labels):
        points: dict[Any, list[float]] = {}
        for row in rows:
            if row["classifier"] == label and row[what] is not None:
                points.setdefault(row["curve_value"], []).append(row[what])
        if not points:
            continue
        places = sorted(points, key=lambda value: (isinstance(value, str), value))
        means = np.array([np.mean(points[p]) for p in places])
        low = means - [min(points[p]) for p in places]
        high = np.array([max(points[p]) for p in places]) - means
        style = plots.line_style(i, len(labels))
        ax.errorbar(places, means, (low, high), capsize=3, label=short(label), **style)
    ax.grid(color="0.9")
