"""Calibrations learnt from outputs whose meaning is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from bridges.calibration.learning import METHODS, fit_sigmoid, fit_table, learn
from bridges.calibration.scores import calibration_scores
from bridges.svm.multiclass import class_pairs


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_a_sigmoid_is_found_again():
    random = np.random.default_rng(0)
    values = random.normal(size=40_000) * 3
    positive = random.random(40_000) < sigmoid(0.8 * values - 0.5)
    slope, offset = fit_sigmoid(values, positive, np.ones(40_000))
    assert slope == pytest.approx(0.8, abs=0.03)
    assert offset == pytest.approx(-0.5, abs=0.05)


def test_a_sigmoid_has_no_better_neighbour():
    random = np.random.default_rng(1)
    values, weights = random.normal(size=60) * 50, random.uniform(0.5, 3, 60)
    positive = values + 40 * random.normal(size=60) > 0
    n_yes, n_no = weights[positive].sum(), weights[~positive].sum()
    target = np.where(positive, (n_yes + 1) / (n_yes + 2), 1 / (n_no + 2))

    def loss(slope, offset):
        p = sigmoid(slope * values + offset)
        return -(weights @ (target * np.log(p) + (1 - target) * np.log(1 - p)))

    best = fit_sigmoid(values, positive, weights)
    for away in ((1e-3, 0), (-1e-3, 0), (0, 1e-2), (0, -1e-2)):
        assert loss(best[0] + away[0], best[1] + away[1]) > loss(*best)


@pytest.mark.parametrize("values", [[-1.0, 1.0], [5.0, 5.0], [-1e-9, 1e-9], [-1e9, 1e9]])
def test_two_samples_are_enough_for_a_number(values):
    found = fit_sigmoid(np.array(values), np.array([False, True]), np.ones(2))
    assert np.all(np.isfinite(found))
    low, cells, table = fit_table(np.array(values), np.array([False, True]), np.ones(2))
    assert np.isfinite([low, cells]).all()
    assert np.all((table >= 0.25) & (table <= 0.75))


def test_a_weight_is_as_good_as_a_copy():
    random = np.random.default_rng(2)
    values = random.normal(size=30)
    positive = values + random.normal(size=30) > 0
    times = random.integers(1, 4, 30)
    copies = np.repeat(values, times), np.repeat(positive, times), np.ones(times.sum())
    found = fit_sigmoid(values, positive, times.astype(float))
    np.testing.assert_allclose(found, fit_sigmoid(*copies), rtol=1e-6)


def test_a_table_stands_for_the_isotonic_regression():
    random = np.random.default_rng(3)
    values = random.normal(size=400)
    positive = random.random(400) < sigmoid(2 * values)
    low, cells, table = fit_table(values, positive, np.ones(400))
    model = IsotonicRegression(y_min=1 / 402, y_max=401 / 402, out_of_bounds="clip")
    model.fit(values, positive.astype(float))
    places = low + np.arange(len(table)) / cells
    np.testing.assert_allclose(table, model.predict(places), atol=1e-9)
    assert np.all(np.diff(table) >= 0)


def outputs_of_gaussians(kind, n, seed):
    """Return raw outputs of three classes that are distorted log odds, and the classes."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, n)
    means = np.array([[0.0, 0], [2, 0], [0, 2]])
    X = means[codes] + random.normal(size=(n, 2))
    logs = -0.5 * ((X[:, None] - means) ** 2).sum(axis=2)
    if kind == "pairs":
        return np.stack([0.3 * (logs[:, i] - logs[:, j]) for i, j in class_pairs(3)], 1), codes
    return 0.3 * (logs - logs.mean(axis=1, keepdims=True)), codes


@pytest.mark.parametrize("kind", ["pairs", "classes"])
@pytest.mark.parametrize("method", METHODS)
def test_probabilities_of_new_samples_are_calibrated(kind, method):
    values, codes = outputs_of_gaussians(kind, 4000, 0)
    part = learn(method, values, codes, np.ones(len(codes)), kind, 3)
    fresh, truth = outputs_of_gaussians(kind, 20_000, 1)
    before = np.exp(fresh) if kind == "classes" else None
    scores = calibration_scores(part.probabilities(fresh), truth)
    assert scores["ece"] < 0.03
    if before is not None:  # the distorted scores, taken at their word, are far off
        before = before / before.sum(axis=1, keepdims=True)
        assert calibration_scores(before, truth)["ece"] > 3 * scores["ece"]


def test_temperature_keeps_the_ranking_of_two_classes():
    random = np.random.default_rng(4)
    values = random.normal(size=(300, 1))
    codes = (values[:, 0] + random.normal(size=300) > 0).astype(int)
    part = learn("temperature", values, codes, np.ones(300), "sign", 2)
    found = part.probabilities(values)[:, 1]
    assert np.all(np.diff(found[np.argsort(values[:, 0])]) >= 0)
    assert np.all((found > 0.5) == (values[:, 0] > 0))
