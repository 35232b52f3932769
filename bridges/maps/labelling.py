"""From a window as it is stored to its class codes.

Three ways, the first that serves: a kernel model behind a scaling of single features, on bands of
one or two bytes, gets its samples from a table of what each stored value becomes; a kernel model
behind any transformers gets them as NumPy makes them; of anything else, ``predict`` is called.
The first two label in the compiled loop and give the classes of ``predict``, bit for bit.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.classifier import HasLabeller
from bridges.errors import DataError, UsageError
from bridges.maps.confidence import (
    DISTANCES,
    SHARES,
    Dissimilarity,
    share_layers,
)
from bridges.maps.confidence import NODATA as LAYER_NODATA
from bridges.maps.sources import ArraySource, Source, TableSource
from bridges.samples.scaling import is_featurewise
from bridges.svm.likeliest import LikeliestLabeller

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
    from bridges.scene.scene import Scene, Stored
    from bridges.svm.labels import Labeller

BATCH = 1 << 14
"""Pixels that are prepared and labelled at a time: they stay in the cache of a core."""

LARGE_BATCH = 1 << 17
"""The same where equal pixels are looked for."""


Answer = tuple["NDArray[Any]", "NDArray[np.uint8] | None"]
"""Positions of the classes of samples, shape (n,), and layers of confidence, shape (m, n)."""


class Labelling:
    """Class codes of windows and, if asked for, how sure they are; from any thread.

    Parameters
    ----------
    source : Source
        Makes samples.
    answer : callable
        From samples (n, d) to positions in ``codes`` and layers.
    codes : ndarray
        Class codes, in the type of the map.
    nodata : int
        Value of pixels that are not classified.
    n_layers : int
        Layers of confidence.
    parallel : bool
        Whether ``answer`` may be called by several threads at once.
    batch : int
        Pixels at a time.
    """

    def __init__(
        self,
        source: Source,
        answer: Callable[[NDArray[Any]], Answer],
        codes: NDArray[Any],
        nodata: int,
        *,
        n_layers: int = 0,
        parallel: bool = True,
        batch: int = BATCH,
    ) -> None:
        self.source = source
        self.answer = answer
        self.codes = codes
        self.nodata = nodata
        self.n_layers = n_layers
        self.parallel = parallel
        self.batch = batch
        self.merges = False
        self.halo = 0
        self._turn = threading.Lock()

    @property
    def batch_size(self) -> int:
        """Pixels at a time."""
        return max(self.batch, LARGE_BATCH) if self.merges else self.batch

    def rasters(
        self, stored: Stored, inner: tuple[slice, slice] = (slice(None), slice(None))
    ) -> list[NDArray[Any]]:
        """Return the map of a window, shape (1, h, w), and its layers, (n_layers, h, w), if any.

        The window is ``halo`` pixels wider than its ``inner`` part, where the scene is.
        """
        n, shape = stored.visible.size, stored.visible.shape
        classes = np.full(n, self.nodata, dtype=self.codes.dtype)
        layers = np.full((self.n_layers, n), LAYER_NODATA, dtype=np.uint8)
        for places, samples in self.source.batches(stored, self.batch_size):
            positions, found = self._answers(samples)
            classes[places] = self.codes[positions]
            if found is not None:
                layers[:, places] = found
        whole = [classes.reshape(1, *shape)]
        if self.n_layers:
            whole.append(layers.reshape(-1, *shape))
        return [raster[:, inner[0], inner[1]] for raster in whole]

    def classes(self, stored: Stored) -> NDArray[Any]:
        """Return the codes of a window, shape (h, w)."""
        return self.rasters(stored)[0][0]

    def _answers(self, samples: NDArray[Any]) -> Answer:
        if not self.parallel:
            with self._turn:
                return self.answer(samples)
        if not self.merges:
            return self.answer(samples)
        first, same = distinct(samples)
        positions, layers = self.answer(samples[first])
        return positions[same], None if layers is None else layers[:, same]


def distinct(samples: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first of all equal rows, and for every row which of those it equals."""
    from bridges.maps.window_loops import EMPTY, find_equal

    n = len(samples)
    table = np.full(1 << int(2 * n).bit_length(), EMPTY, dtype=np.int64)
    first, same = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    bits = np.ascontiguousarray(samples).view(f"i{samples.itemsize}")
    count = find_equal(bits, table, first, same)
    return first[:count], same


@dataclasses.dataclass(frozen=True, eq=False)
class Confidence:
    """What is wanted of probabilities: layers, with dissimilarity where known, and smoothing.

    Attributes
    ----------
    applicability : Applicability or None
        Of the model's training pixels, in the scaled feature space.
    smooth : int
        Edge of the neighbourhood of :mod:`bridges.maps.smoothing`, 0 for none.
    is_written : bool
        Whether there are layers.
    """

    applicability: Applicability | None = None
    smooth: int = 0
    is_written: bool = True

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        if not self.is_written:
            return 0
        return len(SHARES) + (len(DISTANCES) if self.applicability is not None else 0)

    def dissimilarity(self, labeller: Labeller | None) -> Dissimilarity | None:
        """Return that of samples as a labeller prepares them; of scaled features if it is None."""
        known = self.applicability
        return None if known is None else Dissimilarity.of(known, labeller)


