"""From a classifier to a land-cover map: a cloud-optimised GeoTIFF, written window by window."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import UsageError
from bridges.machine.files import temporary, whole_or_nothing
from bridges.machine.progress import Progress, no_progress
from bridges.maps.cog import _created, _describe, _require_counts, _storage, _to_cog
from bridges.samples.labelled import class_name
from bridges.scene.palette import Color, class_palette
from bridges.scene.raster import write_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene

Predict = Callable[["NDArray[np.float64]"], "NDArray[Any]"]

WINDOW_ROWS, WINDOW_COLUMNS = 512, 4096
"""Multiples of the block, so that each is written once: two million pixels at a time."""


@dataclass(frozen=True)
class MapSummary:
    """What a map holds.

    Attributes
    ----------
    path : Path
        The GeoTIFF.
    height, width : int
        Rows and columns.
    nodata : int
        Value of masked pixels: 0, or the type's largest value where 0 is a class.
    counts : dict of int to int
        Pixels per class code.
    n_masked : int
        Pixels that were not classified: nodata, NaN or hidden by a mask.
    pixel_area_m2 : float or None
        Area of a pixel; None where the coordinates are not metres.
    predict_s, total_s : float
        Seconds inside the classifier, and in all.
    """

    path: Path
    height: int
    width: int
    nodata: int
    counts: dict[int, int]
    n_masked: int
    pixel_area_m2: float | None
    predict_s: float
    total_s: float


def predict_map(
    predict: Predict,
    scene: Scene,
    path: str | Path,
    *,
    class_names: Mapping[int, str],
    class_colors: Mapping[int, Color] | None = None,
    progress: Progress = no_progress,
) -> MapSummary:
    """Classify a scene into a GeoTIFF.

    The file is tiled, compressed and has overviews (a COG), a colour table, the class names as
    tags ``CLASS_<code>``, and equal bytes for equal predictions. It appears under its name when
    it is complete, or not at all. At most about two million pixels are in memory at a time.

    Parameters
    ----------
    predict : callable
        From values of shape (n, n_bands) to class codes of shape (n,).
    scene : Scene
        The image.
    path : path
        The file to write; an existing one is replaced.
    class_names : mapping of int to str
        Every code that ``predict`` may return.
    class_colors : mapping of int to (red, green, blue), optional
        Colours; others are chosen by name.
    progress : callable
        Called with (pixels done, pixels in all).

    Raises
    ------
    UsageError
        If the folder does not exist.
    DataError
        If a class code does not fit into 16 bits, or the image cannot be read.
    OSError
        If the disk is full or cannot be written to.
    """
    started = time.perf_counter()
    path = Path(path)
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", f"mkdir -p {path.parent}")
    dtype, nodata = _storage(class_names)
    names = {code: class_name(class_names, code) for code in sorted(class_names)}
    with whole_or_nothing(path) as cog, temporary(path) as draft, write_errors(path):
        with _created(draft, scene, dtype, nodata) as target:
            _describe(target, names, class_palette(names, class_colors))
            counts, predict_s = _fill(predict, scene, target, nodata, names, progress)
        _to_cog(draft, cog)
        _require_counts(cog, counts, path)
    n_masked = counts.pop(nodata, 0)
    return MapSummary(
        path=path,
        height=scene.height,
        width=scene.width,
        nodata=nodata,
        counts={code: counts.get(code, 0) for code in names},
        n_masked=n_masked,
        pixel_area_m2=_pixel_area(scene),
        predict_s=predict_s,
        total_s=time.perf_counter() - started,
    )


def _fill(
    predict: Predict,
    scene: Scene,
    target: Any,
    nodata: int,
    names: Mapping[int, str],
    progress: Progress,
) -> tuple[Counter[int], float]:
    """Classify window by window; return pixels per value and the classifier's seconds."""
    counts: Counter[int] = Counter()
    predict_s, done, total = 0.0, 0, scene.height * scene.width
    progress(done, total)
    for window in scene.windows(WINDOW_ROWS, WINDOW_COLUMNS):
        values, valid = scene.read(window)
        classes = np.full(valid.shape, nodata, dtype=target.dtypes[0])
        if valid.any():
            started = time.perf_counter()
            predicted = np.asarray(predict(values[valid]))
            predict_s += time.perf_counter() - started
            if unknown := set(np.unique(predicted).tolist()) - set(names):
                raise ValueError(f"the classifier returned classes without a name: {unknown}")
            classes[valid] = predicted
        target.write(classes, 1, window=window)
        for value, n in zip(*np.unique(classes, return_counts=True), strict=True):
            counts[int(value)] += int(n)
        done += classes.size
        progress(done, total)
    return counts, predict_s


def _pixel_area(scene: Scene) -> float | None:
    if scene.crs is None or not scene.crs.is_projected:
        return None
    return float(abs(scene.transform.determinant) * scene.crs.linear_units_factor[1] ** 2)
