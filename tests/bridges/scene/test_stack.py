"""Scenes as people have them: one file per band, containers of variables, archives."""

from __future__ import annotations

import tarfile
import zipfile

import numpy as np
import pytest
from scipy.io import netcdf_file

from bridges.errors import DataError
from bridges.samples.pixels import labelled_pixels
from bridges.scene.codes import open_codes
from bridges.scene.opening import open_scene

VALUES = (10, 20, 30, 40)


def write_bands(make_raster, pattern, numbers, *, shape=(4, 5), nodata=None):
    return [
        make_raster(pattern.format(n), np.full(shape, v, np.uint16), nodata=nodata)
        for n, v in zip(numbers, VALUES, strict=False)
    ]


L8, L7 = "LC08_L1TP_016035_20200101_20200823_02_T1", "LE07_L1TP_016035_20010101_20200917_02_T1"
L30, S30 = "HLS.L30.T17SPV.2020001T000000.v2.0", "HLS.S30.T17SPV.2020001T000000.v2.0"
VISIBLE = "blue green red nir08"
FOLDERS = [
    ("T17SPV_20230824T153621_B{}.tif", ("02", "03", "04", "08"), "MSI", "blue green red nir"),
    (f"{L8}_B{{}}.TIF", (2, 3, 4, 5), "OLI", VISIBLE),
    (f"{L7}_B{{}}.TIF", (1, 2, 3, 4), "ETM+", VISIBLE),
    (f"{L30}.B{{}}.tif", ("02", "03", "04", "05"), "OLI", VISIBLE),
    (f"{S30}.B{{}}.tif", ("02", "04", "8A", "11"), "MSI", "blue red nir08 swir16"),
    ("mine_B{}.tif", (1, 2, 10, 11), "", "   "),
]


@pytest.mark.parametrize(("pattern", "numbers", "sensor", "common"), FOLDERS)
def test_folders_of_one_file_per_band(make_raster, tmp_path, pattern, numbers, sensor, common):
    files = write_bands(make_raster, f"scene/{pattern}", numbers)
    (tmp_path / "scene" / "x_MTL.json").write_text("{}")
    names = [f"B{number}".upper() for number in numbers]
    packed = tmp_path / "scene.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    with tarfile.open(tmp_path / "scene.tar.gz", "w:gz") as archive:
        for file in files:
            archive.add(file, file.name)
    listed = ",".join(map(str, files))
    forms = [tmp_path / "scene", listed, packed, tmp_path / "scene.tar.gz"]
    for form in [*forms, tmp_path / "scene" / "x_MTL.json"]:
        scene = open_scene(form)
        assert scene.band_names == names
        assert [band.common_name for band in scene.bands] == common.split(" ")[:4]
        assert scene.sensor == sensor
        assert scene.read()[0][0, 0].tolist() == list(VALUES)
    assert open_scene(tmp_path / "scene", bands=[names[2]]).read()[0].max() == VALUES[2]
    listed = ",".join(map(str, reversed(files)))
    assert open_scene(listed).band_names == names[::-1]


def test_bands_on_several_grids(make_raster, tmp_path):
    name = "S2/GRANULE/L2A/IMG_DATA/R{1}m/T17SPV_20230824T153621_B{0}_{1}m.tif"
    (tmp_path / "S2" / "GRANULE" / "L2A" / "IMG_DATA").mkdir(parents=True)
    for number in ("02", "03", "04", "8A", "11"):
        make_raster(name.format(number, 20), np.full((4, 5), 7, np.uint16))
    for number in ("02", "03", "04", "08"):
        make_raster(name.format(number, 10), np.full((8, 10), 9, np.uint16))
    scene = open_scene(tmp_path / "S2")
    assert scene.band_names == ["B02", "B03", "B04", "B8A", "B11"]
    assert "2 grids" in scene.notes[0]
    assert "8 × 10 pixels (B02, B03, B04, B08)" in scene.notes[0]
    scene = open_scene(tmp_path / "S2", bands=["blue", "nir"])
    assert (scene.height, scene.band_names) == (8, ["B02", "B08"])
    with pytest.raises(DataError, match="not all that are wanted on one"):
        open_scene(tmp_path / "S2", bands=["B08", "B11"])


def test_masks_that_come_with_bands(make_raster, tmp_path):
    write_bands(make_raster, "h/HLS.L30.T1.2020001T0.v2.0.B{}.tif", ("02", "03"))
    quality = np.zeros((4, 5), np.uint8)
    quality[0] = [0, 1, 2, 8, 255]
    make_raster("h/HLS.L30.T1.2020001T0.v2.0.Fmask.tif", quality, nodata=255)
    assert open_scene(tmp_path / "h").read()[1][0].tolist() == [True, True, False, False, False]


