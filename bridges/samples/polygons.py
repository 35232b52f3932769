"""Polygons and points as labels: read by pyogrio, reprojected, burnt into the image's grid."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.raster import Grid, require_file

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

SUFFIXES = {".gpkg", ".geojson", ".json", ".shp", ".fgb", ".gml", ".kml", ".sqlite"}
LARGEST_CODE = 65535
LAYER = "|layername="
"""Separates file and layer, as in QGIS: ``labels.gpkg|layername=polygons``."""


def is_vector(path: str | Path) -> bool:
    """Return whether a path names a vector file."""
    return LAYER in str(path) or Path(path).suffix.lower() in SUFFIXES


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
    """

    grid: Grid
    shapes: NDArray[Any]
    codes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    class_names: dict[int, str]
    notes: list[str]
    fields: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    has_groups: bool = True

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
            burnt = self._burn(near & (self.codes == code), window)
            claims += burnt > 0
            codes[burnt > 0] = code
            groups[burnt > 0] = burnt[burnt > 0]
        codes[claims > 1] = -1
        return codes, groups

    def near(self, window: Window) -> NDArray[np.bool_]:
        """Return which features may reach into a window."""
        import shapely

        left, bottom, right, top = self.grid.window_bounds(window)
        x0, y0, x1, y1 = shapely.bounds(self.shapes).T
        near: NDArray[np.bool_] = (x1 >= left) & (x0 <= right) & (y1 >= bottom) & (y0 <= top)
        return near

    def _burn(self, use: NDArray[np.bool_], window: Window) -> NDArray[np.int64]:
        from rasterio.features import rasterize

        burnt = rasterize(
            zip(self.shapes[use], self.numbers[use].tolist(), strict=True),
            out_shape=(int(window.height), int(window.width)),
            transform=self.grid.window_transform(window),
            dtype="int32",
        )
        return burnt.astype(np.int64)


