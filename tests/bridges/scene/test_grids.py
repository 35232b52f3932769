"""Placement: coordinate systems in other words, local ones, control points."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS

from bridges.errors import DataError
from bridges.maps.classify import predict_map
from bridges.samples.pixels import labelled_pixels
from bridges.scene.opening import open_scene
from bridges.scene.raster import Grid, opened

LOCAL = 'LOCAL_CS["site",UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
ESRI = CRS.from_epsg(32617).to_wkt(version="WKT1_ESRI")


@pytest.fixture
def codes():
    array = np.zeros((12, 10), dtype=np.uint8)
    array[1:4, 1:5], array[8:11, 2:6] = 1, 2
    return array


def points(crs, places=((45.0, -45.0), (75.0, -255.0))):
    return {
        "type": "FeatureCollection",
        **({"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}),
        "features": [
            {
                "type": "Feature",
                "properties": {"class": name},
                "geometry": {"type": "Point", "coordinates": [500_000 + x, 4_000_000 + y]},
            }
            for name, (x, y) in zip("ab", places, strict=True)
        ],
    }


@pytest.mark.parametrize(("crs", "said"), [(LOCAL, "local"), (ESRI, None)])
def test_label_rasters_on_the_same_pixels(image, make_raster, codes, crs, said):
    path = make_raster("labels.tif", codes, crs=crs)
    data = labelled_pixels(open_scene(image), path)
    assert data.counts() == {1: 12, 2: 12}
    assert (said is None and not data.notes) or said in data.notes[0]
    with pytest.raises(DataError, match="beside the image"):
        labelled_pixels(open_scene(image), make_raster("b.tif", codes, crs=crs, shift=2))


def test_the_same_places_in_another_datum_s_words(image, make_raster, codes):
    words = CRS.from_string("+proj=utm +zone=17 +ellps=GRS80 +units=m +no_defs")
    data = labelled_pixels(open_scene(image), make_raster("labels.tif", codes, crs=words))
    assert data.counts() == {1: 12, 2: 12}
    assert "other words for the same places" in data.notes[0]


def test_features_and_a_local_system(image, make_raster, tmp_path):
    local = open_scene(make_raster("local.tif", np.ones((3, 12, 10), np.uint8), crs=LOCAL))
    path = tmp_path / "p.geojson"
    path.write_text(json.dumps(points("urn:ogc:def:crs:EPSG::32617")))
    data = labelled_pixels(local, path, label_field="class")
    assert list(zip(data.rows.tolist(), data.cols.tolist(), strict=True)) == [(1, 1), (8, 2)]
    assert "local one" in data.notes[0]


@pytest.fixture
def placed(tmp_path):
    """An image that four control points place, turned by a quarter."""
    path = tmp_path / "gcp.tif"
    place = [
        GroundControlPoint(row, col, -81 + 0.001 * row, 36 + 0.001 * col)
        for row in (0, 12)
        for col in (0, 10)
    ]
    shape = {"height": 12, "width": 10, "count": 1, "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", **shape) as file:
            file.write(np.ones((1, 12, 10), np.uint8))
            file.gcps = (place, CRS.from_epsg(4326))
    return path


def test_control_points_place_features_and_stay_on_the_map(placed, tmp_path):
    content = points(None)
    for feature, (row, col) in zip(content["features"], ((2, 7), (11, 0)), strict=True):
        x, y = -81 + 0.001 * (row + 0.5), 36 + 0.001 * (col + 0.5)
        feature["geometry"]["coordinates"] = [x, y]
    path = tmp_path / "p.geojson"
    path.write_text(json.dumps(content))
    scene = open_scene(placed)
    data = labelled_pixels(scene, path, label_field="class")
    assert list(zip(data.rows.tolist(), data.cols.tolist(), strict=True)) == [(2, 7), (11, 0)]
    assert "4 ground control points" in data.notes[0]
    target = tmp_path / "map.tif"
    predict_map(lambda X: np.ones(len(X), int), scene, target, class_names={1: "a"})
    with opened(target) as dataset:
        assert Grid.of(dataset).control == scene.grid.control
        assert dataset.gcps[1] == CRS.from_epsg(4326)


def test_rational_polynomials_stay_on_the_map(image, tmp_path):
    from rasterio.rpc import RPC

    rpc = RPC(0, 1, 36, 1, [1.0] * 20, [0.5] * 20, 6, 6, -81, 1, [1.0] * 20, [0.5] * 20, 5, 5)
    path = tmp_path / "rpc.tif"
    shape = {"height": 12, "width": 10, "count": 1, "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", rpcs=rpc, **shape) as file:
            file.write(np.ones((1, 12, 10), np.uint8))
    target = tmp_path / "map.tif"
    predict_map(lambda X: np.ones(len(X), int), open_scene(path), target, class_names={1: "a"})
    with opened(target) as dataset:
        assert dataset.rpcs is not None
        assert dataset.rpcs.lat_off == 36
    features = tmp_path / "p.geojson"
    features.write_text(json.dumps(points(None)))
    with pytest.raises(DataError, match="no coordinate system") as caught:
        labelled_pixels(open_scene(path), features, label_field="class")
    assert "gdalwarp -rpc" in caught.value.hint


def test_pixels_without_extent_are_no_grid(image):
    flat = rasterio.Affine(0, 0, 500_000, 0, 0, 4_000_000)
    with opened(image) as dataset:
        grid = Grid.of(dataset)
    assert Grid(12, 10, grid.crs, flat).misplacement(grid) == np.inf
    assert grid.misplacement(Grid(12, 10, grid.crs, flat)) > 1
