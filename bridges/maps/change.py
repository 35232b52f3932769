"""What changed between two maps: a map of changes and a matrix of pixels from class to class."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.accuracy.class_map import UNCLASSIFIED, ClassMap, open_map, pixel_area
from bridges.errors import DataError
from bridges.machine.files import atomic_target
from bridges.maps.cog import Piece, Raster, counts_of, encode, join
from bridges.maps.parts import PartFile, begin, discard, folder_of
from bridges.maps.tiles import BLOCK
from bridges.scene.palette import Color, class_palette
from bridges.scene.raster import Grid, require_same_grid, write_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

STRIP_PIXELS = 2**20
"""Pixels compared at a time."""

KEY = "change"
UNCHANGED: Color = (235, 235, 235)


@dataclass(frozen=True)
class Change:
    """What changed between two maps.

    Attributes
    ----------
    classes : list of str
        Names of all classes of either map, sorted by code.
    pixels : ndarray of shape (n_classes, n_classes), int64
        Pixels of a class before (rows) and after (columns).
    n_unknown : int
        Pixels without a class on either map.
    pixel_area_m2 : float or None
        None where the coordinates are not metres.
    """

    classes: list[str]
    pixels: NDArray[np.int64]
    n_unknown: int
    pixel_area_m2: float | None

    @property
    def n_changed(self) -> int:
        """Pixels of another class than before."""
        return int(self.pixels.sum() - np.trace(self.pixels))


def map_change(before: str | Path, after: str | Path, path: str | Path) -> Change:
    """Compare two maps of one grid, and write where the class changed, and from what to what.

    The file is a COG like a map: a code for every pair of classes that occurs, named
    ``forest -> urban``, or ``forest`` where nothing changed, and 0 where a map has no class.
    Classes are the same if their names are; equal maps give equal bytes.

    Parameters
    ----------
    before, after : path
        Class maps.
    path : path
        The file to write.

    Raises
    ------
    DataError
        If the maps lie on different grids, cannot be read, or have more than 255 classes together.
    """
    first, second, path = open_map(before), open_map(after), Path(path)
    require_same_grid(first.grid, first.path, second.grid, second.path)
    names = _names(first, second)
    with contextlib.ExitStack() as stack:
        folder = folder_of(path)
        with write_errors(path):
            begin(folder, KEY, resume=False)
            stack.callback(discard, folder)
            parts = stack.enter_context(contextlib.closing(PartFile(folder, KEY)))
        pieces = []
        for number, window in enumerate(_windows(first.grid)):
            codes = _paired(first, second, window, names)
            about, content = encode(codes[None])
            with write_errors(path):
                place = parts.add(number, {"rasters": [about]}, content)
            pieces.append(Piece.of(window, place, 0))
        counts = counts_of(piece.about for piece in pieces)
        raster = _raster(names, [code for code in sorted(counts) if code])
        with write_errors(path), atomic_target(path) as target:
            join(target, first.grid, raster, pieces)
    k = len(names)
    pixels = np.zeros(k * k, dtype=np.int64)
    for code, n in counts.items():
        if code:
            pixels[code - 1] = n
    return Change(names, pixels.reshape(k, k), counts.get(0, 0), pixel_area(first.grid))


def _names(first: ClassMap, second: ClassMap) -> list[str]:
    """Return the names of all classes that occur."""
    found: dict[str, int] = {}
    for each in (first, second):
        present: set[int] = set()
        for window in each.strips():
            present |= set(np.unique(each.read(window)).tolist())
        for code in sorted(present - {UNCLASSIFIED}):
            found.setdefault(each.name(code), code)
    if not 1 <= len(found) <= 255:
        raise DataError(
            f"{first.path} and {second.path} have {len(found)} classes together.",
            "Compare maps of 1 to 255 classes.",
        )
    return sorted(found, key=lambda name: (found[name], name))


def _windows(grid: Grid) -> Iterator[Window]:
    """Yield strips that begin at multiples of a tile's edge."""
    from rasterio.windows import Window

    rows = max(BLOCK, STRIP_PIXELS // grid.width // BLOCK * BLOCK)
    for top in range(0, grid.height, rows):
        yield Window(0, top, grid.width, min(rows, grid.height - top))


def _paired(
    first: ClassMap, second: ClassMap, window: Window, names: Sequence[str]
) -> NDArray[np.uint16]:
    """Return 1 + before · n_classes + after, 0 where either is unknown."""
    a, b = _placed(first, window, names), _placed(second, window, names)
    paired = 1 + a * len(names) + b
    return np.where((a < 0) | (b < 0), 0, paired).astype(np.uint16)


def _placed(classes: ClassMap, window: Window, names: Sequence[str]) -> NDArray[np.int64]:
    codes = classes.read(window)
    present, inverse = np.unique(codes, return_inverse=True)
    places = [
        -1 if code == UNCLASSIFIED else names.index(classes.name(code)) for code in present.tolist()
    ]
    return np.asarray(places, dtype=np.int64)[inverse].reshape(codes.shape)


def _raster(names: Sequence[str], codes: Sequence[int]) -> Raster:
    """Return how the map is described: changes in the colour of the class that there is now."""
    shown = class_palette(dict(enumerate(names)))
    tags, colors = {}, {}
    for code in codes:
        a, b = divmod(code - 1, len(names))
        tags[f"CLASS_{code}"] = names[a] if a == b else f"{names[a]} -> {names[b]}"
        colors[code] = UNCHANGED if a == b else shown[b]
    return Raster("uint16", 0, ("change",), tags, colors)
