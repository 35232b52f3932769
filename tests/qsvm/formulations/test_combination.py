"""Weights of samples and bias rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from sklearn.svm import SVC

from bridges.errors import UsageError
from qsvm.formulations.bias import BIAS_RULES, bias
from qsvm.formulations.combination import AVERAGES, combine, training_accuracies


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.sampled_from([*AVERAGES]))
def test_weights_are_a_distribution_that_never_favours_the_worse(energies, rule):
    energies = np.sort(energies)
    accuracies = np.linspace(1, 0.5, len(energies))
    weights = combine(energies, rule, accuracies)
    assert weights.sum() == pytest.approx(1)
    assert np.all(np.diff(weights) <= 1e-12)


def test_boltzmann_by_hand():
    energies = np.array([-3.0, -1.0])  # standard deviation 1
    assert combine(energies, "boltzmann") == pytest.approx(
        np.exp([3.0, 1.0]) / np.exp([3.0, 1.0]).sum()
    )


def test_unknown_rules_are_refused():
    with pytest.raises(UsageError, match="median"):
        combine(np.zeros(2), "median")
    with pytest.raises(UsageError, match="accuracies"):
        combine(np.zeros(2), "accuracy")
    with pytest.raises(UsageError, match="largest"):
        bias(np.zeros(2), np.ones(2), np.ones(2), np.zeros(2), "largest")


@pytest.fixture
def exact_svm():
    X, labels = make_blobs(80, centers=2, cluster_std=2.5, random_state=3)
    y = np.where(labels > 0, 1.0, -1.0)
    model = SVC(C=2.0, gamma=0.3, tol=1e-9).fit(X, y)
    alpha = np.zeros(80)
    alpha[model.support_] = np.abs(model.dual_coef_[0])
    outputs = model.decision_function(X) - model.intercept_
    return alpha, y, np.full(80, 2.0), outputs, float(model.intercept_[0])


@pytest.mark.parametrize("rule", ["free", "mean-free", "midpoint"])
def test_at_the_optimum_every_kkt_rule_gives_the_svm_bias(exact_svm, rule):
    alpha, y, upper, outputs, intercept = exact_svm
    assert bias(alpha, y, upper, outputs, rule) == pytest.approx(intercept, abs=1e-6)


def test_free_and_mean_sv_by_hand():
    alpha, upper = np.array([0.0, 1.0, 1.5, 2.0]), np.full(4, 2.0)
    y, outputs = np.array([1.0, -1.0, 1.0, -1.0]), np.array([0.1, -0.2, 0.3, 0.4])
    error = y - outputs
    assert bias(alpha, y, upper, outputs, "free") == pytest.approx(
        (1.0 * error[1] + 0.75 * error[2]) / 1.75
    )
    assert bias(alpha, y, upper, outputs, "mean-sv") == pytest.approx(error[1:].mean())
    assert bias(alpha, y, upper, outputs, "zero") == 0.0


@given(st.integers(0, 2**12 - 1), st.integers(0, 20))
def test_without_free_coefficients_the_midpoint_satisfies_the_conditions(bits, seed):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(12) % 2, 1.0, -1.0)
    alpha = (bits >> np.arange(12) & 1).astype(float)
    outputs = rng.normal(size=12)
    error = y - outputs
    at_least = error[(alpha > 0) != (y > 0)]
    at_most = error[(alpha > 0) == (y > 0)]
    b = bias(alpha, y, np.ones(12), outputs, "free")
    if len(at_least) and len(at_most):
        assert b == pytest.approx((at_least.max() + at_most.min()) / 2)
    assert np.isfinite(b)


@pytest.mark.parametrize("rule", [*BIAS_RULES])
def test_flipping_labels_flips_the_bias(exact_svm, rule):
    alpha, y, upper, outputs, _ = exact_svm
    rough = np.round(alpha * 1.5) / 1.5
    assert bias(rough, -y, upper, -outputs, rule) == pytest.approx(
        -bias(rough, y, upper, outputs, rule)
    )


def test_intervals_of_zero_width_have_no_say():
    y, upper = np.array([1.0, -1.0, 1.0]), np.array([0.0, 1.0, 1.0])
    outputs = np.array([50.0, 0.0, 0.2])
    wide = bias(np.zeros(2), y[1:], upper[1:], outputs[1:], "midpoint")
    assert bias(np.zeros(3), y, upper, outputs, "midpoint") == wide


def test_training_accuracies_count_right_answers(exact_svm):
    alpha, y, upper, outputs, intercept = exact_svm
    found = training_accuracies(
        np.stack([alpha, 0 * alpha]), y, upper, np.stack([outputs, 0 * outputs])
    )
    assert found[0] == pytest.approx(np.mean((outputs + intercept > 0) == (y > 0)))
    assert found[1] == pytest.approx(np.mean(y < 0))
