"""How a scene is cut into windows, and how long a map of it will take."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.maps.labelling import Labelling, distinct
from bridges.maps.tiles import BLOCK
from bridges.scene.raster import opened
from bridges.scene.scene import Stored

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.scene.scene import Scene

FEWEST = 96
"""Windows at least, of large scenes: few threads are idle for long at the end. Their number depends
on no threads and ranks, so that a run with more or fewer of them goes on with what is finished."""

PROBED, PROBE_S = 1 << 17, 0.05
"""Pixels looked at before the work begins, and seconds in which some of them are labelled."""

SEARCH_S = 40e-9
"""Seconds that it takes to find out whether a pixel's values have occurred before."""


def widened(window: Window, by: int, scene: Scene) -> tuple[Window, tuple[slice, slice]]:
    """Return a window with its surroundings, as far as there are any, and its place in them."""
    from rasterio.windows import Window

    top, left = int(window.row_off), int(window.col_off)
    height, width = int(window.height), int(window.width)
    if not by:
        return window, (slice(None), slice(None))
    first, start = max(0, top - by), max(0, left - by)
    last, end = min(scene.height, top + height + by), min(scene.width, left + width + by)
    inner = slice(top - first, top - first + height), slice(left - start, left - start + width)
    return Window(start, first, end - start, last - first), inner


def cut_windows(scene: Scene, largest_rows: int, largest_columns: int) -> list[Window]:
    """Return windows that cover a scene once, from the top left.

    They begin at tiles of the map and, where these are larger, at blocks of the image; of an image
    in strips they are as wide as it is, if such a window is not larger than asked for.

    Parameters
    ----------
    scene : Scene
        The image.
    largest_rows, largest_columns : int
        Largest window; an area, where it has to be as wide as the image.
    """
    with opened(scene.bands[0].path) as dataset:
        block_rows, block_columns = dataset.block_shapes[0]
    unit_rows = _unit(block_rows, largest_rows)
    unit_columns = _unit(block_columns, largest_columns)
    area = largest_rows * largest_columns
    rows, columns = largest_rows, min(largest_columns, _whole(scene.width, unit_columns))
    if block_columns >= scene.width and unit_rows * scene.width <= area:
        columns = unit_columns = _whole(scene.width, BLOCK)
        rows = max(unit_rows, area // columns // unit_rows * unit_rows)
    rows = min(rows, _whole(scene.height, unit_rows))

    def count() -> int:
        return -(-scene.height // rows) * -(-scene.width // columns)

    while count() < FEWEST and (rows > unit_rows or columns > unit_columns):
        if columns > max(unit_columns, rows):
            columns = _whole(columns // 2, unit_columns)
        elif rows > unit_rows:
            rows = _whole(rows // 2, unit_rows)
        else:
            columns = _whole(columns // 2, unit_columns)
    return scene.windows(rows, columns)


def _unit(block: int, largest: int) -> int:
    """Return what heights and widths of windows are multiples of."""
    return block if BLOCK < block <= largest and block % BLOCK == 0 else BLOCK


def _whole(length: int, unit: int) -> int:
    return max(1, -(-length // unit)) * unit


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a map will take.

    Attributes
    ----------
    n_pixels, n_windows, n_finished : int
        Size of the work, and how many windows an earlier run has done.
    threads, ranks : int
        Threads of each rank.
    seconds : float or None
        Expected, from a window in the middle of the scene; None for a classifier of which nothing
        is known.
    equal : float
        Share of the pixels whose values occur before in the same batch.
    merges : bool
        Whether equal pixels are evaluated once: where finding them takes less time.
    """

    n_pixels: int
    n_windows: int
    n_finished: int
    threads: int
    ranks: int
    seconds: float | None
    equal: float
    merges: bool

    def __str__(self) -> str:
        """Return it in words."""
        size = f"{self.n_pixels / 1e6:.1f} million pixels in {self.n_windows} windows"
        done = f" ({self.n_finished} of them done before)" if self.n_finished else ""
        threads = f"{self.threads} thread" + "s" * (self.threads > 1)
        ranks = f"{self.ranks} ranks of " if self.ranks > 1 else ""
        once = ", equal pixels once" if self.merges else ""
        expected = "" if self.seconds is None else f": about {self.seconds:.0f} s"
        return f"{size}{done} on {ranks}{threads}{once}{expected}"


def estimate(
    scene: Scene,
    labelling: Labelling,
    windows: list[Window],
    threads: int,
    ranks: int = 1,
    n_finished: int = 0,
) -> Estimate:
    """Read and label some pixels of the middle window and tell how long all will take."""
    n_pixels, seconds, equal, merges = scene.height * scene.width, None, 0.0, False
    if labelling.parallel:
        started = time.perf_counter()
        stored = scene.read_stored(windows[len(windows) // 2])
        read_s = time.perf_counter() - started
        label_s, equal, share = _probe(labelling, stored)
        merges = equal * label_s > SEARCH_S
        once = label_s * (1 - equal) + SEARCH_S if merges else label_s
        left = n_pixels * (1 - n_finished / len(windows))
        seconds = left * (read_s / stored.visible.size + share * once) / (threads * ranks)
    return Estimate(n_pixels, len(windows), n_finished, threads, ranks, seconds, equal, merges)


def _probe(labelling: Labelling, stored: Stored) -> tuple[float, float, float]:
    """Return seconds per pixel, share of equal pixels, share of valid ones in a window."""
    taken: list[NDArray[Any]] = []
    looked = 0
    for _, samples in labelling.source.batches(stored, labelling.batch):
        taken.append(samples)
        looked += labelling.batch
        if looked >= PROBED:
            break
    n_valid = sum(map(len, taken))
    if not n_valid:
        return 0.0, 0.0, 0.0
    samples = np.concatenate(taken)
    labelling.answer(samples[:128])  # machine code is loaded before the clock
    n, spent = 0, 0.0
    while n < n_valid and spent < PROBE_S:
        started = time.perf_counter()
        n += len(labelling.answer(samples[n : n + 1024])[0])
        spent += time.perf_counter() - started
    equal = 1 - len(distinct(samples)[0]) / n_valid
    return spent / n, equal, min(1.0, n_valid / min(looked, stored.visible.size))
