"""How a raster is stored never changes what is learnt from it or predicted on it."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bridges import make
from bridges.maps.classify import predict_map
from bridges.run.suitability import suited
from bridges.samples.pixels import labelled_pixels
from bridges.scene.matching import told_features
from bridges.scene.opening import every_band, open_scene

HEIGHT, WIDTH = 20, 17
NAMES = ["red", "nir08", "slope"]
FILLS = {
    "uint8": [0, 255, 254],
    "int16": [-32768, -9999, 0],
    "uint16": [0, 65535],
    "float32": [np.nan, -3.4028234663852886e38, -np.inf, -9999.0],
    "float64": [np.nan, 1e20, -1.7976931348623157e308],
}


@st.composite
def storages(draw):
    """Draw how values are stored: type, nodata, order of bands, tiles, orientation, mask."""
    dtype = draw(st.sampled_from(sorted(FILLS)))
    tiled = draw(st.booleans())
    tiles = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {"blockysize": 3}
    return {
        "dtype": dtype,
        "fill": draw(st.sampled_from([*FILLS[dtype], "mask"])),
        "order": draw(st.permutations(range(4))),
        "flips": (draw(st.booleans()), draw(st.booleans())),
        "layout": {**tiles, "interleave": draw(st.sampled_from(["band", "pixel"]))},
        "compress": draw(st.sampled_from(["none", "deflate", "lzw"])),
    }


def values():
    """Return whole numbers from 1 to 200, shape (3, h, w), of three classes in stripes."""
    rng = np.random.default_rng(3)
    means = np.array([[30, 40, 100], [50, 150, 90], [160, 170, 20]])[np.arange(WIDTH) * 3 // WIDTH]
    noise = rng.normal(0, 12, (HEIGHT, WIDTH, 3))
    return np.clip(np.rint(means[None] + noise), 1, 200).transpose(2, 0, 1)


def missing():
    hidden = np.zeros((HEIGHT, WIDTH), dtype=bool)
    hidden[3:6, 2:9] = hidden[-1, -1] = True
    return hidden


def placed(flips):
    """Return the transform of a raster whose rows or columns run the other way."""
    down, right = flips
    return Affine(
        -30 if right else 30,
        0,
        500_000 + (30 * WIDTH if right else 0),
        0,
        30 if down else -30,
        4_000_000 - (30 * HEIGHT if down else 0),
    )


def flipped(array, flips):
    array = array[..., ::-1, :] if flips[0] else array
    return array[..., ::-1] if flips[1] else array


def write(path, stack, hidden, storage, names):
    stack = stack.astype(storage["dtype"])
    nodata = None
    if storage["fill"] != "mask":
        nodata = storage["fill"]
        stack[:, hidden] = nodata
    stack, hidden = flipped(stack, storage["flips"]), flipped(hidden, storage["flips"])
    layout = storage["layout"] if len(stack) > 1 else {**storage["layout"], "interleave": "band"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", height=HEIGHT, width=WIDTH, count=len(stack),
            dtype=stack.dtype, nodata=nodata, crs="EPSG:32617", photometric="minisblack",
            transform=placed(storage["flips"]), compress=storage["compress"], **layout,
        ) as file,
    ):  # fmt: skip
        file.write(stack)
        file.descriptions = names
        if storage["fill"] == "mask":
            file.write_mask(~hidden)
    return path


PLAIN = {
    "dtype": "uint8", "fill": 0, "order": range(4), "flips": (False, False),
    "layout": {}, "compress": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model, what its file says, its map, and a folder for other forms of the image."""
    folder = tmp_path_factory.mktemp("same")
    image = write(folder / "plain.tif", values(), missing(), PLAIN, NAMES)
    codes = np.broadcast_to(np.arange(WIDTH) * 3 // WIDTH + 1, (HEIGHT, WIDTH))
    labels = write(folder / "labels.tif", codes[None], missing(), PLAIN, ["class"])
    scene = open_scene(image)
    data = labelled_pixels(scene, labels)
    model = make_pipeline(StandardScaler(), make("mpi-svc")).fit(data.X, data.y)
    meta = {
        "features": told_features(scene.band_names, scene),
        "feature_range": [data.X.min(axis=0).tolist(), data.X.max(axis=0).tolist()],
    }
    return model, meta, codes, data, drawn(model, scene, folder), folder


def drawn(model, scene, folder):
    target = folder / "map.tif"
    predict_map(model, scene, target, class_names={1: "a", 2: "b", 3: "c"}, n_jobs=1)
    with rasterio.open(target) as file:
        return file.read(1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(storages())
def test_the_map_is_the_same(trained, storage):
    model, meta, _, _, expected, folder = trained
    spare = np.full((1, HEIGHT, WIDTH), 7.0)
    stack = np.concatenate([values(), spare])[list(storage["order"])]
    names = [[*NAMES, "spare"][i] for i in storage["order"]]
    path = write(folder / "other.tif", stack, missing(), storage, names)
    scene, _, warnings = suited(every_band(path), meta, open_scene(path).bands, chosen=False)
    assert not warnings
    assert scene.band_names == NAMES
    found = flipped(drawn(model, scene, folder), storage["flips"])
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(storages(), storages())
def test_the_samples_are_the_same(trained, one, two):
    *_, codes, data, _, folder = trained
    two = {**two, "flips": one["flips"]}
    image = write(folder / "i.tif", values(), missing(), one, NAMES)
    labels = write(folder / "l.tif", codes[None].copy(), missing(), two, ["class"])
    found = labelled_pixels(open_scene(image), labels)

    def rows(of):
        return sorted(zip(map(tuple, of.X.tolist()), of.y.tolist(), strict=True))

    assert rows(found) == rows(data)
    assert found.class_names == data.class_names
