"""Opening rasters: one place for messages, and for the question whether two share a grid."""

from __future__ import annotations

import contextlib
import difflib
import errno
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.crs import is_local, mover, name_of_crs
from bridges.scene.names import as_path, as_typed, is_file_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEARLY_FULL = 16 * 2**20
"""Bytes; with less free space, a failed write is put down to the full disk."""

GRID_TOLERANCE = 0.01
"""Largest misplacement, in pixels, of two grids that count as the same."""


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open a raster for reading; yields rasterio's dataset.

    Raises
    ------
    DataError
        If the file is missing, is no raster, or cannot be read to the end.
    """
    import rasterio
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    require_file(path)
    try:
        with warnings.catch_warnings():
            # A raster without coordinates is fine: its pixels are classified all the same.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(as_path(path))
        with dataset:
            yield dataset
    except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
        raise DataError(
            f"Cannot read the raster {as_typed(path)}: {as_typed(innermost(error))}.",
            f"Check it with: rio info {as_typed(path)}",
        ) from error


def can_be_opened(path: str | Path) -> bool:
    """Tell whether rasterio opens something as a raster, with bands or a list of those within."""
    try:
        with opened(path) as dataset:
            return dataset.count > 0 or bool(dataset.subdatasets)
    except DataError:
        return False


def innermost(error: BaseException) -> str:
    """Return the first cause's words: GDAL's own, where rasterio only points to them."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().rstrip(".")


def require_file(path: str | Path) -> Path:
    """Return the path of an existing file (or file inside an archive that GDAL opens).

    Raises
    ------
    DataError
        If there is none; the hint names similar files of the folder.
    """
    path = as_path(path)
    if path.is_file() or not is_file_name(path):
        return path
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file.", f"Name a file in it: ls {path}")
    raise DataError(f"There is no file {path}.", _similar(path))


def _similar(path: Path) -> str:
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either; check the path."
    there = sorted(p.name for p in path.parent.iterdir() if p.is_file() or not path.suffix)
    near = difflib.get_close_matches(path.name, there, n=3) or there[:6]
    return f"In {path.parent} there is: {', '.join(near) or 'nothing'}."


@dataclass(frozen=True)
class ControlPoints:
    """Where some pixels lie, of a raster that has no transform.

    Attributes
    ----------
    places : tuple of (row, column, x, y, z)
        One or more.
    crs : rasterio.crs.CRS or None
        Of x and y.
    """

    places: tuple[tuple[float, float, float, float, float], ...]
    crs: Any

    def gcps(self) -> list[Any]:
        """Return them as rasterio's ground control points."""
        from rasterio.control import GroundControlPoint

        return [
            GroundControlPoint(row, col, x, y, z, id=str(number))
            for number, (row, col, x, y, z) in enumerate(self.places, start=1)
        ]


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    Attributes
    ----------
    height, width : int
        Rows and columns.
    crs : rasterio.crs.CRS or None
        Coordinate reference system; None where the raster has none.
    transform : affine.Affine
        From (column, row) to coordinates.
    control : ControlPoints or None
        What places a raster without a coordinate system.
    rpcs : rasterio.rpc.RPC or None
        Rational polynomials of a sensor, which place pixels where heights are known.
    """

    height: int
    width: int
    crs: Any
    transform: Any
    control: ControlPoints | None = None
    rpcs: Any = None

    @classmethod
    def of(cls, dataset: Any) -> Grid:
        """Return the grid of an open rasterio dataset."""
        points, crs = dataset.gcps
        places = tuple((float(p.row), float(p.col), p.x, p.y, p.z or 0.0) for p in points)
        control = ControlPoints(places, crs) if places and dataset.crs is None else None
        return cls(
            dataset.height, dataset.width, dataset.crs, dataset.transform, control, dataset.rpcs
        )

    def describe(self, dataset: Any) -> None:
        """Give a raster that is being written the placement that its profile has no room for."""
        if self.control is not None:
            dataset.gcps = (self.control.gcps(), self.control.crs)
        if self.rpcs is not None:
            dataset.rpcs = self.rpcs

    def window_transform(self, window: Any) -> Any:
        """Return the transform of a window of this grid."""
        from rasterio.transform import Affine

        t = self.transform
        left, top = _matrix(t)[:2] @ (window.col_off, window.row_off, 1)
        return Affine(t.a, t.b, left, t.d, t.e, top)

    def window_bounds(self, window: Any) -> tuple[float, float, float, float]:
        """Return (smallest x, smallest y, largest x, largest y) of a window."""
        x0, y0 = window.col_off, window.row_off
        x1, y1 = x0 + window.width, y0 + window.height
        corners = np.array([(x0, y0, 1), (x1, y0, 1), (x0, y1, 1), (x1, y1, 1)], dtype=np.float64)
        xs, ys, _ = _matrix(self.transform) @ corners.T
        return float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())

    def misplacement(self, other: Grid) -> float:
        """Return how far, in pixels of this grid, the other's corners lie from this one's."""
        h, w = self.height, self.width
        corners = np.array([(0, 0, 1), (w, 0, 1), (0, h, 1), (w, h, 1)], dtype=np.float64).T
        there = _undone(_matrix(self.transform), _matrix(other.transform) @ corners)
        return float(np.nan_to_num(np.abs(there - corners), nan=np.inf, posinf=np.inf).max())


def _undone(matrix: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a matrix moves to some places; infinite where pixels have no extent."""
    try:
        return np.linalg.solve(matrix, places).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return np.full(places.shape, np.inf)


