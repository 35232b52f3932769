"""MPISVC against scikit-learn's SVC, its invariances, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
from sklearn.svm import SVC

from bridges.errors import DataError, SolverError
from bridges.svm.multiclass import binary_tasks
from classical.classifier import MPISVC
from classical.solver import kernel as kernel_module
from classical.solver.checkpoint import Journal
from classical.solver.dual import Settings


def blobs(n, n_classes=2, seed=0, d=5, spread=1.2):
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(n_classes, d)) * spread
    y = random.integers(0, n_classes, n)
    return centres[y] + random.normal(size=(n, d)), y


def dual_objective(K, y, dual_coef, support, n_classes):
    """Sum over pairs of ½βᵀKβ - Σ|β| from coefficients in the pair order, by hand."""
    total = 0.0
    for p, (rows, _) in enumerate(binary_tasks(y, n_classes, "ovo")):
        beta = np.zeros(len(y))
        beta[support] = dual_coef[p]
        assert set(np.flatnonzero(beta)) <= set(rows)
        total += 0.5 * beta @ K @ beta - np.abs(beta).sum()
    return total


def libsvm_pairs(model, n_classes):
    """Return scikit-learn's (n_classes - 1, n_support) coefficients as one row per pair."""
    starts = np.concatenate([[0], np.cumsum(model.n_support_)])
    rows = []
    for i in range(n_classes):
        for j in range(i + 1, n_classes):
            row = np.zeros(len(model.support_))
            row[starts[i] : starts[i + 1]] = model.dual_coef_[j - 1, starts[i] : starts[i + 1]]
            row[starts[j] : starts[j + 1]] = model.dual_coef_[i, starts[j] : starts[j + 1]]
            rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 10.0, 1e4])
def test_same_objective_as_libsvm_to_six_digits(n_classes, C):
    X, y = blobs(400, n_classes)
    own = MPISVC(C, gamma=0.3, tol=1e-4).fit(X, y)
    peer = SVC(C=C, gamma=0.3, tol=1e-4).fit(X, y)
    K = rbf_kernel(X, gamma=0.3)
    ours = dual_objective(K, y, own.dual_coef_, own.support_, n_classes)
    theirs = dual_objective(K, y, libsvm_pairs(peer, n_classes), peer.support_, n_classes)
    assert ours <= theirs + 2e-6 * abs(theirs)
    assert ours == pytest.approx(theirs, rel=2e-6 if C < 1e4 else 1e-4)
    assert own.fit_report_.objective == pytest.approx(ours, rel=2e-6 if C < 1e4 else 1e-4)
    assert own.diagnostics_.kkt_violation_max <= 1e-4


@pytest.mark.parametrize("n_classes", [2, 5])
def test_decomposition_agrees_with_the_stored_solution(n_classes, monkeypatch):
    X, y = blobs(900, n_classes)
    stored = MPISVC(10, gamma=0.3, tol=1e-4).fit(X, y)
    monkeypatch.setattr("classical.solver.binary.DIRECT_LIMIT", 0)
    monkeypatch.setattr(kernel_module, "SHARED_LIMIT", 0)
    monkeypatch.setattr(Settings, "size", lambda self, n: 48)
    monkeypatch.setattr("classical.solver.decomposition.COARSE_FROM", 200)
    outer = MPISVC(10, gamma=0.3, tol=1e-4).fit(X, y)
    assert outer.fit_report_.n_iterations > stored.fit_report_.n_iterations
    assert outer.fit_report_.objective == pytest.approx(stored.fit_report_.objective, rel=1e-6)
    values = outer.decision_function(X) - stored.decision_function(X)
    assert np.abs(values).max() < 2e-3


