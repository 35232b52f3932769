"""Scenes: what counts as a valid pixel, physical units, windows, Landsat products."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.errors import DataError
from bridges.scene import landsat
from bridges.scene.opening import open_scene
from bridges.scene.raster import Grid
from bridges.scene.scene import Scene, has_any_bit


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    rows=st.integers(1, 70),
    columns=st.none() | st.integers(1, 70),
)
def test_windows_cover_every_pixel_once(height, width, rows, columns):
    scene = Scene(None, Grid(height, width, None, None), ())
    seen = np.zeros((height, width), dtype=int)
    for window in scene.windows(rows, columns):
        assert window.height <= rows
        assert window.width <= (columns or width)
        seen[window.toslices()] += 1
    assert (seen == 1).all()


def test_windows_read_what_the_whole_holds(image):
    scene = open_scene(image)
    values, valid = scene.read()
    assert values.shape == (12, 10, 3)
    assert values.dtype == np.float64
    assert values[7, 4].tolist() == [1074, 2074, 3074]
    assert valid.all()
    for window in scene.windows(5, 4):
        part, ok = scene.read(window)
        np.testing.assert_array_equal(part, values[window.toslices()])
        assert ok.shape == part.shape[:2]


def test_a_pixel_is_masked_if_any_band_is_nodata(make_raster):
    stack = np.ones((2, 3, 3), dtype=np.uint8)
    stack[0, 0, 0] = stack[1, 1, 1] = 0
    _, valid = open_scene(make_raster("a.tif", stack, nodata=0)).read()
    assert np.argwhere(~valid).tolist() == [[0, 0], [1, 1]]
    _, valid = open_scene(make_raster("b.tif", stack)).read()
    assert valid.all()
    _, valid = open_scene(make_raster("b.tif", stack), nodata=1).read()
    assert not valid.any()


def test_nan_and_infinity_are_masked(make_raster):
    stack = np.ones((2, 3, 3), dtype=np.float32)
    stack[0, 0, 0], stack[1, 1, 1], stack[1, 2, 2] = np.nan, np.inf, -9999
    _, valid = open_scene(make_raster("a.tif", stack, nodata=-9999)).read()
    assert np.argwhere(~valid).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_nan_as_nodata(make_raster):
    stack = np.ones((1, 2, 2), dtype=np.float32)
    stack[0, 0, 0] = np.nan
    _, valid = open_scene(make_raster("a.tif", stack, nodata=float("nan"))).read()
    assert valid.tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize(
    ("name", "suffix", "hidden"),
    [
        ("mask.tif", "", [1, 2, 3, 4]),
        ("mask.tif", ":2,4", [2, 4]),
        ("x_QA_PIXEL.tif", "", [1, 2, 4]),
    ],
)
def test_masks(make_raster, image, name, suffix, hidden):
    quality = np.zeros((12, 10), dtype=np.uint16)
    quality[0, :5] = [0, 1, 2, 3, 4]
    if "QA" in name:
        quality[0, :5] = [21824, 22280, 23888, 30048, 1]
    path = make_raster(name, quality)
    _, valid = open_scene(image, mask=f"{path}{suffix}").read()
    assert np.flatnonzero(~valid.ravel()).tolist() == hidden


def test_mask_on_another_grid_is_refused(make_raster, image):
    with pytest.raises(DataError, match="3 × 3 pixels, the image has 12 × 10"):
        open_scene(image, mask=make_raster("mask.tif", np.ones((3, 3), dtype=np.uint8)))


def test_alpha_band_is_a_mask_and_no_feature(tmp_path):
    import rasterio
    from rasterio.enums import ColorInterp

    path = tmp_path / "rgba.tif"
    stack = np.full((4, 2, 2), 255, dtype=np.uint8)
    stack[3, 0, 1] = 0
    shape = {"height": 2, "width": 2, "count": 4, "dtype": "uint8", "crs": "EPSG:32617"}
    transform = rasterio.Affine(1, 0, 5, 0, -1, 5)
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **shape) as target:
        target.colorinterp = [
            ColorInterp.red,
            ColorInterp.green,
            ColorInterp.blue,
            ColorInterp.alpha,
        ]
        target.write(stack)
    scene = open_scene(path)
    assert scene.n_bands == 3
    assert scene.read()[1].tolist() == [[True, False], [True, True]]


def test_image_without_coordinates(tmp_path):
    import warnings

    import rasterio

    path = tmp_path / "plain.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape = {"height": 2, "width": 2, "count": 1, "dtype": "uint8"}
        with rasterio.open(path, "w", driver="GTiff", **shape) as target:
            target.write(np.ones((1, 2, 2), dtype=np.uint8))
    scene = open_scene(path)
    assert scene.crs is None
    assert scene.read()[0].shape == (2, 2, 1)


def test_sidecar_gives_names_scale_and_nodata(make_raster, make_sidecar):
    path = make_raster("image.tif", np.array([[[2000, -9999]], [[4000, 10]]], dtype=np.int16))
    make_sidecar(
        image="image.tif",
        bands=[{"name": "B3", "common_name": "red"}, "B4"],
        classes={"2": "water", "1": "forest"},
        colors={"1": [1, 2, 3]},
        nodata=-9999,
        scale=0.0001,
        offset=-0.1,
        acquired="1999-11-18",
        licence="CC0",
    )
    scene = open_scene(path)
    assert scene.band_names == ["B3", "B4"]
    assert scene.class_names == {2: "water", 1: "forest"}
    assert scene.colors_for({1: "forest", 2: "water"}) == {1: (1, 2, 3)}
    assert scene.colors_for({1: "water", 2: "forest"}) == {}
    assert (scene.acquired, scene.licence) == ("1999-11-18", "CC0")
    values, valid = scene.read()
    np.testing.assert_allclose(values[0, 0], [0.1, 0.3])
    assert valid.tolist() == [[True, False]]
    assert open_scene(path, bands=["red"]).band_names == ["B3"]


def test_sidecar_about_another_image_is_not_applied_to_this(make_raster, make_sidecar):
    path = make_raster("thermal.tif", np.full((1, 2, 2), 7, dtype=np.uint8))
    make_sidecar(image="image.tif", bands=["B1", "B2"], scale=0.5, classes={"1": "water"})
    scene = open_scene(path)
    assert scene.band_names == ["band 1"]
    assert scene.read()[0].max() == 7
    assert scene.class_names == {1: "water"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "Cannot use .*scene.json"),
        ('{"classes": {"a": "b"}}', "Cannot use .*scene.json"),
        ('{"bands": ["B1"]}', "names 1 bands, .* has 3"),
    ],
)
def test_broken_sidecar(image, content, match):
    (image.parent / "scene.json").write_text(content)
    with pytest.raises(DataError, match=match):
        open_scene(image)


def test_bands_by_name_and_number(image):
    assert open_scene(image, bands=["b4", "1"]).band_names == ["B4", "B2"]
    assert open_scene(image, bands=[2]).read()[0][0, 0].tolist() == [2000]
    with pytest.raises(DataError, match="has no band 'B9'") as caught:
        open_scene(image, bands=["B9"])
    assert "B2, B3, B4" in caught.value.hint


def test_missing_and_unreadable_images(tmp_path, image):
    with pytest.raises(DataError, match="There is no file") as caught:
        open_scene(tmp_path / "imag.tif")
    assert "image.tif" in caught.value.hint
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(DataError, match=r"Cannot read the raster .*not recognized"):
        open_scene(tmp_path / "text.tif")
    damaged = tmp_path / "damaged.tif"
    content = image.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="Cannot read the raster"):
        open_scene(damaged).read()
    with pytest.raises(DataError, match="no Landsat Collection 2 surface reflectance") as caught:
        open_scene(tmp_path)
    assert f"for example {damaged}" in caught.value.hint


def test_scene_survives_pickling(image):
    scene = open_scene(image)
    again = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(again.read()[0], scene.read()[0])
    assert again.crs == scene.crs


@pytest.fixture
def product(tmp_path, make_raster):
    """A Collection 2 folder of a Landsat 7 scene, 2 × 3 pixels."""
    name = "product/LE07_L2SP_017035_20000328_20200918_02_T1"
    for band in (1, 2, 3, 4, 5, 7):
        stored = np.full((2, 3), 7273 + 1000 * band, dtype=np.uint16)
        stored[0, 0] = 0
        make_raster(f"{name}_SR_B{band}.TIF", stored, nodata=0)
    make_raster(f"{name}_ST_B6.TIF", np.full((2, 3), 44000, dtype=np.uint16), nodata=0)
    quality = np.array([[1, 5440, 5896], [5442, 7440, 13600]], dtype=np.uint16)
    make_raster(f"{name}_QA_PIXEL.TIF", quality)
    (tmp_path / f"{name}_MTL.txt").write_text("    DATE_ACQUIRED = 2000-03-28\n")
    return tmp_path / "product"


def test_landsat_product(product):
    scene = open_scene(product)
    assert scene.band_names == ["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7"]
    assert scene.acquired == "2000-03-28"
    values, valid = scene.read()
    np.testing.assert_allclose(
        values[1, 2], [0.0275 * b + 2.75e-5 * 7273 - 0.2 for b in (1, 2, 3, 4, 5, 7)]
    )
    # fill, clear, cloud; dilated cloud, shadow, snow
    assert valid.tolist() == [[False, True, False], [False, False, True]]


def test_landsat_bands_by_common_name_and_temperature(product):
    scene = open_scene(next(product.glob("*_MTL.txt")), bands=["nir08", "ST_B6"])
    assert scene.band_names == ["SR_B4", "ST_B6"]
    np.testing.assert_allclose(scene.read()[0][1, 2, 1], 44000 * 0.00341802 + 149)


def test_landsat_product_in_its_archive(product, tmp_path):
    import tarfile

    archive = tmp_path / "LE07_L2SP.tar"
    with tarfile.open(archive, "w") as tar:
        for file in product.iterdir():
            tar.add(file, arcname=file.name)
    packed, unpacked = open_scene(archive), open_scene(product)
    assert packed.acquired == "2000-03-28"
    assert packed.band_names == unpacked.band_names
    for a, b in zip(packed.read(), unpacked.read(), strict=True):
        np.testing.assert_array_equal(a, b)
    archive.write_bytes(b"no archive")
    with pytest.raises(DataError, match="Cannot read the archive"):
        open_scene(archive)


def test_two_products_in_a_folder_are_refused(product, make_raster):
    make_raster("product/LC08_x_SR_B1.TIF", np.ones((2, 3), dtype=np.uint16))
    with pytest.raises(DataError, match="holds 2 products"):
        open_scene(product)


def test_quality_bits_are_those_of_the_product_guide():
    # Values and meanings from the guide's table of common QA_PIXEL values.
    meanings = {1: True, 21824: False, 21952: False, 22080: False, 22280: True, 23888: True}
    meanings |= {24088: True, 30048: False, 54596: True, 55052: True}
    values = np.array(list(meanings), dtype=np.uint16)
    assert has_any_bit(values, landsat.QA_BITS.values()).tolist() == list(meanings.values())


def test_real_collection_2_folder(shared_data):
    folder = shared_data("collection2/LC08_L2SP_008059_20191201_20200825_02_T1")
    scene = open_scene(folder)
    assert scene.band_names == [f"SR_B{i}" for i in range(1, 8)]
    assert scene.acquired == "2019-12-01"
    values, valid = scene.read()
    assert 0.2 < valid.mean() < 0.3
    assert values[valid].min() > -0.05
    assert values[valid].max() < 1
    assert 0.3 < values[valid][:, 4].mean() < 0.45


def test_real_scene_with_clouds(shared_data):
    folder = shared_data("scenes/chiapas_l7_2002")
    scene = open_scene(folder / "image.tif", mask=f"{folder / 'fmask.tif'}:2,4,255")
    values, valid = scene.read()
    assert valid.mean() == pytest.approx(0.731136)
    assert values[valid].mean() == pytest.approx(0.14, abs=0.05)