def _matrix(transform: Any) -> NDArray[np.float64]:
    # By hand: affine 3 deprecates the operator that affine 2 has, and 2 lacks the new one.
    t = transform
    return np.array([(t.a, t.b, t.c), (t.d, t.e, t.f), (0, 0, 1)], dtype=np.float64)


def require_same_grid(grid: Grid, path: str | Path, other: Grid, like: str | Path) -> list[str]:
    """Refuse a raster whose pixels are not those of the image.

    A raster without a coordinate system, or with a local one, is taken to have the image's; two
    systems that place its pixels alike are the same in other words.

    Returns
    -------
    list of str
        What was taken for granted and the user should know.

    Raises
    ------
    DataError
        If shape, coordinate system or placement differ; the hint is a command that mends it.
    """
    warp = f"rio warp {path} on_image.tif --like {like} --resampling nearest"
    mend = f"Bring it onto the image's grid first: {warp}"
    notes = _same_system(grid, path, other, mend)
    if (other.height, other.width) != (grid.height, grid.width):
        raise DataError(
            f"{path} has {other.height} × {other.width} pixels, the image has "
            f"{grid.height} × {grid.width}.",
            mend,
        )
    placed = not (other.crs is None and other.transform.is_identity)
    if placed and (shift := grid.misplacement(other)) > GRID_TOLERANCE:
        raise DataError(f"{path} lies {shift:.4g} pixels beside the image.", mend)
    return notes


def _same_system(grid: Grid, path: str | Path, other: Grid, mend: str) -> list[str]:
    """Return notes on coordinate systems that are the same for all that is known."""
    if other.crs is None or grid.crs is None or other.crs == grid.crs:
        return []
    names = f"{path} is in {name_of_crs(other.crs)}, the image in {name_of_crs(grid.crs)}"
    if is_local(other.crs) or is_local(grid.crs):
        return [
            f"{names}. One of them is local, bound to no place, so the pixels are compared as they "
            "are numbered."
        ]
    if _moved(grid, other) > GRID_TOLERANCE:
        raise DataError(f"{names}.", mend)
    return [f"{names}: other words for the same places."]


def _moved(grid: Grid, other: Grid) -> float:
    """Return by how many pixels places move if their coordinates are read in the other's system."""
    h, w = grid.height, grid.width
    corners = np.array([(0, 0, 1), (w, 0, 1), (0, h, 1), (w, h, 1)], dtype=np.float64).T
    here = (_matrix(grid.transform) @ corners)[:2]
    try:
        there = mover(other.crs, grid.crs, "the raster")(here.T).T
    except DataError:
        return np.inf
    step = _matrix(grid.transform)[:2, :2]
    return float(
        np.nan_to_num(np.abs(_undone(step, there - here)), nan=np.inf, posinf=np.inf).max()
    )


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn failures to write a raster, GDAL's among them, into the operating system's words.

    Some come as rasterio's private class of GDAL errors; held by tests/bridges/maps/
    test_classify.py::test_a_disk_that_takes_no_more.

    Raises
    ------
    OSError
        With ``errno.ENOSPC`` if the disk is full, else ``errno.EIO``.
    """
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise write_error(path, innermost(error)) from error
    except OSError as error:
        raise write_error(path, error.strerror or str(error)) from error


def write_error(path: Path, cause: str) -> OSError:
    """Return the error of a raster that could not be written."""
    full = shutil.disk_usage(path.parent).free < NEARLY_FULL or "space left" in cause
    number = errno.ENOSPC if full else errno.EIO
    return OSError(number, f"The raster cannot be written ({cause})", str(path))


def class_names_of(dataset: Any) -> dict[int, str]:
    """Return the class names in a raster's metadata (tags ``CLASS_1=water`` …), as maps have."""
    tags = dataset.tags()
    return {
        int(key[6:]): tags[key] for key in tags if key.startswith("CLASS_") and key[6:].isdigit()
    }
