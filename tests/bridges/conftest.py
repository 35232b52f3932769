"""Small rasters for the tests of the data modules."""

from __future__ import annotations

import json

import numpy as np
import pytest

PIXEL = 30.0
LEFT, TOP = 500_000.0, 4_000_000.0
CRS = "EPSG:32617"


@pytest.fixture
def make_raster(tmp_path):
    """Write an array of shape (h, w) or (bands, h, w) as a GeoTIFF and return its path."""

    def make(name, array, *, crs=CRS, nodata=None, shift=0.0, names=None, tags=None):
        import rasterio
        from rasterio.transform import Affine

        array = np.asarray(array)
        array = array[np.newaxis] if array.ndim == 2 else array
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=array.shape[0],
            height=array.shape[1],
            width=array.shape[2],
            dtype=array.dtype,
            crs=crs,
            nodata=nodata,
            transform=Affine(PIXEL, 0, LEFT + shift * PIXEL, 0, -PIXEL, TOP),
        ) as target:
            target.write(array)
            if names:
                target.descriptions = tuple(names)
            target.update_tags(**(tags or {}))
        return path

    return make


@pytest.fixture
def make_sidecar(tmp_path):
    """Write a scene.json."""

    def make(**content):
        path = tmp_path / "scene.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return make


@pytest.fixture
def image(make_raster):
    """A 12 × 10 image of 3 bands whose value tells band, row and column."""
    rows, cols = np.mgrid[:12, :10]
    stack = np.stack([1000 * (b + 1) + 10 * rows + cols for b in range(3)])
    return make_raster("image.tif", stack.astype(np.uint16), nodata=0, names=["B2", "B3", "B4"])
