"""Probability samples of a map's pixels: stratified, simple, systematic.

What is drawn depends on the seed and the map alone, not on how the map is read: pixels of a
stratum are numbered row by row, numbers are drawn without replacement, and found again in a second
pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.partition import Partition

Kind = Literal["stratified", "simple", "systematic"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Pixels of a sample, in random order.

    Attributes
    ----------
    rows, cols : ndarray of shape (n,), int64
        Where they lie.
    stratum : ndarray of shape (n,), int64
        Number of the stratum.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    stratum: NDArray[np.int64]

    def counts(self, n_strata: int) -> NDArray[np.int64]:
        """Return the sample pixels of every stratum."""
        counted: NDArray[np.int64] = np.bincount(self.stratum, minlength=n_strata + 1)[1:]
        return counted


def draw_stratified(parts: Partition, allocation: NDArray[np.int64], seed: int) -> Drawn:
    """Draw a simple random sample without replacement from every stratum.

    Parameters
    ----------
    parts : Partition
        The strata.
    allocation : ndarray of shape (H,)
        Sample pixels of each.
    seed : int
        Of everything random; a stratum's draw does not depend on the other strata's.
    """
    wanted = [
        _numbers(stratum.n_pixels, int(n), np.random.default_rng([seed, stratum.number]))
        for stratum, n in zip(parts.strata, allocation, strict=True)
    ]
    return _shuffled(_found(parts.strips(), wanted), seed)


def draw_simple(parts: Partition, n: int, seed: int) -> Drawn:
    """Draw a simple random sample of the population; strata are only noted."""
    wanted = [_numbers(parts.n_pixels, n, np.random.default_rng([seed, 0]))]
    everything = ((top, (strata > 0).astype(np.int64)) for top, strata in parts.strips())
    return _shuffled(_with_strata(parts, _found(everything, wanted)), seed)


def draw_systematic(parts: Partition, n: int, seed: int) -> Drawn:
    """Draw the pixels of a square grid with a random start that belong to the population.

    The spacing is √(N/n) pixels, so about n are hit, and every pixel has the same chance n/N.

    Raises
    ------
    DataError
        If none is hit.
    """
    spacing = float(np.sqrt(parts.n_pixels / n))
    start = np.random.default_rng([seed, 0]).uniform(0, spacing, size=2)
    grid = parts.cells.source.maps[0].grid
    rows = _steps(start[0], spacing, grid.height)
    cols = _steps(start[1], spacing, grid.width)
    found = []
    for top, strata in parts.strips():
        here = rows[(rows >= top) & (rows < top + len(strata))]
        hit = strata[np.ix_(here - top, cols)]
        i, j = np.nonzero(hit)
        found.append(np.column_stack([here[i], cols[j], hit[i, j]]))
    pixels = np.concatenate(found)
    if not len(pixels):
        raise DataError("The grid hits no pixel of the population.", "Ask for more points: --size.")
    return _shuffled(pixels, seed)


def _steps(start: float, spacing: float, length: int) -> NDArray[np.int64]:
    places = np.floor(start + spacing * np.arange(int(length / spacing) + 2)).astype(np.int64)
    return places[places < length]


def _numbers(population: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw n distinct numbers below ``population``, sorted."""
    drawn: NDArray[np.int64] = rng.choice(population, size=n, replace=False, shuffle=False)
    return np.sort(drawn)


def _found(
    strips: Iterator[tuple[int, NDArray[np.int64]]], wanted: list[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return (row, column, stratum) of the pixels with the wanted numbers in each stratum."""
    passed = np.zeros(len(wanted), dtype=np.int64)
    found = []
    for top, strata in strips:
        counts = np.bincount(strata.ravel(), minlength=len(wanted) + 1)[1:]
        for h, numbers in enumerate(wanted):
            first, last = np.searchsorted(numbers, [passed[h], passed[h] + counts[h]])
            if first == last:
                continue
            places = np.flatnonzero(strata.ravel() == h + 1)[numbers[first:last] - passed[h]]
            rows, cols = np.divmod(places, strata.shape[1])
            found.append(np.column_stack([rows + top, cols, np.full(len(places), h + 1)]))
        passed += counts
    return np.concatenate(found)


def _with_strata(parts: Partition, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Replace the third column by the strata in which the pixels lie."""
    done: list[Any] = []
    for top, strata in parts.strips():
        here = pixels[(pixels[:, 0] >= top) & (pixels[:, 0] < top + len(strata))]
        done.append(np.column_stack([here[:, 0], here[:, 1], strata[here[:, 0] - top, here[:, 1]]]))
    return np.concatenate(done)


def _shuffled(pixels: NDArray[np.int64], seed: int) -> Drawn:
    """Order pixels at random: an interpreter should not meet the strata one after the other."""
    pixels = pixels[np.lexsort((pixels[:, 1], pixels[:, 0]))]
    pixels = np.random.default_rng([seed, 1 << 20]).permutation(pixels)
    return Drawn(pixels[:, 0].copy(), pixels[:, 1].copy(), pixels[:, 2].copy())
