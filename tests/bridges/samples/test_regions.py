"""Regions from rasters, fields of vector labels and columns of tables."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import DataError, UsageError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.tables import load_table
from bridges.scene.opening import open_scene


@pytest.fixture
def labels(make_raster):
    codes = np.zeros((12, 10), np.uint8)
    codes[1:5, 1:9], codes[7:11, 1:9] = 1, 2
    return make_raster("labels.tif", codes)


def test_from_a_raster(image, labels, make_raster) -> None:
    numbers = np.zeros((12, 10), np.uint8)
    numbers[:, :5], numbers[:, 5:8] = 3, 7
    data = labelled_pixels(
        open_scene(image), labels, regions=make_raster("regions.tif", numbers, nodata=0)
    )
    assert np.array_equal(data.regions, numbers[data.rows, data.cols])
    beside = make_raster("beside.tif", numbers, shift=4)
    with pytest.raises(DataError, match="beside the image"):
        labelled_pixels(open_scene(image), labels, regions=beside)


def test_from_a_field(image, tmp_path) -> None:
    import pyogrio.raw
    import shapely

    left, top, edge = 500_000, 4_000_000, 30
    boxes = [
        shapely.box(left + c * edge, top - (r + 3) * edge, left + (c + 3) * edge, top - r * edge)
        for r, c in ((1, 1), (1, 6), (6, 1), (6, 6))
    ]
    path = tmp_path / "fields.gpkg"
    columns = {
        "class": np.array(["a", "b", "a", "b"], dtype=object),
        "region": np.array(["north", "north", "south", None], dtype=object),
    }
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(boxes),
        field_data=list(columns.values()),
        fields=list(columns),
        geometry_type="Polygon",
        crs="EPSG:32617",
        driver="GPKG",
    )
    data = labelled_pixels(open_scene(image), path, label_field="class", regions="region")
    regions = dict(zip(data.groups.tolist(), data.regions.tolist(), strict=True))
    assert regions[1] == regions[2] != regions[3]
    assert regions[4] == 0
    with pytest.raises(DataError, match="no field 'zone'"):
        labelled_pixels(open_scene(image), path, label_field="class", regions="zone")


def test_from_a_column(tmp_path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i / 7},{i % 2},{'east' if i < 6 else 'west'}" for i in range(12)]
    path.write_text("\n".join(["a,label,part", *rows]))
    data = load_table(path, regions="part")
    assert data.regions.tolist() == [1] * 6 + [2] * 6
    assert data.feature_names == ["a"]
    with pytest.raises(DataError, match="no column 'zone'"):
        load_table(path, regions="zone")


def test_from_an_array(tmp_path) -> None:
    path = tmp_path / "t.npz"
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    np.savez(path, X=X, y=y, part=np.repeat(["e", "w"], 6))
    assert load_table(path, regions="part").regions.tolist() == [1] * 6 + [2] * 6
    with pytest.raises(DataError, match="no array 'zone'"):
        load_table(path, regions="zone")
    svm = tmp_path / "t.libsvm"
    svm.write_text("1 1:0.5 2:1\n2 1:0.7 2:2\n")
    with pytest.raises(UsageError):
        load_table(svm, regions="part")
