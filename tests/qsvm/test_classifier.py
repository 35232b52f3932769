"""The QUBO SVM against exact SVMs, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
from landsat_like import landsat_like
from sklearn.base import clone
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel
from sklearn.svm import SVC

from bridges import registry
from bridges.classifier import KernelClassifier
from bridges.errors import DataError, UsageError
from qsvm.classifier import QuboSVC
from qsvm.samplers.base import Live
from qsvm.samplers.local.annealing import SimulatedAnnealing

QUICK = {"num_reads": 12, "num_sweeps": 80}
FINE = {"n_bits": 10, "sampler": "round", "penalty": 300.0}
"""Deterministic, and near the continuous optimum with the equality nearly kept."""


def quick(**params):
    return QuboSVC(**{"sampler_params": QUICK, "random_state": 0, **params})


def assert_same_model(a, b):
    np.testing.assert_array_equal(a.dual_coef_, b.dual_coef_)
    np.testing.assert_array_equal(a.intercept_, b.intercept_)
    np.testing.assert_array_equal(a.support_vectors_, b.support_vectors_)


@pytest.mark.parametrize(
    "kernel",
    [{"kernel": "rbf", "gamma": 0.2}, {"kernel": "linear"}, {"kernel": "poly", "coef0": 1}],
)
def test_fine_lattices_reproduce_the_exact_svm(kernel):
    X, y = landsat_like(20, overlap=0.5, seed=1)
    exact = SVC(C=2.0, **kernel).fit(X, y)
    ours = QuboSVC(2.0, **FINE, **kernel).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(X), exact.decision_function(X), atol=0.06)
    assert ours.score(X, y) == exact.score(X, y)


def test_annealed_samples_classify_separable_data_as_the_exact_svm():
    X, y = landsat_like(20, overlap=0.3, seed=1)
    ours = QuboSVC(random_state=0, gamma=0.2).fit(X, y)
    exact = SVC(C=3.0, gamma=0.2).fit(X, y)
    assert ours.score(X, y) == exact.score(X, y) == 1.0
    correlation = np.corrcoef(ours.decision_function(X), exact.decision_function(X))[0, 1]
    assert correlation > 0.98


def test_the_rounded_optimum_is_the_reference_of_every_fit():
    X, y = landsat_like(20, seed=1, overlap=2.0)
    neal = QuboSVC(random_state=0).fit(X, y).diagnostics_
    rounded = QuboSVC(sampler="round").fit(X, y).diagnostics_
    assert 0 <= neal.rounded_gap_mean <= 0.05
    assert neal.rounded_gap_mean == rounded.rounded_gap_mean == rounded.best_sample_gap_mean


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_averaged_coefficients_come_close_to_the_optimum(seed):
    """Forty samples of overlapping classes, two bits, default reads: five per cent at the most."""
    X, y = landsat_like(20, seed=seed, overlap=2.0)
    quality = QuboSVC(random_state=seed).fit(X, y).diagnostics_
    assert 0 <= quality.energy_gap_mean <= 0.05
    assert quality.best_sample_gap_mean >= 0
    assert quality.above_zero_fraction == 0
    assert quality.chain_break_fraction is None
    assert quality.couplers_dropped == 0


def test_samples_worse_than_no_training_at_all_are_not_kept():
    X, y = landsat_like(20, 3)
    model = quick(sampler_params={"num_reads": 40, "num_sweeps": 9}, n_keep=40).fit(X, y)
    exact, used, best, zero = model.energies_.T
    worst = [energies[-1] for energies in model.sample_energies_]
    assert np.any(worst > zero), "there are samples to leave out"
    assert model.diagnostics_.above_zero_fraction == 0
    assert np.all(exact <= used + 1e-9)
    assert np.all(exact <= best + 1e-9)
    assert np.all(used <= zero)


def test_samples_that_are_all_worse_than_nothing_show_in_the_diagnostics():
    X, y = landsat_like(20)
    hot = {"num_reads": 10, "num_sweeps": 1, "beta_range": (1e-9, 1e-9)}
    model = quick(sampler_params=hot).fit(X, y)
    assert model.diagnostics_.above_zero_fraction == 1
    assert model.diagnostics_.best_sample_gap_mean > 1


def test_the_order_of_the_samples_does_not_matter():
    X, y = landsat_like(12, 3, seed=4)
    order = np.random.default_rng(0).permutation(len(X))
    one, other = quick().fit(X, y), quick().fit(X[order], y[order])
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), rtol=1e-12)


def test_names_of_classes_do_not_matter_beyond_their_order():
    X, y = landsat_like(12, 3, seed=4)
    names = np.array(["", "forest", "urban", "water"])[y]
    one, named = quick().fit(X, y), quick().fit(X, names)
    np.testing.assert_array_equal(one.decision_function(X), named.decision_function(X))
    assert list(named.predict(X)) == list(
        np.array(["", "forest", "urban", "water"])[one.predict(X)]
    )


def test_swapping_two_classes_flips_the_sign():
    X, y = landsat_like(12, seed=6)
    one, swapped = QuboSVC(**FINE).fit(X, y), QuboSVC(**FINE).fit(X, 3 - y)
    np.testing.assert_allclose(
        one.decision_function(X), -swapped.decision_function(X), rtol=1e-3, atol=1e-3
    )


def test_class_weights_act_on_the_box():
    X, y = landsat_like(10, seed=2, overlap=3.0)
    weights = {1: 0.5, 2: 2.0}
    plan = quick(class_weight=weights, C=0.3).plan(X, y)
    codes = plan.merged.codes
    np.testing.assert_allclose(plan.problems[0].upper, np.where(codes == 0, 0.15, 0.6))
    model = quick(class_weight=weights, C=0.3).fit(X, y)
    bound = np.where(y[model.support_] == 1, 0.15, 0.6)
    assert np.all(np.abs(model.dual_coef_[0]) <= bound + 1e-12)
    assert np.abs(model.dual_coef_[0]).max() > 0.3, "the heavier class uses its larger box"


def test_balanced_classes_weigh_inversely_to_their_size():
    X, y = landsat_like(12, seed=2)
    X, y = X[:18], y[:18]  # 12 and 6
    plan = quick(class_weight="balanced", C=1.0).plan(X, y)
    expected = np.where(plan.merged.codes == 0, 18 / (2 * 12), 18 / (2 * 6))
    np.testing.assert_allclose(plan.problems[0].upper, expected)


def test_sample_weights_act_on_the_box():
    X, y = landsat_like(10, seed=3)
    weights = np.random.default_rng(0).uniform(0.1, 3.0, len(X))
    plan = quick(C=2.0).plan(X, y, weights)
    np.testing.assert_allclose(plan.problems[0].upper, 2.0 * weights[plan.merged.rows])


def test_weights_reproduce_the_exact_svm_with_the_same_weights():
    X, y = landsat_like(15, seed=5)
    weights = np.where(np.arange(len(X)) % 3 == 0, 4.0, 0.5)
    exact = SVC(C=1.0, gamma=0.2, class_weight={1: 2.0}).fit(X, y, sample_weight=weights)
    ours = QuboSVC(1.0, gamma=0.2, class_weight={1: 2.0}, **FINE).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(ours.decision_function(X), exact.decision_function(X), atol=0.06)


def test_copies_are_weights_and_weight_zero_is_absence():
    X, y = landsat_like(10, 3, seed=7)
    times = np.random.default_rng(1).integers(0, 4, len(X))
    repeated = quick().fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    weighted = quick().fit(X, y, sample_weight=times)
    np.testing.assert_array_equal(repeated.decision_function(X), weighted.decision_function(X))


def test_many_fits_in_one_call_are_the_fits_one_by_one():
    X, y = landsat_like(15, 3, seed=8)
    rng = np.random.default_rng(0)
    bags = [np.sort(rng.choice(len(X), size=size, replace=False)) for size in (30, 20, 25)]
    data = [(X[b], y[b], None) for b in bags]
    together = quick().fit_many(data, [5, 6, 7])
    for seed, model, (A, b, _) in zip([5, 6, 7], together, data, strict=True):
        assert_same_model(model, quick(random_state=seed).fit(A, b))


def test_workers_do_not_change_the_model():
    X, y = landsat_like(15, 4, seed=9)
    assert_same_model(quick(n_jobs=1).fit(X, y), quick(n_jobs=2).fit(X, y))


@pytest.mark.parametrize("multiclass", ["ovo", "ovr"])
def test_precomputed_and_callable_kernels_are_the_same_model(multiclass):
    X, y = landsat_like(12, 3, seed=10)
    order = np.lexsort((*X.T[::-1], y))  # a precomputed kernel keeps the order that it is given
    X, y = X[order], y[order]
    given = {"multiclass": multiclass}
    named = quick(gamma=0.3, **given).fit(X, y).decision_function(X)
    K = rbf_kernel(X, gamma=0.3)
    pre = quick(kernel="precomputed", **given).fit(K, y).decision_function(K)
    call = quick(kernel=lambda A, B: rbf_kernel(A, B, gamma=0.3), **given).fit(X, y)
    np.testing.assert_allclose(pre, named, atol=1e-6)
    np.testing.assert_allclose(call.decision_function(X), named, atol=1e-6)


def test_any_callable_kernel_will_do():
    X, y = landsat_like(15, overlap=0.4, seed=1)
    assert quick(kernel=laplacian_kernel).fit(X, y).score(X, y) > 0.9


def test_kernel_sigmoid_and_single_precision_fit():
    X, y = landsat_like(15, overlap=0.4, seed=1)
    assert quick(kernel="sigmoid", gamma=0.05).fit(X, y).score(X, y) > 0.8
    double, single = quick().fit(X, y), quick(precision="single").fit(X, y)
    assert single.score(X, y) >= double.score(X, y) - 0.05


def test_encoding_of_the_papers_is_one_choice_of_c():
    np.testing.assert_allclose(QuboSVC("encoding", base=2, n_bits=3).resolved_encoding().C, 7)
    np.testing.assert_allclose(QuboSVC("encoding", base=10, n_bits=2).resolved_encoding().C, 11)
    X, y = landsat_like(10)
    plan = quick(C="encoding", n_bits=3).plan(X, y)
    np.testing.assert_allclose(plan.problems[0].upper, 7.0)
    levels = np.unique(plan.problems[0].decode(np.eye(60)))
    np.testing.assert_allclose(levels, [0, 1, 2, 4])


def test_fitted_attributes_describe_the_model():
    X, y = landsat_like(12, 3, seed=11)
    model = quick().fit(X, y)
    assert isinstance(model, KernelClassifier)
    assert model.dual_coef_.shape == (3, len(model.support_))
    np.testing.assert_array_equal(model.support_vectors_, X[model.support_])
    by_hand = (
        rbf_kernel(X, model.support_vectors_, gamma=model.gamma_) @ model.dual_coef_.T
        + model.intercept_
    )
    np.testing.assert_allclose(model.expansion().decision(X), by_hand, atol=1e-5)
    report = model.fit_report_
    assert report.n_problems == 3
    assert report.n_variables == 24 * 2
    assert report.n_samples == 36
    assert report.total_s >= report.solve_s > 0
    parts = report.kernel_s + report.build_s + report.solve_s + report.decode_s + report.diagnose_s
    assert report.total_s == pytest.approx(parts)
    assert report.objective == pytest.approx(model.energies_[:, 1].sum())


def test_one_versus_rest_has_one_dual_a_class():
    X, y = landsat_like(12, 3, seed=11, overlap=0.3)
    model = quick(multiclass="ovr").fit(X, y)
    assert model.dual_coef_.shape[0] == 3
    assert model.decision_function(X).shape == (36, 3)
    assert model.score(X, y) > 0.9


def test_null_controls_are_unfitted_and_share_everything_but_the_coefficients():
    model = QuboSVC(2.0, gamma=0.4, kernel="poly", degree=2, multiclass="ovr", n_keep=7, n_bits=3)
    controls = model.null_controls()
    assert list(controls) == [
        "random_alpha", "random_hull", "constant_alpha", "exact_same_members", "exact_all",
    ]  # fmt: skip
    assert not any(hasattr(control, "classes_") for control in controls.values())
    for control in controls.values():
        for name in ("kernel", "gamma", "degree", "multiclass", "class_weight"):
            assert getattr(control, name) == getattr(model, name)
    assert controls["random_alpha"].make_sampler().num_draws == 7
    assert controls["exact_all"].C == 2.0
    papers = QuboSVC("encoding", n_bits=3).null_controls()
    np.testing.assert_allclose(papers["exact_all"].C, 7)


def test_null_controls_do_not_optimise():
    X, y = landsat_like(20, seed=0)
    model = quick().fit(X, y)
    controls = {name: c.fit(X, y) for name, c in model.null_controls().items()}
    gaps = {n: c.diagnostics_.energy_gap_mean for n, c in controls.items() if "alpha" in n}
    assert gaps["random_alpha"] > 3 * model.diagnostics_.energy_gap_mean
    assert gaps["constant_alpha"] > 3 * model.diagnostics_.energy_gap_mean
    coefficients = np.abs(controls["constant_alpha"].dual_coef_)
    np.testing.assert_allclose(coefficients, 1.5)
    exact = SVC(C=3.0, gamma="scale").fit(X, y)
    np.testing.assert_allclose(
        controls["exact_same_members"].decision_function(X), exact.decision_function(X), atol=2e-3
    )


def test_a_live_sampler_survives_cloning_and_does_what_its_name_does():
    X, y = landsat_like(10)
    live = quick(sampler=Live(SimulatedAnnealing(**QUICK)), sampler_params=None)
    assert clone(live).sampler is live.sampler
    assert_same_model(live.fit(X, y), quick().fit(X, y))


def test_options_for_a_live_sampler_are_not_swallowed():
    X, y = landsat_like(10)
    with pytest.raises(UsageError, match="sampler_params"):
        quick(sampler=Live(SimulatedAnnealing())).fit(X, y)


def test_refinement_comes_closer_than_one_round():
    X, y = landsat_like(20, seed=3)
    plain, refined = quick().fit(X, y), quick(refine_rounds=4).fit(X, y)
    assert refined.diagnostics_.best_sample_gap_mean < plain.diagnostics_.best_sample_gap_mean


@pytest.mark.parametrize("combination", ["hull", "mean", "boltzmann", "accuracy", "best"])
@pytest.mark.parametrize("bias", ["free", "mean-free", "mean-sv", "midpoint"])
def test_every_combination_and_bias_makes_a_classifier(combination, bias):
    X, y = landsat_like(15, overlap=0.4, seed=1)
    model = quick(combination=combination, bias=bias).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.diagnostics_.energy_gap_mean >= 0


def test_wrong_input_is_refused_with_a_hint():
    X, y = landsat_like(6, 3)
    with pytest.raises(DataError, match="1 class") as caught:
        quick().fit(X[:6], y[:6])
    assert "two classes" in caught.value.hint
    with pytest.raises(DataError, match="positive weight"):
        quick().fit(X, y, sample_weight=(y != 2).astype(float))
    with pytest.raises(DataError, match="square"):
        quick(kernel="precomputed").fit(X, y)
    with pytest.raises(UsageError, match="nael"):
        quick(sampler="nael").fit(X, y)
    with pytest.raises(UsageError, match="num_rads"):
        quick(sampler_params={"num_rads": 3}).fit(X, y)
    with pytest.raises(ValueError, match="n_bits"):
        quick(n_bits=0).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(np.where(np.eye(*X.shape) > 0, np.nan, X), y)


def test_names_of_the_registry():
    assert isinstance(registry.make("qubo-svc", C=3), QuboSVC)
    with pytest.raises(UsageError, match="no parameter 'K'"):
        registry.make("qubo-svc", K=3)
