"""Maps: right pixels, equal bytes, whole files or none; and their pictures."""

from __future__ import annotations

import errno
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bridges.errors import DataError, UsageError
from bridges.maps import classify as maps
from bridges.maps.classify import predict_map
from bridges.maps.pictures import label_picture, map_picture, scene_picture, thinning
from bridges.reference import ReferenceSVC
from bridges.scene.opening import open_scene
from bridges.scene.palette import LAND_COVER, OTHERS, class_palette
from bridges.scene.raster import opened

NAMES = {1: "water", 2: "forest", 3: "urban"}


@pytest.fixture
def scene(make_raster):
    """A scene of 300 × 280 pixels, 2 bands, with a hole."""
    rows, cols = np.mgrid[:300, :280]
    stack = np.stack([rows + 1, cols + 1]).astype(np.uint16)
    stack[:, 10:20, 30:40] = 0
    return open_scene(make_raster("image.tif", stack, nodata=0))


def classify(values):
    return (values.sum(axis=1) // 7 % 3 + 1).astype(np.int64)


def expected(scene):
    values, valid = scene.read()
    classes = classify(values.reshape(-1, 2)).reshape(valid.shape)
    return np.where(valid, classes, 0)


def test_map_holds_the_predictions_and_says_what_it_is(scene, tmp_path):
    path = tmp_path / "map.tif"
    steps = []
    summary = predict_map(
        classify, scene, path, class_names=NAMES, progress=lambda *step: steps.append(step)
    )
    truth = expected(scene)
    with opened(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), truth)
        assert dataset.dtypes == ("uint8",)
        assert dataset.nodata == 0
        assert dataset.crs == scene.crs
        assert dataset.transform == scene.transform
        assert dataset.profile["tiled"]
        assert dataset.compression.value == "DEFLATE"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1) == [2]
        assert dataset.descriptions == ("land cover class",)
        assert {k: v for k, v in dataset.tags().items() if k.startswith("CLASS")} == {
            "CLASS_1": "water",
            "CLASS_2": "forest",
            "CLASS_3": "urban",
        }
        assert dataset.colormap(1)[1] == (*LAND_COVER["water"], 255)
    assert summary.counts == {c: int(np.sum(truth == c)) for c in NAMES}
    assert summary.n_masked == 100
    assert summary.pixel_area_m2 == 900
    assert summary.total_s >= summary.predict_s > 0
    assert steps[0] == (0, 84000)
    assert steps[-1] == (84000, 84000)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.tif", "map.tif"]


def test_windows_do_not_show(scene, tmp_path, monkeypatch):
    predict_map(classify, scene, tmp_path / "a.tif", class_names=NAMES)
    sizes = []

    def spy(values):
        sizes.append(len(values))
        return classify(values)

    monkeypatch.setattr(maps, "WINDOW_ROWS", 256)
    monkeypatch.setattr(maps, "WINDOW_COLUMNS", 256)
    predict_map(spy, scene, tmp_path / "b.tif", class_names=NAMES)
    assert len(sizes) == 4
    assert max(sizes) <= 256 * 256
    with opened(tmp_path / "b.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), expected(scene))


def test_two_runs_give_equal_bytes(scene, tmp_path):
    for name in ("a.tif", "b.tif"):
        predict_map(classify, scene, tmp_path / name, class_names=NAMES)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_kernel_model_gives_equal_bytes_for_any_threads_and_windows(scene, tmp_path, monkeypatch):
    values, valid = scene.read()
    X = values[valid][::97]
    model = make_pipeline(StandardScaler(), ReferenceSVC(gamma=2.0)).fit(X, classify(X))
    told = []
    for n_jobs, rows, columns in ((1, 512, 2048), (2, 512, 2048), (3, 256, 256)):
        monkeypatch.setattr(maps, "WINDOW_ROWS", rows)
        monkeypatch.setattr(maps, "WINDOW_COLUMNS", columns)
        path = tmp_path / f"{n_jobs}.tif"
        predict_map(model, scene, path, class_names=NAMES, n_jobs=n_jobs, told=told.append)
    assert [each.threads for each in told] == [1, 2, 3]
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "2.tif").read_bytes()
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "3.tif").read_bytes()
    predict_map(model.predict, scene, tmp_path / "plain.tif", class_names=NAMES)
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "plain.tif").read_bytes()


def test_statistics_leave_masked_pixels_out(scene, tmp_path):
    predict_map(classify, scene, tmp_path / "m.tif", class_names=NAMES)
    truth = expected(scene)
    with opened(tmp_path / "m.tif") as dataset:
        tags = dataset.tags(1)
    assert (tags["STATISTICS_MINIMUM"], tags["STATISTICS_MAXIMUM"]) == ("1", "3")
    assert float(tags["STATISTICS_MEAN"]) == pytest.approx(truth[truth > 0].mean())


def test_a_truncated_image_is_named_and_leaves_nothing(make_raster, tmp_path):
    stack = np.random.default_rng(0).integers(1, 9, (2, 600, 600)).astype(np.uint16)
    path = make_raster("image.tif", stack)
    scene = open_scene(path)
    path.write_bytes(path.read_bytes()[: 2 * 600 * 600])
    with pytest.raises(DataError, match=r"image\.tif"):
        predict_map(classify, scene, tmp_path / "m.tif", class_names=NAMES)
    assert [p.name for p in tmp_path.iterdir()] == ["image.tif"]


