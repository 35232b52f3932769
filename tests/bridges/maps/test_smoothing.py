"""Smoothing and sieving: the rule by hand, equal bytes for any windows, told in the tags."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import generic_filter
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bridges.accuracy.applicability import Applicability
from bridges.calibration import Calibrated
from bridges.errors import UsageError
from bridges.maps import classify as maps
from bridges.maps.classify import predict_map
from bridges.maps.sieving import sieved
from bridges.maps.smoothing import smoothed
from bridges.reference import ReferenceSVC
from bridges.scene.opening import open_scene
from bridges.scene.raster import opened

NAMES = {3: "water", 5: "forest", 9: "urban"}


@pytest.fixture
def scene(make_raster):
    """A scene of 300 × 270 pixels, 2 bands, of three classes that overlap, with a hole."""
    random = np.random.default_rng(0)
    means = np.array([[100, 300], [200, 250], [320, 120]])
    stack = means[np.arange(270) // 90][None].repeat(300, axis=0).transpose(2, 0, 1)
    stack = np.clip(stack + random.normal(scale=70, size=(2, 300, 270)), 1, 900).astype(np.int16)
    stack[:, 10:20, 30:40] = 0
    return open_scene(make_raster("image.tif", stack, nodata=0))


@pytest.fixture
def truth():
    return np.array([3, 5, 9])[np.arange(270) // 90][None].repeat(300, axis=0)


def samples(scene, truth):
    values, valid = scene.read()
    return values[valid][::300], truth[valid][::300]


def by_hand(p, valid, size):
    """Return the rule's probabilities, pixel by pixel."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    odds = np.where(valid, np.log(p / (1 - p)), np.nan)

    def moments(function):
        return np.stack(
            [generic_filter(x, function, size, mode="constant", cval=np.nan) for x in odds]
        )

    mean, variance = moments(np.nanmean), moments(np.nanvar)
    expected = (variance * odds + 20 * mean) / (variance + 20)
    found = 1 / (1 + np.exp(-expected))
    return found / found.sum(axis=0)


@pytest.mark.parametrize("size", [3, 5])
def test_the_rule(size):
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(3), (9, 8)).transpose(2, 0, 1).astype(np.float32)
    valid = random.random((9, 8)) > 0.2
    found = smoothed(p, valid, size)
    expected = by_hand(p.astype(float), valid, size)
    np.testing.assert_allclose(found[:, valid], expected[:, valid], rtol=1e-6)


def models(X, y):
    yield make_pipeline(StandardScaler(), Calibrated(ReferenceSVC(), random_state=0)).fit(X, y)
    yield make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


@pytest.mark.parametrize("number", [0, 1])
def test_a_map_is_smoothed_whatever_its_windows_and_threads(
    scene, truth, number, tmp_path, monkeypatch
):
    X, y = samples(scene, truth)
    model = list(models(X, y))[number]
    known = Applicability.from_training(model[:-1].transform(X))
    asked = {"class_names": NAMES, "smooth": 5, "applicability": known}
    whole = tmp_path / "whole.tif"
    predict_map(model, scene, whole, confidence=tmp_path / "wc.tif", n_jobs=1, **asked)
    values, valid = scene.read()
    p = np.zeros((3, *valid.shape))
    p[:, valid] = model.predict_proba(values[valid]).T
    found = smoothed(p.astype(np.float32), valid, 5)
    with opened(whole) as dataset:
        drawn = dataset.read(1)
        assert dataset.tags()["SMOOTHED"].startswith("5 x 5")
    assert np.mean(drawn[valid] == model.classes_[found.argmax(axis=0)][valid]) > 0.9999
    assert np.all(drawn[~valid] == 0)
    plain = model.predict(values[valid])
    assert np.mean(drawn[valid] == truth[valid]) > np.mean(plain == truth[valid]) + 0.02
    with opened(tmp_path / "wc.tif") as dataset:
        top = dataset.read(1)[valid] * dataset.scales[0]
        np.testing.assert_allclose(top, found.max(axis=0)[valid], atol=0.003)
        away = dataset.read(4)[valid] * dataset.scales[3]
        near = known.dissimilarity(model[:-1].transform(values[valid]))
        np.testing.assert_allclose(away, np.minimum(near, 2.54), atol=0.0051)
    monkeypatch.setattr(maps, "WINDOW_ROWS", 256)
    monkeypatch.setattr(maps, "WINDOW_COLUMNS", 256)
    predict_map(model, scene, tmp_path / "m.tif", confidence=tmp_path / "c.tif", n_jobs=3, **asked)
    assert (tmp_path / "m.tif").read_bytes() == whole.read_bytes()
    assert (tmp_path / "c.tif").read_bytes() == (tmp_path / "wc.tif").read_bytes()


def test_small_patches_go_to_their_largest_neighbour():
    codes = np.full((9, 9), 2)
    codes[2, 2:4] = 5
    codes[6:9, 6:9] = 7
    codes[0, 8] = 0
    codes[4, 4] = 9
    found = sieved(codes.astype(np.uint8), 0, 3)
    expected = np.full((9, 9), 2)
    expected[6:9, 6:9] = 7
    expected[0, 8] = 0
    np.testing.assert_array_equal(found, expected)


def test_a_sieved_map_has_no_small_patch_and_says_so(scene, truth, tmp_path, monkeypatch):
    X, y = samples(scene, truth)
    model = next(models(X, y))
    plain, whole = tmp_path / "plain.tif", tmp_path / "whole.tif"
    predict_map(model, scene, plain, class_names=NAMES)
    summary = predict_map(model, scene, whole, class_names=NAMES, sieve=12)
    with opened(plain) as before, opened(whole) as after:
        codes = after.read(1)
        np.testing.assert_array_equal(codes, sieved(before.read(1), 0, 12))
        assert "12" in after.tags()["SIEVED"]
        assert after.overviews(1) == before.overviews(1)
    assert summary.counts == {code: int(np.sum(codes == code)) for code in NAMES}
    monkeypatch.setattr(maps, "WINDOW_ROWS", 256)
    again = tmp_path / "again.tif"
    predict_map(model, scene, again, class_names=NAMES, sieve=12, resume=True)
    assert again.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*.parts"))


def test_what_cannot_be_smoothed(scene, truth, tmp_path):
    X, y = samples(scene, truth)
    model = next(models(X, y))
    with pytest.raises(UsageError, match="no middle"):
        predict_map(model, scene, tmp_path / "m.tif", class_names=NAMES, smooth=4)
    plain = make_pipeline(StandardScaler(), ReferenceSVC()).fit(X, y)
    with pytest.raises(UsageError, match="no probabilities"):
        predict_map(plain, scene, tmp_path / "m.tif", class_names=NAMES, smooth=5)
