"""One raster as a cloud-optimised GeoTIFF: what it is, its windows, and how they are joined."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from bridges.maps.parts import Place
from bridges.maps.tiff import LEADER, Entry, Level, head, read_entries
from bridges.maps.tiles import BLOCK, Pyramid, cut, overview_shapes, tile_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.scene.palette import Color
    from bridges.scene.raster import Grid


@dataclass(frozen=True)
class Raster:
    """What a file holds and how it is described.

    Attributes
    ----------
    dtype : str
        ``uint8`` or ``uint16``.
    nodata : int
        Value of pixels without any.
    bands : tuple of str
        What each band is.
    tags, band_tags : mapping
        GDAL's tags of the file, and of every band.
    colors : mapping of int to (red, green, blue)
        Colour table; none if empty.
    scales : tuple of float
        What a stored value is multiplied with, band by band; 1 if empty.
    """

    dtype: str
    nodata: int
    bands: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[int, Color] = field(default_factory=dict)
    scales: tuple[float, ...] = ()


def encode(pixels: NDArray[Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Return a window of a raster as it is kept until all are joined.

    Parameters
    ----------
    pixels : ndarray of shape (n_bands, h, w), uint8 or uint16
        Its values; the window begins at multiples of a tile's edge.

    Returns
    -------
    about : dict
        Bytes of the tiles and of the half-size copy of every band, and how often each value occurs.
    content : list of bytes
        The tiles of every band and, after those of all bands, the half-size copies.
    """
    rows = [cut(band) for band in pixels]
    halves = [zlib.compress(np.ascontiguousarray(band[::2, ::2]).data, 1) for band in pixels]
    about = {
        "shape": list(pixels.shape[1:]),
        "sizes": [[[len(tile) - 2 * LEADER for tile in row] for row in band] for band in rows],
        "halves": [len(half) for half in halves],
        "counts": [_counted(band) for band in pixels],
    }
    return about, [tile for band in rows for row in band for tile in row] + halves


def _counted(band: NDArray[Any]) -> dict[str, int]:
    counts = np.bincount(band.ravel(), minlength=1)
    return {str(value): int(counts[value]) for value in np.flatnonzero(counts).tolist()}


def counts_of(abouts: Iterable[Mapping[str, Any]], band: int = 0) -> Counter[int]:
    """Return how often each value occurs in a band, over windows."""
    total: Counter[int] = Counter()
    for about in abouts:
        for value, n in about["counts"][band].items():
            total[int(value)] += n
    return total


