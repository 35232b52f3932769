"""Polygons and points as labels: reprojected, burnt into the image's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.class_fields import classes_of
from bridges.samples.placing import placed
from bridges.samples.reading import AS_IT_STANDS, LabelReading
from bridges.samples.vector_files import Features, is_vector, read_features
from bridges.scene.raster import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

__all__ = ["VectorLabels", "is_vector", "open_vector"]


@dataclass
class VectorLabels:
    """Features with class codes, in the image's coordinates.

    Attributes
    ----------
    grid : Grid
        The image's.
    shapes : ndarray of shape (n,)
        shapely geometries.
    codes : ndarray of shape (n,), int64
        Class code of every feature.
    numbers : ndarray of shape (n,), int64
        Number of the feature in the file, from 1: the group of its pixels.
    class_names : dict of int to str
        Name of every code.
    notes : list of str
        What was left out.
    fields : dict of str to ndarray
        Values of all fields of all features of the file.
    group_of : ndarray of int64, or None
        Group of every feature number, 0 for none; None where every feature is one.
    all_touched : bool
        Whether features label every pixel that they touch.
    """

    grid: Grid
    shapes: NDArray[Any]
    codes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    class_names: dict[int, str]
    notes: list[str]
    fields: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    has_groups: bool = True
    group_of: NDArray[np.int64] | None = None
    all_touched: bool = False

    def read(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return class codes (-1 unlabelled) and feature numbers (0 none), shape (h, w).

        Pixels that features of several classes claim are unlabelled.
        """
        shape = (int(window.height), int(window.width))
        codes = np.full(shape, -1, dtype=np.int64)
        groups = np.zeros(shape, dtype=np.int64)
        claims = np.zeros(shape, dtype=np.int64)
        near = self.near(window)
        for code in np.unique(self.codes[near]):
            burnt = self.burn(near & (self.codes == code), window)
            claims += burnt > 0
            codes[burnt > 0] = code
            groups[burnt > 0] = burnt[burnt > 0]
        codes[claims > 1] = -1  # the number stays, so that contradictions can be counted
        return codes, groups

    def near(self, window: Window) -> NDArray[np.bool_]:
        """Return which features may reach into a window."""
        import shapely

        left, bottom, right, top = self.grid.window_bounds(window)
        x0, y0, x1, y1 = shapely.bounds(self.shapes).T
        near: NDArray[np.bool_] = (x1 >= left) & (x0 <= right) & (y1 >= bottom) & (y0 <= top)
        placed: NDArray[np.bool_] = near & np.isfinite(x0 + x1 + y0 + y1)
        return placed

    def burn(self, use: NDArray[np.bool_], window: Window) -> NDArray[np.int64]:
        """Return the number of the last of some features at every pixel, 0 outside of all."""
        from rasterio.features import rasterize

        burnt = rasterize(
            zip(self.shapes[use], self.numbers[use].tolist(), strict=True),
            out_shape=(int(window.height), int(window.width)),
            transform=self.grid.window_transform(window),
            dtype="int32",
            all_touched=self.all_touched,
        )
        return burnt.astype(np.int64)


def open_vector(
    grid: Grid,
    path: str | Path,
    label_field: str | None,
    known: Mapping[int, str],
    reading: LabelReading = AS_IT_STANDS,
) -> VectorLabels:
    """Read the features of a vector file and bring them into the image's coordinates.

    Parameters
    ----------
    grid : Grid
        The image's.
    path : path
        Vector file, with ``|layername=NAME`` where it has several layers, or a table of points.
    label_field : str or None
        Field of the classes. Numbers are codes; names get the codes that ``known`` gives them,
        or 1, 2, … in alphabetical order where it does not know all of them.
    known : mapping of int to str
        Class names of the scene.
    reading : LabelReading
        Groups, coordinates, and what a feature labels.

    Raises
    ------
    DataError
        If pyogrio is missing, the file cannot be read, there is no such field, a class code is
        not a whole number of 0 … 65535, or no feature lies on the image.
    """
    import shapely

    found = read_features(path, reading)
    classes = classes_of(found.field(label_field), known, str(found.file))
    void = shapely.is_missing(found.shapes) | shapely.is_empty(found.shapes)
    use = ~(classes.missing | void)
    if not use.any():
        raise DataError(
            f"None of the {len(use)} features of {found.file} has both a class and a geometry.",
            f"Check the field: ogrinfo -al -so {found.file}",
        )
    shapes, notes = placed(found, found.shapes[use], grid)
    labels = VectorLabels(
        grid,
        shapes,
        classes.codes[use],
        np.flatnonzero(use) + 1,
        classes.names,
        [*_left_out(found, use), *notes, *found.notes, *classes.notes],
        found.fields,
        group_of=_groups(found, reading.group_field),
        all_touched=reading.all_touched,
    )
    _require_overlap(labels, found.file)
    return labels


def _left_out(found: Features, use: NDArray[np.bool_]) -> list[str]:
    n = int(np.sum(~use))
    return [f"{n} features of {found.file} without a class or geometry are left out."] if n else []


def _groups(found: Features, group_field: str | None) -> NDArray[np.int64] | None:
    """Return the group of every feature number, 0 for none; None where features are groups."""
    if group_field is None:
        return None
    values = found.field(group_field)
    missing = np.array([value is None or value != value for value in values], dtype=bool)
    texts = np.array(["" if m else str(v) for v, m in zip(values, missing, strict=True)])
    groups = np.unique(texts, return_inverse=True)[1].astype(np.int64) + 1
    groups[missing] = 0
    return np.concatenate([[0], groups])


def _require_overlap(labels: VectorLabels, file: Path) -> None:
    from rasterio.windows import Window

    whole = Window(0, 0, labels.grid.width, labels.grid.height)
    if not labels.near(whole).any():
        raise DataError(
            f"None of the {len(labels.shapes)} features of {file} lies on the image.",
            "Check the coordinate systems of both: rio info image.tif; ogrinfo -al -so "
            f"{file}; --crs says the right one for the features.",
        )
