"""How windows are labelled, with or without smoothing, as a map asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.maps.labelling import (
    Confidence,
    KernelRecipe,
    Labelling,
    labelling_for,
    no_probabilities,
    positions_of,
    source_for,
    steps_of,
    transformed,
)
from bridges.maps.smoothing import SmoothLabelling
from bridges.maps.sources import ArraySource
from bridges.svm.likeliest import LikeliestLabeller

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene

    Away = Callable[[NDArray[Any]], NDArray[np.uint8]]


def chosen_labelling(
    classifier: Any,
    scene: Scene,
    codes: Sequence[int],
    dtype: str,
    nodata: int,
    confidence: Confidence | None,
) -> Labelling:
    """Return how windows are labelled; see :func:`bridges.maps.labelling.labelling_for`."""
    if confidence is None or not confidence.smooth:
        return labelling_for(classifier, scene, codes, dtype, nodata, confidence)
    held, recipe = np.asarray(codes, dtype=dtype), KernelRecipe.of(classifier)
    size, layers = confidence.smooth, {"n_layers": confidence.n_layers}
    if recipe is None:
        if not hasattr(classifier, "predict_proba"):
            raise no_probabilities()
        places = positions_of(np.asarray(classifier.classes_), codes)
        return SmoothLabelling(
            ArraySource(scene, lambda values: values),
            lambda values: np.asarray(classifier.predict_proba(values), dtype=np.float32).T,
            held[places],
            nodata,
            size,
            away=_away_of_values(classifier, confidence),
            parallel=False,
            batch=1 << 62,
            **layers,
        )
    labeller = recipe.labeller
    if not isinstance(labeller, LikeliestLabeller):
        raise no_probabilities()
    distances = confidence.dissimilarity(labeller) if confidence.is_written else None
    return SmoothLabelling(
        source_for(recipe, scene),
        labeller.prepared_probabilities,
        held[positions_of(recipe.classes, codes)],
        nodata,
        size,
        away=None if distances is None else distances.layers,
        **layers,
    )


def _away_of_values(classifier: Any, confidence: Confidence) -> Away | None:
    """Return what makes layers of dissimilarity of physical values."""
    distances = confidence.dissimilarity(None) if confidence.is_written else None
    if distances is None:
        return None
    known, (transformers, _) = distances, steps_of(classifier)
    return lambda values: known.layers(transformed(transformers, values))
