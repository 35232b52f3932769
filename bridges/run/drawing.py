"""The map of a run: its files, its entry in metrics, its pictures in the report."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.report.sections import map_section
from bridges.report.surfaces import confidence_section
from bridges.run.expendable import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
    from bridges.machine.comm import Communicator
    from bridges.maps.classify import MapSummary
    from bridges.report.page import Section
    from bridges.run.load import Inputs
    from bridges.run.record import Run

HECTARE_M2 = 10_000.0


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What is asked of the map of a run beside classes.

    Attributes
    ----------
    layers : bool
        Whether ``confidence.tif`` is written.
    smooth, sieve : int
        See :func:`bridges.maps.classify.predict_map`.
    """

    layers: bool = False
    smooth: int = 0
    sieve: int = 0


def write_map(
    pipeline: Any,
    inputs: Inputs,
    run: Run,
    comm: Communicator,
    known: Applicability | None = None,
    wishes: Wishes | None = None,
    number: int = 1,
) -> dict[str, Any]:
    """Classify the scene into map.tif, with style and catalogue item, and confidence.tif if asked.

    Parameters
    ----------
    pipeline : Pipeline
        Scaler and classifier, fitted.
    inputs : Inputs
        Data of a scene.
    run : Run
        Where to.
    comm : Communicator
        Ranks that help.
    known : Applicability, optional
        Of the training samples, for the layers.
    wishes : Wishes, optional
        What is asked for beside classes.
    number : int
        Of the scene, from 1; files of further ones are called map-2.tif, ….

    Returns
    -------
    dict
        What ``metrics.json`` says of the map: :func:`map_facts`.
    """
    from bridges.maps.classify import predict_map
    from bridges.maps.companions import write_companions

    names, folder, scene = inputs.data.class_names, run.folder, inputs.scene
    assert scene is not None
    wishes = wishes or Wishes()
    known = known if wishes.layers else None
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(folder.target(f"{numbered('map', number)}.tif"))
        sure = (
            stack.enter_context(folder.target(f"{numbered('confidence', number)}.tif"))
            if known
            else None
        )
        progress = stack.enter_context(run.narrator.progress("map (pixels)"))
        summary = predict_map(
            pipeline,
            scene,
            target,
            class_names=names,
            class_colors=scene.colors_for(names),
            comm=comm,
            confidence=sure,
            applicability=known,
            smooth=wishes.smooth,
            sieve=wishes.sieve,
            progress=progress,
            told=lambda expected: run.narrator.say(f"map: {expected}"),
        )
    layers = None if known is None else folder.file(f"{numbered('confidence', number)}.tif")
    file = folder.file(f"{numbered('map', number)}.tif")
    drawn(
        run.narrator,
        "style of the map",
        lambda: write_companions(file, scene, names, layers),
    )
    return map_facts(summary, names, known)


def numbered(name: str, number: int) -> str:
    """Return what the file of a scene is called, without suffix.

    Examples
    --------
    >>> numbered("map", 1), numbered("map", 2)
    ('map', 'map-2')
    """
    return name if number == 1 else f"{name}-{number}"


def map_facts(
    summary: MapSummary, names: dict[int, str], known: Applicability | None = None
) -> dict[str, Any]:
    """Return pixels, shares and hectares of the classes of a map, and what is not believed.

    Returns
    -------
    dict
        ``classes``: by name, ``pixels``, ``share`` of the classified pixels and ``hectares`` (None
        where the coordinates are not metres). ``masked``: pixels that were not classified.
        ``inside_aoa``: share of the classified pixels inside the area of applicability, where the
        map has layers of confidence, and ``aoa_threshold``, its largest dissimilarity.
    """
    n = max(1, sum(summary.counts.values()))
    area = summary.pixel_area_m2
    facts: dict[str, Any] = {
        "classes": {
            names[code]: {
                "pixels": count,
                "share": count / n,
                "hectares": None if area is None else count * area / HECTARE_M2,
            }
            for code, count in summary.counts.items()
        },
        "masked": summary.n_masked,
    }
    if known is not None:
        facts |= {"inside_aoa": summary.inside_share, "aoa_threshold": known.threshold}
    return facts


def map_shown(inputs: Inputs, run: Run, facts: dict[str, Any], number: int = 1) -> Section:
    """Draw map.png; return the report's section."""
    from bridges.maps.pictures import label_picture, map_picture
    from bridges.report.map_plots import map_figure
    from bridges.report.plots import save_figure
    from bridges.samples.reading import AS_IT_STANDS

    names, folder = inputs.data.class_names, run.folder
    predicted = map_picture(folder.file(f"{numbered('map', number)}.tif"))
    order = {code: place for place, code in enumerate(names, start=1)}
    shown = {place: names[code] for code, place in order.items()}
    drawn = _renumbered(predicted.codes, order)
    truth = None
    if inputs.truth is not None and inputs.scene is not None:
        field = inputs.label_field
        reading = inputs.reading or AS_IT_STANDS
        picture = label_picture(inputs.scene, inputs.truth, label_field=field, reading=reading)
        truth = _renumbered(picture.codes, order)
    with folder.target(f"{numbered('map', number)}.png") as target:
        save_figure(map_figure(drawn, truth, shown), target)
    return map_section(drawn, truth, shown, facts)


def _renumbered(codes: NDArray[np.int64], order: dict[int, int]) -> NDArray[np.int64]:
    """Return codes as 1, 2, … in the order of the classes, 0 for everything else."""
    drawn = np.zeros_like(codes)
    for code, place in order.items():
        drawn[codes == code] = place
    return drawn


def confidence_shown(run: Run, facts: dict[str, Any], number: int = 1) -> Section:
    """Return the report's section on confidence.tif."""
    from bridges.maps.pictures import layer_picture

    path = run.folder.file(f"{numbered('confidence', number)}.tif")
    return confidence_section(
        layer_picture(path, "p_max"), layer_picture(path, "dissimilarity"), facts
    )
