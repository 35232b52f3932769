"""Layers of confidence: the numbers of the model, for any threads and windows, or one error."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from bridges.accuracy.applicability import Applicability
from bridges.calibration import Calibrated
from bridges.errors import UsageError
from bridges.maps import classify as maps
from bridges.maps.classify import predict_map
from bridges.maps.pictures import layer_picture
from bridges.reference import ReferenceSVC
from bridges.scene.opening import open_scene
from bridges.scene.raster import opened

NAMES = {3: "water", 5: "forest", 9: "urban"}


@pytest.fixture
def scene(make_raster):
    """A scene of 90 × 70 pixels, 2 bands, of three classes that overlap, with a hole."""
    random = np.random.default_rng(0)
    means = np.array([[100, 300], [200, 250], [320, 120]])
    stack = means[np.arange(70) // 24][None].repeat(90, axis=0).transpose(2, 0, 1)
    stack = stack + random.normal(scale=40, size=(2, 90, 70))
    stack = np.clip(stack, 1, 900).astype(np.int16)
    stack[:, 10:20, 30:40] = 0
    stack[0, 80:] += 600
    return open_scene(make_raster("image.tif", stack, nodata=0))


@pytest.fixture
def samples(scene):
    values, valid = scene.read()
    y = np.array([3, 5, 9])[np.arange(70) // 24][None].repeat(90, axis=0)
    chosen = valid.copy()
    chosen[80:] = False
    return values[chosen][::9], y[chosen][::9]


def models(X, y):
    """Return a kernel model behind a scaler, one behind a mixing transformer, a foreign one."""
    yield make_pipeline(StandardScaler(), Calibrated(ReferenceSVC(), random_state=0)).fit(X, y)
    binary = ReferenceSVC(multiclass="ovr")
    yield make_pipeline(PowerTransformer(), Calibrated(binary, random_state=0)).fit(X, y)
    yield make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def layers_by_hand(model, known, values):
    """Return what scikit-learn's interface says of pixels: class, and the five layers."""
    p = model.predict_proba(values)
    ordered = np.sort(p, axis=1)
    entropy = -np.sum(p * np.log(np.maximum(p, 1e-30)), axis=1) / np.log(p.shape[1])
    index = known.dissimilarity(model[:-1].transform(values))
    outside = index > known.threshold
    stacked = [ordered[:, -1], ordered[:, -1] - ordered[:, -2], entropy, index, outside]
    return model.classes_[p.argmax(axis=1)], np.array(stacked)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_layers_are_the_models_own_numbers(scene, samples, number, tmp_path):
    X, y = samples
    model = list(models(X, y))[number]
    known = Applicability.from_training(model[:-1].transform(X), folds=np.arange(len(X)) % 5)
    sure = tmp_path / "confidence.tif"
    summary = predict_map(
        model, scene, tmp_path / "m.tif", class_names=NAMES, confidence=sure, applicability=known
    )
    values, valid = scene.read()
    classes, layers = layers_by_hand(model, known, values[valid])
    with opened(tmp_path / "m.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1)[valid], classes)
    with opened(sure) as dataset:
        stored = dataset.read()
        assert dataset.descriptions == ("p_max", "margin", "entropy", "dissimilarity", "outside")
        assert float(dataset.tags()["AOA_THRESHOLD"]) == pytest.approx(known.threshold, rel=1e-5)
        found = stored * np.array(dataset.scales)[:, None, None]
    assert np.all(stored[:, ~valid] == 255)
    np.testing.assert_allclose(found[:3][:, valid], layers[:3], atol=0.5 / 250 + 1e-4)
    np.testing.assert_allclose(found[3][valid], np.minimum(layers[3], 2.54), atol=0.0051)
    # the threshold is the dissimilarity of a training pixel, so that one may round to either side
    at = np.abs(layers[3] - known.threshold) < 1e-5
    np.testing.assert_array_equal(found[4][valid][~at], layers[4][~at])
    assert summary.n_outside == np.sum(stored[4] == 1)
    assert 500 < summary.n_outside < 1500
    picture = layer_picture(sure, "entropy")
    assert np.isnan(picture[15, 35])
    np.testing.assert_allclose(picture[valid], found[2][valid])


def test_equal_bytes_for_any_threads_windows_and_with_equal_pixels_once(
    scene, samples, tmp_path, monkeypatch
):
    X, y = samples
    model = next(models(X, y))
    known = Applicability.from_training(model[:-1].transform(X))

    def drawn(name, **options):
        sure = tmp_path / f"{name}-c.tif"
        predict_map(
            model, scene, tmp_path / f"{name}.tif", class_names=NAMES, confidence=sure,
            applicability=known, **options,
        )  # fmt: skip
        return (tmp_path / f"{name}.tif").read_bytes(), sure.read_bytes()

    whole = drawn("a", n_jobs=1)
    monkeypatch.setattr(maps, "WINDOW_ROWS", 256)
    monkeypatch.setattr(maps, "WINDOW_COLUMNS", 256)
    assert drawn("b", n_jobs=3, resume=True) == whole
    assert not list(tmp_path.glob("*.parts"))


def test_without_training_samples_there_are_the_layers_of_probabilities(scene, samples, tmp_path):
    model = next(models(*samples))
    sure = tmp_path / "c.tif"
    found = predict_map(model, scene, tmp_path / "m.tif", class_names=NAMES, confidence=sure)
    assert found.n_outside is None
    with opened(sure) as dataset:
        assert dataset.descriptions == ("p_max", "margin", "entropy")


def test_a_model_without_probabilities_is_refused(scene, samples, tmp_path):
    X, y = samples
    for model in (make_pipeline(StandardScaler(), ReferenceSVC()).fit(X, y), lambda X: X[:, 0]):
        with pytest.raises(UsageError, match="no probabilities"):
            predict_map(
                model, scene, tmp_path / "m.tif", class_names=NAMES, confidence=tmp_path / "c.tif"
            )
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tif"] == ["image.tif"]
