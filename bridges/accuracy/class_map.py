"""Class maps read strip by strip, with what identifies them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.class_fields import LARGEST_CODE
from bridges.samples.labelled import class_name
from bridges.scene.class_names import names_of_classes
from bridges.scene.names import as_path
from bridges.scene.raster import Grid, opened
from bridges.scene.sidecar import read_sidecar
from bridges.scene.validity import read_known

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

UNCLASSIFIED = -1
"""Code of the pixels without a class: nodata, NaN."""

STRIP_PIXELS = 8 * 2**20
"""Pixels read at a time; up to eight times as many where that saves decoding tiles twice."""

WEB_MERCATOR = 3857


@dataclasses.dataclass(frozen=True)
class ClassMap:
    """A raster of class codes.

    Attributes
    ----------
    path : Path
        The file.
    grid : Grid
        Shape, coordinate system, transform.
    names : dict of int to str
        Names that the file (tags ``CLASS_<code>``) or scene.json gives to codes.
    nodata : float or None
        Value of pixels without a class.
    block_rows : int
        Rows of a tile.
    assumed : bool
        Whether the file states no nodata value, and 0 is taken to be it.
    """

    path: Path
    grid: Grid
    names: dict[int, str]
    nodata: float | None
    block_rows: int
    assumed: bool = False

    def name(self, code: int) -> str:
        """Return the name of a class; ``unclassified`` for pixels without."""
        return "unclassified" if code == UNCLASSIFIED else class_name(self.names, code)

    def strips(self) -> Iterator[Window]:
        """Yield windows as wide as the map, from the top."""
        from rasterio.windows import Window

        height, width = self.grid.height, self.grid.width
        rows = max(1, STRIP_PIXELS // width)
        if rows >= self.block_rows:
            rows -= rows % self.block_rows
        elif self.block_rows * width <= 8 * STRIP_PIXELS:
            rows = self.block_rows
        for top in range(0, height, rows):
            yield Window(0, top, width, min(rows, height - top))

    def read(self, window: Window) -> NDArray[np.int32]:
        """Return the class codes of a window, -1 where there is none.

        Raises
        ------
        DataError
            If the raster holds anything but whole numbers from 0 to 65535.
        """
        with opened(self.path) as dataset:
            stored, known = read_known(dataset, 1, window, self.nodata)
        stored[~known] = 0
        if stored.dtype.kind == "f" and not np.array_equal(stored[known], np.rint(stored[known])):
            raise DataError(f"{self.path} holds fractions, not class codes.", "Name a class map.")
        if stored.dtype not in (np.uint8, np.uint16):
            self._check_range(stored[known])
        codes: NDArray[np.int32] = stored.astype(np.int32)
        codes[~known] = UNCLASSIFIED
        return codes

    def _check_range(self, stored: NDArray[Any]) -> None:
        if stored.size and (stored.min() < 0 or stored.max() > LARGEST_CODE):
            worst = stored.min() if stored.min() < 0 else stored.max()
            raise DataError(
                f"{self.path} has the class code {worst}.",
                f"Class codes are whole numbers from 0 to {LARGEST_CODE}; recode the map, or state "
                f"its nodata value: rio edit-info --nodata VALUE {self.path}",
            )


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a map holds in all.

    Attributes
    ----------
    counts : dict of int to int
        Pixels of every class code, -1 for those without; Python integers, which don't overflow.
    fingerprint : str
        Changes when any pixel or the place of the map does; not with compression or tiling.
    """

    counts: dict[int, int]
    fingerprint: str


def open_map(path: str | Path) -> ClassMap:
    """Open a class map.

    The map's nodata value is unclassified; where none is stated, and 0 is not among the named
    classes, 0 is, as in the maps that this package writes.

    Raises
    ------
    DataError
        If the file cannot be read or has several bands.
    """
    path = as_path(path)
    with opened(path) as dataset:
        if dataset.count != 1:
            raise DataError(
                f"{path} has {dataset.count} bands; a class map has one.",
                f"Extract the band: rio stack {path} --bidx 1 -o one_band.tif",
            )
        grid, nodata = Grid.of(dataset), dataset.nodata
        names, block_rows = names_of_classes(dataset, path), int(dataset.block_shapes[0][0])
    names = names or read_sidecar(path.parent).class_names
    assumed = nodata is None and 0 not in names
    return ClassMap(path, grid, names, 0.0 if assumed else nodata, block_rows, assumed)


def place(grid: Grid) -> tuple[float, ...]:
    """Return height, width and transform of a grid as numbers that can be kept and compared."""
    t = grid.transform
    numbers = (grid.height, grid.width, t.a, t.b, t.c, t.d, t.e, t.f)
    return tuple(round(float(number), 9) for number in numbers)


def survey(classes: ClassMap) -> Survey:
    """Count the pixels of every class, and take the map's fingerprint."""
    digest = hashlib.blake2b(repr(place(classes.grid)).encode(), digest_size=16)
    total = np.zeros(LARGEST_CODE + 2, dtype=np.int64)
    for window in classes.strips():
        codes = classes.read(window)
        total += np.bincount(codes.ravel() + 1, minlength=len(total))
        digest.update(codes.astype("<i4").tobytes())
    present = np.flatnonzero(total)
    counts = {int(code) - 1: int(total[code]) for code in present}
    return Survey(counts, digest.hexdigest())


def codes_at(
    classes: ClassMap, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the class codes of single pixels, -1 where there is none."""
    found = np.full(len(rows), UNCLASSIFIED, dtype=np.int64)
    for window in classes.strips():
        top = int(window.row_off)
        here = (rows >= top) & (rows < top + int(window.height))
        if here.any():
            found[here] = classes.read(window)[rows[here] - top, cols[here]]
    return found


def pixel_area(grid: Grid) -> float | None:
    """Return the area of a pixel in m², None where coordinates are degrees or unknown."""
    if grid.crs is None or not grid.crs.is_projected:
        return None
    t = grid.transform
    factor = float(grid.crs.linear_units_factor[1])
    return float(abs(t.a * t.e - t.b * t.d)) * factor**2


def area_notes(grid: Grid) -> list[str]:
    """Say what is wrong with the areas of pixels of this grid, if anything."""
    if grid.crs is None:
        return ["The map has no coordinate system: areas are given as shares only."]
    if not grid.crs.is_projected:
        return [
            "The map's coordinates are degrees, so its pixels differ in area: every pixel counts "
            "as much as another, and areas are given as shares of the pixels only. Bring the map "
            "into an equal-area projection for hectares: rio warp --dst-crs EPSG:6933 …"
        ]
    if grid.crs.to_epsg() == WEB_MERCATOR:
        return [
            "Web Mercator (EPSG:3857) enlarges areas away from the equator: do not report these "
            "hectares. Bring the map into an equal-area projection: rio warp --dst-crs EPSG:6933 …"
        ]
    return []