def test_quality_of_landsat_level_1_hides_clouds(make_raster, tmp_path):
    write_bands(make_raster, f"l1/{L8}_B{{}}.TIF", (2, 3, 4, 5))
    quality = np.full((4, 5), 21824, np.uint16)
    quality[0] = [1, 22280, 23888, 21824, 21952]
    make_raster(f"l1/{L8}_QA_PIXEL.TIF", quality, nodata=1)
    scene = open_scene(tmp_path / "l1")
    assert scene.n_bands == 4
    assert {band.unit for band in scene.bands} == {"digital numbers of Level-1"}
    assert scene.read()[1][0].tolist() == [False, False, False, True, True]


def test_folders_that_are_no_scene(make_raster, tmp_path):
    write_bands(make_raster, "two/a_B{}.tif", (1, 2))
    write_bands(make_raster, "two/b_B{}.tif", (1, 2))
    with pytest.raises(DataError, match="bands of 2 scenes: a, b"):
        open_scene(tmp_path / "two")
    make_raster("one/whole.tif", np.ones((3, 4, 5), np.uint8))
    assert open_scene(tmp_path / "one").n_bands == 3
    with pytest.raises(DataError, match="There is no file"):
        open_scene(f"{tmp_path}/two/a_B1.tif,{tmp_path}/two/a_B9.tif")
    x, y = (make_raster(f"{n}.tif", np.ones((h, 5), np.uint8)) for n, h in (("x", 4), ("y", 5)))
    with pytest.raises(DataError, match="2 grids"):
        open_scene(f"{x},{y}", bands=["x", "y"])


@pytest.fixture
def cube(tmp_path):
    """Three variables on one grid, one on another, and one that is no image."""
    path = tmp_path / "cube.nc"
    with netcdf_file(path, "w") as file:
        for name, size, first, step in (
            ("y", 12, 3_999_985, -30), ("x", 10, 500_015, 30), ("v", 6, 0, 1), ("u", 5, 0, 1),
        ):  # fmt: skip
            file.createDimension(name, size)
            values = file.createVariable(name, "f8", (name,))
            values[:] = first + step * np.arange(size)
            values.standard_name, values.units = f"projection_{name}_coordinate", "m"
        for number, name in enumerate(("blue", "red", "swir1"), start=1):
            file.createVariable(name, "i2", ("y", "x"))[:] = np.full((12, 10), number, np.int16)
        file.createVariable("angle", "f4", ("v", "u"))[:] = np.ones((6, 5), np.float32)
    return path


def test_variables_of_a_container_are_the_bands(cube, make_raster):
    scene = open_scene(cube)
    assert scene.band_names == ["blue", "red", "swir1"]
    assert [band.common_name for band in scene.bands] == ["blue", "red", "swir16"]
    assert "The bands of" in scene.notes[0]
    assert "angle" in scene.notes[1]
    assert scene.read()[0][0, 0].tolist() == [1, 2, 3]
    codes = np.ones((12, 10), np.uint8)
    codes[6:] = 2
    assert len(labelled_pixels(scene, make_raster("l.tif", codes)).y) == 120
    assert open_scene(cube, bands=["angle"]).height == 6
    one = open_scene(f"NETCDF:{cube}:red")
    assert (one.n_bands, one.read()[0].max()) == (1, 2)
    assert open_scene(f"NETCDF:{cube}:red,NETCDF:{cube}:blue").n_bands == 2
    with pytest.raises(DataError, match=r"it holds 4 data sets: netcdf:.*:blue"):
        open_codes(cube)


def test_wavelengths_of_a_spectrometer(tmp_path):
    import rasterio

    path = tmp_path / "h.img"
    place = rasterio.Affine(30, 0, 500_000, 0, -30, 4_000_000)
    with rasterio.open(
        path, "w", driver="ENVI", height=2, width=3, count=3, dtype="int16", crs="EPSG:32617",
        transform=place,
    ) as file:  # fmt: skip
        file.write(np.ones((3, 2, 3), np.int16))
    header = path.with_suffix(".hdr")
    more = "wavelength units = Nanometers\nwavelength = {482.0, 655.0, 865.0}\n"
    header.write_text(header.read_text() + more)
    wavelengths = [band.wavelength_um for band in open_scene(path).bands]
    np.testing.assert_allclose(wavelengths, [0.482, 0.655, 0.865])


def test_an_empty_container(tmp_path):
    with netcdf_file(tmp_path / "e.nc", "w") as file:
        file.createDimension("n", 3)
    with pytest.raises(DataError, match=r"no bands|Cannot read"):
        open_scene(tmp_path / "e.nc")
