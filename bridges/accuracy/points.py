"""Sample points as a GeoPackage: written for interpreters, read back with their labels."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.placing import placed
from bridges.samples.vector_files import libraries, read_features
from bridges.scene.raster import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.design import Design

FILE = "points.gpkg"
LABEL = "reference"
STAMP = "2000-01-01T00:00:00.000Z"
"""Written as the date of change, so that equal designs are equal bytes."""


def write_points(path: Path, design: Design, grid: Grid) -> None:
    """Write the points of a design: pixel centres with stratum, weight, and an empty label.

    Fields: ``number``, ``row``, ``col``, ``stratum``, ``stratum_name``, ``weight`` (pixels that the
    point stands for), ``reference`` (to be filled in with a class name or code).
    """
    pyogrio, shapely = libraries()
    if design.points is None:
        raise DataError("The design has no points.", "Draw them with python -m bridges.design.")
    number, rows, cols, stratum = design.points.T
    names = {s.number: s.name for s in design.strata}
    columns = {
        "number": number,
        "row": rows,
        "col": cols,
        "stratum": stratum,
        "stratum_name": np.array([names[int(s)] for s in stratum], dtype=object),
        "weight": weights(design),
        LABEL: np.full(len(number), None, dtype=object),
    }
    x, y = centres(grid, rows, cols)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": STAMP})
    try:
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb(shapely.points(x, y)),
            field_data=list(columns.values()),
            fields=list(columns),
            geometry_type="Point",
            crs=None if grid.crs is None else grid.crs.to_wkt(),
            layer="points",
            driver="GPKG",
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def weights(design: Design) -> NDArray[np.float64]:
    """Return how many pixels every point stands for: N_h / n_h of its stratum, or N / n."""
    assert design.points is not None
    stratum = design.points[:, 3]
    if design.kind != "stratified":
        return np.full(len(stratum), design.n_pixels / len(stratum))
    drawn = design.n_sample
    weight = {s.number: s.n_pixels / max(drawn[s.number], 1) for s in design.strata}
    return np.array([weight[int(s)] for s in stratum])


def centres(
    grid: Grid, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of pixel centres."""
    t = grid.transform
    c, r = cols + 0.5, rows + 0.5
    return t.c + t.a * c + t.b * r, t.f + t.d * c + t.e * r


@dataclasses.dataclass(frozen=True)
class ReferencePoints:
    """Points that an interpreter has labelled.

    Attributes
    ----------
    rows, cols : ndarray of shape (n,), int64
        Pixels of the map's grid; outside of it where a point lies outside.
    labels : list of (str or None)
        What was written, None where nothing.
    stratum : ndarray of shape (n,), int64, or None
        The field ``stratum``.
    notes : tuple of str
        What the reader decided.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    labels: list[str | None]
    stratum: NDArray[np.int64] | None
    notes: tuple[str, ...] = ()


def read_points(path: str | Path, grid: Grid, field: str = LABEL) -> ReferencePoints:
    """Read labelled points and find their pixels.

    Parameters
    ----------
    path : path
        Vector file of points, with ``|layername=NAME`` where it has several layers.
    grid : Grid
        The map's.
    field : str
        Field with class names or codes.

    Raises
    ------
    DataError
        If the file cannot be read, holds anything but points, or lacks the field.
    """
    _, shapely = libraries()
    found = read_features(path)
    file, shapes, labels = found.file, found.shapes, found.field(field)
    if not np.all(shapely.get_type_id(shapes) == 0):
        raise DataError(
            f"{file} holds shapes that are no points.",
            "A reference sample is one point per sample pixel; polygons are no such sample.",
        )
    shapes, notes = placed(found, shapes, grid)
    rows, cols = _pixels(grid, shapely.get_x(shapes), shapely.get_y(shapes))
    stratum = None
    if "stratum" in found.fields:
        stratum = np.asarray(found.fields["stratum"]).astype(np.int64)
    return ReferencePoints(rows, cols, [_text(label) for label in labels], stratum, tuple(notes))


def _pixels(
    grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    t = grid.transform
    matrix = np.array([(t.a, t.b), (t.d, t.e)])
    cols, rows = np.linalg.solve(matrix, np.stack([x - t.c, y - t.f]))
    return np.floor(rows).astype(np.int64), np.floor(cols).astype(np.int64)


def _text(label: Any) -> str | None:
    """Return a label as text; whole numbers without a fraction, nothing for NaN and blanks."""
    if label is None or (isinstance(label, float | np.floating) and np.isnan(label)):
        return None
    if isinstance(label, float | np.floating) and float(label).is_integer():
        label = int(label)
    return str(label).strip() or None


def labelled_points(path: Path) -> int:
    """Return how many points of an earlier design have been labelled; 0 where there are none."""
    if not path.is_file():
        return 0
    pyogrio, _ = libraries()
    meta, _, _, columns = pyogrio.raw.read(path, read_geometry=False)
    fields = [str(f) for f in meta["fields"]]
    if LABEL not in fields:
        return 0
    return sum(_text(label) is not None for label in columns[fields.index(LABEL)])
