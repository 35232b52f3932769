"""All classes at once, and regression, as problems on a lattice."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVR

from qsvm.fitting.refine import refine
from qsvm.formulations.crammer_singer import crammer_singer
from qsvm.formulations.regression import (
    epsilon_regression,
    regression_bias,
    regression_coefficients,
)
from qsvm.problem.exact import solve_box
from qsvm.samplers.dense.annealer import DenseAnnealer


def all_strings(n):
    return np.arange(1 << n)[:, None] >> np.arange(n) & 1


def crammer_singer_by_hand(K, codes, tau, beta, mu):
    """The objective, sum by sum."""
    energy = 0.0
    n, n_classes = tau.shape
    for i in range(n):
        for j in range(n):
            energy += 0.5 * K[i, j] * sum(tau[i, c] * tau[j, c] for c in range(n_classes))
        energy += -beta * tau[i, codes[i]] + mu * tau[i].sum() ** 2
    return energy


@pytest.mark.parametrize(
    ("n", "classes", "bits", "base"), [(4, 4, 1, 2), (4, 2, 2, 2), (2, 3, 2, 3)]
)
def test_crammer_singer_energies_by_hand_and_by_the_qubo(n, classes, bits, base):
    rng = np.random.default_rng(n)
    K = rbf_kernel(rng.normal(size=(n, 2)))
    codes = np.arange(n) % classes
    problem = crammer_singer(K, codes, classes, beta=1.3, mu=0.7, base=base, n_bits=bits)
    strings = all_strings(problem.n_variables)
    x = problem.decode(strings)
    expected = problem.to_bqm().energies((strings.astype(np.int8), range(problem.n_variables)))
    assert problem.energies(x) == pytest.approx(expected, abs=1e-9)
    for row in x[:: len(x) // 7]:
        hand = crammer_singer_by_hand(K, codes, row.reshape(n, classes), 1.3, 0.7)
        assert problem.energies(row)[0] == pytest.approx(hand, abs=1e-9)
    found = DenseAnnealer(num_reads=30).sample([problem], [0])[0]
    assert found.energies[0] == pytest.approx(expected.min(), abs=1e-9)


def test_crammer_singer_separates_three_classes_and_can_be_zero():
    X, codes = make_blobs(36, centers=3, random_state=1)
    problem = crammer_singer(rbf_kernel(X, gamma=0.1), codes, 3)
    batch = DenseAnnealer(num_reads=10).sample([problem], [0])[0]
    tau = batch.x[0].reshape(36, 3)
    own = tau[np.arange(36), codes]
    assert np.all(own >= 0)
    assert np.all(tau[tau != own[:, None]] <= 0)
    assert np.mean(tau == 0) > 0.2
    assert np.mean(np.argmax(rbf_kernel(X, gamma=0.1) @ tau, axis=1) == codes) == 1.0
    _, exact = solve_box(problem)
    refined = refine([problem], DenseAnnealer(num_reads=10), [0], 8)[0]
    assert exact - 1e-8 <= refined.energies[0] <= exact + 1e-3 * abs(exact)


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    X = np.sort(rng.uniform(-3, 3, 40))[:, None]
    return X, np.sin(X[:, 0]) + 0.1 * rng.normal(size=40) + 5.0


def test_the_exact_optimum_is_scikit_learns_svr(curve):
    X, y = curve
    K = rbf_kernel(X, gamma=0.5)
    problem = epsilon_regression(K, y, C=2.0, epsilon=0.1, penalty=1e6)
    x, _ = solve_box(problem, 1e-12)
    outputs = K @ regression_coefficients(x)
    reference = SVR(C=2.0, epsilon=0.1, gamma=0.5, tol=1e-8).fit(X, y)
    b = regression_bias(x, y, outputs, C=2.0, epsilon=0.1)
    assert b == pytest.approx(reference.intercept_[0], abs=1e-3)
    assert outputs + b == pytest.approx(reference.predict(X), abs=1e-3)


def test_regression_energies_equal_the_qubo(curve):
    X, y = curve
    problem = epsilon_regression(rbf_kernel(X[:4]), y[:4], C=1.5, penalty=2.0, n_bits=2)
    strings = all_strings(16)
    x = problem.decode(strings)
    expected = problem.to_bqm().energies((strings.astype(np.int8), range(16)))
    assert problem.energies(x) == pytest.approx(expected, abs=1e-8)
    a, b = x[777, :4], x[777, 4:]
    hand = 0.5 * (a - b) @ rbf_kernel(X[:4]) @ (a - b) + 0.1 * (a + b).sum() - y[:4] @ (a - b)
    assert problem.energies(x[777])[0] == pytest.approx(hand + (a - b).sum() ** 2)


def test_refined_samples_regress(curve):
    X, y = curve
    K = rbf_kernel(X, gamma=0.5)
    problem = epsilon_regression(K, y, C=2.0, epsilon=0.1, penalty=10.0)
    best = refine([problem], DenseAnnealer(num_reads=10), [0], 6)[0].x[0]
    outputs = K @ regression_coefficients(best)
    b = regression_bias(best, y, outputs, C=2.0, epsilon=0.1)
    assert np.abs(outputs + b - y).mean() < 0.12


def test_the_bias_without_free_coefficients_is_the_middle_of_its_interval():
    y, outputs = np.array([1.0, 3.0]), np.zeros(2)
    x = np.array([0.0, 2.0, 2.0, 0.0])  # α = (0, C), α* = (C, 0)
    b = regression_bias(x, y, outputs, C=2.0, epsilon=0.5)
    # α_1 = 0: b ≥ .5; α*_1 = C: b ≥ 1.5; α_2 = C: b ≤ 2.5; α*_2 = 0: b ≤ 3.5
    assert b == pytest.approx(2.0)
