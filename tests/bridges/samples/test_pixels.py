"""Labelled pixels from rasters and vector files."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from bridges.errors import DataError, UsageError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.reading import LabelReading
from bridges.scene.opening import open_scene

LEFT, TOP, PIXEL = 500_000.0, 4_000_000.0, 30.0  # as in conftest.make_raster


@pytest.fixture
def codes():
    """Class codes on the grid of ``image``: 1 above, 2 below, 3 in a corner."""
    array = np.zeros((12, 10), dtype=np.uint8)
    array[1:4, 1:5] = 1
    array[8:11, 2:6] = 2
    array[11, 9] = 3
    return array


def polygon(top, left, bottom, right):
    """Return the outline of pixels top … bottom - 1, left … right - 1 in image coordinates."""
    x0, x1 = LEFT + left * PIXEL, LEFT + right * PIXEL
    y0, y1 = TOP - top * PIXEL, TOP - bottom * PIXEL
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]


@pytest.fixture
def make_vector(tmp_path):
    """Write features (rings or points with properties) as GeoJSON in a given system."""

    def make(features, *, crs="EPSG:32617", name="polygons.geojson"):
        from rasterio import warp

        def geometry(shape):
            if shape is None:
                return None
            flat = [shape] if isinstance(shape[0], float) else shape
            moved = warp.transform("EPSG:32617", crs, *zip(*flat, strict=True))
            points = [list(p) for p in zip(*moved, strict=True)]
            if isinstance(shape[0], float):
                return {"type": "Point", "coordinates": points[0]}
            return {"type": "Polygon", "coordinates": [points]}

        content = {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": crs}},
            "features": [
                {"type": "Feature", "properties": properties, "geometry": geometry(shape)}
                for shape, properties in features
            ],
        }
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return make


def places(data):
    return set(zip(data.rows.tolist(), data.cols.tolist(), data.y.tolist(), strict=True))


def expected_places(codes, keep):
    return {(r, c, int(codes[r, c])) for r, c in np.argwhere(codes) if codes[r, c] in keep}


def test_values_positions_and_names(image, codes, make_raster, make_sidecar):
    make_sidecar(classes={"1": "forest", "2": "water", "3": "urban"})
    data = labelled_pixels(open_scene(image), make_raster("labels.tif", codes, nodata=0))
    assert places(data) == expected_places(codes, {1, 2, 3})
    np.testing.assert_array_equal(data.X[:, 1], 2000 + 10 * data.rows + data.cols)
    assert data.y.dtype == np.int64
    assert data.feature_names == ["B2", "B3", "B4"]
    assert data.class_names == {1: "forest", 2: "water", 3: "urban"}
    assert data.counts() == {1: 12, 2: 12, 3: 1}
    assert data.groups is None
    assert data.n_masked == 0


@pytest.mark.parametrize("wanted", [["1", "2"], [2, 1], ["forest", "WATER"], ["forest", 2]])
def test_classes_by_code_and_by_name(image, codes, make_raster, make_sidecar, wanted):
    make_sidecar(classes={"1": "forest", "2": "water", "3": "urban"})
    labels = make_raster("labels.tif", codes)
    data = labelled_pixels(open_scene(image), labels, classes=wanted)
    assert data.class_names == {1: "forest", 2: "water"}
    assert places(data) == expected_places(codes, {1, 2})


def test_names_in_the_label_rasters_own_tags(image, codes, make_raster):
    labels = make_raster("labels.tif", codes, tags={"CLASS_1": "forest", "CLASS_2": "water"})
    data = labelled_pixels(open_scene(image), labels)
    assert data.class_names == {1: "forest", 2: "water", 3: "class 3"}


def test_stated_nodata_makes_zero_a_class(image, codes, make_raster):
    labels = make_raster("labels.tif", codes, nodata=3)
    data = labelled_pixels(open_scene(image), labels)
    assert data.counts() == {0: 95, 1: 12, 2: 12}
    labels = make_raster("plain.tif", codes)
    assert set(labelled_pixels(open_scene(image), labels).class_names) == {1, 2, 3}


def test_float_labels(image, codes, make_raster):
    floats = np.where(codes == 0, np.nan, codes).astype(np.float32)
    data = labelled_pixels(open_scene(image), make_raster("labels.tif", floats))
    assert data.counts() == {1: 12, 2: 12, 3: 1}
    with pytest.raises(DataError, match="holds fractions"):
        labelled_pixels(open_scene(image), make_raster("half.tif", floats + 0.5))


def test_masked_pixels_are_dropped_and_counted(codes, make_raster):
    stack = np.ones((2, 12, 10), dtype=np.float32)
    stack[0, 1, 1:3] = np.nan
    stack[1, 8, 2] = -1
    scene = open_scene(make_raster("image.tif", stack, nodata=-1))
    data = labelled_pixels(scene, make_raster("labels.tif", codes))
    assert data.n_masked == 3
    assert data.counts() == {1: 10, 2: 11, 3: 1}
    assert np.isfinite(data.X).all()


def test_a_class_that_is_masked_altogether(codes, make_raster):
    stack = np.ones((1, 12, 10), dtype=np.uint8)
    stack[0, 11, 9] = 0
    scene = open_scene(make_raster("image.tif", stack, nodata=0))
    labels = make_raster("labels.tif", codes)
    with pytest.raises(
        DataError, match=r"'class 3' \(3\) .* would vanish: all its pixels"
    ) as caught:
        labelled_pixels(scene, labels)
    assert "--allow-missing-classes, or --classes 1,2" in caught.value.hint
    data = labelled_pixels(scene, labels, reading=LabelReading(allow_missing=True))
    assert set(data.class_names) == {1, 2}
    assert "all its pixels are masked" in data.notes[0]
    with pytest.raises(DataError, match="All 1 labelled pixels of class 'class 3'"):
        labelled_pixels(scene, labels, classes=[1, 3])


def test_labels_of_another_grid_are_refused_with_a_command(image, codes, make_raster):
    scene = open_scene(image)
    cases = {
        "in EPSG:32618, the image in EPSG:32617": make_raster("a.tif", codes, crs="EPSG:32618"),
        "11 × 10 pixels, the image has 12 × 10": make_raster("b.tif", codes[1:]),
        "lies 0.5 pixels beside the image": make_raster("c.tif", codes, shift=0.5),
    }
    for message, path in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            labelled_pixels(scene, path)
        assert f"rio warp {path} on_image.tif --like {image}" in caught.value.hint
    data = labelled_pixels(scene, make_raster("d.tif", codes, crs=None))
    assert len(data.y) == 25


def test_unusable_label_rasters(image, codes, make_raster):
    scene = open_scene(image)
    labels = make_raster("labels.tif", codes)
    with pytest.raises(DataError, match="has 2 bands"):
        labelled_pixels(scene, make_raster("two.tif", np.stack([codes, codes])))
    with pytest.raises(DataError, match="class code 210000"):
        labelled_pixels(scene, make_raster("big.tif", codes.astype(np.int32) * 70000))
    with pytest.raises(DataError, match="gives one only: 'class 1'"):
        labelled_pixels(scene, labels, classes=["1"])
    with pytest.raises(DataError, match="gives one only"):
        labelled_pixels(scene, make_raster("one.tif", (codes > 0).astype(np.uint8)))
    with pytest.raises(DataError, match="no labelled pixel in"):
        labelled_pixels(scene, make_raster("none.tif", np.zeros_like(codes)))
    with pytest.raises(UsageError, match="--label-field id is for vector files"):
        labelled_pixels(scene, labels, label_field="id")


def test_unknown_and_empty_classes(image, codes, make_raster, make_sidecar):
    make_sidecar(classes={"1": "forest", "2": "water", "7": "sediment", "8": "water2"})
    scene, labels = open_scene(image), make_raster("labels.tif", codes)
    with pytest.raises(DataError, match="no class 'watr'") as caught:
        labelled_pixels(scene, labels, classes=["forest", "watr"])
    assert "Did you mean 'water'?" in caught.value.hint
    with pytest.raises(DataError, match="no labelled pixel of class 'sediment'") as caught:
        labelled_pixels(scene, labels, classes=["forest", "sediment"])
    assert "'forest' (1), 'water' (2), 'class 3' (3)" in caught.value.hint
    with pytest.raises(DataError, match="no class '9'"):
        labelled_pixels(scene, labels, classes=["1", "9"])


def test_groups_raster_and_edges_outside_of_it(image, codes, make_raster):
    groups = np.zeros((12, 10), dtype=np.uint8)
    groups[2:4, 1:5], groups[8:11, 3:6] = 4, 9
    labels = make_raster("labels.tif", codes)
    path = make_raster("groups.tif", groups, nodata=0)
    data = labelled_pixels(open_scene(image), labels, groups_path=path)
    by_class = {c: set(data.groups[data.y == c].tolist()) for c in (1, 2, 3)}
    assert by_class == {1: {4}, 2: {9}, 3: {0}}
    assert data.notes[0].startswith("7 pixels at the edge")
    with pytest.raises(DataError, match="11 × 10"):
        labelled_pixels(open_scene(image), labels, groups_path=make_raster("g.tif", groups[1:]))


@pytest.mark.parametrize("crs", ["EPSG:32617", "EPSG:4326", "EPSG:3857"])
def test_polygons_in_any_coordinate_system(image, make_vector, crs):
    features = [
        (polygon(1, 1, 4, 5), {"class": "water"}),
        (polygon(8, 2, 11, 6), {"class": "forest"}),
        (None, {"class": "forest"}),
        (polygon(5, 5, 6, 6), {"class": None}),
    ]
    path = make_vector(features, crs=crs)
    data = labelled_pixels(open_scene(image), path, label_field="class")
    expected = {(r, c, 2) for r in range(1, 4) for c in range(1, 5)}
    expected |= {(r, c, 1) for r in range(8, 11) for c in range(2, 6)}
    assert places(data) == expected
    assert data.class_names == {1: "forest", 2: "water"}
    assert set(zip(data.y.tolist(), data.groups.tolist(), strict=True)) == {(2, 1), (1, 2)}
    assert data.notes == (f"2 features of {path} without a class or geometry are left out.",)


def test_points_and_codes_from_a_number_field(image, make_vector, make_sidecar):
    make_sidecar(classes={"3": "water", "5": "forest"})
    features = [
        ((LEFT + 45.0, TOP - 45.0), {"id": 3}),
        ((LEFT + 50.0, TOP - 50.0), {"id": 3}),
        ((LEFT + 105.0, TOP - 45.0), {"id": 5}),
        ((LEFT - 105.0, TOP - 45.0), {"id": 5}),
    ]
    data = labelled_pixels(open_scene(image), make_vector(features), label_field="id")
    assert places(data) == {(1, 1, 3), (1, 3, 5)}
    assert data.class_names == {3: "water", 5: "forest"}


def test_pixels_that_two_classes_claim_are_left_out(image, make_vector):
    features = [
        (polygon(0, 0, 4, 4), {"id": 1}),
        (polygon(2, 2, 6, 6), {"id": 2}),
        (polygon(3, 0, 5, 1), {"id": 1}),
    ]
    data = labelled_pixels(open_scene(image), make_vector(features), label_field="id")
    assert data.counts() == {1: 16 - 4 + 1, 2: 16 - 4}
    assert not {(r, c) for r, c, _ in places(data)} & {(2, 2), (2, 3), (3, 2), (3, 3)}


def test_names_of_the_scene_keep_their_codes(image, make_vector, make_sidecar):
    make_sidecar(classes={"6": "water", "4": "forest", "1": "urban"})
    features = [(polygon(0, 0, 2, 2), {"c": "water"}), (polygon(4, 4, 6, 6), {"c": "forest"})]
    data = labelled_pixels(open_scene(image), make_vector(features), label_field="c")
    assert data.class_names == {4: "forest", 6: "water"}


def test_vector_windows_join_seamlessly(make_raster, make_vector, monkeypatch):
    scene = open_scene(make_raster("image.tif", np.ones((40, 30), dtype=np.uint8)))
    path = make_vector([(polygon(3, 2, 33, 28), {"id": 1}), (polygon(35, 2, 39, 28), {"id": 2})])
    whole = labelled_pixels(scene, path, label_field="id")
    windows = type(scene).windows
    monkeypatch.setattr(type(scene), "windows", lambda self: windows(self, 7, 11))
    assert places(labelled_pixels(scene, path, label_field="id")) == places(whole)


def test_missing_and_wrong_fields(image, make_vector):
    path = make_vector([(polygon(0, 0, 2, 2), {"id": 1.5, "class": "water"})])
    scene = open_scene(image)
    with pytest.raises(DataError, match="Which field of") as caught:
        labelled_pixels(scene, path)
    assert "--label-field; the fields are: id, class" in caught.value.hint
    with pytest.raises(DataError, match="has no field 'klass'") as caught:
        labelled_pixels(scene, path, label_field="klass")
    assert "id, class" in caught.value.hint
    with pytest.raises(DataError, match="no class codes"):
        labelled_pixels(scene, path, label_field="id")


def test_unusable_vector_files(image, make_vector, tmp_path, make_raster):
    scene = open_scene(image)
    far = make_vector([((LEFT - 9e4, TOP - 45.0), {"id": 5})], name="far.geojson")
    with pytest.raises(DataError, match=r"None of the 1 features of .* lies on the image"):
        labelled_pixels(scene, far, label_field="id")
    (tmp_path / "broken.gpkg").write_text("no database")
    with pytest.raises(DataError, match="Cannot read the vector file"):
        labelled_pixels(scene, tmp_path / "broken.gpkg", label_field="id")
    with pytest.raises(DataError, match="There is no file"):
        labelled_pixels(scene, tmp_path / "none.gpkg", label_field="id")
    nowhere = open_scene(make_raster("nowhere.tif", np.ones((3, 3), dtype=np.uint8), crs=None))
    with pytest.raises(DataError, match="the image has no coordinate system"):
        labelled_pixels(nowhere, far, label_field="id")


def test_layers_of_a_geopackage(image, make_vector, tmp_path):
    import pyogrio.raw

    first = make_vector([(polygon(0, 0, 2, 2), {"id": 1}), (polygon(4, 4, 6, 6), {"id": 2})])
    meta, _, shapes, columns = pyogrio.raw.read(first)
    path = tmp_path / "labels.gpkg"
    for layer in ("a", "b"):
        pyogrio.raw.write(
            path, shapes, columns, meta["fields"], layer=layer, geometry_type="Polygon",
            crs=meta["crs"], append=path.exists(),
        )  # fmt: skip
    scene = open_scene(image)
    with pytest.raises(DataError, match="2 layers with geometry: a, b") as caught:
        labelled_pixels(scene, path, label_field="id")
    assert f"{path}|layername=a" in caught.value.hint
    data = labelled_pixels(scene, f"{path}|layername=b", label_field="id")
    assert data.counts() == {1: 4, 2: 4}
    with pytest.raises(DataError, match="Cannot read the vector file"):
        labelled_pixels(scene, f"{path}|layername=c", label_field="id")


def test_without_the_vector_extra(image, make_vector, monkeypatch):
    path = make_vector([(polygon(0, 0, 2, 2), {"id": 1})])
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(DataError, match="needs the package 'pyogrio'") as caught:
        labelled_pixels(open_scene(image), path, label_field="id")
    assert "pip install pyogrio shapely" in caught.value.hint


def test_raleigh_polygons_are_reprojected_onto_their_pixels(shared_data):
    folder = shared_data("scenes/nc_raleigh_l7_2000")
    scene = open_scene(folder / "image.tif")
    raster = labelled_pixels(scene, folder / "labels.tif", groups_path=folder / "polygon_id.tif")
    assert len(raster.y) == 2872
    assert raster.class_names[7] == "sediment"
    assert (raster.groups > 0).all()
    vector = labelled_pixels(scene, folder / "training_polygons.gpkg", label_field="label")
    assert vector.class_names == raster.class_names
    assert 2200 < len(vector.y) < 2300
    assert places(vector) <= places(raster)
    pixels = zip(raster.rows, raster.cols, raster.groups, strict=True)
    assert set(zip(vector.rows, vector.cols, vector.groups, strict=True)) <= set(pixels)


def test_raleigh_points(shared_data):
    folder = shared_data("scenes/nc_raleigh_l7_2000")
    data = labelled_pixels(
        open_scene(folder / "image.tif"),
        folder / "training_points.gpkg",
        label_field="id",
        classes=["developed", "3"],
    )
    assert data.class_names == {1: "developed", 3: "herbaceous"}
    assert len(data.y) > 300


@pytest.mark.parametrize(("field", "raster"), [("id", "labels"), ("class", "labels_by_name")])
def test_chiapas_fields_that_contradict_each_other(shared_data, field, raster):
    folder = shared_data("scenes/chiapas_l7_1999")
    scene = open_scene(folder / "image.tif")
    vector = labelled_pixels(scene, folder / "training_polygons.geojson", label_field=field)
    assert places(vector) == places(labelled_pixels(scene, folder / f"{raster}.tif"))