@pytest.mark.parametrize(
    ("name", "peer_kernel"), [("rbf", rbf_kernel), ("poly", polynomial_kernel)]
)
def test_kernels_by_name_callable_and_precomputed_are_one(name, peer_kernel):
    X, y = blobs(200, 3)
    params = {"gamma": 0.05} if name == "rbf" else {"gamma": 0.05, "coef0": 0.5}
    named = MPISVC(2, kernel=name, precision="double", tol=1e-6, **params).fit(X, y)
    called = MPISVC(2, kernel=lambda a, b: peer_kernel(a, b, **params), tol=1e-6).fit(X, y)
    given = MPISVC(2, kernel="precomputed", tol=1e-6).fit(peer_kernel(X, **params), y)
    expected = named.decision_function(X)
    np.testing.assert_allclose(called.decision_function(X), expected, atol=1e-4)
    K = peer_kernel(X, **params)
    np.testing.assert_allclose(given.decision_function(K), expected, atol=1e-4)


def test_linear_kernel_agrees_with_libsvm():
    X, y = blobs(300)
    own = MPISVC(1, kernel="linear", tol=1e-5).fit(X, y).decision_function(X)
    peer = SVC(kernel="linear", C=1, tol=1e-5).fit(X, y).decision_function(X)
    np.testing.assert_allclose(own, peer, atol=1e-3)


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 1.0, 2: 0.5}])
def test_weights_agree_with_libsvm(class_weight):
    X, y = blobs(300, 3)
    weights = np.random.default_rng(1).uniform(0.2, 3, len(y))
    if class_weight == "balanced":  # SVC balances the numbers of samples, not their weights
        weights = np.ones(len(y))
    params = {"C": 2.0, "gamma": 0.3, "tol": 1e-5, "class_weight": class_weight}
    own = MPISVC(**params).fit(X, y, weights)
    peer = SVC(**params, decision_function_shape="ovr").fit(X, y, weights)
    np.testing.assert_allclose(own.decision_function(X), peer.decision_function(X), atol=1e-3)


@given(seed=st.integers(0, 1000), n_classes=st.integers(2, 4))
@settings(max_examples=10, deadline=None)
def test_order_and_copies_of_samples_change_nothing(seed, n_classes):
    random = np.random.default_rng(seed)
    X, y = blobs(80, n_classes, seed)
    counts = random.integers(1, 4, len(y))
    order = random.permutation(np.repeat(np.arange(len(y)), counts))
    weighted = MPISVC(3, gamma=0.4).fit(X, y, counts.astype(float))
    repeated = MPISVC(3, gamma=0.4).fit(X[order], y[order])
    expected = repeated.decision_function(X)
    np.testing.assert_allclose(weighted.decision_function(X), expected, rtol=0, atol=1e-12)
    assert np.sort(weighted.dual_coef_).tobytes() == np.sort(repeated.dual_coef_).tobytes()


def test_a_flipped_label_flips_the_sign():
    X, y = blobs(150)
    one, other = MPISVC(3, tol=1e-6).fit(X, y), MPISVC(3, tol=1e-6).fit(X, 1 - y)
    np.testing.assert_allclose(one.decision_function(X), -other.decision_function(X), atol=1e-4)


def test_threads_change_nothing():
    X, y = blobs(4500, 2)
    a, b = (MPISVC(10, gamma=0.3, n_jobs=n).fit(X, y) for n in (1, 2))
    assert a.dual_coef_.tobytes() == b.dual_coef_.tobytes()


def test_votes_tie_to_the_lowest_class_unless_broken():
    X, y = blobs(120, 3, spread=0.3)
    own = MPISVC(1, gamma=0.5, tol=1e-6).fit(X, y)
    peer = SVC(C=1, gamma=0.5, tol=1e-6).fit(X, y)
    T = np.random.default_rng(3).normal(size=(2000, 5)) * 2
    assert (own.predict(T) == peer.predict(T)).mean() > 0.999
    own.break_ties = peer.break_ties = True
    assert (own.predict(T) == peer.predict(T)).mean() > 0.999


def test_warm_start_needs_fewer_steps_and_ends_at_the_same_optimum():
    X, y = blobs(600, 3)
    model = MPISVC(10, gamma=0.3, warm_start=True).fit(X, y)
    cold, objective = model.n_iter_.sum(), model.fit_report_.objective
    model.fit(X, y)
    assert model.n_iter_.sum() <= 3
    model.set_params(C=12).fit(np.vstack([X, X[:5] + 0.1]), np.append(y, y[:5]))
    assert model.n_iter_.sum() < cold
    assert model.set_params(C=10).fit(X, y).fit_report_.objective == pytest.approx(
        objective, rel=1e-5
    )


