"""Kernel matrices of whatever origin: shape, numbers, symmetry, range; and weights of classes."""

from __future__ import annotations

import numpy as np
import pytest

from bridges import registry
from bridges.errors import DataError, UsageError
from bridges.svm.gate import checked_values, require_symmetric
from bridges.svm.kernels import Kernel

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 3))
Y = np.where(X[:, 0] + 0.2 * X[:, 1] > 0, "wet", "dry")
K = np.exp(-((X[:, None] - X) ** 2).sum(axis=-1))
WINGS = [("qubo-svc", {"sampler": "dense"}), ("qubo-svc", {"sampler": "steepest"}), ("mpi-svc", {})]
WINGS += [("sklearn-svc", {})]


@pytest.mark.parametrize(("name", "params"), WINGS[:3])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (3, 17)])
def test_values_that_are_not_finite_are_refused(name, params, value, place):
    def kernel(A, B):
        values = A @ B.T
        values[place] = value
        return values

    with pytest.raises(DataError, match="not finite"):
        registry.make(name, kernel=kernel, **params).fit(X, Y)


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (np.ones(24), r"shape \(24,\) where \(24, 24\)"),
        (np.ones((24, 23)), r"shape \(24, 23\)"),
        (1.5, r"shape \(\)"),
        (np.full((24, 24), "a"), "no matrix of numbers"),
        (None, r"shape \(\)"),
    ],
)
def test_a_matrix_of_another_shape_is_refused(returned, match):
    for name, params in WINGS[:3]:
        with pytest.raises(DataError, match=match):
            registry.make(name, kernel=lambda A, B: returned, **params).fit(X, Y)


@pytest.mark.parametrize(("name", "params"), WINGS[:3])
def test_triangles_that_differ_are_repaired_within_rounding_and_refused_beyond(name, params):
    rounded = K.astype(np.float32).astype(np.float64)
    rounded[2, 5] *= 1 + 1e-7
    model = registry.make(name, kernel="precomputed", **params).fit(rounded, Y)
    assert model.score(rounded, Y) > 0.8
    noisy = K + RNG.normal(scale=0.05, size=K.shape)
    with pytest.raises(DataError, match="not symmetric") as error:
        registry.make(name, kernel="precomputed", **params).fit(noisy, Y)
    assert "(K + K.T) / 2" in error.value.hint
    registry.make(name, kernel="precomputed", **params).fit((noisy + noisy.T) / 2, Y)


def test_symmetry_is_judged_over_all_blocks():
    large = np.eye(700)
    assert require_symmetric(large) is large
    large[650, 20] = 1e-3
    with pytest.raises(DataError, match=r"differ by up to 0\.001"):
        require_symmetric(large)
    large[650, 20] = 1e-7
    repaired = require_symmetric(large)
    assert repaired[650, 20] == repaired[20, 650] == 5e-8


def test_a_kernel_of_two_vectors_is_told_what_is_wanted_at_prediction_too():
    def kernel(A, B):
        return A @ B.T if len(A) == len(X) else 1.0

    model = registry.make("mpi-svc", kernel=kernel).fit(X, Y)
    with pytest.raises(DataError, match="where"):
        model.predict(X[:5])
    with pytest.raises(DataError, match="takes"):
        checked_values("text", (1, 1))


def test_features_that_overflow_a_kernel_are_refused():
    for name, params in WINGS[:3]:
        with pytest.raises(DataError, match="not finite") as error:
            registry.make(name, kernel="poly", degree=5, gamma=1.0, **params).fit(X * 1e70, Y)
        assert "Scale the features" in error.value.hint
    Kernel("rbf").require_range(X * 1e200)


@pytest.mark.parametrize(("name", "params"), WINGS)
@pytest.mark.parametrize("weight", [0.0, -2.0, np.nan, np.inf])
def test_weights_of_classes_are_positive_numbers(name, params, weight):
    with pytest.raises(UsageError, match="class weight of dry"):
        registry.make(name, class_weight={"dry": weight, "wet": 1.0}, **params).fit(X, Y)
