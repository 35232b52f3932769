"""The report of a comparison: page, tables and figures as files."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges.compare import figures, tables
from bridges.compare.across import Across
from bridges.compare.differences import across_section, pairs_table
from bridges.compare.line import Line
from bridges.compare.paragraph import results_paragraph
from bridges.compare.sources import Source
from bridges.compare.specs import Settings
from bridges.compare.summary import COSTS, Verdicts
from bridges.machine.files import atomic_target, write_text
from bridges.report.page import Picture, Section, Table, render_report
from bridges.report.plots import save_figure
from bridges.samples.split_kinds import SPLITS

Row = Mapping[str, Any]
Arrays = Callable[[str], Mapping[str, Any]]
Named = tuple[str, Picture]
CONTROLS_TEXT = (
    "Null controls repeat an annealed model with random coefficients, with constant ones, with the "
    "exact SVM on the same members, and with one exact SVM on all training pixels. A model that is "
    "not distinguishable from its random control has learnt nothing from the annealer."
)


@dataclasses.dataclass(frozen=True)
class Results:
    """What a comparison found.

    Attributes
    ----------
    settings : Settings
        What was asked for.
    sources : sequence of Source
        The data sets.
    rows, curve_rows : sequence of mapping
        Rows of the main table and of the curves, in the order of the plan.
    verdicts : sequence of Verdicts
        The conclusions, one per data set.
    over_all : Across or None
        The conclusions over all data sets.
    """

    settings: Settings
    sources: Sequence[Source]
    rows: Sequence[Row]
    curve_rows: Sequence[Row]
    verdicts: Sequence[Verdicts]
    over_all: Across | None = None


def write_products(
    folder: Path, results: Results, arrays: Arrays, sessions: Sequence[Mapping[str, Any]]
) -> None:
    """Write ``report.html``, ``results.md``, ``table.md``, ``table.tex`` and ``figures/``.

    Parameters
    ----------
    folder : Path
        Folder of the comparison.
    results : Results
        What was found.
    arrays : callable
        Gives the stored arrays of a row's key.
    sessions : sequence of mapping
        The runs that the rows come from.
    """
    settings, sources, verdicts = results.settings, results.sources, results.verdicts
    rows, curve_rows, over_all = results.rows, results.curve_rows, results.over_all
    paragraph = results_paragraph(settings, sources, verdicts, over_all)
    write_text(folder / "results.md", paragraph)
    write_text(folder / "table.md", tables.markdown(verdicts, over_all))
    write_text(folder / "table.tex", tables.latex(verdicts))
    sections = [_overview(verdicts)]
    named: list[Named] = []
    for verdict in verdicts:
        source = next(s for s in sources if s.spec.name == verdict.data)
        mine = [row for row in rows if row["data"] == verdict.data]
        pictures = list(data_pictures(verdict, mine, source, arrays, folder))
        named += pictures
        sections.append(_data_section(verdict, source, [p for _, p in pictures]))
    if over_all is not None:
        section, picture = across_section(over_all)
        sections.append(section)
        named.append(("ranks", picture))
    curves = list(
        figures.curve_figures([r for r in curve_rows if r["status"] == "ok"], settings.score)
    )
    if curves:
        sections.append(Section("Learning and scaling curves", pictures=[p for _, p in curves]))
    sections += [
        Section("Results, written for a paper", paragraph.split("\n\n")),
        *_warnings([*rows, *curve_rows]),
        *_failures([*rows, *curve_rows]),
        _what_was_run(settings, sources, sessions),
    ]
    lead = " ".join(verdict.headline() for verdict in verdicts)
    render_report(folder / "report.html", "Comparison of classifiers", sections, lead=lead)
    save_figures(folder / "figures", [*named, *curves])


def save_figures(folder: Path, pictures: Sequence[Named]) -> None:
    """Write every figure as the page shows it (SVG, maps as PNG) and as PDF."""
    folder.mkdir(exist_ok=True)
    for name, picture in pictures:
        with atomic_target(folder / f"{name}.{picture.suffix}") as temporary:
            temporary.write_bytes(picture.content)
        with atomic_target(folder / f"{name}.pdf") as temporary:
            save_figure(picture.figure, temporary)


def data_pictures(
    verdict: Verdicts, rows: Sequence[Row], source: Source, arrays: Arrays, folder: Path
) -> Iterator[Named]:
    """Yield all figures of one data set."""
    name = verdict.data
    done = [row for row in rows if row["status"] == "ok"]
    if not done:
        return
    text = "Filled: classifiers (diamond: the highest and its ties); hollow: controls, baseline."
    picture = Picture(figures.interval_figure(verdict), f"{name}: scores. {text}")
    yield figures.file_name(name, "scores"), picture
    own = [row for row in done if row["role"] == "classifier"]
    first = _first_cells(own)
    roc = "ROC, first fold" + (", mean of one class against the rest" if _several(source) else "")
    for kind, figure, caption in (
        ("time", figures.time_figure(verdict), "score against time"),
        ("roc", figures.roc_figure(first, arrays, source), roc),
    ):
        if figure is not None:
            yield figures.file_name(name, kind), Picture(figure, f"{name}: {caption}.")
    if not own:
        return
    names = [c["name"] for c in own[0]["classes"]]
    shown = [row for row in own if row["classifier"] in {r["classifier"] for r in first}]
    if len({len(row["classes"]) for row in shown}) == 1:
        bars = Picture(
            figures.class_figure(shown, names), f"{name}: producer's accuracy per class."
        )
        yield figures.file_name(name, "classes"), bars
    for row in first:
        yield from _cell_pictures(row, arrays)
    yield from figures.map_pictures(first, source, folder)


def _several(source: Source) -> bool:
    return len(source.class_names) > 2


def _first_cells(rows: Sequence[Row]) -> list[Row]:
    """Return the first cell of every classifier, of no more classifiers than can be drawn."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["classifier"], row)
    return list(first.values())[: figures.MOST]


