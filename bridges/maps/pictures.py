"""Arrays for pictures: maps, labels and a colour view of a scene, thinned out when large."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.labels import UNLABELLED, open_labels
from bridges.samples.reading import AS_IT_STANDS, LabelReading
from bridges.scene.palette import Color, class_palette
from bridges.scene.raster import class_names_of, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.scene.scene import Scene

LARGEST_EDGE = 1200
"""Pixels; larger pictures are thinned out to the nearest pixels."""


@dataclass(frozen=True)
class ClassPicture:
    """Class codes for drawing.

    Attributes
    ----------
    codes : ndarray of shape (h, w), int64
        Class codes, -1 where there is none.
    class_names : dict of int to str
        Name of every class.
    class_colors : dict of int to (red, green, blue)
        0 … 255 each.
    step : int
        Every step-th pixel of the raster is shown.
    """

    codes: NDArray[np.int64]
    class_names: dict[int, str]
    class_colors: dict[int, Color]
    step: int = 1


def thinning(height: int, width: int, largest_edge: int = LARGEST_EDGE) -> int:
    """Return the step at which a raster fits into a picture."""
    return max(1, -(-max(height, width) // largest_edge))


def map_picture(path: str | Path, *, largest_edge: int = LARGEST_EDGE) -> ClassPicture:
    """Read back a map written by :func:`bridges.maps.classify.predict_map`.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    with opened(path) as dataset:
        step = thinning(dataset.height, dataset.width, largest_edge)
        names = class_names_of(dataset)
        table = dataset.colormap(1)
        parts = []
        for window in _strips(dataset.height, dataset.width, step):
            parts.append(dataset.read(1, window=window)[::step, ::step].astype(np.int64))
        codes = np.concatenate(parts)
        codes[codes == dataset.nodata] = UNLABELLED
    colors = {code: (rgba[0], rgba[1], rgba[2]) for code, rgba in table.items() if code in names}
    return ClassPicture(codes, names, colors, step)


def layer_picture(
    path: str | Path, name: str, *, largest_edge: int = LARGEST_EDGE
) -> NDArray[np.float64]:
    """Read back a layer of a file by its description, in physical values, NaN where there is none.

    Raises
    ------
    DataError
        If the file cannot be read or has no such layer.
    """
    with opened(path) as dataset:
        if name not in dataset.descriptions:
            raise DataError(
                f"{path} has no layer '{name}'.", f"It has {', '.join(dataset.descriptions)}."
            )
        band = dataset.descriptions.index(name) + 1
        step = thinning(dataset.height, dataset.width, largest_edge)
        strips = _strips(dataset.height, dataset.width, step)
        parts = [dataset.read(band, window=window)[::step, ::step] for window in strips]
        stored = np.concatenate(parts)
        values = stored * float(dataset.scales[band - 1])
        values[stored == dataset.nodata] = np.nan
    return values


def label_picture(
    scene: Scene,
    labels_path: str | Path,
    *,
    label_field: str | None = None,
    reading: LabelReading = AS_IT_STANDS,
    largest_edge: int = LARGEST_EDGE,
) -> ClassPicture:
    """Read labels, raster or vector, as a picture on the scene's grid.

    Raises
    ------
    DataError
        If they cannot be read or do not fit the scene.
    """
    source = open_labels(scene, labels_path, label_field, reading)
    step = thinning(scene.height, scene.width, largest_edge)
    parts = [
        source.read(window)[0][::step, ::step]
        for window in _strips(scene.height, scene.width, step)
    ]
    codes = np.concatenate(parts)
    present = [c for c in np.unique(codes).tolist() if c != UNLABELLED]
    names = {c: source.class_names.get(c, f"class {c}") for c in present}
    return ClassPicture(codes, names, class_palette(names, scene.colors_for(names)), step)


def scene_picture(scene: Scene, *, largest_edge: int = LARGEST_EDGE) -> NDArray[np.uint8]:
    """Return a colour view of a scene, shape (h, w, 4): red, green, blue and opacity.

    Near infrared, red and green are shown as red, green and blue where the bands are known by
    these names, else the last three bands; each stretched between its 2nd and 98th percentile.
    Masked pixels are transparent.
    """
    step = thinning(scene.height, scene.width, largest_edge)
    chosen = _display_bands(scene)
    parts = []
    for window in _strips(scene.height, scene.width, step):
        values, valid = scene.read(window)
        parts.append((values[::step, ::step, chosen], valid[::step, ::step]))
    values = np.concatenate([part[0] for part in parts])
    valid = np.concatenate([part[1] for part in parts])
    picture = np.zeros((*valid.shape, 4), dtype=np.uint8)
    if valid.any():
        low, high = np.percentile(values[valid], [2, 98], axis=0)
        stretched = (values[valid] - low) / np.where(high > low, high - low, 1)
        picture[valid, :3] = np.clip(np.rint(255 * stretched), 0, 255)
        picture[valid, 3] = 255
    return picture


def _display_bands(scene: Scene) -> list[int]:
    common = scene.common_names
    if {"nir08", "red", "green"} <= set(common):
        return [common.index(name) for name in ("nir08", "red", "green")]
    last = scene.n_bands - 1
    return [last, max(last - 1, 0), max(last - 2, 0)]


def _strips(height: int, width: int, step: int) -> list[Window]:
    """Cut a raster into strips whose heights are multiples of the step."""
    from rasterio.windows import Window

    rows = step * max(1, 512 // step)
    return [Window(0, top, width, min(rows, height - top)) for top in range(0, height, rows)]
