"""Sources of labels for the pixels of a scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bridges.errors import DataError, UsageError
from bridges.samples import polygons as vector
from bridges.samples.class_fields import LARGEST_CODE
from bridges.samples.reading import AS_IT_STANDS, LabelReading
from bridges.scene.codes import CodeRaster, open_codes
from bridges.scene.names import as_path
from bridges.scene.raster import can_be_opened, require_same_grid
from bridges.scene.sidecar import read_sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.scene.scene import Scene

UNLABELLED = -1


class LabelSource(Protocol):
    """Labels on the grid of a scene."""

    class_names: dict[int, str]
    has_groups: bool
    notes: list[str]

    @property
    def group_of(self) -> NDArray[np.int64] | None:
        """Group of every number that :meth:`read` returns; None if the numbers are groups."""

    def read(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return class codes (-1 unlabelled) and groups, both of shape (h, w)."""


@dataclass
class RasterLabels:
    """Labels in a raster on the image's grid.

    The raster's nodata value is unlabelled, and so is the ``unlabelled`` of scene.json; where
    neither is stated, 0.
    """

    raster: CodeRaster
    class_names: dict[int, str]
    unlabelled: set[int]
    has_groups: bool = False
    notes: list[str] = field(default_factory=list)
    group_of: NDArray[np.int64] | None = None

    def read(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return class codes (-1 unlabelled), and no groups (zeros)."""
        codes = self.raster.read(window)
        codes[np.isin(codes, list(self.unlabelled))] = UNLABELLED
        if codes.size and (codes.max() > LARGEST_CODE or codes.min() < UNLABELLED):
            worst = codes.max() if codes.max() > LARGEST_CODE else codes.min()
            raise DataError(
                f"{self.raster.path} has the class code {worst}.",
                f"Class codes are whole numbers from 0 to {LARGEST_CODE}; recode the raster, or, "
                f"if this means unlabelled, say so: rio edit-info --nodata {worst} "
                f"{self.raster.path}",
            )
        return codes, np.zeros_like(codes)


def _raster_labels(scene: Scene, path: Path) -> RasterLabels:
    raster = open_codes(path)
    notes = require_same_grid(scene.grid, path, raster.grid, _image_of(scene))
    beside = read_sidecar(path.parent)
    names = raster.class_names or scene.class_names or beside.class_names
    unlabelled = {UNLABELLED}
    if beside.unlabelled is not None:
        unlabelled.add(beside.unlabelled)
    elif raster.nodata is None or np.isnan(raster.nodata):
        unlabelled.add(0)
    return RasterLabels(raster, names, unlabelled, notes=notes)


def _image_of(scene: Scene) -> Path:
    return scene.bands[0].path


def open_labels(
    scene: Scene,
    path: str | Path,
    label_field: str | None,
    reading: LabelReading = AS_IT_STANDS,
) -> LabelSource:
    """Open a raster or vector file of labels, or a table of points.

    Raises
    ------
    DataError
        If it cannot be read or does not fit the scene.
    UsageError
        If something is said that is for vector files, and it is a raster.
    """
    if vector.is_vector(path):
        return vector.open_vector(scene.grid, path, label_field, scene.class_names, reading)
    flags = {
        f"--label-field {label_field}": label_field,
        f"--group-field {reading.group_field}": reading.group_field,
        "--xy": reading.xy,
        "--all-touched": reading.all_touched or None,
    }
    for flag, value in flags.items():
        if value is not None and can_be_opened(path):
            raise UsageError(
                f"{flag} is for vector files; {path} is a raster.",
                "Leave it out, or name a file of polygons or points.",
            )
    return _raster_labels(scene, as_path(path))
