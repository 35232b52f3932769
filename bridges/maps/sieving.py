"""A minimum mapping unit: patches of too few pixels go to their largest neighbour.

GDAL's sieve filter over the whole map, which is in memory for that: two bytes a pixel. Masked
pixels stay as they are and take nothing in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.maps.cog import Piece, Raster, encode, join
from bridges.maps.parts import PartFile, Place, folder_of
from bridges.scene.raster import opened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.maps.work import Job


def sieved(codes: NDArray[Any], nodata: int, least: int) -> NDArray[Any]:
    """Return class codes (h, w) without patches of fewer than ``least`` pixels.

    Pixels of a patch touch along edges. A patch among masked pixels only stays.
    """
    from rasterio.features import sieve

    known = codes != nodata
    found: NDArray[Any] = sieve(codes, size=least, connectivity=4, mask=known)
    return np.where(known, found, codes)


def sieve_places(
    job: Job, places: Mapping[int, Place], raster: Raster, least: int
) -> dict[int, Place]:
    """Return places of the windows of the map after sieving; layers are as they were."""
    folder = folder_of(job.path)
    whole = folder / f"{job.key}.tif"
    join(whole, job.scene.grid, raster, _pieces(job.windows, places))
    with opened(whole) as dataset:
        codes = sieved(dataset.read(1), job.nodata, least)
    parts = PartFile(folder, f"{job.key}s")
    try:
        return {
            number: _added(parts, number, places[number], codes[_slices(window)])
            for number, window in enumerate(job.windows)
        }
    finally:
        parts.close()


def _pieces(windows: Sequence[Window], places: Mapping[int, Place]) -> list[Piece]:
    return [Piece.of(window, places[number], 0) for number, window in enumerate(windows)]


def _added(parts: PartFile, number: int, before: Place, codes: NDArray[Any]) -> Place:
    about, content = encode(codes[None])
    return parts.add(number, {**before.about, "rasters": [about]}, content)


def _slices(window: Window) -> tuple[slice, slice]:
    top, left = int(window.row_off), int(window.col_off)
    return slice(top, top + int(window.height)), slice(left, left + int(window.width))
