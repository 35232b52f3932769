"""Sums of kernels, joined over one training set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.svm.expansion import KernelExpansion, stack
from bridges.svm.kernels import Kernel


def make(support, X, kernel, n_outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    support = np.asarray(support, dtype=np.intp)
    precomputed = kernel.name == "precomputed"
    vectors = np.empty((len(support), 0)) if precomputed else X[support]
    return KernelExpansion(
        kernel,
        support,
        vectors,
        rng.normal(size=(n_outputs, len(support))),
        rng.normal(size=n_outputs),
    )


@pytest.fixture
def X():
    return np.random.default_rng(9).normal(size=(12, 3))


@pytest.mark.parametrize("kernel", [Kernel("rbf", 0.4), Kernel("linear"), Kernel("poly", 0.5, 2)])
def test_outputs_are_the_sum(X, kernel):
    part = make([1, 4, 7], X, kernel)
    expected = kernel.matrix(X, X[[1, 4, 7]]) @ part.coef.T + part.intercept
    np.testing.assert_allclose(part.decision(X), expected, atol=1e-5)
    np.testing.assert_array_equal(part.decision(X, n_jobs=1), part.decision(X, n_jobs=2))


def test_precomputed_values_are_picked_by_row(X):
    K = Kernel("rbf", 0.4).matrix(X, X)
    named = make([2, 3], X, Kernel("rbf", 0.4))
    given_matrix = make([2, 3], X, Kernel("precomputed"))
    np.testing.assert_allclose(given_matrix.decision(K), named.decision(X), atol=1e-5)


def test_nothing_but_a_bias(X):
    part = make([], X, Kernel("rbf", 0.4))
    np.testing.assert_allclose(part.decision(X), np.tile(part.intercept, (12, 1)))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=8), min_size=1, max_size=4),
    seed=st.integers(0, 50),
)
def test_joined_expansions_are_their_weighted_mean(rows, seed):
    X = np.random.default_rng(9).normal(size=(12, 3))
    parts = [make(r, X, Kernel("linear"), seed=seed + i) for i, r in enumerate(rows)]
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(parts)))
    each = np.stack([p.decision(X) for p in parts])
    mean = stack(parts, weights)
    np.testing.assert_allclose(mean.decision(X), np.tensordot(weights, each, 1), atol=1e-8)
    assert len(mean.support) == len({row for part in rows for row in part})
    side_by_side = stack(parts).decision(X)
    np.testing.assert_allclose(side_by_side, np.concatenate(list(each), axis=1), atol=1e-8)
