"""Energies of bits, of coefficients and of sums by hand are the same numbers."""

from __future__ import annotations

import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import SolverError
from qsvm.problem.dual_problem import ROUNDING, DualProblem, bit_weights


def make_problem(n, n_bits, *, base=2.0, penalty=1.0, seed=0, C=3.0, lower=0.0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2))
    y = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    kernel = np.exp(-0.7 * ((points[:, None] - points) ** 2).sum(axis=-1))
    span = C * rng.uniform(0.2, 1.0, n)
    return DualProblem(
        y[:, None] * y * (kernel + penalty),
        -np.ones(n),
        np.full(n, lower),
        span,
        bit_weights(base, n_bits),
        y,
    )


def all_bits(n_variables):
    return ((np.arange(2**n_variables)[:, None] >> np.arange(n_variables)) & 1).astype(np.float64)


def energy_by_hand(problem, bits):
    """Sum ½ Σ H αα + Σ f α with loops over samples and bits, as the papers write it."""
    n, k = problem.n_coefficients, problem.n_bits
    alpha = [
        problem.lower[i]
        + problem.span[i] * sum(problem.weights[j] * bits[i * k + j] for j in range(k))
        for i in range(n)
    ]
    total = 0.0
    for i in range(n):
        total += problem.linear[i] * alpha[i]
        for j in range(n):
            total += 0.5 * problem.hessian[i, j] * alpha[i] * alpha[j]
    return total


def double_loop_qubo(problem):
    """Upper-triangular QUBO entry by entry: the explicit double loop over all pairs of bits."""
    n, k = problem.n_coefficients, problem.n_bits
    Q = np.zeros((n * k, n * k))
    for a in range(n * k):
        i, p = divmod(a, k)
        field = problem.linear[i] + problem.hessian[i] @ problem.lower
        wa = problem.span[i] * problem.weights[p]
        Q[a, a] = wa * field + 0.5 * problem.hessian[i, i] * wa * wa
        for b in range(a + 1, n * k):
            j, q = divmod(b, k)
            Q[a, b] = problem.hessian[i, j] * wa * problem.span[j] * problem.weights[q]
    return Q


def test_bit_weights_are_powers_that_sum_to_one():
    np.testing.assert_allclose(bit_weights(2, 3), [1 / 7, 2 / 7, 4 / 7])
    np.testing.assert_allclose(bit_weights(10, 2), [1 / 11, 10 / 11])
    np.testing.assert_allclose(bit_weights(1, 4), 0.25)


@pytest.mark.parametrize(("n", "n_bits"), [(3, 1), (4, 3), (6, 2), (12, 1)])
def test_every_state_has_one_energy_however_it_is_computed(n, n_bits):
    problem = make_problem(n, n_bits, lower=0.1)
    bits = all_bits(n * n_bits)
    decoded = problem.energies(problem.decode(bits))
    model = problem.to_bqm()
    sampled = model.energies((bits.astype(np.int8), range(n * n_bits)))
    np.testing.assert_allclose(sampled, decoded, atol=1e-9)
    some = np.random.default_rng(1).integers(len(bits), size=40)
    by_hand = [energy_by_hand(problem, bits[row]) for row in some]
    np.testing.assert_allclose(decoded[some], by_hand, atol=1e-9)


