"""The pixels of every stratum, counted and found again, strip by strip."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.accuracy.class_map import UNCLASSIFIED
from bridges.accuracy.strata import Stratification, Stratum
from bridges.errors import DataError
from bridges.samples.class_fields import LARGEST_CODE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

MOST_CELLS = 2**22
"""Largest number of combinations of codes that are counted."""

REASONS = ("mixed neighbourhood", "outside of the regions", "unclassified")
"""Why a pixel is not in the population; cell numbers -3, -2, -1."""

IMPURE, OUTSIDE, UNKNOWN = -3, -2, -1


@dataclasses.dataclass(frozen=True)
class Cells:
    """Numbers of the combinations of codes.

    Attributes
    ----------
    source : Stratification
        The layers.
    present : tuple of tuple of int
        Codes that occur in every layer, ascending.
    """

    source: Stratification
    present: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """Number of combinations."""
        return int(np.prod([len(codes) for codes in self.present], dtype=object))

    def codes(self, cell: int) -> tuple[int, ...]:
        """Return the codes of a combination, one per layer."""
        places = np.unravel_index(cell, [len(codes) for codes in self.present])
        return tuple(codes[int(i)] for codes, i in zip(self.present, places, strict=True))

    def strips(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield (first row, cells of shape (h, w)) from the top; a negative cell is a reason."""
        tables = [_table(codes) for codes in self.present]
        margin = self.source.purity // 2
        height = self.source.maps[0].grid.height
        for window in self.source.maps[0].strips():
            top, n = int(window.row_off), int(window.height)
            wide = _widened(window, margin, height)
            cells = self._numbered(wide, tables)
            yield top, cells[top - int(wide.row_off) :][:n]

    def _numbered(self, window: Window, tables: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        source, n_maps = self.source, len(self.source.maps)
        codes = source.codes(window)
        cells = np.zeros(codes.shape[1:], dtype=np.int64)
        for layer, table, known in zip(codes, tables, self.present, strict=True):
            cells = cells * len(known) + table[layer + 1]
        if source.zones is not None:
            cells[codes[-1] == UNCLASSIFIED] = OUTSIDE
        if not source.with_unclassified:
            cells[(codes[:n_maps] == UNCLASSIFIED).any(axis=0) & (cells != OUTSIDE)] = UNKNOWN
        if source.purity > 1:
            cells[_mixed(cells, source.purity) & (cells >= 0)] = IMPURE
        return cells


def _table(codes: Sequence[int]) -> NDArray[np.int64]:
    table = np.zeros(LARGEST_CODE + 2, dtype=np.int64)
    table[np.asarray(codes) + 1] = np.arange(len(codes))
    return table


def _widened(window: Window, margin: int, height: int) -> Window:
    from rasterio.windows import Window

    top = max(0, int(window.row_off) - margin)
    bottom = min(height, int(window.row_off + window.height) + margin)
    return Window(0, top, window.width, bottom - top)


def _mixed(cells: NDArray[np.int64], edge: int) -> NDArray[np.bool_]:
    """Return which pixels have a neighbourhood of several kinds; beyond the map is nothing."""
    from scipy.ndimage import maximum_filter, minimum_filter

    least = minimum_filter(cells, edge, mode="nearest")
    mixed: NDArray[np.bool_] = least != maximum_filter(cells, edge, mode="nearest")
    return mixed


@dataclasses.dataclass(frozen=True)
class Partition:
    """The strata of a map.

    Attributes
    ----------
    cells : Cells
        The combinations that they are.
    strata : tuple of Stratum
        Those that have a pixel, numbered from 1.
    left_out : dict of str to int
        Pixels outside the population, by the reason.
    numbers : ndarray of int64
        Number of the stratum of every cell, 0 for one that is empty.
    """

    cells: Cells
    strata: tuple[Stratum, ...]
    left_out: dict[str, int]
    numbers: NDArray[np.int64]

    @property
    def n_pixels(self) -> int:
        """Pixels of the population."""
        return sum(stratum.n_pixels for stratum in self.strata)

    def strips(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield (first row, stratum numbers of shape (h, w), 0 outside) from the top."""
        for top, cells in self.cells.strips():
            yield top, np.where(cells >= 0, self.numbers[cells], 0)


def partition(source: Stratification) -> Partition:
    """Count the pixels of every stratum.

    Raises
    ------
    DataError
        If there are too many combinations of codes, or no pixel belongs to the population.
    """
    cells = Cells(source, tuple(map(tuple, _present(source))))
    if cells.n > MOST_CELLS:
        raise DataError(
            f"The layers make {cells.n} combinations of codes.", "Use fewer maps or regions."
        )
    shift = len(REASONS)
    counts = np.zeros(cells.n + shift, dtype=np.int64)
    for _, strip in cells.strips():
        counts += np.bincount(strip.ravel() + shift, minlength=len(counts))
    left_out = {reason: int(n) for reason, n in zip(REASONS, counts, strict=False) if n}
    occupied = np.flatnonzero(counts[shift:])
    if not len(occupied):
        raise DataError(
            "No pixel of the map belongs to the population.",
            "Check its nodata value (rio info), the regions, and --purity.",
        )
    numbers = np.zeros(cells.n, dtype=np.int64)
    numbers[occupied] = np.arange(1, len(occupied) + 1)
    strata = [
        _stratum(source, number, cells.codes(int(cell)), int(counts[cell + shift]))
        for number, cell in enumerate(occupied, start=1)
    ]
    return Partition(cells, tuple(strata), left_out, numbers)


def _stratum(source: Stratification, number: int, codes: tuple[int, ...], n: int) -> Stratum:
    names = [layer.name(code) for layer, code in zip(source.layers, codes, strict=True)]
    return Stratum(number, " / ".join(names), codes, n)


def _present(source: Stratification) -> list[list[int]]:
    """Return the codes that occur in every layer, by reading each once."""
    total = np.zeros((len(source.layers), LARGEST_CODE + 2), dtype=np.int64)
    for window in source.maps[0].strips():
        for row, codes in zip(total, source.codes(window), strict=True):
            row += np.bincount(codes.ravel() + 1, minlength=len(row))
    return [(np.flatnonzero(row) - 1).tolist() for row in total]
