"""Samples of a window: looked up in a table of all stored values, or as NumPy makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene, Stored

Batch = tuple["NDArray[np.intp] | slice", "NDArray[Any]"]
"""Places of valid pixels in the window, and their samples."""


class Source(Protocol):
    """Makes samples of a window's valid pixels."""

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield them, at most ``size`` pixels of the window at a time."""
        ...


class TableSource:
    """Samples looked up in a table of all values that a band of one or two bytes can hold.

    Parameters
    ----------
    scene : Scene
        Its bands say what stored values mean.
    prepare : callable
        From physical values (n, d) to samples (n, d); every column by itself.
    dtype : numpy dtype
        Type of the stored values of all bands.
    """

    def __init__(
        self,
        scene: Scene,
        prepare: Callable[[NDArray[np.float64]], NDArray[Any]],
        dtype: np.dtype[Any],
    ) -> None:
        self.bits = np.dtype(f"u{dtype.itemsize}")
        every = np.arange(1 << (8 * dtype.itemsize), dtype=self.bits).view(dtype)
        known = np.stack([band.is_known(every) for band in scene.bands], axis=1)
        samples = prepare(np.stack([band.physical(every) for band in scene.bands], axis=1))
        self.unknown = np.finfo(samples.dtype).max
        samples[:, : known.shape[1]][~known] = self.unknown
        self.tables = np.ascontiguousarray(samples.T)

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield samples, as :class:`Source` says."""
        from bridges.maps.window_loops import look_up

        bands = np.asarray(stored.numbers).reshape(len(stored.numbers), -1).view(self.bits)
        visible = stored.visible.ravel()
        for first in range(0, len(visible), size):
            length = min(size, len(visible) - first)
            Z = np.zeros((length, len(self.tables)), dtype=self.tables.dtype)
            places = np.empty(length, dtype=np.intp)
            n = look_up(bands, visible, self.tables, self.unknown, first, Z, places)
            if n:
                yield slice(first, first + n) if n == length else places[:n], Z[:n]


class ArraySource:
    """Samples as NumPy makes them of physical values, a few rows of the window at a time.

    Parameters
    ----------
    scene : Scene
        Its bands say what stored values mean.
    prepare : callable
        From physical values (n, d) to samples.
    """

    def __init__(
        self, scene: Scene, prepare: Callable[[NDArray[np.float64]], NDArray[Any]]
    ) -> None:
        self.scene = scene
        self.prepare = prepare

    def batches(self, stored: Stored, size: int) -> Iterator[Batch]:
        """Yield samples, as :class:`Source` says."""
        height, width = stored.visible.shape
        rows = max(1, size // width)
        for top in range(0, height, rows):
            values, valid = self.scene.physical(stored, slice(top, top + rows))
            places = top * width + np.flatnonzero(valid)
            if len(places):
                yield places, self.prepare(values[valid])
