"""The sections of a run's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridges.fit_report import Diagnostics, FitReport, shown
from bridges.report.metrics import LABELS, SCORES
from bridges.report.page import Picture, Section, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTROLS = {
    "random_alpha": "control: random α on the same members",
    "random_hull": "control: random lattice points, combined like the samples",
    "constant_alpha": "control: α = const (Parzen window)",
    "exact_same_members": "control: exact SVM on the same members",
    "exact_all": "control: one exact SVM on all training pixels",
}
"""What the null controls are called in tables for people."""


def scores_section(metrics: Mapping[str, Any], name: str = "this model") -> Section:
    """Return the table of scores with the null controls under them.

    Parameters
    ----------
    metrics : mapping
        What ``metrics.json`` holds (:func:`bridges.report.metrics.evaluate` plus ``controls``).
    name : str
        What the model is called.
    """
    controls = dict(metrics.get("controls") or {})
    used = [key for key in SCORES if metrics.get(key) is not None]
    rows = [[name, *(metrics[key] for key in used)]]
    rows += [
        [CONTROLS.get(key, f"control: {key}"), *(scores.get(score) for score in used)]
        for key, scores in controls.items()
    ]
    table = Table(
        ["", *(LABELS[key] for key in used)],
        rows,
        strong=frozenset({0}),
        quiet=frozenset(range(1, len(rows))),
    )
    return Section("Scores on the test pixels", control_sentences(metrics), tables=[table])


def control_sentences(metrics: Mapping[str, Any]) -> list[str]:
    """Say in plain words how a model compares with its null controls."""
    controls = metrics.get("controls") or {}
    key = "auroc" if metrics.get("auroc") is not None else "accuracy"
    value = metrics[key]
    sentences = []
    for control, name in (
        ("random_alpha", "random ones"),
        ("random_hull", "random lattice points combined in the same way"),
        ("constant_alpha", "constant ones"),
    ):
        other = (controls.get(control) or {}).get(key)
        if other is not None:
            verb = "score more than" if value > other else "score no more than"
            sentences.append(
                f"The trained coefficients {verb} {name} "
                f"({LABELS[key]} {value:.3f} against {other:.3f})."
            )
    if sentences:
        sentences.append("One split cannot tell chance from skill: bridges.compare repeats it.")
    return sentences


def classes_section(metrics: Mapping[str, Any]) -> Section:
    """Return the table and pictures of the classes: accuracies, support, confusion matrix."""
    from bridges.report import plots

    classes = metrics["classes"]
    names = [c["name"] for c in classes]
    keys = ("producers_accuracy", "users_accuracy", "f1", "support")
    heads = ["class", "producer's accuracy", "user's accuracy", "F1", "test pixels"]
    table = Table(heads, [[c["name"], *(c[key] for key in keys)] for c in classes])
    size = 2.4 + 0.42 * len(names)
    bars, ax = plots.new_figure(5.2, size)
    values = {h: [c[key] for c in classes] for h, key in zip(heads[1:3], keys, strict=False)}
    plots.plot_class_bars(ax, values, names)
    square, ax = plots.new_figure(5.2, size + 0.8)
    plots.plot_confusion(ax, metrics["confusion"], names)
    pictures = [
        Picture(bars, "Producer's accuracy (recall) and user's accuracy (precision) per class."),
        Picture(square, "Rows: true class; columns: prediction; shade: share of the true class."),
    ]
    return Section("Classes", tables=[table], pictures=pictures)


def calibration_section(calibration: Mapping[str, Any]) -> Section:
    """Return the scores of the probabilities and their reliability diagram.

    Parameters
    ----------
    calibration : mapping
        The entry ``calibration`` of ``metrics.json``.
    """
    from bridges.report import plots
    from bridges.report.reliability import plot_reliability

    heads = ["calibration", "learnt on", "expected calibration error", "Brier score", "log loss"]
    keys = ("method", "learnt_on", "ece", "brier", "log_loss")
    figure, ax = plots.new_figure(4.6, 4.4)
    plot_reliability(ax, calibration["bins"])
    caption = (
        "Among test samples of about equal largest probability: the share that is right. On the "
        "diagonal, probabilities mean what they say; the numbers are samples."
    )
    words = (
        "Probabilities are learnt from samples that the model has not seen, and scored on the test "
        "samples. The expected calibration error is the mean distance from the diagonal."
    )
    table = Table(heads, [[calibration[key] for key in keys]])
    return Section("Probabilities", [words], tables=[table], pictures=[Picture(figure, caption)])


def map_section(
    predicted: NDArray[Any],
    truth: NDArray[Any] | None,
    class_names: Mapping[int, str],
    facts: Mapping[str, Any] | None = None,
) -> Section:
    """Return the predicted map beside the truth and the error map, and the area of every class.

    Parameters
    ----------
    predicted, truth : ndarray of shape (h, w)
        Class codes.
    class_names : mapping of int to str
        Their names.
    facts : mapping, optional
        The entry ``map`` of ``metrics.json``.
    """
    from bridges.report import map_plots

    pictures = [
        Picture(
            map_plots.single_map(predicted, class_names, "predicted"), "Predicted map.", raster=True
        )
    ]
    if truth is not None:
        labels = map_plots.single_map(truth, class_names, "truth")
        errors = map_plots.single_error_map(predicted, truth, class_names)
        pictures.append(Picture(labels, "The truth where it is known.", raster=True))
        note = "Errors where the truth is known, training pixels included."
        pictures.append(Picture(errors, note, raster=True))
    tables = [] if facts is None else [_areas(facts)]
    return Section("Map", tables=tables, pictures=pictures)


def _areas(facts: Mapping[str, Any]) -> Table:
    counted = [
        [name, of["pixels"], f"{of['share']:.1%}"]
        + ([] if of["hectares"] is None else [f"{of['hectares']:,.1f}"])
        for name, of in facts["classes"].items()
    ]
    heads = ["class", "pixels", "share of the map", "hectares"][: len(counted[0])]
    note = (
        "Counted pixels, not estimated areas: errors of the map do not cancel. With a probability "
        "sample, python -m bridges.assess estimates areas and their standard errors."
    )
    return Table(heads, counted, note=note)


def quality_section(metrics: Mapping[str, Any]) -> Section:
    """Return fit times, sizes and the diagnostics of the dual solutions."""
    report, quality = metrics.get("fit_report") or {}, metrics.get("diagnostics") or {}
    facts = {
        label: numbers[name]
        for kind, numbers in ((Diagnostics, quality), (FitReport, report))
        for name, label in shown(kind, "run").items()
        if numbers.get(name) is not None
    }
    times = {head: report[key] for key, head in shown(FitReport, "times").items() if key in report}
    caption = "Where the seconds of the fit went"
    tables = [Table(list(times), [list(times.values())], caption=caption)] if times else []
    return Section("How well the problem was solved", facts=facts, tables=tables)


def run_section(record: Mapping[str, Any]) -> Section:
    """Return what was run, from :func:`bridges.run.record.run_record`."""
    arguments = {k: v for k, v in record["arguments"].items() if v is not None}
    facts = {
        "command": " ".join(record["command"]),
        "arguments": arguments,
        "seed": record["seed"],
        "machine": record["host"],
        "versions": record["versions"],
        "seconds": record["timings"],
    }
    return Section("What was run", facts=facts)
