"""Labelled pixels of a scene, from a raster or a vector file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.samples.fallout import (
    Fallout,
    features_without_samples,
    no_fallout,
    require_all_classes,
)
from bridges.samples.labelled import LabelledData, class_name, named, parse_classes, require_samples
from bridges.samples.labels import UNLABELLED, LabelSource, _image_of, open_labels
from bridges.samples.polygons import VectorLabels
from bridges.samples.reading import AS_IT_STANDS, LabelReading
from bridges.samples.regions import region_numbers
from bridges.samples.tables import load_table
from bridges.scene.codes import open_codes
from bridges.scene.names import as_path
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
    reading: LabelReading = AS_IT_STANDS,
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
    reading : LabelReading
        How the labels are read where their file does not say.

    Returns
    -------
    LabelledData
        Ordered by window, row and column.

    Raises
    ------
    DataError
        If labels do not fit the image, a class is unknown or has no usable pixel (unless it may be
        missing), or fewer than two are left.
    """
    source = open_labels(scene, labels_path, label_field, reading)
    pixels = _collect(scene, source, None if groups_path is None else as_path(groups_path))
    names, origin = source.class_names, str(labels_path)
    lost = _fallout(scene, source, pixels)
    chosen, left_out = _chosen(source, pixels, lost, classes, reading, origin)
    notes = [*source.notes, *left_out, *lost.notes(names), *pixels.notes]
    groups: NDArray[np.int64] | None = pixels.features if source.has_groups else None
    if groups is not None and source.group_of is not None:
        groups = source.group_of[groups]
    if pixels.groups is not None:
        groups, note = _adopt_edges(pixels, pixels.groups)
        notes += note
    region = None
    if regions is not None:
        region = region_numbers(scene, source, regions, pixels.rows, pixels.cols)
    keep = np.isin(pixels.y, chosen)
    return LabelledData(
        X=pixels.X[keep],
        y=pixels.y[keep],
        class_names={code: class_name(names, code) for code in chosen},
        feature_names=scene.band_names,
        groups=None if groups is None else groups[keep],
        rows=pixels.rows[keep],
        cols=pixels.cols[keep],
        regions=None if region is None else region[keep],
        n_masked=sum(pixels.labelled.get(c, 0) for c in chosen) - int(keep.sum()),
        source=origin,
        notes=tuple(notes),
    )


def _chosen(
    source: LabelSource,
    pixels: _Pixels,
    lost: Fallout,
    classes: Sequence[str | int] | None,
    reading: LabelReading,
    origin: str,
) -> tuple[list[int], list[str]]:
    """Return the codes to keep, and notes on those that are left out for want of samples."""
    names = source.class_names
    declared = dict(pixels.labelled)
    if isinstance(source, VectorLabels):
        declared = {int(code): 0 for code in source.codes} | declared
    usable = {code: int(np.sum(pixels.y == code)) for code in declared}
    wanted = sorted(declared) if classes is None else parse_classes(classes, names, [*declared])

    def why(code: int) -> str:
        if n := pixels.labelled.get(code, 0):
            return f"all its pixels are masked ({n} labelled)."
        return lost.of_class(code, names)

    told = [c for c in wanted if c in declared and (classes is None or lost.of_class(c, names))]
    if any(usable.values()) and not reading.allow_missing:
        require_all_classes(told, usable, names, why, origin)
    chosen = [code for code in wanted if usable.get(code)] if reading.allow_missing else wanted
    if not any(usable.values()) and classes is None:
        chosen = []
    require_samples(chosen, names, pixels.labelled, usable, origin, reading.least_classes)
    gone = [code for code in wanted if code not in chosen]
    return chosen, [
        f"Class {named(names, c)} is left out: {why(c) or 'it is not labelled.'}" for c in gone
    ]


def _fallout(scene: Scene, source: LabelSource, pixels: _Pixels) -> Fallout:
    if not isinstance(source, VectorLabels):
        return no_fallout()
    usable = np.zeros_like(pixels.labels_something)
    usable[pixels.features] = True
    return features_without_samples(source, scene.windows(), pixels.labels_something, usable)


@dataclass(frozen=True)
class _Pixels:
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    features: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    labelled: dict[int, int]
    labels_something: NDArray[np.bool_]
    notes: list[str]


def _collect(scene: Scene, source: LabelSource, groups_path: Path | None) -> _Pixels:
    """Read labelled, valid pixels window by window, and count all labelled ones."""
    numbers = None if groups_path is None else open_codes(groups_path)
    notes = []
    if numbers is not None:
        notes += require_same_grid(scene.grid, numbers.path, numbers.grid, _image_of(scene))
    parts: list[tuple[NDArray[Any], ...]] = []
    labelled: dict[int, int] = {}
    seen = np.zeros(1 + _largest_feature(source), dtype=bool)
    contradicted = 0
    for window in scene.windows():
        codes, features = source.read(window)
        contradicted += int(np.sum((codes == UNLABELLED) & (features > 0)))
        rows, cols = np.nonzero(codes != UNLABELLED)
        if not len(rows):
            continue
        for code, n in zip(*np.unique(codes[rows, cols], return_counts=True), strict=True):
            labelled[int(code)] = labelled.get(int(code), 0) + int(n)
        seen[features[rows, cols]] = True
        groups = features if numbers is None else numbers.read(window)
        values, valid = scene.read(window)
        use = valid[rows, cols]
        rows, cols = rows[use], cols[use]
        top, left = int(window.row_off), int(window.col_off)
        at = (rows, cols)
        parts.append((values[at], codes[at], features[at], groups[at], rows + top, cols + left))
    empty = np.empty(0, dtype=np.int64)
    parts = parts or [(np.empty((0, scene.n_bands)), *[empty] * 5)]
    X, y, feature, group, row, col = (np.concatenate(c) for c in zip(*parts, strict=True))
    if contradicted:
        notes.append(f"{contradicted} pixels are claimed by several classes and left out.")
    own = None if numbers is None else group
    return _Pixels(X, y, feature, own, row, col, labelled, seen, notes)


def _largest_feature(source: LabelSource) -> int:
    return int(source.numbers.max()) if isinstance(source, VectorLabels) else 0


def _adopt_edges(pixels: _Pixels, given: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """Count pixels without a group to the group of their class that they touch."""
    from scipy.spatial import cKDTree

    groups = np.maximum(given, 0)
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