def _cell_pictures(row: Row, arrays: Arrays) -> Iterator[Named]:
    name, label = row["data"], row["classifier"]
    caption = f"{name}, fold {row['fold']}: confusion matrix of {label} (rows: true class)."
    yield (
        figures.file_name(name, label, "confusion"),
        Picture(figures.confusion_figure(row), caption),
    )
    energies = figures.energy_figure(row, arrays(row["key"]))
    if energies is not None:
        caption = (
            f"{name}, fold {row['fold']}: sample energies of {label}, each dual divided by the "
            "size of its exact optimum: -1 is exact, samples above 0 are worse than no training."
        )
        yield figures.file_name(name, label, "energies"), Picture(energies, caption)


def _overview(verdicts: Sequence[Verdicts]) -> Section:
    return Section("Conclusions", [s for verdict in verdicts for s in verdict.sentences()])


def _data_section(verdict: Verdicts, source: Source, pictures: Sequence[Picture]) -> Section:
    lines = verdict.lines
    marked = {verdict.winner, *verdict.ties}
    scores = Table(
        tables.heads(verdict),
        [[_breakable(row[0]), *row[1:]] for row in tables.text_rows(verdict)],
        note=tables.explain(verdict),
        strong=frozenset(i for i, line in enumerate(lines) if line.label in marked),
        quiet=frozenset(i for i, line in enumerate(lines) if line.role != "classifier"),
    )
    text = [
        "Bold: the highest and what is not distinguishable from it.",
        f"Split: {source.splits[0].note}. The scores answer: "
        f"{SPLITS[source.splits[0].kind].question}",
    ]
    if any(line.role == "control" for line in lines):
        text.append(CONTROLS_TEXT)
    shown = [scores, pairs_table(verdict), _costs(lines)]
    return Section(verdict.data, text, tables=shown, pictures=pictures)


def _costs(lines: Sequence[Line]) -> Table:
    used = [name for name in COSTS if any(line.costs[name] for line in lines)]
    rows = [
        [_breakable(line.display), *(_compact(line.costs[name]) for name in used)] for line in lines
    ]
    quiet = frozenset(i for i, line in enumerate(lines) if line.role != "classifier")
    return Table(
        ["classifier", *(COSTS[name] for name in used)],
        rows,
        caption="Costs and quality of the solution, medians over folds",
        note="Memory is the peak of the whole process during the fit.",
        quiet=quiet,
    )


def _breakable(label: str) -> str:
    """Return a label that a narrow column may break between parameters."""
    return re.sub(r"([:,])(?=\S)", "\\1\u200b", label)


def _compact(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _warnings(rows: Sequence[Row]) -> list[Section]:
    told = dict.fromkeys((r["classifier"], r["data"], r["warnings"]) for r in rows if r["warnings"])
    table = Table(["classifier", "data", "warnings"], list(told))
    return [Section("Warnings", tables=[table])] if told else []


def _failures(rows: Sequence[Row]) -> list[Section]:
    failed = [row for row in rows if row["status"] != "ok"]
    if not failed:
        return []
    cells = [[r["classifier"], r["data"], str(r["fold"]), r["error"], r["hint"]] for r in failed]
    table = Table(["classifier", "data", "fold", "error", "hint"], cells)
    return [Section(f"Failed cells: {len(failed)}", tables=[table])]


def _what_was_run(
    settings: Settings, sources: Sequence[Source], sessions: Sequence[Mapping[str, Any]]
) -> Section:
    facts: dict[str, Any] = {
        "classifiers": [f"{s.label} = {s.name} {json.dumps(dict(s.params), default=repr)}"
                        for s in settings.classifiers],
        "data": [f"{s.spec.name} ({len(s.data.y)} samples × {s.data.X.shape[1]} features, "
                 f"{len(s.class_names)} classes, {len(s.splits)} folds)" for s in sources],
        "scaling": f"{settings.scale}, fitted on training pixels",
        "seeds": f"{settings.seeds} from {settings.seed}",
        "training pixels at most": settings.train_limit or "all",
        "significance level": settings.level,
        "difference that makes no difference": settings.rope,
    }  # fmt: skip
    latest = sessions[-1] if sessions else {}
    facts["command"] = " ".join(latest.get("command", []))
    facts["machine"] = latest.get("host")
    facts["versions"] = latest.get("versions")
    if any(s.get("ranks", 1) > 1 for s in sessions):
        facts["caution about times"] = "Several MPI ranks computed cells side by side."
    if len(sessions) > 1:
        facts["runs"] = f"{len(sessions)}, resumed in one folder"
        versions = {json.dumps(s.get("versions"), sort_keys=True) for s in sessions}
        if len(versions) > 1:
            facts["caution about versions"] = (
                "The rows come from runs with different versions; see compare.json."
            )
    return Section("What was run", facts=facts)
