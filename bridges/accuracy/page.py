"""The report of an assessed map: page, tables and figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.accuracy.assessment import interval
from bridges.report import plots
from bridges.report.page import Picture, Section, Table
from bridges.report.typeset import latex_table, markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bridges.accuracy.assessment import Assessment
    from bridges.accuracy.design import Design

ACCURACY_DIGITS = 3
"""Decimals of accuracies by class: standard errors are hundredths."""

KINDS = {
    "stratified": "a stratified random sample",
    "simple": "a simple random sample, with strata made after the fact",
    "systematic": "a systematic sample, with strata made after the fact; its standard errors are "
    "those of a random one, usually a little too large",
}


def lead(assessment: Assessment) -> str:
    """Return the sentence to read first."""
    overall = assessment.content()["overall_accuracy"]
    n = int(assessment.sample.counts.sum())
    return (
        f"Overall accuracy {interval(overall)}, estimated from {n} labelled points of a "
        f"probability sample; limits are ± {assessment.z:g} standard errors."
    )


def heads(assessment: Assessment) -> list[str]:
    """Return the headings of the table of classes."""
    in_hectares = ["mapped [ha]", "area [ha]"] if assessment.area_ha is not None else []
    return [
        "class",
        *(in_hectares or ["mapped [%]"]),
        "area [%]",
        "user’s accuracy",
        "producer’s accuracy",
        "F1",
    ]


def rows(assessment: Assessment) -> list[list[str]]:
    """Return the table of classes as text."""
    return [
        [
            c["name"],
            *_areas(c, assessment.area_ha),
            interval(c["users_accuracy"], ACCURACY_DIGITS),
            interval(c["producers_accuracy"], ACCURACY_DIGITS),
            interval(c["f1"], ACCURACY_DIGITS),
        ]
        for c in assessment.classes()
    ]


def _areas(c: dict[str, Any], area_ha: float | None) -> list[str]:
    """Return a class's area by counting, and as estimated: in hectares where known, and in %."""
    percent = {key: None if v is None else 100 * v for key, v in c["area_share"].items()}
    if area_ha is None:
        return [f"{100 * c['mapped_share']:.1f}", interval(percent, 1)]
    share = f"{percent['value']:.1f}"
    return [f"{c['mapped_share'] * area_ha:,.1f}", interval(c["area_ha"], 1), share]


def caption(assessment: Assessment, design: Design) -> str:
    """Return what stands with the table of classes."""
    n, h = int(assessment.sample.counts.sum()), len(assessment.sample.strata)
    return (
        f"Accuracy and area by class, from {KINDS[design.kind]} ({n} points, {h} strata). In "
        f"brackets: ± {assessment.z:g} standard errors. Mapped: what counting pixels gives."
    )


def markdown(assessment: Assessment, design: Design) -> str:
    """Return all tables as Markdown."""
    parts = [
        f"{lead(assessment)}\n",
        markdown_table(heads(assessment), rows(assessment)),
        f"\n{caption(assessment, design)}\n",
        markdown_table(*_matrix(assessment)),
        "\nError matrix in shares of the area: rows map, columns reference.\n",
        *(f"- {note}" for note in assessment.notes),
    ]
    return "\n".join(parts) + "\n"


def latex(assessment: Assessment, design: Design) -> str:
    """Return all tables as LaTeX (package booktabs)."""
    matrix = latex_table(
        *_matrix(assessment), "Error matrix in shares of the area: rows map, columns reference."
    )
    table = latex_table(heads(assessment), rows(assessment), caption(assessment, design))
    return f"{table}\n{matrix}"


def _matrix(assessment: Assessment) -> tuple[list[str], list[list[str]]]:
    names = assessment.sample.class_names
    shares = assessment.estimates.proportions
    body = [
        [name, *(f"{v:.4f}" for v in row), f"{row.sum():.4f}"]
        for name, row in zip(names, shares, strict=True)
    ]
    total = ["sum", *(f"{v:.4f}" for v in shares.sum(axis=0)), f"{shares.sum():.4f}"]
    return ["", *names, "sum"], [*body, total]


def sections(assessment: Assessment, design: Design) -> list[Section]:
    """Return the sections of the report."""
    content = assessment.content()
    classes = Table(heads(assessment), rows(assessment), note=caption(assessment, design))
    picture = Picture(
        area_figure(assessment),
        "Area of every class: what counting mapped pixels gives (hollow), and the estimate with "
        "its interval (filled).",
    )
    facts = {
        "quantity disagreement": content["quantity_disagreement"],
        "allocation disagreement": content["allocation_disagreement"],
    }
    return [
        Section("Accuracy and area", facts=facts, tables=[classes], pictures=[picture]),
        Section("Error matrix", tables=_matrix_tables(assessment)),
        Section("What the estimates are valid for", list(assessment.notes) or ["The whole map."]),
        Section("How the sample was drawn", facts=_design_facts(design), tables=[_strata(content)]),
    ]


def _matrix_tables(assessment: Assessment) -> list[Table]:
    names = assessment.sample.class_names
    counts = assessment.sample.counts.sum(axis=0)
    columns, shares = _matrix(assessment)
    body = [[name, *map(int, row)] for name, row in zip(names, counts, strict=True)]
    return [
        Table(["", *names], body, caption="Points: rows map, columns reference"),
        Table(columns, shares, caption="Shares of the area: rows map, columns reference"),
    ]


def _design_facts(design: Design) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": KINDS[design.kind],
        "maps": [m.path for m in design.maps],
        "regions": design.zones,
        "seed": design.seed,
        "allocation": {k: v for k, v in design.allocation.items() if v is not None},
        "neighbourhood of one stratum": f"{design.purity} × {design.purity} pixels",
        "pixels in the population": design.n_pixels,
        "pixels left out": dict(design.left_out),
    }
    return {key: value for key, value in facts.items() if value not in (None, [], {})}


def _strata(content: dict[str, Any]) -> Table:
    body = [[s["name"], s["pixels"], s["points"]] for s in content["strata"]]
    return Table(["stratum", "pixels", "labelled points"], body)


def area_figure(assessment: Assessment) -> Figure:
    """Return a figure of mapped and estimated areas with intervals."""
    classes = assessment.classes()
    scale = assessment.area_ha or 1.0
    figure, ax = plots.new_figure(5.2, 1.4 + 0.42 * len(classes))
    place = np.arange(len(classes))
    value = np.array([c["area_share"]["value"] for c in classes]) * scale
    low = np.array([c["area_share"]["low"] for c in classes]) * scale
    high = np.array([c["area_share"]["high"] for c in classes]) * scale
    ax.errorbar(
        value,
        place,
        xerr=np.maximum([value - low, high - value], 0.0),
        fmt="o",
        color="black",
        capsize=4,
        label=f"estimated, ± {assessment.z:g} standard errors",
    )
    mapped = [c["mapped_share"] * scale for c in classes]
    ax.plot(mapped, place, "s", markerfacecolor="none", color=plots.WRONG, label="mapped")
    ax.set_yticks(place, [c["name"] for c in classes])
    ax.invert_yaxis()
    ax.set(
        xlabel="area [ha]" if assessment.area_ha is not None else "share of the area",
        xlim=(0, None),
    )
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small")
    return figure