def test_dimods_exact_solver_finds_the_lowest_coefficients():
    problem = make_problem(5, 2, seed=3)
    first = dimod.ExactSolver().sample(problem.to_bqm()).first
    bits = all_bits(10)
    energies = problem.energies(problem.decode(bits))
    assert first.energy == pytest.approx(energies.min(), abs=1e-9)
    found = np.array([[first.sample[v] for v in range(10)]])
    assert problem.energies(problem.decode(found))[0] == pytest.approx(energies.min(), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 9),
    n_bits=st.integers(1, 4),
    base=st.floats(1.0, 10.0),
    penalty=st.floats(0.0, 100.0),
    C=st.floats(0.01, 100.0),
    lower=st.floats(-2.0, 2.0),
    seed=st.integers(0, 10_000),
)
def test_energies_agree_for_any_encoding(n, n_bits, base, penalty, C, lower, seed):
    problem = make_problem(n, n_bits, base=base, penalty=penalty, seed=seed, C=C, lower=lower)
    bits = np.random.default_rng(seed).integers(0, 2, size=(8, n * n_bits))
    decoded = problem.energies(problem.decode(bits))
    sampled = problem.to_bqm().energies((bits.astype(np.int8), range(n * n_bits)))
    scale = 1e-10 * (1.0 + np.abs(problem.hessian).sum() * np.abs(problem.upper).max() ** 2)
    np.testing.assert_allclose(sampled, decoded, rtol=1e-9, atol=scale)
    np.testing.assert_allclose(
        decoded, [energy_by_hand(problem, row) for row in bits], rtol=1e-9, atol=scale
    )
    assert np.all(problem.decode(bits) >= problem.lower - 1e-9)
    assert np.all(problem.decode(bits) <= problem.upper + 1e-9)


@pytest.mark.parametrize(("n", "n_bits", "lower"), [(7, 3, 0.0), (10, 2, 0.4), (160, 2, 0.0)])
def test_the_kronecker_product_is_the_double_loop(n, n_bits, lower):
    problem = make_problem(n, n_bits, lower=lower, base=3.0)
    quadratic, linear, offset = problem.qubo()
    expected = double_loop_qubo(problem)
    np.testing.assert_allclose(np.triu(quadratic, 1), np.triu(expected, 1), atol=1e-12)
    np.testing.assert_allclose(linear, np.diag(expected), atol=1e-12)
    np.testing.assert_allclose(quadratic, quadratic.T, rtol=1e-13)
    assert not np.diag(quadratic).any()
    assert offset == pytest.approx(problem.energies(problem.lower)[0])


def test_rounding_errors_are_no_coefficients():
    """Coefficients of 1e-16 would send the last inverse temperature of default schedules to inf."""
    hessian = np.array([[2.0, 1e-15, -1.0], [1e-15, 2.0, 1e-3], [-1.0, 1e-3, 2.0]])
    problem = DualProblem(hessian, -np.ones(3), np.zeros(3), np.ones(3), bit_weights(2, 2))
    quadratic, _, _ = problem.qubo()
    assert quadratic[0, 2] == 0.0
    present = np.abs(quadratic[quadratic != 0])
    assert present.min() >= ROUNDING * present.max()
    assert np.count_nonzero(quadratic[:2, 4:]) == 4, "real couplings stay"
    model = problem.to_bqm()
    assert all(abs(bias) > 1e-9 for bias in model.quadratic.values())


def test_single_precision_hessians_lose_no_more_than_their_own_rounding():
    double = make_problem(20, 2)
    single = DualProblem(
        double.hessian.astype(np.float32), double.linear, double.lower, double.span, double.weights
    )
    x = double.lower + double.span * np.random.default_rng(0).random((5, 20))
    np.testing.assert_allclose(single.energies(x), double.energies(x), rtol=1e-5)
    assert single.energies(x).dtype == np.float64


def test_energies_of_blocks_are_energies_of_the_whole(monkeypatch):
    problem = make_problem(23, 1)
    x = np.random.default_rng(0).random((4, 23))
    whole = problem.energies(x)
    monkeypatch.setattr("qsvm.problem.dual_problem.BLOCK", 5)
    np.testing.assert_allclose(problem.energies(x), whole, rtol=1e-12)


def test_a_qubo_too_large_for_the_memory_is_refused(monkeypatch):
    problem = make_problem(6, 2)
    assert problem.to_bqm().num_variables == 12
    monkeypatch.setattr("bridges.machine.memory.available_memory", lambda: 40 * 12**2 - 1)
    with pytest.raises(SolverError, match="QUBO of 12 variables") as caught:
        problem.to_bqm()
    assert "dense" in caught.value.hint
