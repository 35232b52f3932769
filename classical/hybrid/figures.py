"""The convergence of every dual as a picture, a table and a section of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.report import plots
from bridges.report.page import Picture, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOOR = 1e-6
"""Gap at which the picture ends: below it a dual is solved for every purpose."""


def convergence_csv(figures: dict[str, Any]) -> str:
    """Return one line per dual and step: classes, step, relative gap."""
    lines = ["class_a,class_b,step,gap"]
    for dual in figures["pairs"]:
        first, second = dual["classes"]
        lines += [f"{first},{second},{t},{gap:.9g}" for t, gap in enumerate(dual["gaps"])]
    return "\n".join(lines) + "\n"


def convergence_figure(figures: dict[str, Any]) -> Figure:
    """Return the relative gap of every dual over the steps, and one per cent as a line."""
    figure, ax = plots.new_figure(7.2, 4.6)
    duals = figures["pairs"]
    for n, (dual, colour) in enumerate(zip(duals, plots.palette(len(duals)), strict=True)):
        first, second = dual["classes"]
        ax.plot(
            np.maximum(dual["gaps"], FLOOR),
            color=colour,
            linestyle=plots.DASHES[n % len(plots.DASHES)],
            label=f"{first} – {second}",
        )
    ax.axhline(0.01, color="0.5", linewidth=0.8)
    ax.set(
        yscale="log", xlabel="steps (lists of blocks)", ylabel="relative gap to the optimum",
        title="convergence of every dual",
    )  # fmt: skip
    if len(duals) <= 30:
        ax.legend(fontsize=7, ncols=2 if len(duals) > 8 else 1, title="classes", title_fontsize=7)
    return figure


def section(figures: dict[str, Any]) -> Section:
    """Return the section of the report: facts, attribution of every dual, convergence."""
    rows = [
        [
            " – ".join(map(str, dual["classes"])),
            dual["gap"],
            dual["certified_gap"],
            dual["steps"],
            dual["steps_to_1_percent"],
            *(dual["attribution"][key] for key in ("annealer", "random_columns", "kept", "polish")),
        ]
        for dual in figures["pairs"]
    ]
    table = Table(
        [
            "classes", "gap", "certified", "steps", "steps to 1 %", "proposed columns",
            "random columns", "earlier columns", "polish",
        ],
        rows,
        caption="The duals; the last four columns in units of the optimum",
        note="Random columns: what as many random points of the same intervals, in the same master "
        "problem and the same steps, would have brought in place of the proposed columns.",
    )  # fmt: skip
    shown = {
        "gap, mean": figures["gap_mean"],
        "gap, largest": figures["gap_max"],
        "steps": figures["steps"],
        "submissions": figures["submissions"],
        "columns": figures["columns"],
        "QPU time, estimated [s]": figures["qpu_s_estimated"],
        "QPU time [s]": figures["qpu_s"],
        "broken chains": figures["chain_break_fraction"],
        "ended by": figures["stopped"],
    }
    return Section(
        "Descent on all training samples",
        facts=shown,
        tables=[table],
        pictures=[Picture(convergence_figure(figures), "Relative gap of every dual by steps.")],
    )
