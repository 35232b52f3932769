"""COGs written from windows: equal pixels, equal bytes, overviews, and what GDAL reads in them."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from rasterio.windows import Window

from bridges.maps import tiff
from bridges.maps.cog import Piece, Raster, encode, join
from bridges.maps.parts import PartFile
from bridges.maps.tiles import BLOCK, overview_shapes, tile_grid
from bridges.scene.raster import Grid

PLACE = Affine(30, 0, 500_000, 0, -30, 4_000_000)


def windows(height, width, rows, columns):
    return [
        Window(left, top, min(columns, width - left), min(rows, height - top))
        for top in range(0, height, rows)
        for left in range(0, width, columns)
    ]


def write(folder, pixels, rows, columns, raster=None, name="m.tif"):
    """Join a raster of windows that were kept in any order."""
    folder.mkdir(exist_ok=True)
    n_bands, height, width = pixels.shape
    raster = raster or Raster(str(pixels.dtype), 0, tuple(f"b{k}" for k in range(n_bands)))
    parts = PartFile(folder, "key")
    cut = windows(height, width, rows, columns)
    places = {}
    for i in reversed(range(len(cut))):
        about, content = encode(pixels[:, *cut[i].toslices()])
        places[i] = parts.add(i, {"rasters": [about]}, content)
    parts.close()
    pieces = [Piece.of(window, places[i], 0) for i, window in enumerate(cut)]
    grid = Grid(height, width, rasterio.CRS.from_epsg(32617), PLACE)
    join(folder / name, grid, raster, pieces)
    return folder / name


def made(height, width, n_bands=1, dtype=np.uint8, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 200 if dtype == np.uint8 else 1000, (n_bands, height, width), dtype)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 800),
    width=st.integers(1, 800),
    n_bands=st.integers(1, 2),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    rows=st.sampled_from([256, 512, 768]),
    columns=st.sampled_from([256, 512, 1280]),
)
def test_any_shape_in_any_windows(tmp_path, height, width, n_bands, dtype, rows, columns):
    pixels = made(height, width, n_bands, dtype)
    path = write(tmp_path / "a", pixels, rows, columns)
    again = write(tmp_path / "b", pixels, 2048, 2048)
    assert path.read_bytes() == again.read_bytes()
    shapes = overview_shapes(height, width)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert len(dataset.overviews(1)) == len(shapes)
    for k, shape in enumerate(shapes):
        step = 2 ** (k + 1)
        with rasterio.open(path, overview_level=k) as dataset:
            assert dataset.shape == shape
            np.testing.assert_array_equal(dataset.read(), pixels[:, ::step, ::step])


def test_what_is_told_about_it_comes_back(tmp_path):
    pixels = made(300, 600, 2)
    raster = Raster("uint8", 7, ("first", "second"), {"CLASS_1": "wäter"}, {}, scales=(0.5, 0.25))
    path = write(tmp_path, pixels, 256, 256, raster)
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("first", "second")
        assert dataset.tags()["CLASS_1"] == "wäter"
        assert dataset.nodata == 7
        assert dataset.scales == (0.5, 0.25)
        assert dataset.transform == PLACE
        assert dataset.crs.to_epsg() == 32617
        for band in (0, 1):
            known = pixels[band][pixels[band] != 7].astype(float)
            told = dataset.tags(band + 1)
            expected = [known.min(), known.max(), known.mean(), known.std()]
            names = ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV")
            found = [float(told[f"STATISTICS_{name}"]) for name in names]
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            percent = float(told["STATISTICS_VALID_PERCENT"])
            assert percent == pytest.approx(100 * known.size / pixels[band].size)


def test_a_raster_of_nodata_has_no_statistics_but_its_share(tmp_path):
    path = write(tmp_path, np.zeros((1, 10, 10), np.uint8), 256, 256)
    with rasterio.open(path) as dataset:
        told = [k for k in dataset.tags(1) if k.startswith("STATISTICS")]
        assert told == ["STATISTICS_VALID_PERCENT"]


def directories(data, big):
    """Return place, and first and last place of the tiles, of every directory."""
    number, size, entry = ("<u8", 8, 20) if big else ("<u4", 4, 12)
    counter = "<u8" if big else "<u2"
    found, place = [], int(np.frombuffer(data, number, 1, 8 if big else 4)[0])
    while place:
        n = int(np.frombuffer(data, counter, 1, place)[0])
        table = place + np.dtype(counter).itemsize
        for i in range(n):
            at = table + i * entry
            if int(np.frombuffer(data, "<u2", 1, at)[0]) == tiff.OFFSETS:
                count = int(np.frombuffer(data, number, 1, at + 4)[0])
                values = at + 4 + size
                if count > 1:
                    values = int(np.frombuffer(data, number, 1, values)[0])
                offsets = np.frombuffer(data, number, count, values)
        found.append((place, int(offsets[0]), int(offsets[-1])))
        place = int(np.frombuffer(data, number, 1, table + n * entry)[0])
    return found


@pytest.mark.parametrize("big", [False, True])
def test_directories_come_first_and_small_overviews_before_large_ones(tmp_path, monkeypatch, big):
    if big:
        monkeypatch.setattr(tiff, "LARGEST_CLASSIC", 0)
    pixels = made(1100, 900)
    path = write(tmp_path, pixels, 512, 512)
    data = path.read_bytes()
    assert data[:4] == (b"II+\0" if big else b"II*\0")
    found = directories(data, big)
    assert len(found) == 1 + len(overview_shapes(1100, 900)) == 4
    places = [place for place, _, _ in found]
    assert places == sorted(places)
    assert max(places) < min(first for _, first, _ in found)
    tiles = [each[1:] for each in found]
    assert [first for first, _ in tiles] == sorted((f for f, _ in tiles), reverse=True)
    for first, last in tiles:  # leaders and trailers
        for at in (first, last):
            size = int(np.frombuffer(data, "<u4", 1, at - 4)[0])
            assert data[at + size - 4 : at + size] == data[at + size : at + size + 4]
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(dataset.read(), pixels)


def test_shapes():
    assert tile_grid(1, BLOCK + 1) == (1, 2)
    assert overview_shapes(256, 256) == []
    assert overview_shapes(1, 1025) == [(1, 513), (1, 257), (1, 129)]