@dataclasses.dataclass(frozen=True, eq=False)
class KernelRecipe:
    """All of a kernel model that labelling takes: plain values, which ranks can send.

    Attributes
    ----------
    transformers : list of transformer
        Fitted; what is done with the features, in this order.
    labeller : Labeller
        Chooses positions in ``classes``.
    classes : ndarray of shape (n_classes,)
        Class codes.
    n_features : int
        Features that the first transformer takes.
    """

    transformers: list[Any]
    labeller: Labeller
    classes: NDArray[Any]
    n_features: int

    @classmethod
    def of(cls, classifier: Any) -> KernelRecipe | None:
        """Return that of a kernel model or of a pipeline that ends with one; None of others."""
        if isinstance(classifier, KernelRecipe):
            return classifier
        before, last = steps_of(classifier)
        labeller = last.labeller() if isinstance(last, HasLabeller) else None
        if labeller is None or not labeller.is_compiled:
            return None
        return cls(before, labeller, np.asarray(last.classes_), classifier.n_features_in_)

    def prepare(self, values: NDArray[np.float64]) -> NDArray[Any]:
        """Return samples, as the labeller takes them, of physical values (n, n_features)."""
        return self.labeller.prepare(transformed(self.transformers, values))

    def answers(self, confidence: Confidence | None) -> Callable[[NDArray[Any]], Answer]:
        """Return what makes class indices and layers of samples."""
        labeller = self.labeller
        if confidence is None:
            return lambda samples: (labeller.prepared_indices(samples), None)
        if not isinstance(labeller, LikeliestLabeller):
            raise no_probabilities()
        likeliest, distances = labeller, confidence.dissimilarity(labeller)

        def answer(samples: NDArray[Any]) -> Answer:
            labels, shares = likeliest.prepared_confidence(samples)
            if distances is None:
                return labels, shares
            return labels, np.concatenate([shares, distances.layers(samples)])

        return answer


def steps_of(classifier: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a pipeline and its classifier."""
    steps = [step for _, step in getattr(classifier, "steps", [("", classifier)])]
    *before, last = [step for step in steps if step != "passthrough"]
    return before, last


def transformed(transformers: Sequence[Any], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return features (n, d) as the classifier of a pipeline takes them."""
    for transformer in transformers:
        values = transformer.transform(values)
    return np.asarray(values, dtype=np.float64)


def no_probabilities() -> UsageError:
    """Return the error of a map whose confidence is asked of a model without probabilities."""
    return UsageError(
        "The model has no probabilities, so nobody can say how sure its map is.",
        "Train it with --calibrate sigmoid, or wrap it in bridges.calibration.Calibrated.",
    )


def labelling_for(
    classifier: Any,
    scene: Scene,
    codes: Sequence[int],
    dtype: str,
    nodata: int,
    confidence: Confidence | None = None,
) -> Labelling:
    """Return how windows of a scene are labelled.

    Parameters
    ----------
    classifier : estimator, KernelRecipe or callable
        Fitted; or from values (n, n_bands) to class codes (n,).
    scene : Scene
        The image.
    codes : sequence of int
        All codes that may be returned, ascending.
    dtype : str
        Type of the map.
    nodata : int
        Value of pixels that are not classified.
    confidence : Confidence, optional
        Layers that are wanted beside classes.

    Raises
    ------
    DataError
        If the image has not as many bands as the classifier was trained on.
    UsageError
        If confidence is wanted of a classifier without probabilities.
    ValueError
        If a class of the classifier is not among ``codes``.
    """
    held = np.asarray(codes, dtype=dtype)
    n_layers = confidence.n_layers if confidence else 0
    recipe = KernelRecipe.of(classifier)
    if recipe is None:
        # one call a window, and one at a time: nothing is known about it
        return Labelling(
            ArraySource(scene, lambda values: values),
            _opaque(classifier, codes, confidence),
            held,
            nodata,
            n_layers=n_layers,
            parallel=False,
            batch=1 << 62,
        )
    known = held[positions_of(recipe.classes, codes)]
    answers = recipe.answers(confidence)
    return Labelling(source_for(recipe, scene), answers, known, nodata, n_layers=n_layers)


def source_for(recipe: KernelRecipe, scene: Scene) -> Source:
    """Return what makes samples of a kernel model: a table where stored values are few."""
    _require_bands(scene, recipe.n_features)
    first, *others = scene.stored_types()
    small = first.kind in "ui" and first.itemsize <= 2 and all(each == first for each in others)
    single = all(is_featurewise(transformer) for transformer in recipe.transformers)
    if small and single and scene.columns is None:
        return TableSource(scene, recipe.prepare, first)
    return ArraySource(scene, recipe.prepare)


def _opaque(
    classifier: Any, codes: Sequence[int], confidence: Confidence | None
) -> Callable[[NDArray[Any]], Answer]:
    """Return what makes positions and layers of physical values by calling the classifier."""
    if confidence is None:
        predict = getattr(classifier, "predict", classifier)
        return lambda values: (positions_of(np.asarray(predict(values)), codes), None)
    if not hasattr(classifier, "predict_proba"):
        raise no_probabilities()
    places = positions_of(np.asarray(classifier.classes_), codes)
    transformers, _ = steps_of(classifier)
    distances = confidence.dissimilarity(None)

    def answer(values: NDArray[Any]) -> Answer:
        p = np.asarray(classifier.predict_proba(values))
        shares = share_layers(p)
        if distances is not None:
            away = distances.layers(transformed(transformers, values))
            shares = np.concatenate([shares, away])
        return places[p.argmax(axis=1)], shares

    return answer


def _require_bands(scene: Scene, n_features: int) -> None:
    if scene.n_bands != n_features:
        raise DataError(
            f"{scene.path} has {scene.n_bands} bands; the classifier was trained on {n_features}.",
            "Choose bands of the image in the order of the training.",
        )


def positions_of(found: NDArray[Any], codes: Sequence[int]) -> NDArray[np.intp]:
    """Return where class codes stand among all that may be returned.

    Raises
    ------
    ValueError
        If one is not among them.
    """
    if unknown := set(np.unique(found).tolist()) - set(codes):
        raise ValueError(f"the classifier returned classes without a name: {unknown}")
    return np.searchsorted(np.asarray(codes), found)
