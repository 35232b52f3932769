"""HybridSVC ends at the exact SVM, whatever kernel, weights and start; nonsense does no harm."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import bridges
from bridges.errors import UsageError
from bridges.run.model_file import load_model, save_model
from classical.hybrid.classifier import HybridSVC
from qsvm.samplers.base import SampleBatch
from qsvm.samplers.local.annealing import SimulatedAnnealing

QUICK = {
    "num_reads": 15, "sampler_params": {"num_sweeps": 40}, "block": 15, "blocks": 6, "steps": 25,
    "n_jobs": 1, "random_state": 0,
}  # fmt: skip
SMALL = {"members": 3, "member_size": 24, "num_reads": 8, "num_sweeps": 40}


def samples(n=120, classes=3, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, classes, n)
    centres = np.random.default_rng(7).normal(size=(classes, 4))
    return centres[y] * 1.2 + random.normal(size=(n, 4)), y


def laplace(A, B):
    return np.exp(-0.3 * np.abs(A[:, None] - B).sum(axis=2))


@parametrize_with_checks(
    [HybridSVC(num_reads=5, sampler_params={"num_sweeps": 10}, steps=20, n_jobs=1)]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid", "precomputed", "callable"])
def test_every_kernel_comes_near_the_optimum_of_an_oracle(kernel):
    X, y = samples(classes=2)
    if kernel == "precomputed":
        X = X @ X.T + 1.0
    given = laplace if kernel == "callable" else kernel
    ours = HybridSVC(2, kernel=given, gamma=0.1, coef0=0.5, **QUICK).fit(X, y)
    theirs = SVC(C=2, kernel=given, gamma=0.1, coef0=0.5, tol=1e-5).fit(X, y)
    for dual in ours.hybrid_["pairs"]:
        assert (np.diff(dual["gaps"]) <= 0).all()
    if kernel != "sigmoid":  # not positive semidefinite: local optima
        assert ours.hybrid_["gap_max"] < 0.02
        assert (ours.predict(X) == theirs.predict(X)).mean() > 0.97
    assert abs(ours.dual_coef_.sum()) < 1e-9


def test_weights_are_bounds_as_in_the_exact_solver():
    X, y = samples()
    weight = np.random.default_rng(1).uniform(0.2, 3, len(y))
    options = {"class_weight": {0: 2.0, 1: 1.0, 2: 0.5}, "gamma": 0.3}
    ours = HybridSVC(3, **options, **QUICK).fit(X, y, sample_weight=weight)
    exact = bridges.make("mpi-svc", C=3, **options).fit(X, y, sample_weight=weight)
    assert ours.hybrid_["gap_max"] < 0.02
    optimum = sum(pair["optimum"] for pair in ours.hybrid_["pairs"])
    assert exact.fit_report_.objective == pytest.approx(optimum, rel=1e-3)
    assert (ours.predict(X) == exact.predict(X)).mean() > 0.96


def test_figures_add_up():
    X, y = samples()
    model = HybridSVC(5, gamma=0.3, **QUICK).fit(X, y)
    for dual in model.hybrid_["pairs"]:
        told = dual["attribution"]
        assert told["annealer"] + told["kept"] == pytest.approx(1 - dual["gap"], abs=1e-9)
        assert (np.diff(dual["gaps"]) <= 0).all()
        assert dual["gap"] <= dual["certified_gap"] + 1e-9
    assert model.hybrid_["annealer_contributed"]
    assert model.hybrid_["steps"] <= 25
    assert model.fit_report_.n_iterations == model.hybrid_["steps"] == model.hybrid_["submissions"]


class Nonsense(SimulatedAnnealing):
    """Answers something else than it was asked."""

    def __init__(self, kind="far"):
        super().__init__()
        self.kind = kind

    def sample(self, problems, seeds, **options):
        return [self._batch(*each) for each in zip(problems, seeds, strict=True)]

    def _batch(self, problem, seed):
        shape = (10, problem.n_coefficients)
        x = {
            "far": np.random.default_rng(seed).normal(size=shape) * 100,
            "nan": np.full(shape, np.nan),
            "corner": np.tile(problem.lower, (10, 1)),
        }[self.kind]
        return SampleBatch(x, np.zeros(10), np.ones(10, np.int64))


@pytest.mark.parametrize("kind", ["far", "nan", "corner"])
def test_nonsense_does_no_harm_and_is_told(kind):
    X, y = samples()
    model = HybridSVC(
        5, gamma=0.3, **{**QUICK, "num_reads": None, "sampler_params": None}, sampler=Nonsense(kind)
    ).fit(X, y)
    for dual in model.hybrid_["pairs"]:
        assert (np.diff(dual["gaps"]) <= 0).all()
    assert not model.hybrid_["annealer_contributed"]
    assert any("contributed nothing" in note for note in model.notes_)
    if kind != "corner":
        assert model.hybrid_["columns_refused"] > 0
        assert model.hybrid_["attribution"]["annealer"] == 0


def test_random_columns_are_told_from_an_annealer():
    X, y = samples()
    model = HybridSVC(5, gamma=0.3, **QUICK)
    random = model.null_controls()["random_lattice"].fit(X, y)
    assert random.hybrid_["gap_mean"] > 3 * clone(model).fit(X, y).hybrid_["gap_mean"]
    assert not random.hybrid_["annealer_contributed"]


def test_polish_ends_at_the_optimum_and_says_what_it_brought():
    X, y = samples()
    options = {**QUICK, "steps": 2}
    plain = HybridSVC(5, gamma=0.3, tol=1e-5, **options).fit(X, y)
    model = HybridSVC(5, gamma=0.3, tol=1e-5, polish=True, **options).fit(X, y)
    exact = bridges.make("mpi-svc", C=5, gamma=0.3, tol=1e-5).fit(X, y)
    assert model.hybrid_["attribution"]["polish"] == pytest.approx(plain.hybrid_["gap_mean"])
    np.testing.assert_allclose(model.decision_function(X), exact.decision_function(X), atol=1e-3)


@pytest.mark.parametrize("start", ["qubo-ensemble", "mpi-svc"])
def test_a_start_is_gone_on_from(start):
    X, y = samples()
    params = SMALL if start == "qubo-ensemble" else {}
    options = {**QUICK, "steps": 1}
    begun = HybridSVC(5, gamma=0.3, start=start, start_params=params, **options).fit(X, y)
    cold = HybridSVC(5, gamma=0.3, **options).fit(X, y)
    assert begun.hybrid_["pairs"][0]["gaps"][0] < cold.hybrid_["pairs"][0]["gaps"][0]
    if start == "mpi-svc":
        assert begun.hybrid_["gap_max"] < 1e-3


def test_a_start_without_coefficients_is_refused():
    X, y = samples()
    params = {**SMALL, "multiclass": "ovr"}
    with pytest.raises(UsageError, match="cannot start"):
        HybridSVC(start="qubo-ensemble", start_params=params, **QUICK).fit(X, y)


def test_threads_make_no_difference():
    X, y = samples()
    one, two = (HybridSVC(5, gamma=0.3, **{**QUICK, "n_jobs": n}).fit(X, y) for n in (1, 2))
    assert one.dual_coef_.tobytes() == two.dual_coef_.tobytes()
    assert one.intercept_.tobytes() == two.intercept_.tobytes()


def test_what_proposes_no_columns_is_refused():
    X, y = samples()
    with pytest.raises(UsageError, match="proposes no columns"):
        HybridSVC(inner="smo").fit(X, y)
    with pytest.raises(UsageError, match="no number of reads"):
        HybridSVC(sampler="round", num_reads=5).fit(X, y)


def test_a_model_file_gives_the_same_decisions(tmp_path):
    X, y = samples()
    model = HybridSVC(5, gamma=0.3, **QUICK).fit(X, y)
    save_model(model, {}, tmp_path / "m.skops")
    again, _ = load_model(tmp_path / "m.skops")
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    assert again.hybrid_ == model.hybrid_
