"""From a window as it is stored to its class codes.

Three ways, the first that serves: a kernel model behind a scaling of single features, on bands of
one or two bytes, gets its samples from a table of what each stored value becomes; a kernel model
behind any transformers gets them as NumPy makes them; of anything else, ``predict`` is called.
The first two label in the compiled loop and give the classes of ``predict``, bit for bit.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bridges.classifier import HasLabeller
from bridges.errors import DataError
from bridges.samples.scaling import is_featurewise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene, Stored
    from bridges.svm.labels import Labeller

BATCH = 1 << 14
"""Pixels that are prepared and labelled at a time: they stay in the cache of a core."""

LARGE_BATCH = 1 << 17
"""The same where equal pixels are looked for."""

Batch = tuple["NDArray[np.intp] | slice", "NDArray[Any]"]
"""Places of valid pixels in the window, and their samples."""


class Source(Protocol):
    """Makes samples of a window's valid pixels."""

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield them, at most ``size`` pixels of the window at a time."""
        ...


class TableSource:
    """Samples looked up in a table of all values that a band of one or two bytes can hold.

    Parameters
    ----------
    scene : Scene
        Its bands say what stored values mean.
    prepare : callable
        From physical values (n, d) to samples (n, d); every column by itself.
    dtype : numpy dtype
        Type of the stored values of all bands.
    """

    def __init__(
        self,
        scene: Scene,
        prepare: Callable[[NDArray[np.float64]], NDArray[Any]],
        dtype: np.dtype[Any],
    ) -> None:
        self.bits = np.dtype(f"u{dtype.itemsize}")
        every = np.arange(1 << (8 * dtype.itemsize), dtype=self.bits).view(dtype)
        known = np.stack([band.is_known(every) for band in scene.bands], axis=1)
        samples = prepare(np.stack([band.physical(every) for band in scene.bands], axis=1))
        self.unknown = np.finfo(samples.dtype).max
        samples[:, : known.shape[1]][~known] = self.unknown
        self.tables = np.ascontiguousarray(samples.T)

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield samples, as :class:`Source` says."""
        from bridges.maps.window_loops import look_up

        bands = np.asarray(stored.numbers).reshape(len(stored.numbers), -1).view(self.bits)
        visible = stored.visible.ravel()
        for first in range(0, len(visible), size):
            length = min(size, len(visible) - first)
            Z = np.zeros((length, len(self.tables)), dtype=self.tables.dtype)
            places = np.empty(length, dtype=np.intp)
            n = look_up(bands, visible, self.tables, self.unknown, first, Z, places)
            if n:
                yield slice(first, first + n) if n == length else places[:n], Z[:n]


class ArraySource:
    """Samples as NumPy makes them of physical values, a few rows of the window at a time.

    Parameters
    ----------
    scene : Scene
        Its bands say what stored values mean.
    prepare : callable
        From physical values (n, d) to samples.
    """

    def __init__(
        self, scene: Scene, prepare: Callable[[NDArray[np.float64]], NDArray[Any]]
    ) -> None:
        self.scene = scene
        self.prepare = prepare

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield samples, as :class:`Source` says."""
        height, width = stored.visible.shape
        rows = max(1, size // width)
        for top in range(0, height, rows):
            values, valid = self.scene.physical(stored, slice(top, top + rows))
            places = top * width + np.flatnonzero(valid)
            if len(places):
                yield places, self.prepare(values[valid])


class Labelling:
    """Class codes of windows, from any thread.

    Parameters
    ----------
    source : Source
        Makes samples.
    label : callable
        From samples (n, d) to positions in ``codes``.
    codes : ndarray
        Class codes, in the type of the map.
    nodata : int
        Value of pixels that are not classified.
    parallel : bool
        Whether ``label`` may be called by several threads at once.
    batch : int
        Pixels at a time.
    """

    def __init__(
        self,
        source: Source,
        label: Callable[[NDArray[Any]], NDArray[Any]],
        codes: NDArray[Any],
        nodata: int,
        *,
        parallel: bool = True,
        batch: int = BATCH,
    ) -> None:
        self.source = source
        self.label = label
        self.codes = codes
        self.nodata = nodata
        self.parallel = parallel
        self.batch = batch
        self.merges = False
        self._turn = threading.Lock()

    def classes(self, stored: Stored) -> NDArray[Any]:
        """Return the codes of a window, shape (h, w)."""
        out = np.full(stored.visible.size, self.nodata, dtype=self.codes.dtype)
        size = max(self.batch, LARGE_BATCH) if self.merges else self.batch
        for places, samples in self.source.batches(stored, size):
            out[places] = self.codes[self._labels(samples)]
        return out.reshape(stored.visible.shape)

    def _labels(self, samples: NDArray[Any]) -> NDArray[Any]:
        if not self.parallel:
            with self._turn:
                return self.label(samples)
        if not self.merges:
            return self.label(samples)
        first, same = distinct(samples)
        return self.label(samples[first])[same]


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
        steps = [step for _, step in getattr(classifier, "steps", [("", classifier)])]
        *before, last = [step for step in steps if step != "passthrough"]
        labeller = last.labeller() if isinstance(last, HasLabeller) else None
        if labeller is None or not labeller.is_compiled:
            return None
        return cls(before, labeller, np.asarray(last.classes_), classifier.n_features_in_)

    def prepare(self, values: NDArray[np.float64]) -> NDArray[Any]:
        """Return samples, as the labeller takes them, of physical values (n, n_features)."""
        for transformer in self.transformers:
            values = transformer.transform(values)
        return self.labeller.prepare(np.asarray(values, dtype=np.float64))


def labelling_for(
    classifier: Any, scene: Scene, codes: Sequence[int], dtype: str, nodata: int
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

    Raises
    ------
    DataError
        If the image has not as many bands as the classifier was trained on.
    ValueError
        If a class of the classifier is not among ``codes``.
    """
    held = np.asarray(codes, dtype=dtype)
    recipe = KernelRecipe.of(classifier)
    if recipe is None:
        predict = getattr(classifier, "predict", classifier)
        # one call a window, and one at a time: nothing is known about it
        return Labelling(
            ArraySource(scene, lambda values: values),
            lambda values: _positions(np.asarray(predict(values)), codes),
            held,
            nodata,
            parallel=False,
            batch=1 << 62,
        )
    _require_bands(scene, recipe.n_features)
    first, *others = scene.stored_types()
    small = first.kind in "ui" and first.itemsize <= 2 and all(each == first for each in others)
    source: Source = ArraySource(scene, recipe.prepare)
    if small and all(is_featurewise(transformer) for transformer in recipe.transformers):
        source = TableSource(scene, recipe.prepare, first)
    known = held[_positions(recipe.classes, codes)]
    return Labelling(source, recipe.labeller.prepared_indices, known, nodata)


def _require_bands(scene: Scene, n_features: int) -> None:
    if scene.n_bands != n_features:
        raise DataError(
            f"{scene.path} has {scene.n_bands} bands; the classifier was trained on {n_features}.",
            "Choose bands of the image in the order of the training.",
        )


def _positions(found: NDArray[Any], codes: Sequence[int]) -> NDArray[np.intp]:
    """Return where class codes stand among all that may be returned.

    Raises
    ------
    ValueError
        If one is not among them.
    """
    if unknown := set(np.unique(found).tolist()) - set(codes):
        raise ValueError(f"the classifier returned classes without a name: {unknown}")
    return np.searchsorted(np.asarray(codes), found)
