"""Windows to classes: tables, arrays and opaque classifiers give what predict gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from bridges.errors import DataError
from bridges.maps.labelling import Labelling, distinct, labelling_for
from bridges.maps.sources import ArraySource, TableSource
from bridges.reference import ReferenceSVC
from bridges.samples.scaling import SCALES, is_featurewise, make_scaler
from bridges.scene.opening import open_scene

CODES = [2, 5, 9]


def numbers(dtype, shape, seed=0):
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (1000 * random.normal(size=shape)).astype(dtype)
    low, high = {"int8": (-128, 127), "uint8": (0, 255)}.get(dtype, (0, 5000))
    return random.integers(low, high, shape).astype(dtype)


def trained(scene, steps, classifier=None):
    values, valid = scene.read()
    X = values[valid][::7]
    y = np.array(CODES)[np.argsort(np.argsort(X.sum(axis=1))) * 3 // len(X)]
    classifier = ReferenceSVC(C=5, gamma=0.5) if classifier is None else classifier
    return Pipeline([*steps, ("classify", classifier)]).fit(X, y)


def expected(model, scene, nodata):
    values, valid = scene.read()
    out = np.full(valid.shape, nodata)
    out[valid] = model.predict(values[valid])
    return out


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int8", "int32", "float32"])
@pytest.mark.parametrize("scale", SCALES)
def test_classes_are_those_of_predict(make_raster, make_sidecar, dtype, scale):
    make_sidecar(image="image.tif", scale=0.001, offset=-0.2)
    stack = numbers(dtype, (3, 40, 50))
    stack[1, 10:14, :20] = 7
    scene = open_scene(make_raster("image.tif", stack, nodata=7))
    model = trained(scene, [("scale", make_scaler(scale))])
    found = labelling_for(model, scene, CODES, "uint8", 0)
    small = np.dtype(dtype).itemsize <= 2
    assert isinstance(found.source, TableSource if small else ArraySource)
    classes = found.classes(scene.read_stored())
    np.testing.assert_array_equal(classes, expected(model, scene, 0))
    assert set(np.unique(classes)) == {0, *CODES}
    found.merges = True
    np.testing.assert_array_equal(found.classes(scene.read_stored()), classes)
    found.batch = 7
    found.merges = False
    np.testing.assert_array_equal(found.classes(scene.read_stored()), classes)


def test_a_mask_and_a_window_without_a_valid_pixel(make_raster):
    scene = open_scene(
        make_raster("image.tif", numbers("uint8", (2, 30, 30))),
        mask=make_raster("mask.tif", np.tri(30, dtype=np.uint8)),
    )
    model = trained(scene, [("scale", StandardScaler())])
    found = labelling_for(model, scene, CODES, "uint16", 0)
    np.testing.assert_array_equal(found.classes(scene.read_stored()), expected(model, scene, 0))
    stored = scene.read_stored()
    stored.visible[:] = False
    assert np.all(found.classes(stored) == 0)


def test_transformers_that_mix_features_and_foreign_classifiers(make_raster):
    scene = open_scene(make_raster("image.tif", numbers("int16", (3, 30, 40))))
    mixing = trained(scene, [("scale", StandardScaler()), ("mix", PCA(2)), ("no", "passthrough")])
    foreign = trained(scene, [("scale", StandardScaler())], RandomForestClassifier(5))
    for model, parallel in ((mixing, True), (foreign, False), (foreign.predict, False)):
        found = labelling_for(model, scene, CODES, "uint8", 0)
        assert found.parallel is parallel
        assert isinstance(found.source, ArraySource)
        reference = mixing if model is mixing else foreign
        np.testing.assert_array_equal(
            found.classes(scene.read_stored()), expected(reference, scene, 0)
        )


def test_bands_of_several_types(make_raster):
    first = make_raster("image.tif", numbers("int16", (2, 30, 40)))
    scene = open_scene(first)
    other = open_scene(make_raster("other.tif", numbers("uint8", (1, 30, 40))))
    both = type(scene)(scene.path, scene.grid, (*scene.bands, *other.bands))
    model = trained(both, [("scale", StandardScaler())])
    found = labelling_for(model, both, CODES, "uint8", 0)
    assert isinstance(found.source, ArraySource)
    np.testing.assert_array_equal(found.classes(both.read_stored()), expected(model, both, 0))


def test_another_number_of_bands_is_refused(make_raster):
    scene = open_scene(make_raster("image.tif", numbers("uint8", (3, 30, 30))))
    fewer = open_scene(scene.path, bands=[1, 2])
    with pytest.raises(DataError, match="has 2 bands"):
        labelling_for(trained(scene, []), fewer, CODES, "uint8", 0)


def test_a_class_without_a_name_is_refused(make_raster):
    scene = open_scene(make_raster("image.tif", numbers("uint8", (2, 30, 30))))
    model = trained(scene, [])
    with pytest.raises(ValueError, match="without a name"):
        labelling_for(model, scene, CODES[:2], "uint8", 0)
    found = labelling_for(model.predict, scene, CODES[:2], "uint8", 0)
    with pytest.raises(ValueError, match="without a name"):
        found.classes(scene.read_stored())


@given(
    rows=st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 1)), max_size=60),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_equal_rows_are_found(rows, dtype):
    samples = np.array(rows, dtype=dtype).reshape(-1, 2)
    first, same = distinct(samples)
    np.testing.assert_array_equal(samples[first][same], samples)
    assert len(first) == len(set(rows))
    assert np.all(np.diff(first) > 0)


def test_labels_are_asked_for_distinct_samples_only():
    asked = []

    def label(samples):
        asked.append(len(samples))
        return samples[:, 0].astype(int), None

    found = Labelling(None, label, np.array([4, 8]), 0)
    samples = np.array([[0.0], [1], [0], [0]], dtype=np.float32)
    found.merges = True
    np.testing.assert_array_equal(found._answers(samples)[0], [0, 1, 0, 0])
    assert asked == [2]


def test_which_transformers_act_on_single_features():
    assert all(is_featurewise(make_scaler(name)) for name in SCALES)
    assert not is_featurewise(PCA(2))
