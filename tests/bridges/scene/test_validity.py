"""One rule of what means nothing, for images, labels, masks, groups and maps."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from bridges.accuracy.class_map import open_map
from bridges.errors import DataError
from bridges.samples.pixels import labelled_pixels
from bridges.scene.codes import open_codes
from bridges.scene.opening import open_scene
from bridges.scene.validity import are_known, is_transparency

FILLS = {
    "float32": [-3.4028234663852886e38, 3.4028234663852886e38, np.nan, np.inf, -np.inf, -9999.0],
    "float64": [-1.7976931348623157e308, 1e20, -32768.0, np.nan],
    "int16": [-32768, -9999, -1, 255],
    "uint8": [255, 0],
}
CASES = [(dtype, fill) for dtype, fills in FILLS.items() for fill in fills]


@pytest.mark.parametrize(("dtype", "fill"), CASES)
def test_stated_nodata_is_nothing_in_every_kind_of_raster(make_raster, image, dtype, fill):
    codes = np.full((12, 10), fill, dtype=dtype)
    codes[2:5], codes[6:9] = 1, 2
    path = make_raster("codes.tif", codes, nodata=float(np.dtype(dtype).type(fill)))
    data = labelled_pixels(open_scene(image), path)
    assert data.counts() == {1: 30, 2: 30}
    data = labelled_pixels(open_scene(image), path, groups_path=path, regions=path)
    assert np.array_equal(data.groups, data.y)
    assert np.array_equal(data.regions, data.y)
    assert np.array_equal(open_map(path).read(None) > 0, np.isin(codes, [1, 2]))
    _, valid = open_scene(path).read()
    assert np.array_equal(valid, np.isin(codes, [1, 2]))
    _, valid = open_scene(image, mask=f"{path}:1").read()
    assert np.array_equal(valid, codes == 2)


@pytest.mark.parametrize("fill", [3.4e38, -3.4e38, np.nan, np.inf])
def test_fills_of_floats_need_not_be_stated(make_raster, image, fill):
    codes = np.full((12, 10), fill, dtype=np.float32)
    codes[:4], codes[8:] = 5, 7
    assert labelled_pixels(open_scene(image), make_raster("a.tif", codes)).counts() == {
        5: 40,
        7: 40,
    }


def test_a_nodata_value_written_with_fewer_digits_is_the_same():
    stored = np.array([-3.4028234663852886e20, 1.0, np.nan])
    assert are_known(stored, -3.40282346638529e20).tolist() == [False, True, False]
    assert are_known(np.array([255, 254], dtype=np.uint8), 255.4).all()


@given(
    st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"]),
    st.lists(st.integers(0, 100), min_size=1, max_size=20),
    st.integers(0, 100),
)
def test_whole_numbers_are_unknown_where_they_are_nodata(dtype, values, nodata):
    stored = np.array(values, dtype=dtype)
    assert are_known(stored, float(nodata)).tolist() == [v != nodata for v in values]


def test_masks_inside_label_and_mask_files(make_raster, image):
    codes = np.ones((12, 10), dtype=np.uint8)
    codes[6:] = 2
    path = make_raster("codes.tif", codes)
    hidden = np.zeros((12, 10), dtype=bool)
    hidden[3:8] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(~hidden)
    assert labelled_pixels(open_scene(image), path).counts() == {1: 30, 2: 40}
    assert (open_map(path).read(None)[hidden] == -1).all()
    _, valid = open_scene(image, mask=f"{path}:2").read()
    assert np.array_equal(valid, ~hidden & (codes == 1))


def four_bands(path, fourth):
    stack = np.stack([np.full(fourth.shape, v, dtype=fourth.dtype) for v in (10, 20, 30)])
    shape = {"count": 4, "height": fourth.shape[0], "width": fourth.shape[1]}
    place = rasterio.Affine(30, 0, 500_000, 0, -30, 4_000_000)
    with rasterio.open(
        path, "w", driver="GTiff", dtype=fourth.dtype, crs="EPSG:32617", transform=place, **shape
    ) as file:
        file.colorinterp = [
            ColorInterp.red,
            ColorInterp.green,
            ColorInterp.blue,
            ColorInterp.alpha,
        ]
        file.write(np.concatenate([stack, fourth[None]]))
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_near_infrared_flagged_alpha_is_a_band(tmp_path, dtype):
    fourth = np.arange(120, dtype=dtype).reshape(12, 10)  # zeros and all: water is dark there
    scene = open_scene(four_bands(tmp_path / "rgbn.tif", fourth))
    assert scene.n_bands == 4
    assert scene.read()[1].all()
    assert "Band 4" in scene.notes[0]
    assert "flagged alpha" in scene.notes[0]


@pytest.mark.parametrize("top", [255, 65535, 1])
def test_transparency_is_a_mask_unless_asked_for_as_a_band(tmp_path, top):
    fourth = np.zeros((12, 10), dtype=np.uint16)
    fourth[4:] = top
    path = four_bands(tmp_path / "rgba.tif", fourth)
    scene = open_scene(path)
    assert scene.n_bands == 3
    assert np.array_equal(scene.read()[1], fourth > 0)
    assert "transparency" in scene.notes[0]
    scene = open_scene(path, bands=[1, 2, 3, 4])
    assert scene.n_bands == 4
    assert scene.read()[1].all()
    assert scene.read()[0][..., 3].max() == top


def test_soft_edges_of_transparency():
    values = np.full(1000, 255, dtype=np.uint8)
    values[:300], values[300:310] = 0, 128
    assert is_transparency(values)
    assert not is_transparency(np.arange(256, dtype=np.uint8))


@pytest.mark.parametrize(
    ("listed", "hidden"),
    [("-1", [-1]), ("1-3", [1, 2, 3]), ("-3--1,5", [-3, -2, -1, 5]), ("2,4-5", [2, 4, 5])],
)
def test_values_of_a_mask(make_raster, image, listed, hidden):
    values = np.resize(np.arange(-3, 7), (12, 10)).astype(np.int16)
    _, valid = open_scene(image, mask=f"{make_raster('m.tif', values)}:{listed}").read()
    assert np.array_equal(valid, ~np.isin(values, hidden))


def test_masks_that_cannot_be_meant(make_raster, image):
    path = make_raster("m.tif", np.zeros((2, 12, 10), dtype=np.uint8))
    with pytest.raises(DataError, match="has 2 bands; a mask has one"):
        open_scene(image, mask=path)
    with pytest.raises(DataError, match="no range of values"):
        open_scene(image, mask=f"{make_raster('n.tif', np.zeros((12, 10), np.uint8))}:5-3")


def test_quality_without_information_hides(make_raster, image):
    quality = np.full((12, 10), 21824, dtype=np.float32)
    quality[0], quality[1] = np.nan, 22280
    _, valid = open_scene(image, mask=make_raster("x_QA_PIXEL.tif", quality)).read()
    assert valid.sum() == 100
    # drawn where clouds are, everything else nodata: that is no lack of information
    clouds = np.zeros((12, 10), dtype=np.uint8)
    clouds[0] = 1
    _, valid = open_scene(image, mask=make_raster("clouds.tif", clouds, nodata=0)).read()
    assert valid.sum() == 110


def test_numbers_that_cannot_be_classes(make_raster):
    values = np.array([[1.0, 1e20]])
    with pytest.raises(DataError, match=r"1e\+20, which is no number") as caught:
        open_codes(make_raster("a.tif", values)).read()
    assert "rio edit-info --nodata 1e+20" in caught.value.hint
    with pytest.raises(DataError, match=r"fractions.*for example 1\.5"):
        open_codes(make_raster("b.tif", np.array([[1.5, 2.0]]))).read()
