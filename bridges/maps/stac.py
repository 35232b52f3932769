"""A map as an item of a SpatioTemporal Asset Catalog (STAC 1.1), a ``.json`` of the same name.

Extensions: projection, classification and raster, https://stac-extensions.github.io.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.scene.raster import Grid, opened

if TYPE_CHECKING:
    from bridges.scene.palette import Color

ROOT = "https://stac-extensions.github.io"
EXTENSIONS = (
    f"{ROOT}/projection/v2.0.0/schema.json",
    f"{ROOT}/classification/v2.0.0/schema.json",
    f"{ROOT}/raster/v2.0.0/schema.json",
)
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
ALONG_AN_EDGE = 8
"""Points of the footprint along an edge: edges of a grid are bent on the globe."""


def stac_item(
    path: Path,
    class_names: Mapping[int, str],
    colors: Mapping[int, Color],
    *,
    acquired: str = "",
    confidence: Path | None = None,
) -> dict[str, Any]:
    """Return the item of a map.

    Parameters
    ----------
    path : Path
        The map; its stem is the item's id.
    class_names : mapping of int to str
        Codes and names.
    colors : mapping of int to (red, green, blue)
        0 … 255 each, for every code.
    acquired : str
        Date of the image's acquisition (ISO 8601); where it is not known, the item has the time of
        its making, and its description says so.
    confidence : Path, optional
        Layers of confidence beside the map.
    """
    made = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    when = _instant(acquired)
    with opened(path) as dataset:
        grid = Grid.of(dataset)
        geometry, bbox = _footprint(grid)
        assets = {
            "map": _asset(path, dataset, "Land-cover classes") | _classes(class_names, colors)
        }
    if confidence is not None:
        with opened(confidence) as dataset:
            assets["confidence"] = _asset(confidence, dataset, "How sure the classes are")
    unknown = " The date of acquisition is not known: datetime is that of the map's making."
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": path.stem,
        "geometry": geometry,
        "properties": {
            "title": path.name,
            "description": "A land-cover map." + ("" if when else unknown),
            "datetime": _written(when or made),
            "created": _written(made),
            **_projection(grid),
        },
        "links": [],
        "assets": assets,
    }
    return item if bbox is None else item | {"bbox": bbox}


def _instant(text: str) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _written(when: datetime.datetime) -> str:
    return when.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _footprint(grid: Grid) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Return outline and bounding box in degrees; None without a coordinate system."""
    from rasterio.warp import transform

    if grid.crs is None:
        return None, None
    n, w, h = ALONG_AN_EDGE, grid.width, grid.height
    corners = [(0, 0), (0, h), (w, h), (w, 0), (0, 0)]
    along = [
        (x + (right - x) * k / n, y + (low - y) * k / n)
        for (x, y), (right, low) in pairwise(corners)
        for k in range(n)
    ]
    to = grid.transform
    xs = [to.a * x + to.b * y + to.c for x, y in [*along, corners[0]]]
    ys = [to.d * x + to.e * y + to.f for x, y in [*along, corners[0]]]
    lon, lat = transform(grid.crs, "EPSG:4326", xs, ys)
    ring = [[round(x, 7), round(y, 7)] for x, y in zip(lon, lat, strict=True)]
    west, south = (min(point[k] for point in ring) for k in (0, 1))
    east, north = (max(point[k] for point in ring) for k in (0, 1))
    return {"type": "Polygon", "coordinates": [ring]}, [west, south, east, north]


def _projection(grid: Grid) -> dict[str, Any]:
    """Return what the projection extension says."""
    said: dict[str, Any] = {
        "proj:shape": [grid.height, grid.width],
        "proj:transform": list(grid.transform)[:6],
    }
    if grid.crs is None:
        return said
    code = grid.crs.to_authority()
    if code is not None:
        return {"proj:code": ":".join(code)} | said
    return {"proj:wkt2": grid.crs.to_wkt(version="WKT2_2019")} | said


def _asset(path: Path, dataset: Any, title: str) -> dict[str, Any]:
    bands = []
    for number in range(1, dataset.count + 1):
        tags = dataset.tags(number)
        keys = ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV", "VALID_PERCENT")
        names = ("minimum", "maximum", "mean", "stddev", "valid_percent")
        told = {
            name: float(tags[f"STATISTICS_{key}"])
            for name, key in zip(names, keys, strict=True)
            if f"STATISTICS_{key}" in tags
        }
        band = {"name": dataset.descriptions[number - 1] or f"band {number}"}
        if dataset.scales[number - 1] != 1:
            band["raster:scale"] = dataset.scales[number - 1]
        bands.append(band | {"statistics": told})
    return {
        "href": f"./{path.name}",
        "type": COG,
        "title": title,
        "roles": ["data"],
        "data_type": dataset.dtypes[0],
        "nodata": int(dataset.nodata),
        "bands": bands,
    }


def _classes(class_names: Mapping[int, str], colors: Mapping[int, Color]) -> dict[str, Any]:
    return {
        "classification:classes": [
            {
                "value": code,
                "name": "".join(c if c.isalnum() or c in "-_" else "_" for c in name),
                "title": name,
                "color_hint": "".join(f"{part:02X}" for part in colors[code]),
            }
            for code, name in sorted(class_names.items())
        ]
    }
