"""The area of applicability against its definition, and on the built-in scene."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from scipy.spatial.distance import cdist, pdist

from bridges.accuracy.applicability import Applicability
from bridges.errors import DataError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.scaling import make_scaler
from bridges.scene.built_in import write_scene
from bridges.scene.opening import open_scene


def test_definition() -> None:
    rng = np.random.default_rng(0)
    X, rows = rng.normal(size=(200, 4)), rng.normal(size=(100, 4)) * 2
    weights, folds = np.array([2.0, 1.0, 0.5, 0.0]), rng.integers(0, 5, size=200)
    found = Applicability.from_training(X, weights, folds)
    mean = pdist(X * weights).mean()
    assert found.mean_distance == pytest.approx(mean)
    distance = cdist(X * weights, X * weights)
    distance[folds[:, None] == folds] = np.inf
    own = distance.min(axis=1) / mean
    assert found.training == pytest.approx(own, rel=1e-4)
    low, high = np.percentile(own, [25, 75])
    assert found.threshold == pytest.approx(own[own <= high + 1.5 * (high - low)].max(), rel=1e-4)
    index = cdist(rows * weights, X * weights).min(axis=1) / mean
    assert found.dissimilarity(rows) == pytest.approx(index, rel=1e-4)
    assert found.dissimilarity(rows).dtype == np.float32
    assert np.array_equal(found.inside(rows), found.dissimilarity(rows) <= found.threshold)
    assert found.dissimilarity(X) == pytest.approx(0.0, abs=1e-5)


def test_without_folds_every_sample_is_one() -> None:
    X = np.random.default_rng(1).normal(size=(60, 3))
    alone = Applicability.from_training(X)
    numbered = Applicability.from_training(X, folds=np.arange(60))
    assert alone.threshold == numbered.threshold
    distance = cdist(X, X) + np.diag(np.full(60, np.inf))
    assert alone.training == pytest.approx(distance.min(axis=1) / pdist(X).mean(), rel=1e-4)


def test_of_many_samples_some_stand_for_all(monkeypatch) -> None:
    from bridges.accuracy import applicability

    X = np.random.default_rng(2).normal(size=(3000, 3))
    exact = Applicability.from_training(X).mean_distance
    monkeypatch.setattr(applicability, "MOST_FOR_MEAN", 700)
    assert Applicability.from_training(X).mean_distance == pytest.approx(exact, rel=0.02)


def test_state_makes_it_again() -> None:
    rng = np.random.default_rng(3)
    first = Applicability.from_training(rng.normal(size=(80, 3)), folds=np.arange(80) % 4)
    again = Applicability.from_state(first.state())
    rows = rng.normal(size=(50, 3))
    assert np.array_equal(again.dissimilarity(rows), first.dissimilarity(rows))
    assert again.threshold == first.threshold


@pytest.mark.parametrize(
    ("X", "weights", "folds"),
    [
        (np.ones((5, 2)), None, None),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), None, None),
        (np.eye(3), [1.0, 2.0], None),
        (np.eye(3), [1.0, 1.0, -1.0], None),
        (np.eye(3), [0.0, 0.0, 0.0], None),
        (np.eye(3), None, [1, 1, 1]),
        (np.eye(3), None, [1, 2]),
    ],
)
def test_what_cannot_be_is_refused(X, weights, folds) -> None:
    with pytest.raises(DataError) as error:
        Applicability.from_training(X, weights, folds)
    assert error.value.hint


def test_pixels_need_the_features_of_the_samples() -> None:
    with pytest.raises(DataError, match="3 features"):
        Applicability.from_training(np.eye(3)).dissimilarity(np.zeros((4, 2)))


def test_a_class_that_training_never_saw(tmp_path) -> None:
    files = write_scene(tmp_path)
    scene = open_scene(files.image)
    data = labelled_pixels(scene, files.labels, groups_path=files.groups)
    values, valid = scene.read()
    with rasterio.open(files.truth) as dataset:
        truth = dataset.read(1)[valid]
    unseen = next(code for code, name in data.class_names.items() if name == "water")
    seen = data.take(data.y != unseen)
    scaler = make_scaler("standard").fit(seen.X)
    area = Applicability.from_training(scaler.transform(seen.X), folds=seen.groups)
    outside = ~area.inside(scaler.transform(values[valid]))
    assert outside[truth == unseen].mean() >= 0.95
    assert outside[truth != unseen].mean() <= 0.10