@dataclass(frozen=True)
class Piece:
    """A window of one raster, where it is kept.

    Attributes
    ----------
    window : Window
        Its place in the raster.
    path, start
        File, and where its content begins.
    about : mapping
        From :func:`encode`.
    """

    window: Window
    path: Path
    start: int
    about: Mapping[str, Any]

    @classmethod
    def of(cls, window: Window, place: Place, number: int) -> Piece:
        """Return the piece of the ``number``-th raster in a record of several."""
        rasters = place.about["rasters"]
        before = sum(_content_bytes(about) for about in rasters[:number])
        return cls(window, place.path, place.start + before, rasters[number])

    def tiles(self, band: int, row: int) -> tuple[int, int]:
        """Return place and bytes of a row of framed tiles."""
        framed = [[sum(each) + 2 * LEADER * len(each) for each in b] for b in self.about["sizes"]]
        before = sum(map(sum, framed[:band])) + sum(framed[band][:row])
        return self.start + before, framed[band][row]

    def half(self, band: int, file: BinaryIO, dtype: str) -> NDArray[Any]:
        """Return every second row and column of a band."""
        halves, (h, w) = self.about["halves"], self.about["shape"]
        file.seek(self.start + _content_bytes(self.about) - sum(halves[band:]))
        held = zlib.decompress(file.read(halves[band]))
        return np.frombuffer(held, dtype=dtype).reshape(-(-h // 2), -(-w // 2))


def _content_bytes(about: Mapping[str, Any]) -> int:
    tiles = [size + 2 * LEADER for band in about["sizes"] for row in band for size in row]
    return sum(tiles) + sum(about["halves"])


def join(path: Path, grid: Grid, raster: Raster, pieces: Sequence[Piece]) -> None:
    """Write a COG from all windows of a raster.

    Nothing is decoded but the half-size copies, and no more than a few hundred lines of them are
    in memory. Equal pixels give equal bytes, whatever the windows.

    Parameters
    ----------
    path : Path
        The file.
    grid : Grid
        Shape and coordinates.
    raster : Raster
        What it is.
    pieces : sequence of Piece
        From the top left, row by row; they cover every pixel once.
    """
    rows = [list(each) for _, each in groupby(pieces, key=lambda piece: piece.window.row_off)]
    shapes = overview_shapes(grid.height, grid.width)
    n_bands = len(raster.bands)
    with contextlib.ExitStack() as stack:
        paths = dict.fromkeys(piece.path for piece in pieces)
        files = {each: stack.enter_context(each.open("rb")) for each in paths}

        def spool() -> BinaryIO:
            return stack.enter_context(tempfile.TemporaryFile(dir=path.parent))

        pyramids = [Pyramid([spool() for _ in shapes]) for _ in raster.bands]
        for row in rows:
            for band, pyramid in enumerate(pyramids):
                halves = [p.half(band, files[p.path], raster.dtype) for p in row]
                pyramid.push(np.hstack(halves))
        for pyramid in pyramids:
            pyramid.finish()
        levels = [Level(grid.height, grid.width, _sizes(grid, rows, n_bands))]
        for k, (height, width) in enumerate(shapes):
            sizes = np.array([pyramid.levels[k].sizes for pyramid in pyramids], dtype=np.int64)
            levels.append(Level(height, width, sizes))
        counts = [counts_of((p.about for p in pieces), band) for band in range(n_bands)]
        with path.open("wb") as out:
            out.write(head(_entries(grid, raster, counts), levels, BLOCK))
            for k in reversed(range(len(shapes))):
                for pyramid in pyramids:
                    _copy(pyramid.levels[k].file, out)
            for file, start, length in _tile_rows(rows, n_bands, files):
                file.seek(start)
                out.write(file.read(length))
            out.flush()
            os.fsync(out.fileno())


def _sizes(grid: Grid, rows: list[list[Piece]], n_bands: int) -> NDArray[np.int64]:
    """Return the bytes of all tiles of the image, as :class:`Level` takes them."""
    sizes = np.zeros((n_bands, *tile_grid(grid.height, grid.width)), dtype=np.int64)
    for piece in (piece for row in rows for piece in row):
        own = np.array(piece.about["sizes"], dtype=np.int64)
        top, left = piece.window.row_off // BLOCK, piece.window.col_off // BLOCK
        sizes[:, top : top + own.shape[1], left : left + own.shape[2]] = own
    return sizes


def _tile_rows(
    rows: list[list[Piece]], n_bands: int, files: Mapping[Path, BinaryIO]
) -> Iterator[tuple[BinaryIO, int, int]]:
    """Yield file, place and bytes of the tiles of the image, band by band and row by row."""
    for band in range(n_bands):
        for row in rows:
            for k in range(len(row[0].about["sizes"][band])):
                for piece in row:
                    yield files[piece.path], *piece.tiles(band, k)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    source.seek(0)
    while block := source.read(1 << 20):
        target.write(block)


def _entries(grid: Grid, raster: Raster, counts: Sequence[Counter[int]]) -> dict[int, Entry]:
    """Return what GDAL writes about a raster: coordinates, colours, names, statistics."""
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    shape = {"height": BLOCK, "width": BLOCK, "count": len(raster.bands), "dtype": raster.dtype}
    place = {"crs": grid.crs, "transform": grid.transform, "nodata": raster.nodata}
    if grid.crs is None and grid.transform.is_identity:  # there is none
        place = {"nodata": raster.nodata}
    tiles = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band"}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="GTiff", compress="deflate", SPARSE_OK=True, **shape, **place, **tiles
        ) as dataset:
            dataset.update_tags(**raster.tags)
            dataset.descriptions = raster.bands
            grid.describe(dataset)
            if raster.scales:
                dataset.scales = raster.scales
            if raster.colors:
                dataset.write_colormap(1, {v: (*rgb, 255) for v, rgb in raster.colors.items()})
            for band, counted in enumerate(counts, start=1):
                dataset.update_tags(band, **_statistics(counted, raster.nodata))
        return read_entries(memory.read())


def _statistics(counts: Counter[int], nodata: int) -> dict[str, str]:
    """Return GDAL's statistics of stored values, exactly, from how often each occurs."""
    seen = sorted((value, n) for value, n in counts.items() if value != nodata)
    n = sum(times for _, times in seen)
    percent = 100.0 * n / max(1, sum(counts.values()))
    told: dict[str, float] = {"VALID_PERCENT": percent}
    if n:
        mean = sum(value * times for value, times in seen) / n
        square = sum(times * (value - mean) ** 2 for value, times in seen) / n
        told |= {"MINIMUM": seen[0][0], "MAXIMUM": seen[-1][0], "MEAN": mean}
        told |= {"STDDEV": square**0.5}
    return {f"STATISTICS_{name}": f"{value:.15g}" for name, value in told.items()}
