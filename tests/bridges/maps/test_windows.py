"""Windows that cover a scene once, begin at tiles, and suit the image; and the estimate."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridges.maps.labelling import labelling_for
from bridges.maps.tiles import BLOCK
from bridges.maps.windows import FEWEST, cut_windows, estimate
from bridges.reference import ReferenceSVC
from bridges.scene.opening import open_scene


def empty(path, height, width, **profile):
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=2, dtype="uint8",
        crs="EPSG:32617", transform=rasterio.Affine(30, 0, 5e5, 0, -30, 4e6), SPARSE_OK=True,
        **profile,
    ):  # fmt: skip
        pass
    return open_scene(path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    block=st.sampled_from([None, 128, 256, 512, 1024]),
)
def test_every_pixel_once(tmp_path, height, width, block):
    tiled = {} if block is None else {"tiled": True, "blockxsize": block, "blockysize": block}
    scene = empty(tmp_path / "i.tif", height, width, **tiled)
    cut = cut_windows(scene, 512, 2048)
    seen = np.zeros((-(-height // BLOCK), -(-width // BLOCK)), dtype=int)
    for window in cut:
        assert window.row_off % BLOCK == window.col_off % BLOCK == 0
        assert window.height * window.width <= max(512 * 2048, BLOCK * width)
        (top, bottom), (left, right) = window.toranges()
        seen[top // BLOCK : -(-bottom // BLOCK), left // BLOCK : -(-right // BLOCK)] += 1
    assert np.all(seen == 1)
    assert sum(w.height * w.width for w in cut) == height * width
    if block in (128, 256):
        assert len(cut) >= min(FEWEST, seen.size)


def test_windows_of_an_image_in_strips_are_as_wide_as_it_is(tmp_path):
    cut = cut_windows(empty(tmp_path / "i.tif", 5000, 3000), 512, 2048)
    assert {window.width for window in cut} == {3000}
    wide = cut_windows(empty(tmp_path / "w.tif", 600, 30_000), 512, 2048)
    assert max(window.width for window in wide) <= 2048


def test_windows_of_an_image_in_large_tiles_keep_them_whole(tmp_path):
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512}
    cut = cut_windows(empty(tmp_path / "i.tif", 5000, 5000, **tiles), 512, 2048)
    assert all(w.col_off % 512 == w.row_off % 512 == 0 for w in cut)


@pytest.mark.parametrize("values", [2, 250])
def test_the_estimate_tells_size_and_equal_pixels(make_raster, values):
    random = np.random.default_rng(0)
    stack = random.integers(0, values, (3, 300, 300)).astype(np.uint8)
    scene = open_scene(make_raster("image.tif", stack))
    X = random.integers(0, values, (200, 3)).astype(float)
    y = 1 + (X.sum(axis=1) > X.sum(axis=1).mean())
    model = ReferenceSVC().fit(X, y)
    labelling = labelling_for(model, scene, [1, 2], "uint8", 0)
    windows = cut_windows(scene, 256, 256)
    told = estimate(scene, labelling, windows, 1)
    assert told.n_pixels == 90_000
    assert told.n_windows == len(windows) == 4
    assert told.seconds > 0
    assert (told.equal > 0.9) == (values == 2)
    assert "million pixels in 4 windows on 1 thread" in str(told)
    shared = estimate(scene, labelling, windows, 2, ranks=3, n_finished=3)
    assert shared.seconds < told.seconds
    assert "4 windows (3 of them done before) on 3 ranks of 2 threads" in str(shared)
    opaque = labelling_for(model.predict, scene, [1, 2], "uint8", 0)
    assert estimate(scene, opaque, windows, 2).seconds is None
    assert str(estimate(scene, opaque, windows, 2)).endswith("on 2 threads")
