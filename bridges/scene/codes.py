"""Rasters of whole numbers on the image's grid: class codes, polygon numbers, region numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.class_names import names_of_classes
from bridges.scene.names import as_path
from bridges.scene.products import sole_image
from bridges.scene.raster import Grid, opened
from bridges.scene.stack import require_bands
from bridges.scene.validity import alpha_index, read_known

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

NOTHING = -1
"""What is read where a raster says nothing."""


@dataclass(frozen=True)
class CodeRaster:
    """A raster of whole numbers; open it with :func:`open_codes`.

    Attributes
    ----------
    path : Path
        File.
    grid : Grid
        Where its pixels lie.
    nodata : float or None
        The stated value of pixels without a number.
    class_names : dict of int to str
        Names that the raster gives to numbers.
    alpha : int or None
        Band that is 0 where there is no number.
    """

    path: Path
    grid: Grid
    nodata: float | None
    class_names: dict[int, str]
    alpha: int | None = None

    def read(self, window: Window | None = None) -> NDArray[np.int64]:
        """Return the numbers of a window, -1 where it says nothing, shape (h, w).

        Raises
        ------
        DataError
            If it holds fractions or cannot be read.
        """
        with opened(self.path) as dataset:
            stored, known = read_known(dataset, 1, window, self.nodata)
            if self.alpha is not None:
                known &= dataset.read(self.alpha, window=window) != 0
        return self._whole(stored, known)

    def _whole(self, stored: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.int64]:
        values = stored[known]
        if stored.dtype.kind == "f" and np.any(fractions := values != np.rint(values)):
            raise DataError(
                f"{self.path} holds fractions, not class codes (for example "
                f"{values[fractions][0]:g}).",
                "Name a raster of whole numbers.",
            )
        too_large = np.abs(values.astype(np.float64)) > 2**53
        if np.any(too_large):
            raise DataError(
                f"{self.path} holds {values[too_large][0]:g}, which is no number of a class.",
                f"If it means nothing, state it: rio edit-info --nodata {values[too_large][0]:g} "
                f"{self.path}",
            )
        codes = np.full(stored.shape, NOTHING, dtype=np.int64)
        codes[known] = values.astype(np.int64)
        return codes


def open_codes(path: str | Path) -> CodeRaster:
    """Open a raster of whole numbers.

    Raises
    ------
    DataError
        If it cannot be read, or has several bands beside one of transparency.
    """
    path = sole_image(as_path(path))
    with opened(path) as dataset:
        require_bands(dataset, path)
        alpha, _ = alpha_index(dataset)
        n_bands = dataset.count - (alpha is not None)
        if n_bands != 1 or alpha == 1:
            raise DataError(
                f"{path} has {n_bands} bands; labels and groups have one.",
                f"Extract the band: rio stack {path} --bidx 1 -o one_band.tif",
            )
        nodata = dataset.nodatavals[0]
        return CodeRaster(path, Grid.of(dataset), nodata, names_of_classes(dataset, path), alpha)
