"""The built-in scene: what it holds, how hard it is, and that a seed decides it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import UsageError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.splits import make_split
from bridges.scene.built_in import CLASS_NAMES, ENDMEMBERS, FRACTIONS, write_scene
from bridges.scene.built_in_layout import smooth_field
from bridges.scene.opening import open_scene
from bridges.scene.raster import opened


@pytest.fixture(scope="module")
def built_in(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def data(built_in):
    return labelled_pixels(open_scene(built_in.image), built_in.labels, groups_path=built_in.groups)


def test_it_is_read_back_as_reflectance_with_clouds_masked(built_in):
    scene = open_scene(built_in.image)
    assert scene.band_names == [f"SR_B{i}" for i in range(1, 8)]
    assert scene.class_names == CLASS_NAMES
    assert len(scene.colors_for(CLASS_NAMES)) == 7
    values, valid = scene.read()
    assert values.shape == (200, 200, 7)
    assert 0.9 < valid.mean() < 0.98
    clear = values[valid]
    assert clear.min() > -0.05
    assert clear.max() < 0.7
    assert values[~valid].max() > 0.5
    with opened(built_in.image) as dataset:
        assert dataset.dtypes[0] == "uint16"
        assert dataset.scales == (2.75e-5,) * 7
        assert dataset.offsets == (-0.2,) * 7


def test_labels_are_polygons_of_one_class_each(built_in, data):
    assert 2000 <= len(data.y) + data.n_masked <= 4000
    assert list(data.class_names.values()) == list(FRACTIONS)
    assert data.n_masked > 0
    for group in np.unique(data.groups):
        assert len(np.unique(data.y[data.groups == group])) == 1
    polygons = {c: len(np.unique(data.groups[data.y == c])) for c in data.class_names}
    assert min(polygons.values()) >= 8
    with opened(built_in.truth) as dataset:
        truth = dataset.read(1)
    np.testing.assert_array_equal(truth[data.rows, data.cols], data.y)
    assert set(np.unique(truth)) == set(CLASS_NAMES)


def test_truth_is_patches_not_salt_and_pepper(built_in):
    with opened(built_in.truth) as dataset:
        truth = dataset.read(1)
    assert np.mean(truth[:, 1:] == truth[:, :-1]) > 0.85


def test_it_is_as_hard_as_a_real_scene(data):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    accuracy = {}
    for kind in ("random", "polygons"):
        split = make_split(data, kind)
        model = make_pipeline(StandardScaler(), SVC(C=10))
        model.fit(data.X[split.train], data.y[split.train])
        accuracy[kind] = model.score(data.X[split.test], data.y[split.test])
    assert 0.83 < accuracy["random"] < 0.93
    assert 0.65 < accuracy["polygons"] < accuracy["random"]


def test_seed_decides_the_bytes(tmp_path):
    files = {}
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        written = write_scene(tmp_path / name, seed=seed, height=70, width=90)
        files[name] = [
            path.read_bytes() for path in vars(written).values() if path.suffix == ".tif"
        ]
    assert files["a"] == files["b"]
    assert all(x != y for x, y in zip(files["a"], files["c"], strict=True))


def test_it_is_made_in_two_seconds(tmp_path):
    started = time.process_time()
    write_scene(tmp_path, seed=1)
    assert time.process_time() - started < 2


def test_unusable_sizes_and_folders(tmp_path):
    with pytest.raises(UsageError, match="too small"):
        write_scene(tmp_path, height=63)
    with pytest.raises(UsageError, match="There is no folder"):
        write_scene(tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_fractions_are_shares():
    for name, fractions in FRACTIONS.items():
        assert len(fractions) == len(ENDMEMBERS), name
        assert sum(fractions) == pytest.approx(1, abs=0.005), name


@settings(max_examples=25, deadline=None)
@given(height=st.integers(8, 120), width=st.integers(8, 120), length=st.floats(3, 60))
def test_smooth_fields_have_their_shape_and_unit_variance(height, width, length):
    field = smooth_field(np.random.default_rng(0), height, width, length)
    assert field.shape == (height, width)
    assert field.std() == pytest.approx(1)
    assert field.mean() == pytest.approx(0, abs=1e-9)


def test_smooth_fields_are_smooth():
    field = smooth_field(np.random.default_rng(0), 200, 200, 20)
    assert np.abs(np.diff(field, axis=0)).mean() < 0.15