@pytest.mark.parametrize(
    ("codes", "dtype", "nodata"),
    [
        ([1, 255], "uint8", 0),
        ([0, 1], "uint8", 255),
        ([1, 300], "uint16", 0),
        ([0, 255], "uint16", 65535),
    ],
)
def test_type_and_nodata_leave_room_for_every_code(scene, tmp_path, codes, dtype, nodata):
    names = {code: f"c{code}" for code in codes}
    summary = predict_map(
        lambda X: np.where(X[:, 0] > 100, codes[1], codes[0]),
        scene,
        tmp_path / "m.tif",
        class_names=names,
    )
    assert summary.nodata == nodata
    assert summary.n_masked == 100
    picture = map_picture(tmp_path / "m.tif")
    assert set(np.unique(picture.codes)) == {-1, *codes}
    assert picture.class_names == names
    with opened(tmp_path / "m.tif") as dataset:
        assert dataset.dtypes == (dtype,)


@pytest.mark.parametrize("codes", [[-1, 1], [1, 65536], [0, 65535], []])
def test_codes_that_no_map_holds(scene, tmp_path, codes):
    with pytest.raises(DataError):
        predict_map(classify, scene, tmp_path / "m.tif", class_names=dict.fromkeys(codes, "x"))
    assert not (tmp_path / "m.tif").exists()


def fail(values):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("predict", "error"),
    [(fail, KeyboardInterrupt), (lambda X: np.full(len(X), 9), ValueError)],
)
def test_failure_leaves_the_old_map_and_nothing_else(scene, tmp_path, predict, error):
    path = tmp_path / "map.tif"
    path.write_text("old")
    with pytest.raises(error):
        predict_map(predict, scene, path, class_names=NAMES)
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.tif", "map.tif"]


@contextmanager
def file_limit(n_bytes):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [200, 5000])
def test_a_disk_that_takes_no_more(scene, tmp_path, limit):
    noise = np.random.default_rng(0)
    with pytest.raises(OSError, match="cannot be written") as caught, file_limit(limit):
        predict_map(
            lambda X: noise.integers(1, 4, len(X)), scene, tmp_path / "m.tif", class_names=NAMES
        )
    assert caught.value.errno == errno.EIO
    assert [p.name for p in tmp_path.iterdir()] == ["image.tif"]


def test_a_full_disk_is_named(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("bridges.scene.raster.NEARLY_FULL", 2**62)
    with pytest.raises(OSError, match="cannot be written") as caught, file_limit(200):
        predict_map(classify, scene, tmp_path / "m.tif", class_names=NAMES)
    assert caught.value.errno == errno.ENOSPC


def test_missing_folder(scene, tmp_path):
    with pytest.raises(UsageError, match="There is no folder"):
        predict_map(classify, scene, tmp_path / "none" / "m.tif", class_names=NAMES)


def test_pictures_are_thinned_out(scene, tmp_path, make_raster):
    path = tmp_path / "map.tif"
    predict_map(classify, scene, path, class_names=NAMES)
    picture = map_picture(path, largest_edge=100)
    assert picture.step == thinning(300, 280, 100) == 3
    truth = expected(scene)[::3, ::3].astype(int)
    np.testing.assert_array_equal(picture.codes, np.where(truth == 0, -1, truth))
    assert picture.class_names == NAMES
    assert picture.class_colors[2] == LAND_COVER["forest"]
    again = label_picture(scene, path, largest_edge=100)
    np.testing.assert_array_equal(again.codes, picture.codes)
    assert again.class_names == NAMES
    view = scene_picture(scene, largest_edge=100)
    assert view.shape == (100, 94, 4)
    np.testing.assert_array_equal(view[..., 3] == 0, truth == 0)
    assert view[..., :3].max() == 255


@settings(max_examples=40)
@given(st.dictionaries(st.integers(0, 300), st.text(max_size=8), max_size=40))
def test_palette_is_distinct_and_keeps_what_is_given(names):
    colors = class_palette(names)
    assert list(colors) == list(names)
    assert len(set(colors.values())) == len(names)
    given_color = (1, 2, 3)
    for code in names:
        assert class_palette(names, {code: given_color})[code] == given_color


MAIN = ["forest", "develop", "soil", "water", "shrub", "agri", "barren", "herb"]


def lightness(color):
    """Return CIE L* of an sRGB colour."""
    c = np.array(color) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


def deuteranope(color):
    """Return a colour as seen without green cones (Viénot, Brettel & Mollon 1999), linear RGB."""
    linear = (np.array(color) / 255) ** 2.2
    matrix = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    return np.clip(matrix @ linear, 0, 1) ** (1 / 2.2)


def test_land_cover_colors_differ_in_print_and_for_the_colour_blind():
    colors = [LAND_COVER[word] for word in MAIN]
    assert np.diff([lightness(color) for color in colors]).min() > 9
    for i, a in enumerate(colors):
        for b in colors[:i]:
            assert np.linalg.norm(deuteranope(a) - deuteranope(b)) > 0.12
    assert len(set(OTHERS)) == len(OTHERS)
