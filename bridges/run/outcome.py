"""What a run leaves behind: scores, model file, map, pictures, report, record."""

from __future__ import annotations

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
from bridges.fit_report import add_seconds
from bridges.report.attribution import attribution
from bridges.report.energies import energies
from bridges.report.metrics import evaluate
from bridges.report.page import Picture, Section, Table, render_report
from bridges.report.sections import (
    calibration_section,
    classes_section,
    map_section,
    quality_section,
    run_section,
    scores_section,
)
from bridges.run.calibrating import calibration_facts
from bridges.run.record import run_record
from bridges.run.split_report import mismatches, profiles, question, split_section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.calibration.calibrated import Calibrated
    from bridges.machine.comm import Communicator
    from bridges.run.load import Inputs
    from bridges.run.record import Run
    from bridges.scene.scene import Scene


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
) -> None:
    """Write every file of a run into its folder.

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
    """
    from sklearn.pipeline import Pipeline

    from bridges.run.model_file import save_model

    folder = run.folder
    pipeline = Pipeline([("scale", scaler), ("classify", calibrated or model)])
    data = inputs.data
    meta = {
        "class_names": {str(code): name for code, name in data.class_names.items()},
        "feature_names": data.feature_names,
        "feature_range": [
            inputs.train[0].min(axis=0).tolist(),
            inputs.train[0].max(axis=0).tolist(),
        ],
        "accuracy": metrics["accuracy"],
        "split": metrics["split"],
        "source": data.source,
    }
    with folder.target("model.skops") as target:
        save_model(pipeline, meta, target)
    if isinstance(model, WritesFiles):  # a search has a table and a figure of its own
        model.write_files(folder)
    run.clock.lap("save")
    found = profiles(inputs)
    metrics["split_mismatch"] = mismatches(found)
    sections = [scores_section(metrics), split_section(inputs, found)]
    if inputs.scene is not None:
        sections.append(_write_map(pipeline, inputs, inputs.scene, run, comm))
        run.clock.lap("map")
    sections.append(classes_section(metrics))
    if metrics["calibration"] is not None:
        sections.append(calibration_section(metrics["calibration"]))
    sections.append(_quality(model, metrics))
    sections += model.report_sections() if isinstance(model, HasSections) else []
    folder.write_json("metrics.json", metrics)
    record = run_record(run.arguments, run.arguments.get("seed"), run.clock.seconds)
    folder.write_json("run.json", record)
    sections.append(run_section(record))
    with folder.target("report.html") as target:
        render_report(
            target,
            "Land-cover classification" if inputs.scene is not None else "Classification",
            sections,
            lead=_lead(metrics, inputs),
        )


def _lead(metrics: dict[str, Any], inputs: Inputs) -> str:
    accuracy = f"Overall accuracy {metrics['accuracy']:.3f}"
    if metrics["auroc"] is not None:
        accuracy += f", AUROC {metrics['auroc']:.3f}"
    return f"{accuracy} on {metrics['n_test']:,} test samples. {inputs.split.note}"


def _write_map(
    pipeline: Any, inputs: Inputs, scene: Scene, run: Run, comm: Communicator
) -> Section:
    """Classify the scene; write map.tif and map.png; return the report's section."""
    from bridges.maps.classify import predict_map
    from bridges.maps.pictures import label_picture, map_picture
    from bridges.report.map_plots import map_figure
    from bridges.report.plots import save_figure
    from bridges.samples.reading import AS_IT_STANDS

    names, folder = inputs.data.class_names, run.folder
    with folder.target("map.tif") as target, run.narrator.progress("map (pixels)") as progress:
        predict_map(
            pipeline,
            scene,
            target,
            class_names=names,
            class_colors=scene.colors_for(names),
            comm=comm,
            progress=progress,
            told=lambda expected: run.narrator.say(f"map: {expected}"),
        )
    predicted = map_picture(folder.file("map.tif"))
    order = {code: place for place, code in enumerate(names, start=1)}
    shown = {place: names[code] for code, place in order.items()}
    drawn = _renumbered(predicted.codes, order)
    truth = None
    if inputs.truth is not None:
        field = inputs.label_field
        reading = inputs.reading or AS_IT_STANDS
        picture = label_picture(scene, inputs.truth, label_field=field, reading=reading)
        truth = _renumbered(picture.codes, order)
    with folder.target("map.png") as target:
        save_figure(map_figure(drawn, truth, shown), target)
    return map_section(drawn, truth, shown)


def _renumbered(codes: NDArray[np.int64], order: dict[int, int]) -> NDArray[np.int64]:
    """Return codes as 1, 2, … in the order of the classes, 0 for everything else."""
    drawn = np.zeros_like(codes)
    for code, place in order.items():
        drawn[codes == code] = place
    return drawn


def _quality(model: Any, metrics: dict[str, Any]) -> Section:
    """Return the section on the dual solutions, with pictures of how far samples brought them."""
    import dataclasses

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
