"""Labelled pixels of a scene, from a raster or a vector file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.samples.labelled import LabelledData, class_name, named, parse_classes, require_samples
from bridges.samples.labels import UNLABELLED, LabelSource, _image_of, open_labels
from bridges.samples.regions import region_numbers
from bridges.samples.tables import load_table
from bridges.scene.codes import open_codes
from bridges.scene.raster import require_same_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene

__all__ = ["LabelledData", "labelled_pixels", "load_table"]


def labelled_pixels(
    scene: Scene,
    labels_path: str | Path,
    *,
    label_field: str | None = None,
    groups_path: str | Path | None = None,
    regions: str | Path | None = None,
    classes: Sequence[str | int] | None = None,
) -> LabelledData:
    """Read the labelled pixels of a scene.

    Parameters
    ----------
    scene : Scene
        The image.
    labels_path : path
        Raster of class codes on the image's grid, or a vector file of polygons or points in any
        coordinate system. A polygon labels the pixels whose centre it covers, a point the pixel
        it lies in; pixels claimed by several classes are left out.
    label_field : str, optional
        Field of the vector file that holds classes: codes or names.
    groups_path : path, optional
        Raster of polygon numbers, 0 outside of all; a vector file's own features by default.
        A labelled pixel outside of all polygons is counted to one of its class that it touches:
        labels are often burnt with the pixels that an outline touches, numbers without.
    regions : str or path, optional
        Field of the vector file that names regions, or a raster of region numbers, 0 outside.
    classes : sequence of str or int, optional
        Names or codes of the classes to keep; by default all.

    Returns
    -------
    LabelledData
        Ordered by window, row and column.

    Raises
    ------
    DataError
        If labels do not fit the image, a class is unknown or has no usable pixel, or fewer than
        two are left.
    """
    path = Path(labels_path)
    source = open_labels(scene, path, label_field)
    pixels = _collect(scene, source, None if groups_path is None else Path(groups_path))
    present = sorted(pixels.labelled)
    chosen = present if classes is None else parse_classes(classes, source.class_names, present)
    usable = {code: int(np.sum(pixels.y == code)) for code in present}
    notes = list(source.notes)
    if classes is None:
        lost = [code for code in chosen if not usable[code]]
        chosen = [code for code in chosen if usable[code]]
        notes += [
            f"Class {named(source.class_names, c)} is left out: all its pixels are masked."
            for c in lost
        ]
    require_samples(chosen, source.class_names, pixels.labelled, usable, str(path))
    groups: NDArray[np.int64] | None = pixels.groups if source.has_groups else None
    if groups_path is not None:
        groups, note = _adopt_edges(pixels)
        notes += note
    region = None
    if regions is not None:
        region = region_numbers(scene, source, regions, pixels.rows, pixels.cols)
    keep = np.isin(pixels.y, chosen)
    return LabelledData(
        X=pixels.X[keep],
        y=pixels.y[keep],
        class_names={code: class_name(source.class_names, code) for code in chosen},
        feature_names=scene.band_names,
        groups=None if groups is None else groups[keep],
        rows=pixels.rows[keep],
        cols=pixels.cols[keep],
        regions=None if region is None else region[keep],
        n_masked=sum(pixels.labelled.get(c, 0) for c in chosen) - int(keep.sum()),
        source=str(path),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Pixels:
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    groups: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    labelled: dict[int, int]


def _collect(scene: Scene, source: LabelSource, groups_path: Path | None) -> _Pixels:
    """Read labelled, valid pixels window by window, and count all labelled ones."""
    numbers = None if groups_path is None else open_codes(groups_path)
    if numbers is not None:
        require_same_grid(scene.grid, numbers.path, numbers.grid, _image_of(scene))
    parts: list[tuple[NDArray[Any], ...]] = []
    labelled: dict[int, int] = {}
    for window in scene.windows():
        codes, groups = source.read(window)
        if numbers is not None:
            groups = numbers.read(window)
        rows, cols = np.nonzero(codes != UNLABELLED)
        if not len(rows):
            continue
        for code, n in zip(*np.unique(codes[rows, cols], return_counts=True), strict=True):
            labelled[int(code)] = labelled.get(int(code), 0) + int(n)
        values, valid = scene.read(window)
        use = valid[rows, cols]
        rows, cols = rows[use], cols[use]
        top, left = int(window.row_off), int(window.col_off)
        at = (rows, cols)
        parts.append((values[at], codes[at], groups[at], rows + top, cols + left))
    empty = np.empty(0, dtype=np.int64)
    parts = parts or [(np.empty((0, scene.n_bands)), empty, empty, empty, empty)]
    X, y, group, row, col = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Pixels(X, y, group, row, col, labelled)


def _adopt_edges(pixels: _Pixels) -> tuple[NDArray[np.int64], list[str]]:
    """Count pixels without a group to the group of their class that they touch."""
    from scipy.spatial import cKDTree

    groups = np.maximum(pixels.groups, 0)
    places = np.column_stack([pixels.rows, pixels.cols])
    outside = groups == 0
    for code in np.unique(pixels.y[outside]):
        inside = np.flatnonzero((pixels.y == code) & ~outside)
        lone = np.flatnonzero((pixels.y == code) & outside)
        if not len(inside):
            continue
        distance, nearest = cKDTree(places[inside]).query(places[lone])
        touching = distance < 1.5
        groups[lone[touching]] = groups[inside[nearest[touching]]]
    adopted = int(outside.sum() - np.sum(groups == 0))
    note = f"{adopted} pixels at the edge of polygons are counted to the polygon they touch."
    return groups, [note] if adopted else []
