"""Weights of linear kernels, and sparse samples, as scikit-learn's SVC has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.feature_selection import RFE
from sklearn.svm import SVC

from bridges import make, registry
from bridges.errors import SolverError
from bridges.svm import sparse as spelt
from classical import GridSearch

QUICK = {"num_reads": 10, "num_sweeps": 50}
NAMES = {
    "mpi-svc": {},
    "sklearn-svc": {},
    "qubo-svc": {"sampler_params": QUICK, "random_state": 0},
    "qubo-ensemble": {"members": 3, "member_size": 20, **QUICK, "random_state": 0},
}


def blobs(centers):
    X, y = make_blobs(90, centers=centers, n_features=4, cluster_std=2.0, random_state=3)
    X[np.random.default_rng(1).random(X.shape) < 0.3] = 0.0
    return X, y


@pytest.mark.parametrize("centers", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_weights_give_the_outputs(name, centers):
    X, y = blobs(centers)
    model = registry.make(name, kernel="linear", C=0.5, **NAMES[name]).fit(X, y)
    assert model.coef_.shape == (len(model.intercept_), 4)
    assert not model.coef_.flags.writeable
    outputs = X @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.expansion().decision(X), outputs, atol=1e-9)
    if centers == 2:
        np.testing.assert_allclose(model.decision_function(X), outputs[:, 0], atol=1e-9)


def test_weights_are_those_of_scikit_learn():
    X, y = blobs(3)
    wanted = SVC(kernel="linear", C=0.5, tol=1e-6).fit(X, y)
    for name in ("mpi-svc", "sklearn-svc"):
        found = registry.make(name, kernel="linear", C=0.5, tol=1e-6).fit(X, y)
        np.testing.assert_allclose(found.coef_, wanted.coef_, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_band_that_tells_nothing_is_eliminated(name):
    X = np.random.default_rng(0).normal(size=(90, 4))
    y = X[:, 0] + X[:, 1] - X[:, 3] > 0
    chosen = RFE(registry.make(name, kernel="linear", **NAMES[name]), n_features_to_select=3)
    assert not chosen.fit(X, y).support_[2]


def test_a_search_has_the_weights_of_its_best():
    X, y = blobs(2)
    search = GridSearch(make("mpi-svc", kernel="linear"), {"C": [0.1, 1.0]}, cv=3)
    search.fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(search.coef_, search.best_estimator_.coef_)
    np.testing.assert_array_equal(search.predict(sparse.csr_array(X)), search.predict(X))


@pytest.mark.parametrize("name", NAMES)
def test_other_kernels_have_no_weights(name):
    X, y = blobs(2)
    model = registry.make(name, **NAMES[name])
    assert not hasattr(model, "coef_")
    assert not hasattr(model.fit(X, y), "coef_")


def test_votes_have_no_weights():
    X, y = blobs(2)
    params = NAMES["qubo-ensemble"] | {"combine": "majority", "kernel": "linear"}
    assert not hasattr(registry.make("qubo-ensemble", **params).fit(X, y), "coef_")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, sparse.csr_matrix) for name in NAMES),
        ("mpi-svc", sparse.csc_array),
        ("mpi-svc", sparse.coo_array),
    ],
)
def test_a_sparse_matrix_is_its_dense_one(name, kind, monkeypatch):
    monkeypatch.setattr(spelt, "CELLS", 100)  # many parts
    X, y = blobs(3)
    model = registry.make(name, **NAMES[name])
    dense, thin = clone(model).fit(X, y), clone(model).fit(kind(X), y)
    np.testing.assert_array_equal(thin.dual_coef_, dense.dual_coef_)
    np.testing.assert_array_equal(thin.predict(kind(X)), dense.predict(X))
    np.testing.assert_array_equal(thin.decision_function(kind(X)), dense.decision_function(X))


def test_votes_of_sparse_samples(monkeypatch):
    monkeypatch.setattr(spelt, "CELLS", 100)
    X, y = blobs(3)
    params = NAMES["qubo-ensemble"] | {"combine": "majority"}
    model = registry.make("qubo-ensemble", **params).fit(sparse.csr_matrix(X), y)
    np.testing.assert_array_equal(model.predict(sparse.csr_matrix(X)), model.predict(X))


def test_missing_values_of_a_sparse_matrix_are_refused():
    X, y = blobs(2)
    X[3, 1] = np.nan
    for name, params in NAMES.items():
        with pytest.raises(ValueError, match="NaN"):
            registry.make(name, **params).fit(sparse.csr_matrix(X), y)


def test_a_matrix_too_large_to_spell_out_is_refused():
    wide = sparse.csr_matrix((4_000_000, 4_000_000))
    with pytest.raises(SolverError, match="dense rows"):
        make("mpi-svc").fit(wide, np.arange(4_000_000) % 2)
