"""The exact reference is scikit-learn's SVC with the toolkit's attributes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from bridges import registry
from bridges.classifier import KernelClassifier
from bridges.errors import DataError, SolverError, UsageError
from bridges.reference import ReferenceSVC
from bridges.svm.kernels import Kernel, resolve_gamma, squared_distances

PARAMS = [
    {"kernel": "rbf"},
    {"kernel": "rbf", "gamma": "auto"},
    {"kernel": "linear"},
    {"kernel": "poly", "gamma": 0.2, "degree": 2, "coef0": 1.0},
    {"kernel": "sigmoid", "gamma": 0.01, "coef0": 0.1},
]


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(90, centers=3, n_features=4, cluster_std=4.0, random_state=3)
    return X, y


@pytest.mark.parametrize("params", PARAMS)
def test_two_classes_are_one_svc(blobs, params):
    X, y = blobs
    X, y = X[y < 2], y[y < 2]
    ours = ReferenceSVC(2.0, tol=1e-6, **params).fit(X, y)
    theirs = SVC(C=2.0, tol=1e-6, **params).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=2e-4)
    assert ours.n_features_in_ == 4
    assert isinstance(ours, KernelClassifier)


@pytest.mark.parametrize("params", PARAMS[:-1])  # tanh is no kernel: solvers stop where they like
def test_one_versus_one_is_libsvms(blobs, params):
    X, y = blobs
    ours = ReferenceSVC(2.0, tol=1e-6, **params).fit(X, y)
    theirs = SVC(C=2.0, tol=1e-6, decision_function_shape="ovo", **params).fit(X, y)
    raw = ours.expansion().decision(X)
    np.testing.assert_allclose(raw, theirs.decision_function(X), atol=2e-4)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_one_versus_rest_is_one_svc_a_class(blobs):
    X, y = blobs
    ours = ReferenceSVC(2.0, multiclass="ovr", gamma=0.05, tol=1e-6).fit(X, y)
    for c in range(3):
        theirs = SVC(C=2.0, gamma=0.05, tol=1e-6).fit(X, y == c)
        np.testing.assert_allclose(
            ours.decision_function(X)[:, c], theirs.decision_function(X), atol=2e-4
        )


def test_weights_act_on_the_box_as_scikit_learns(blobs):
    X, y = blobs
    X, y = X[y < 2], y[y < 2]
    weights = np.random.default_rng(0).uniform(0.2, 3, len(X))
    given = {"gamma": 0.05, "tol": 1e-6, "class_weight": {0: 2.0}}
    ours = ReferenceSVC(0.5, **given).fit(X, y, weights)
    theirs = SVC(C=0.5, **given).fit(X, y, weights)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=2e-4)


def test_the_objective_is_the_dual_energy(blobs):
    X, y = blobs
    X, y = X[y < 2], y[y < 2]
    model = ReferenceSVC(1.0, gamma=0.05).fit(X, y)
    signed = model.dual_coef_[0]
    K = rbf_kernel(model.support_vectors_, gamma=0.05)
    by_hand = 0.5 * signed @ K @ signed - np.abs(signed).sum()
    assert model.fit_report_.objective == pytest.approx(by_hand)


def test_reports_are_json_and_rows(blobs):
    report = ReferenceSVC().fit(*blobs).fit_report_
    assert report.n_problems == 3
    assert report.as_dict()["n_samples"] == 90
    assert "NaN" not in report.as_json()


def test_a_precomputed_matrix_must_be_square(blobs):
    X, y = blobs
    with pytest.raises(DataError, match="square"):
        ReferenceSVC(kernel="precomputed").fit(X, y)


@pytest.mark.parametrize("name", ["rbf", "linear", "poly", "sigmoid"])
def test_kernel_matrices_are_scikit_learns(name, blobs):
    from sklearn.metrics.pairwise import pairwise_kernels

    X, _ = blobs
    params = {
        "rbf": {"gamma": 0.1},
        "linear": {},
        "poly": {"gamma": 0.1, "degree": 3, "coef0": 0.5},
        "sigmoid": {"gamma": 0.01, "coef0": 0.5},
    }[name]
    expected = pairwise_kernels(X, X[:7], metric=name, **params)
    np.testing.assert_allclose(Kernel(name, **params).matrix(X, X[:7]), expected, rtol=1e-9)


def test_distances_far_from_the_origin_do_not_cancel():
    X = 1e6 + np.random.default_rng(0).normal(size=(10, 3))
    expected = ((X[:, None] - X) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squared_distances(X, X), expected, rtol=1e-6)
    assert not np.diag(squared_distances(X, X)).any()


def test_scale_is_scikit_learns_and_counts_weights():
    X = np.random.default_rng(0).normal(size=(12, 3)) * 4
    assert resolve_gamma("scale", X) == pytest.approx(1 / (3 * X.var()))
    times = np.arange(12) % 3 + 1
    repeated = np.repeat(X, times, axis=0)
    assert resolve_gamma("scale", X, times.astype(float)) == pytest.approx(
        resolve_gamma("scale", repeated)
    )
    assert resolve_gamma("scale", np.ones((4, 2))) == 1.0
    assert resolve_gamma("auto", X) == pytest.approx(1 / 3)
    with pytest.raises(UsageError, match="wide"):
        resolve_gamma("wide", X)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(UsageError, match="cosine"):
        Kernel("cosine")


def test_names_lead_to_classes_and_wrong_ones_to_the_nearest():
    assert isinstance(registry.make("sklearn-svc", C=3), ReferenceSVC)
    assert {"qubo-svc", "qubo-ensemble", "mpi-svc", "sklearn-svc"} <= set(registry.names())
    with pytest.raises(UsageError, match="Did you mean 'qubo-svc'"):
        registry.make("qubo-scv")
    with pytest.raises(UsageError, match="no parameter 'c'") as caught:
        registry.make("sklearn-svc", c=3)
    assert "gamma" in caught.value.hint


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    from importlib import metadata

    (tmp_path / "far_sampler.py").write_text("import absent_package\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def points(group):
        return [metadata.EntryPoint("far", "far_sampler:Thing", group)]

    monkeypatch.setattr(registry.metadata, "entry_points", points)
    with pytest.raises(SolverError, match="absent_package") as caught:
        registry.make_sampler("far")
    assert "pip install" in caught.value.hint
    assert "not available" in registry.sampler_table()
