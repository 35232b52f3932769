"""Raw outputs to probabilities: sigmoids, tables, coupled pairs, the last correction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.svm.expansion import KernelExpansion
from bridges.svm.kernels import Kernel
from bridges.svm.likeliest import LikeliestLabeller
from bridges.svm.multiclass import class_pairs
from bridges.svm.probabilities import Calibration, identity
from bridges.svm.probability_loops import logarithm


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -700, 700)))


def coupled(r, n_classes):
    """Solve the second problem of Wu, Lin and Weng (2004), equation 21, by its linear system."""
    R = np.zeros((n_classes, n_classes))
    for p, (i, j) in enumerate(class_pairs(n_classes)):
        R[i, j], R[j, i] = r[p], 1 - r[p]
    Q = -R.T * R
    np.fill_diagonal(Q, (R**2).sum(axis=0))
    system = np.block([[Q, np.ones((n_classes, 1))], [np.ones((1, n_classes)), np.zeros((1, 1))]])
    return np.linalg.lstsq(system, np.append(np.zeros(n_classes), 1), rcond=None)[0][:n_classes]


@given(n_classes=st.integers(3, 7), seed=st.integers(0, 100))
def test_pairs_are_coupled_as_wu_lin_and_weng_say(n_classes, seed):
    random = np.random.default_rng(seed)
    n_pairs = n_classes * (n_classes - 1) // 2
    values = random.normal(size=(5, n_pairs)) * 2
    slopes = random.uniform(0.5, 2, n_pairs)
    found = identity("pairs", n_classes, slopes).probabilities(values)
    expected = [coupled(sigmoid(slopes * row), n_classes) for row in values]
    np.testing.assert_allclose(found, expected, atol=3e-6)
    assert np.all(found >= 0)


@given(p=st.lists(st.floats(0.02, 1), min_size=3, max_size=6))
def test_pairs_that_agree_give_back_their_classes(p):
    p = np.array(p) / np.sum(p)
    odds = np.array([np.log(p[i] / p[j]) for i, j in class_pairs(len(p))])
    found = identity("pairs", len(p), np.ones(len(odds))).probabilities(odds[None])
    np.testing.assert_allclose(found[0], p, atol=1e-5)


def test_one_output_speaks_for_the_second_class():
    values = np.array([[-2.0], [0.0], [3.0], [900.0], [-900.0]])
    part = dataclasses.replace(identity("sign", 2, np.array([1.5])), offsets=np.array([0.25]))
    found = part.probabilities(values)
    np.testing.assert_allclose(found[:, 1], sigmoid(1.5 * values[:, 0] + 0.25), atol=2e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_classes_are_divided_by_their_sum_and_scores_are_softmaxed():
    values = np.random.default_rng(0).normal(size=(200, 4))
    r = sigmoid(values)
    np.testing.assert_allclose(
        identity("classes", 4, np.ones(4)).probabilities(values),
        r / r.sum(axis=1, keepdims=True),
        atol=3e-6,
    )
    e = np.exp(2 * values)
    np.testing.assert_allclose(
        identity("scores", 4, np.full(4, 2.0)).probabilities(values),
        e / e.sum(axis=1, keepdims=True),
        atol=1e-6,
    )


def test_tables_are_interpolated_and_constant_beyond_their_ends():
    table = np.array([[0.1, 0.3, 0.8]])
    part = dataclasses.replace(
        identity("sign", 2, np.ones(1)), low=np.array([-1.0]), cells=np.array([2.0]), tables=table
    )
    values = np.array([[-5.0], [-1.0], [-0.75], [-0.5], [-0.25], [0.0], [7.0]])
    expected = [0.1, 0.1, 0.2, 0.3, 0.55, 0.8, 0.8]
    np.testing.assert_allclose(part.probabilities(values)[:, 1], expected, atol=1e-6)
    flat = dataclasses.replace(part, cells=np.zeros(1), tables=np.array([[0.4, 0.4]]))
    np.testing.assert_allclose(flat.probabilities(values)[:, 1], 0.4)


def test_the_last_correction_is_a_softmax_of_logarithms():
    values = np.random.default_rng(0).normal(size=(300, 3)) * 3
    plain = identity("pairs", 3, np.ones(3))
    shifts = np.array([0.3, -0.2, 0.0])
    mixing = np.array([[1.7, 0.1, 0.0], [-0.2, 1.2, 0.3], [0.0, 0.4, 0.9]])
    sharper = dataclasses.replace(plain, mixing=mixing, shifts=shifts)
    z = np.log(plain.probabilities(values)) @ mixing.T + shifts
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(sharper.probabilities(values), expected, atol=3e-6)


def test_a_row_depends_on_that_row_only():
    values = np.random.default_rng(0).normal(size=(9000, 6))
    part = identity("pairs", 4, np.ones(6))
    whole = part.probabilities(values, n_jobs=1)
    assert whole.tobytes() == part.probabilities(values, n_jobs=3).tobytes()
    assert whole[777:781].tobytes() == part.probabilities(values[777:781]).tobytes()
    assert part.probabilities(values[:0]).shape == (0, 4)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-12)


@given(st.floats(1e-30, 1e30))
def test_logarithms(x):
    x = np.float32(x)
    assert abs(logarithm(x) - np.log2(np.float64(x))) < 3e-7 * (1 + abs(np.log2(x)))


@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
def test_likeliest_classes_and_how_sure_they_are(kernel):
    random = np.random.default_rng(3)
    coef, bias = random.normal(size=(6, 20)), random.normal(size=6) / 5
    expansion = KernelExpansion(
        Kernel(kernel, 0.4), np.arange(20), random.normal(size=(20, 3)), coef, bias
    )
    calibration: Calibration = identity("pairs", 4, np.full(6, 1.5))
    model = LikeliestLabeller(expansion, 4, "votes", calibration)
    X = random.normal(size=(700, 20 if kernel == "precomputed" else 3))
    p = calibration.probabilities(expansion.decision(X))
    np.testing.assert_array_equal(model.indices(X), p.argmax(axis=1))
    if kernel == "precomputed":
        assert not model.is_compiled
        return
    labels, layers = model.prepared_confidence(model.prepare(X))
    np.testing.assert_array_equal(labels, p.argmax(axis=1))
    ordered = np.sort(p, axis=1)
    entropy = -np.sum(p * np.log(np.maximum(p, 1e-30)), axis=1) / np.log(4)
    expected = [ordered[:, -1], ordered[:, -1] - ordered[:, -2], entropy]
    np.testing.assert_allclose(layers / 250, expected, atol=0.5 / 250 + 1e-5)
