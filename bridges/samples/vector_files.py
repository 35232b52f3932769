"""Features from whatever pyogrio opens, and points from a table of coordinates."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, ToolkitError, UsageError, did_you_mean
from bridges.samples.reading import AS_IT_STANDS, LabelReading
from bridges.scene.names import as_path, is_file_name
from bridges.scene.raster import can_be_opened, require_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = {".gpkg", ".geojson", ".json", ".shp", ".fgb", ".gml", ".kml", ".sqlite", ".gdb"}
"""Of files that nobody needs to look into to know that they hold features."""

TABLES = {".csv", ".tsv", ".txt"}
"""Suffixes of tables of points."""

LAYER = "|layername="
"""Separates file and layer, as in QGIS: ``labels.gpkg|layername=polygons``."""

PLACES = (
    ("lon", "lat"), ("long", "lat"), ("longitude", "latitude"), ("lng", "lat"),
    ("x", "y"), ("easting", "northing"), ("east", "north"), ("xcoord", "ycoord"),
    ("x_coord", "y_coord"), ("point_x", "point_y"), ("coord_x", "coord_y"),
)  # fmt: skip
"""Pairs of columns that hold coordinates, in small letters."""

DEGREES = 4
"""The first pairs are degrees."""

GEOMETRIES = ("wkt", "geometry", "geom", "the_geom", "wkt_geom")
"""Columns that hold geometry as text."""

OTHER_ENCODING = "cp1252"
"""What text mostly is that is not in the encoding that its file states."""

WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Features:
    """What a vector file holds.

    Attributes
    ----------
    file : Path
        Where it was read.
    shapes : ndarray of shape (n,)
        shapely geometries, None where a feature has none.
    crs : str or None
        Coordinate system that the file names, or the user.
    fields : dict of str to ndarray of shape (n,)
        Attributes.
    notes : list of str
        What was decided.
    """

    file: Path
    shapes: NDArray[Any]
    crs: str | None
    fields: Mapping[str, NDArray[Any]]
    notes: list[str]

    def field(self, wanted: str | None) -> NDArray[Any]:
        """Return the values of a field.

        Raises
        ------
        DataError
            If none is named, or there is no such field.
        """
        listed = ", ".join(self.fields) or "none"
        if wanted is None:
            raise DataError(
                f"Which field of {self.file} holds the classes?",
                f"Name it with --label-field; the fields are: {listed}.",
            )
        if wanted not in self.fields:
            raise DataError(
                f"{self.file} has no field '{wanted}'.",
                f"{did_you_mean(wanted, self.fields)}The fields are: {listed}.",
            )
        return self.fields[wanted]


def is_vector(path: str | Path) -> bool:
    """Return whether a path names features: by its name, or because pyogrio opens it.

    A file that rasterio opens as an image is none.
    """
    text = str(path)
    suffix = Path(text).suffix.lower()
    if LAYER in text or suffix in SUFFIXES | TABLES:
        return True
    place = as_path(path)
    if is_file_name(place) and not place.exists():
        return False
    return not can_be_opened(place) and bool(_layers(place))


def _layers(path: Path) -> Sequence[str]:
    """Return the layers with geometry that pyogrio finds; none if it cannot open the path."""
    try:
        import pyogrio
    except ModuleNotFoundError:
        return []
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return []


def read_features(path: str | Path, reading: LabelReading = AS_IT_STANDS) -> Features:
    """Read the features of a vector file, or of a table of points.

    Parameters
    ----------
    path : path
        Vector file, with ``|layername=NAME`` behind it where it has several layers; or a delimited
        table with columns of coordinates, or of geometry as WKT.
    reading : LabelReading
        Columns and coordinate system, where the file does not say.

    Raises
    ------
    DataError
        If pyogrio is missing, or the file cannot be read.
    UsageError
        If columns of coordinates are named for anything but a table.
    """
    name, _, layer = str(path).partition(LAYER)
    file = as_path(name)
    if file.suffix.lower() in TABLES:
        return _with_crs(_read_points(require_file(file), reading), reading.crs)
    if reading.xy is not None:
        raise UsageError(
            f"--xy names columns of a table of points; {file} is none.", "Leave it out."
        )
    return _with_crs(_read_layer(file, layer), reading.crs)


def _with_crs(features: Features, crs: str | None) -> Features:
    if crs is None:
        return features
    notes = [note for note in features.notes if "coordinate" not in note]
    if features.crs is not None and features.crs != crs:
        notes.append(f"{features.file} is taken to be in {crs}, not in {features.crs[:40]}.")
    return Features(features.file, features.shapes, crs, features.fields, notes)


def _read_layer(file: Path, layer: str) -> Features:
    pyogrio, shapely = libraries()
    if is_file_name(file) and not file.is_dir():
        require_file(file)
    try:
        layer = layer or _only_layer(pyogrio, file)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            meta, _, wkb, columns = _read_raw(pyogrio, file, layer)
        shapes = None if wkb is None else shapely.from_wkb(wkb, on_invalid="ignore")
    except ToolkitError:
        raise
    except Exception as error:  # of GDAL, GEOS, or of pyogrio itself where a file is damaged
        raise DataError(
            f"Cannot read the vector file {file}: {error}.", f"Check it with: ogrinfo {file}"
        ) from error
    if shapes is None:
        raise DataError(
            f"The layer {layer} of {file} has no geometry.", f"Name another: {file}{LAYER}NAME"
        )
    # GDAL renumbers features of a GeoJSON whose ids repeat; the numbers used here are positions.
    notes = [str(w.message) for w in said if "Several features with id" not in str(w.message)]
    notes += [str(meta["told"])] if "told" in meta else []
    fields = dict(zip(map(str, meta["fields"]), columns, strict=True))
    return Features(file, shapes, meta["crs"], fields, notes)


def _read_raw(pyogrio: Any, file: Path, layer: str) -> tuple[dict[str, Any], Any, Any, Any]:
    """Read a layer; text that is not in the encoding that the file states is Windows' Latin."""
    try:
        meta, ids, wkb, columns = pyogrio.raw.read(file, layer=layer, force_2d=True)
    except UnicodeDecodeError:
        pass
    else:
        return meta, ids, wkb, columns
    try:
        meta, ids, wkb, columns = pyogrio.raw.read(
            file, layer=layer, force_2d=True, encoding=OTHER_ENCODING
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise DataError(
            f"The text in {file} is in no known encoding ({error}).",
            "Save it as UTF-8: ogr2ogr -lco ENCODING=UTF-8 new.shp old.shp",
        ) from error
    told = f"The text in {file} is not in the encoding that it states; read as {OTHER_ENCODING}."
    return {**meta, "told": told}, ids, wkb, columns


def libraries() -> tuple[Any, Any]:
    """Return pyogrio and shapely.

    Raises
    ------
    DataError
        If one of them is not installed.
    """
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


def _read_points(file: Path, reading: LabelReading) -> Features:
    """Read a table whose rows are points (or other geometry, as WKT)."""
    from bridges.samples.cells import read_cells
    from bridges.samples.numbers import are_missing

    _, shapely = libraries()
    cells = read_cells(file)
    if cells.names is None:
        raise DataError(
            f"{file} has no header, so its columns have no names.",
            "Write a first line such as: lon,lat,class",
        )
    fields = {}
    for place, name in enumerate(cells.names):
        column = cells.frame[place]
        texts = column.to_numpy(dtype=object, copy=True)
        texts[are_missing(column)] = None
        fields[name] = texts
    geometry = [name for name in cells.names if name.lower() in GEOMETRIES]
    if reading.xy is None and geometry:
        shapes = shapely.from_wkt(fields[geometry[0]], on_invalid="ignore")
        return Features(file, shapes, None, fields, [])
    x_name, y_name, crs, notes = _columns_of_places(cells.names, file, reading)
    x, y = (_numbers(fields[name], cells.decimal, name, file) for name in (x_name, y_name))
    shapes = np.full(len(x), None, dtype=object)
    there = np.isfinite(x) & np.isfinite(y)
    shapes[there] = shapely.points(x[there], y[there])
    return Features(file, shapes, crs, fields, notes)


def _columns_of_places(
    names: Sequence[str], file: Path, reading: LabelReading
) -> tuple[str, str, str | None, list[str]]:
    """Return the columns of coordinates, the system they are in if that is clear, and notes."""
    by_name = {name.lower(): name for name in names}
    if reading.xy is not None:
        for name in reading.xy:
            if name not in names:
                raise DataError(
                    f"{file} has no column '{name}'.",
                    f"{did_you_mean(name, names)}The columns are: {', '.join(names)}.",
                )
        pair = (reading.xy[0].lower(), reading.xy[1].lower())
        chosen = reading.xy
    else:
        found = [pair for pair in PLACES if set(pair) <= set(by_name)]
        if not found:
            raise DataError(
                f"{file} is a table, and no two of its columns are known as coordinates.",
                f"Name them: --xy X,Y --crs EPSG:…; the columns are: {', '.join(names)}. A table "
                "that holds the features themselves is read by --table.",
            )
        pair, chosen = found[0], (by_name[found[0][0]], by_name[found[0][1]])
    crs = WGS84 if pair in PLACES[:DEGREES] else None
    said = "" if reading.crs is not None else f", in {crs or 'the coordinates of the image'}"
    return *chosen, crs, [f"Rows of {file} are points at {chosen[0]}, {chosen[1]}{said}."]


def _numbers(texts: NDArray[Any], decimal: str, name: str, file: Path) -> NDArray[np.float64]:
    import pandas as pd

    from bridges.samples.numbers import are_numbers, as_numbers

    missing = np.array([text is None for text in texts], dtype=bool)
    cells = pd.Series(np.where(missing, "", texts), dtype=str)
    wrong = ~missing & ~are_numbers(cells, decimal)
    if wrong.any():
        raise DataError(
            f"The column '{name}' of {file} holds {texts[wrong][0]!r}, which is no coordinate.",
            "Name the columns of coordinates: --xy X,Y",
        )
    return as_numbers(cells, missing, decimal)