def test_stops_after_max_iter_with_a_warning():
    X, y = blobs(300)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = MPISVC(100, max_iter=7).fit(X, y)
    assert model.n_iter_.tolist() == [7]


@pytest.mark.parametrize("C", [1e8, 1e-8])
def test_extreme_bounds_end(C):
    X, y = blobs(200, spread=3.0)
    model = MPISVC(C, gamma=0.1).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()


def test_constant_features_and_contradicting_samples():
    X = np.zeros((6, 2))
    model = MPISVC(1, gamma="scale").fit(X, [0, 1, 0, 1, 0, 0])
    assert set(model.predict(X)) == {0}
    assert len(model.support_) <= 2


def test_indefinite_kernel_ends_at_a_local_optimum():
    X, y = blobs(200)
    model = MPISVC(5, kernel="sigmoid", gamma=1.0, coef0=-1.0).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()


def test_one_class_and_memory_are_refused(monkeypatch):
    X, y = blobs(50)
    with pytest.raises(DataError, match="1 class"):
        MPISVC().fit(X, np.zeros(len(y)))
    monkeypatch.setattr("bridges.machine.memory.available_memory", lambda: 1000)
    with pytest.raises(SolverError, match="GB on this rank"):
        MPISVC().fit(X, y)


@pytest.mark.parametrize(
    ("table", "C", "gamma", "accuracy", "within"),
    [("statlog_landsat", 16, 1, 0.913, 0.0015), ("svmguide1", 2, 2, 0.9688, 0.001)],
)
def test_published_accuracy(shared_data, table, C, gamma, accuracy, within):
    with np.load(shared_data(f"tables/{table}.npz")) as data:
        X, T = data["X_train"].astype(float), data["X_test"].astype(float)
        y, t = data["y_train"], data["y_test"]
    low, high = X.min(axis=0), X.max(axis=0)
    model = MPISVC(C, gamma=gamma).fit(2 * (X - low) / (high - low) - 1, y)
    assert model.score(2 * (T - low) / (high - low) - 1, t) == pytest.approx(accuracy, abs=within)


def test_a_long_dual_goes_on_from_where_it_was_stopped(tmp_path, monkeypatch):
    X, y = blobs(900)
    monkeypatch.setattr("classical.solver.binary.DIRECT_LIMIT", 0)
    monkeypatch.setattr(Settings, "size", lambda self, n: 48)
    monkeypatch.setattr("classical.solver.decomposition.COARSE_FROM", 200)
    monkeypatch.setattr("classical.solver.checkpoint.JOURNAL_S", 0.0)
    whole = MPISVC(10, gamma=0.3).fit(X, y)
    note, noted = Journal.note, []

    def interrupted(self, rows, change):
        note(self, rows, change)
        noted.append(rows)
        if len(noted) == whole.fit_report_.n_iterations - 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "note", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MPISVC(10, gamma=0.3, checkpoint=tmp_path).fit(X, y)
    (file,) = tmp_path.iterdir()
    assert "+" in file.name
    again = MPISVC(10, gamma=0.3, checkpoint=tmp_path).fit(X, y)
    assert again.fit_report_.n_iterations < whole.fit_report_.n_iterations // 2
    assert again.fit_report_.objective == pytest.approx(whole.fit_report_.objective, rel=1e-6)
    (file,) = tmp_path.iterdir()
    assert "-" in file.name


def test_a_stopped_fit_goes_on_from_its_checkpoint(tmp_path):
    X, y = blobs(300, 4)
    first = MPISVC(5, checkpoint=tmp_path).fit(X, y)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 6
    files[2].unlink()
    again = MPISVC(5, checkpoint=tmp_path).fit(X, y)
    assert again.dual_coef_.tobytes() == first.dual_coef_.tobytes()
    assert again.fit_report_.objective == first.fit_report_.objective
    assert len(sorted(tmp_path.iterdir())) == 6
    MPISVC(6, checkpoint=tmp_path).fit(X, y)
    assert len(sorted(tmp_path.iterdir())) == 12
