"""What a run leaves behind: scores, model file, map, pictures, report, record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.classifier import (
    HasFurtherMetrics,
    HasOutOfBagScore,
    HasSamplerTiming,
    HasSearch,
    HasSections,
    WritesFiles,
    members_of,
)
from bridges.errors import DataError
from bridges.fit_report import add_seconds
from bridges.report.attribution import attribution
from bridges.report.energies import energies
from bridges.report.metrics import evaluate
from bridges.report.page import Picture, Section, Table, render_report
from bridges.report.sections import (
    calibration_section,
    classes_section,
    quality_section,
    run_section,
    scores_section,
)
from bridges.run.calibrating import calibration_facts
from bridges.run.drawing import Wishes, confidence_shown, map_shown, write_map
from bridges.run.expendable import Drawer, drawn
from bridges.run.model_card import model_card
from bridges.run.record import run_record, versions
from bridges.run.split_report import mismatches, profiles, question, split_section
from bridges.scene.matching import told_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
    from bridges.calibration.calibrated import Calibrated
    from bridges.machine.comm import Communicator
    from bridges.run.load import Inputs
    from bridges.run.record import Run


def score(
    model: Any,
    controls: dict[str, Any],
    scaler: Any,
    inputs: Inputs,
    facts: dict[str, Any],
    calibrated: Calibrated | None = None,
) -> dict[str, Any]:
    """Return ``metrics.json``: scores on the test samples, of the model and of its controls.

    Parameters
    ----------
    model : classifier
        Fitted.
    controls : dict of str to classifier
        Fitted null controls.
    scaler : transformer
        Fitted on the training samples.
    inputs : Inputs
        Data and split.
    facts : dict
        Further entries.
    calibrated : Calibrated, optional
        The model with its probabilities, whose classes are scored then.
    """
    X, y = inputs.test
    X = scaler.transform(X)
    names = inputs.data.class_names
    predicted = (calibrated or model).predict(X)
    metrics = evaluate(y, predicted, model.decision_function(X), names)
    kept = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "auroc", "auprc")
    judged = {name: _evaluate(control, X, y, names) for name, control in controls.items()}
    return {
        **metrics,
        "n_train": len(inputs.split.train),
        "n_test": len(inputs.split.test),
        "n_masked": inputs.data.n_masked,
        "split": inputs.split.kind,
        "split_note": inputs.split.note,
        "split_question": question(inputs),
        "oob_score": model.oob_score_ if isinstance(model, HasOutOfBagScore) else None,
        **({"search": model.search_} if isinstance(model, HasSearch) else {}),
        **(model.further_metrics_ if isinstance(model, HasFurtherMetrics) else {}),
        **facts,
        "fit_report": model.fit_report_.as_dict(),
        "diagnostics": model.diagnostics_.as_dict(),
        "sampler_timing": add_seconds(
            member.sampler_timing_
            for member in members_of(model)
            if isinstance(member, HasSamplerTiming)
        ),
        "controls": {name: {key: m[key] for key in kept} for name, m in judged.items()},
        "calibration": None if calibrated is None else calibration_facts(calibrated, X, y),
    }


def _evaluate(
    model: Any, X: NDArray[np.float64], y: NDArray[np.int64], names: dict[int, str]
) -> dict[str, Any]:
    return evaluate(y, model.predict(X), model.decision_function(X), names)


def write_outcome(
    model: Any,
    scaler: Any,
    inputs: Inputs,
    metrics: dict[str, Any],
    run: Run,
    comm: Communicator,
    calibrated: Calibrated | None = None,
    known: Applicability | None = None,
    wishes: Wishes | None = None,
) -> None:
    """Write every file of a run into its folder.

    Model, metrics and record are there before anything is drawn; a picture that cannot be drawn is
    a note. If the image cannot be read to its end, all but the map is kept.

    Parameters
    ----------
    model, scaler : estimator
        Fitted.
    inputs : Inputs
        Data and split.
    metrics : dict
        From :func:`score`.
    run : Run
        Where to, and what ``run.json`` says.
    comm : Communicator
        Ranks of which the others wait to :func:`bridges.maps.classify.assist` with the map.
    calibrated : Calibrated, optional
        The model with its probabilities, which is saved and mapped then.
    known : Applicability, optional
        Of the training samples; is saved with the model.
    wishes : Wishes, optional
        What is asked of the map.

    Raises
    ------
    DataError
        If the image cannot be read where it was not read for training; the folder is kept.
    """
    from sklearn.pipeline import Pipeline

    from bridges.report.lettering import lettering
    from bridges.run.model_file import save_model

    folder = run.folder
    pipeline = Pipeline([("scale", scaler), ("classify", calibrated or model)])
    with folder.target("model.skops") as target:
        state = None if known is None else known.state()
        save_model(pipeline, model_meta(inputs, metrics), target, state)
    run.clock.lap("save")
    _write_record(metrics, run)
    try:
        facts = [
            write_map(pipeline, one, run, comm, known, wishes, number)
            for number, one in enumerate(inputs.by_scene(), start=1)
        ]
    except DataError as error:
        folder.commit()
        raise DataError(
            f"{error.message} The model and its scores are kept in {folder.path}.", error.hint
        ) from error
    if facts:
        metrics["map"], metrics["further_maps"] = facts[0], facts[1:]
        run.clock.lap("map")
    with lettering(inputs.data.class_names.values()) as notes:
        for note in notes:
            run.narrator.note(note)
        draw = partial(drawn, run.narrator)
        if isinstance(model, WritesFiles):  # a search has a table and a figure of its own
            draw("table of the search", lambda: model.write_files(folder))
        sections = _sections(model, inputs, metrics, run, draw)
        record = _write_record(metrics, run)
        draw("model card", partial(_write_card, model, inputs, metrics, run))
        _write_report([*sections, run_section(record)], metrics, inputs, run)
    _write_record(metrics, run)


def model_meta(inputs: Inputs, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model file says beside the model."""
    data, (X, _) = inputs.data, inputs.train
    return {
        "class_names": {str(code): name for code, name in data.class_names.items()},
        "feature_names": data.feature_names,
        "features": told_features(data.feature_names, inputs.scene),
        "sensor": "" if inputs.scene is None else inputs.scene.sensor,
        "feature_range": [X.min(axis=0).tolist(), X.max(axis=0).tolist()],
        "accuracy": metrics["accuracy"],
        "split": metrics["split"],
        "source": data.source,
    }


