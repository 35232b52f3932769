"""Which region a pixel lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.labels import LabelSource, _image_of
from bridges.samples.polygons import VectorLabels
from bridges.scene.codes import open_codes
from bridges.scene.names import as_path
from bridges.scene.raster import require_same_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene


def region_numbers(
    scene: Scene,
    source: LabelSource,
    regions: str | Path,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the region of every pixel, from 1; 0 for none.

    Parameters
    ----------
    scene : Scene
        The image.
    source : LabelSource
        Its labels.
    regions : str or path
        A raster of region numbers on the image's grid, or a field of the vector labels.
    rows, cols : ndarray of shape (n,)
        The pixels.

    Raises
    ------
    DataError
        If there is no such raster or field.
    """
    path = as_path(regions)
    if path.is_file() or not isinstance(source, VectorLabels):
        return _from_raster(scene, path, rows, cols)
    if str(regions) not in source.fields:
        known = ", ".join(source.fields) or "none"
        raise DataError(
            f"The labels have no field '{regions}', and there is no raster of this name.",
            f"The fields are: {known}.",
        )
    return _from_field(scene, source, source.fields[str(regions)], rows, cols)


def _from_raster(
    scene: Scene, path: Path, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.int64]:
    raster = open_codes(path)
    require_same_grid(scene.grid, path, raster.grid, _image_of(scene))
    region = np.zeros(len(rows), dtype=np.int64)
    for window in scene.windows():
        top = int(window.row_off)
        here = (rows >= top) & (rows < top + int(window.height))
        if here.any():
            region[here] = raster.read(window)[rows[here] - top, cols[here]]
    return np.maximum(region, 0)


def _from_field(
    scene: Scene,
    source: VectorLabels,
    values: NDArray[np.object_],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the number of the value that a field has for the feature of every pixel."""
    missing = np.array([value is None or value != value for value in values], dtype=bool)
    texts = np.array(["" if m else str(v) for v, m in zip(values, missing, strict=True)])
    number = np.unique(texts, return_inverse=True)[1].astype(np.int64) + 1
    number[missing] = 0
    number = np.concatenate([[0], number])  # 0: the pixel is of no feature
    feature = np.zeros(len(rows), dtype=np.int64)
    for window in scene.windows():
        top = int(window.row_off)
        here = (rows >= top) & (rows < top + int(window.height))
        if here.any():
            feature[here] = source.read(window)[1][rows[here] - top, cols[here]]
    return number[feature]
