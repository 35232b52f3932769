"""Features brought onto the grid of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.vector_files import Features, libraries
from bridges.scene.crs import is_local, mover, name_of_crs, read_crs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.raster import ControlPoints, Grid


def placed(features: Features, shapes: NDArray[Any], grid: Grid) -> tuple[NDArray[Any], list[str]]:
    """Bring geometries into the coordinates of a grid.

    Parameters
    ----------
    features : Features
        Their file and coordinate system.
    shapes : ndarray of shape (n,)
        The geometries; none is missing.
    grid : Grid
        The image's. One that is placed by ground control points gets columns and rows as
        coordinates, as its transform says.

    Returns
    -------
    shapes : ndarray of shape (n,)
        Moved.
    notes : list of str
        What was taken for granted.

    Raises
    ------
    DataError
        If there is no way into the image's coordinates.
    """
    _, shapely = libraries()
    file = features.file
    if grid.crs is None and grid.control is not None:
        return _by_control_points(shapely, features, shapes, grid.control)
    if features.crs is None:
        return shapes, [f"{file} names no coordinate system and is taken to have the image's."]
    if grid.crs is None:
        raise DataError(
            f"{file} has coordinates in {features.crs}, but the image has no coordinate system.",
            "Place the image first: gdalwarp -rpc image.tif placed.tif"
            if grid.rpcs
            else "Give the image one: rio edit-info --crs EPSG:… image.tif, or use a label raster.",
        )
    source = read_crs(features.crs, str(file))
    if source == grid.crs:
        return shapes, []
    for crs, whose in ((source, str(file)), (grid.crs, "the image")):
        if is_local(crs):
            return shapes, [
                f"The coordinate system of {whose} is a local one, bound to no place "
                f"({name_of_crs(crs)}…): {file} is taken to have the image's coordinates."
            ]
    return shapely.transform(shapes, mover(source, grid.crs, str(file))), []


def _by_control_points(
    shapely: Any, features: Features, shapes: NDArray[Any], control: ControlPoints
) -> tuple[NDArray[Any], list[str]]:
    from rasterio.transform import GCPTransformer

    points, crs = control.gcps(), control.crs
    move = None
    if features.crs is not None and crs is not None:
        source = read_crs(features.crs, str(features.file))
        move = None if source == crs else mover(source, crs, str(features.file))

    def onto_pixels(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        there = xy if move is None else move(xy)
        with GCPTransformer(points) as transformer:
            rows, cols = transformer.rowcol(there[:, 0], there[:, 1], op=np.positive)
        return np.column_stack([cols, rows]).astype(np.float64)

    note = f"{features.file} is placed by the image's {len(points)} ground control points."
    return shapely.transform(shapes, onto_pixels), [note]
