"""A single band of whole numbers on a scene's grid, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.scene.raster import Grid, opened, write_error, write_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256


def write_pixels(
    path: Path,
    grid: Grid,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    values: NDArray[np.uint16],
    *,
    nodata: int,
    description: str,
    tags: Mapping[str, str],
) -> None:
    """Write single pixels into a GeoTIFF that is nodata elsewhere.

    Parameters
    ----------
    path : Path
        A temporary name, see :func:`bridges.machine.files.atomic_target`.
    grid : Grid
        Shape, coordinate system, transform.
    rows, cols : ndarray of shape (n,)
        The pixels.
    values : ndarray of shape (n,)
        What they hold, 0 to 65535.
    nodata : int
        Value of all others.
    description : str
        What the band is.
    tags : mapping of str to str
        Of the file.

    Raises
    ------
    OSError
        If the disk is full or cannot be written to.
    """
    import rasterio
    from rasterio.windows import Window

    dtype = np.uint8 if max(nodata, int(values.max(initial=0))) < 256 else np.uint16
    profile: dict[str, Any] = {
        "driver": "GTiff", "count": 1, "height": grid.height, "width": grid.width,
        "dtype": dtype, "crs": grid.crs, "transform": grid.transform, "nodata": nodata,
        "compress": "deflate", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK,
        "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with write_errors(path), rasterio.open(path, "w", **profile) as target:
        target.set_band_description(1, description)
        grid.describe(target)
        target.update_tags(**tags)
        for top in range(0, grid.height, BLOCK):
            height = min(BLOCK, grid.height - top)
            strip = np.full((height, grid.width), nodata, dtype=dtype)
            here = (rows >= top) & (rows < top + height)
            strip[rows[here] - top, cols[here]] = values[here]
            target.write(strip, 1, window=Window(0, top, grid.width, height))
    _require_written(path, rows, values)


def _require_written(path: Path, rows: NDArray[np.int64], values: NDArray[np.uint16]) -> None:
    """Read a file back: GDAL may notice a full disk when it closes it, and not say so."""
    total = 0
    with opened(path) as dataset:
        for _, window in dataset.block_windows(1):
            block = dataset.read(1, window=window)
            total += int(block[block != dataset.nodata].sum(dtype=np.int64))
        expected = values[values != dataset.nodata].sum(dtype=np.int64)
    if total != int(expected):
        raise write_error(path, f"what was read back of {len(rows)} pixels differs")