def open_vector(
    grid: Grid, path: str | Path, label_field: str | None, known: Mapping[int, str]
) -> VectorLabels:
    """Read the features of a vector file and bring them into the image's coordinates.

    Parameters
    ----------
    grid : Grid
        The image's.
    path : path
        Vector file, with ``|layername=NAME`` behind it where it has several layers.
    label_field : str or None
        Field of the classes. Numbers are codes; names get the codes that ``known`` gives them,
        or 1, 2, … in alphabetical order where it does not know all of them.
    known : mapping of int to str
        Class names of the scene.

    Raises
    ------
    DataError
        If pyogrio is missing, the file cannot be read, there is no such field, a class code is
        not a whole number of 0 … 65535, or no feature lies on the image.
    """
    pyogrio, shapely = _libraries()
    name, _, layer = str(path).partition(LAYER)
    file = require_file(name)
    try:
        layer = layer or _only_layer(pyogrio, file)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            meta, _, wkb, columns = pyogrio.raw.read(file, layer=layer, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise DataError(
            f"Cannot read the vector file {file}: {error}.", "Check it with: ogrinfo " + str(file)
        ) from error
    fields = [str(f) for f in meta["fields"]]
    labels = columns[_field_index(file, fields, label_field)]
    codes, names, missing = _codes(labels, known, str(file))
    shapes = shapely.from_wkb(wkb)
    use = ~(missing | shapely.is_missing(shapes) | shapely.is_empty(shapes))
    notes = _notes(file, len(use) - int(use.sum()), meta["crs"])
    # GDAL renumbers features of a GeoJSON whose ids repeat; the numbers used here are positions.
    notes += [str(w.message) for w in said if "Several features with id" not in str(w.message)]
    shapes = _reproject(shapely, shapes[use], meta["crs"], grid, file)
    numbers, values = np.flatnonzero(use) + 1, dict(zip(fields, columns, strict=True))
    labels = VectorLabels(grid, shapes, codes[use], numbers, names, notes, values)
    _require_overlap(labels, file)
    return labels


def _libraries() -> tuple[Any, Any]:
    try:
        import pyogrio
        import pyogrio.raw
        import shapely
    except ModuleNotFoundError as error:
        raise DataError(
            f"Reading vector files needs the package '{error.name}', which is not installed.",
            "pip install pyogrio shapely, or burn the labels into a raster first.",
        ) from error
    return pyogrio, shapely


def _only_layer(pyogrio: Any, file: Path) -> str:
    layers = [str(name) for name, kind in pyogrio.list_layers(file) if kind is not None]
    if len(layers) != 1:
        raise DataError(
            f"{file} has {len(layers)} layers with geometry: {', '.join(layers) or 'none'}.",
            f"Name one: '{file}{LAYER}{(layers or ['NAME'])[0]}'",
        )
    return layers[0]


def _field_index(file: Path, fields: list[str], wanted: str | None) -> int:
    listed = ", ".join(fields) or "none"
    if wanted is None:
        raise DataError(
            f"Which field of {file} holds the classes?",
            f"Name it with --label-field; the fields are: {listed}.",
        )
    if wanted not in fields:
        raise DataError(f"{file} has no field '{wanted}'.", f"The fields are: {listed}.")
    return fields.index(wanted)


def _codes(
    labels: NDArray[Any], known: Mapping[int, str], file: str
) -> tuple[NDArray[np.int64], dict[int, str], NDArray[np.bool_]]:
    """Return the code of every feature, the names of the codes, and which have no label."""
    if labels.dtype.kind in "iuf":
        missing = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(len(labels), bool)
        values = np.where(missing, 0, labels)
    else:
        missing = np.array([label is None or not str(label).strip() for label in labels], bool)
        texts = np.array(["0" if m else str(t) for t, m in zip(labels, missing, strict=True)])
        if not all(text.strip().isdigit() for text in texts):
            return (*_named_codes(texts, missing, known), missing)
        values = texts.astype(np.int64)
    codes = np.rint(values).astype(np.int64)
    if np.any(codes != values) or np.any((codes < 0) | (codes > LARGEST_CODE)):
        raise DataError(
            f"The field holds numbers that are no class codes ({values.max():g}, …) in {file}.",
            f"Class codes are whole numbers from 0 to {LARGEST_CODE}; name another --label-field.",
        )
    return codes, dict(known), missing


def _named_codes(
    texts: NDArray[Any], missing: NDArray[np.bool_], known: Mapping[int, str]
) -> tuple[NDArray[np.int64], dict[int, str]]:
    names = sorted(set(texts[~missing].tolist()))
    by_name = {name: code for code, name in known.items()}
    if not set(names) <= set(by_name):
        by_name = {name: code for code, name in enumerate(names, start=1)}
    codes = np.array([by_name.get(text, 0) for text in texts], dtype=np.int64)
    return codes, {code: name for name, code in sorted(by_name.items(), key=lambda i: i[1])}


def _notes(file: Path, n_dropped: int, crs: str | None) -> list[str]:
    notes = []
    if n_dropped:
        notes.append(f"{n_dropped} features of {file} without a class or geometry are left out.")
    if crs is None:
        notes.append(f"{file} names no coordinate system and is taken to have the image's.")
    return notes


def _reproject(shapely: Any, shapes: NDArray[Any], crs: str | None, grid: Grid, file: Path) -> Any:
    from rasterio import warp
    from rasterio.crs import CRS

    if crs is None:
        return shapes
    if grid.crs is None:
        raise DataError(
            f"{file} has coordinates in {crs}, but the image has no coordinate system.",
            "Give the image one: rio edit-info --crs EPSG:… image.tif, or use a label raster.",
        )
    source = CRS.from_user_input(crs)
    if source == grid.crs:
        return shapes

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(warp.transform(source, grid.crs, xy[:, 0], xy[:, 1]))

    return shapely.transform(shapes, move)


def _require_overlap(labels: VectorLabels, file: Path) -> None:
    from rasterio.windows import Window

    whole = Window(0, 0, labels.grid.width, labels.grid.height)
    if not labels.near(whole).any():
        raise DataError(
            f"None of the {len(labels.shapes)} features of {file} lies on the image.",
            "Check the coordinate systems of both: rio info image.tif; ogrinfo -al -so "
            + str(file),
        )
