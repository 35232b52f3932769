"""Coordinate systems: their names, ways between them, and those bound to no place on Earth."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridges.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOCAL = re.compile(r"\s*(LOCAL_CS|ENGCRS|ENGINEERINGCRS)\b", re.IGNORECASE)


def is_local(crs: Any) -> bool:
    """Tell whether a system (rasterio's) is an engineering one, from which nothing can be moved."""
    return crs is not None and bool(_LOCAL.match(crs.to_wkt()))


def name_of_crs(crs: Any) -> str:
    """Return a short name such as EPSG:32119."""
    code = None if is_local(crs) else crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())[:60]


def read_crs(text: str, origin: str) -> Any:
    """Return rasterio's coordinate system for a code, WKT or PROJ text.

    Raises
    ------
    DataError
        If PROJ does not know it.
    """
    from rasterio._err import CPLE_BaseError
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        return CRS.from_user_input(text)
    except (CRSError, CPLE_BaseError, ValueError) as error:
        raise DataError(
            f"{origin} names a coordinate system that is not known: {str(text)[:60]!r}.",
            "Say it with --crs, for example --crs EPSG:4326.",
        ) from error


def mover(
    source: Any, target: Any, what: str
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a function that brings coordinates (n, 2) from one system into another.

    Raises
    ------
    DataError
        When called, if there is no way between them; ``what`` names the file.
    """
    import numpy as np

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        from rasterio import warp
        from rasterio._err import CPLE_BaseError
        from rasterio.errors import RasterioError

        try:
            return np.column_stack(warp.transform(source, target, xy[:, 0], xy[:, 1]))
        except (RasterioError, CPLE_BaseError) as error:
            raise DataError(
                f"The coordinates of {what} ({name_of_crs(source)}) cannot be brought into "
                f"{name_of_crs(target)}: {error}.",
                "Say the coordinate system that they are in with --crs, or correct it in the file.",
            ) from error

    return move