def _write_record(metrics: dict[str, Any], run: Run) -> dict[str, Any]:
    """Write ``metrics.json`` and ``run.json`` as they are now; return the latter."""
    record = run_record(run.arguments, run.arguments.get("seed"), run.clock.seconds)
    run.folder.write_json("metrics.json", metrics)
    run.folder.write_json("run.json", record)
    return record


def _write_card(model: Any, inputs: Inputs, metrics: dict[str, Any], run: Run) -> None:
    run.folder.write_text("model_card.md", model_card(model, inputs, metrics, versions()))


def _sections(
    model: Any, inputs: Inputs, metrics: dict[str, Any], run: Run, draw: Drawer
) -> list[Section]:
    """Return the report's sections that could be made."""
    found = draw("distances of the split", lambda: profiles(inputs))
    metrics["split_mismatch"] = {} if found is None else mismatches(found)
    parts: list[Section | None] = [scores_section(metrics)]
    if found is not None:
        parts.append(draw("distances of the split", lambda: split_section(inputs, found)))
    told = [metrics["map"], *metrics["further_maps"]] if inputs.scene is not None else []
    for number, one in enumerate(inputs.by_scene(), start=1):
        facts = told[number - 1]
        parts.append(draw("map", partial(map_shown, one, run, facts, number)))
        if "inside_aoa" in facts:
            parts.append(draw("confidence", partial(confidence_shown, run, facts, number)))
    parts.append(draw("classes", lambda: classes_section(metrics)))
    if metrics["calibration"] is not None:
        parts.append(draw("calibration", lambda: calibration_section(metrics["calibration"])))
    parts.append(draw("energies", lambda: _quality(model, metrics)))
    if isinstance(model, HasSections):
        parts += draw("model's own sections", model.report_sections) or []
    return [part for part in parts if part is not None]


def _write_report(
    sections: Sequence[Section], metrics: Mapping[str, Any], inputs: Inputs, run: Run
) -> None:
    """Write ``report.html``; without its pictures if one of them cannot be drawn."""

    def write(parts: Sequence[Section]) -> bool:
        with run.folder.target("report.html") as target:
            render_report(
                target,
                "Land-cover classification" if inputs.scene is not None else "Classification",
                parts,
                lead=_lead(metrics, inputs),
            )
        return True

    if drawn(run.narrator, "pictures of the report", lambda: write(sections)) is None:
        plain = [dataclasses.replace(section, pictures=()) for section in sections]
        drawn(run.narrator, "report", lambda: write(plain))


def _lead(metrics: Mapping[str, Any], inputs: Inputs) -> str:
    accuracy = f"Overall accuracy {metrics['accuracy']:.3f}"
    if metrics["auroc"] is not None:
        accuracy += f", AUROC {metrics['auroc']:.3f}"
    return f"{accuracy} on {metrics['n_test']:,} test samples. {inputs.split.note}"


def _quality(model: Any, metrics: dict[str, Any]) -> Section:
    """Return the section on the dual solutions, with pictures of how far samples brought them."""
    from bridges.report import plots

    section = quality_section(metrics)
    if metrics["sampler_timing"]:
        told = metrics["sampler_timing"]
        table = Table(
            [f"{kind.replace('_', ' ')} [s]" for kind in told],
            [list(told.values())],
            caption="Where the seconds of the sampler went, summed over the duals",
        )
        section = dataclasses.replace(section, tables=[*section.tables, table])
    drawn = energies(model)
    if not drawn:
        return section
    pictures = [*section.pictures]
    problems = f"{metrics['fit_report']['n_problems']} duals"
    picture = attribution(metrics["diagnostics"], problems)
    if picture is not None:
        pictures.append(picture)
    figure, ax = plots.new_figure()
    plots.plot_energies(
        ax, drawn["energies"], exact=-1.0, used=float(np.mean(drawn["used_energies"])),
        title="energies of all distinct samples",
    )  # fmt: skip
    ax.set_xlabel("energy on the full QUBO, in units of |exact optimum|")
    caption = (
        f"All distinct samples of {problems}. -1 is the exact optimum, 0 is no training at all; "
        "the combined coefficients are those that the model uses."
    )
    pictures.append(Picture(figure, caption))
    return dataclasses.replace(section, pictures=pictures)
