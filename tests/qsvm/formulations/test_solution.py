"""From samples to coefficients, bias and diagnostics, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import make_dual

from qsvm.fitting.diagnostics import assess, relative_gap, summarise
from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import decode, svm_dual
from qsvm.formulations.solution import Rules, kept
from qsvm.samplers.base import batch_from_rows


@pytest.fixture
def dual():
    return make_dual(8, n_bits=2, upper=2.0)


def random_batch(dual, n=30, scale=1.0):
    x = scale * 2.0 * np.random.default_rng(0).random((n, 8)) ** 3
    return batch_from_rows(dual, x)


def test_raw_rows_become_a_batch(dual):
    rows = np.array([[1.0] * 8, [0.0] * 8, [1.0] * 8])
    batch = batch_from_rows(dual, rows, np.array([2, 1, 5]))
    assert batch.x.shape == (2, 8)
    assert np.all(np.diff(batch.energies) >= 0)
    place = int(np.flatnonzero(batch.x[:, 0] == 1)[0])
    assert batch.occurrences[place] == 7
    assert batch.occurrences[1 - place] == 1


def test_the_mean_of_the_lowest_is_the_model(dual):
    batch = random_batch(dual, scale=0.3)
    solution, _ = decode(dual, batch, Rules(5, "mean"))
    np.testing.assert_allclose(solution.alpha, batch.x[:5].mean(axis=0))
    assert solution.energy == pytest.approx(dual.energies(solution.alpha)[0])
    np.testing.assert_array_equal(solution.kept_energies, batch.energies[:5])


def test_the_bias_is_the_papers_quotient(dual):
    solution, b = decode(dual, random_batch(dual, scale=0.3), Rules(5, "mean"))
    y, C, a = dual.equality, 2.0, solution.alpha
    kernel = dual.hessian * y[:, None] * y - 1.0  # the penalty ξ = 1 is no kernel
    outputs = kernel @ (a * y)
    expected = np.sum(a * (C - a) * (y - outputs)) / np.sum(a * (C - a))
    assert b == pytest.approx(expected)


def test_samples_above_zero_are_left_out_unless_all_are(dual):
    problem = dual
    batch = random_batch(dual)
    below = int(np.sum(batch.energies <= 0))
    assert 0 < below < len(batch.energies)
    assert len(kept(problem, batch, Rules(30, "mean")).energies) == below
    assert len(kept(problem, batch, Rules(30, "mean", selective=False)).energies) == 30
    bad = batch_from_rows(problem, batch.x[batch.energies > 0])
    assert len(kept(problem, bad, Rules(3, "mean")).energies) == 3


def test_quality_is_held_against_the_exact_optimum(dual):
    from qsvm.problem.exact import solve_box

    batch = random_batch(dual)
    solution, _ = decode(dual, batch, Rules(4, "mean"))
    quality = assess(dual, batch, solution)
    optimum, energy = solve_box(dual)
    assert quality.exact == pytest.approx(energy)
    assert quality.diagnostics.energy_gap_mean == pytest.approx(
        (solution.energy - energy) / abs(energy)
    )
    assert quality.diagnostics.best_sample_gap_mean >= 0
    assert quality.zero == 0
    a, y = solution.alpha, dual.equality
    assert quality.diagnostics.equality_violation_mean == pytest.approx(abs(a @ y) / a.sum())
    exact_batch = batch_from_rows(dual, optimum[None])
    best = assess(dual, exact_batch, decode(dual, exact_batch, Rules(1, "mean"))[0])
    assert 0 <= best.diagnostics.energy_gap_mean < 1e-6
    assert best.diagnostics.at_zero_fraction == pytest.approx(np.mean(optimum < 1e-5))


def test_diagnostics_summarise_the_duals(dual):
    batch = random_batch(dual)
    one = assess(dual, batch, decode(dual, batch, Rules(1, "mean"))[0])
    many = assess(dual, batch, decode(dual, batch, Rules(9, "mean"))[0])
    summary = summarise([one, many])
    gaps = [one.diagnostics.energy_gap_mean, many.diagnostics.energy_gap_mean]
    assert summary.energy_gap_mean == pytest.approx(sum(gaps) / 2)
    assert summary.energy_gap_max == max(gaps)
    assert summary.chain_break_fraction is None
    assert summarise([]).energy_gap_mean is None


def test_gaps_of_an_optimum_of_zero_are_finite():
    assert relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(3.0, 0.0) == 1.0
    assert relative_gap(-9.0, -10.0) == pytest.approx(0.1)


def test_the_dual_is_the_papers(dual):
    """½ Σ ααyyk − Σα + ξ/2 (Σ αy)², term by term."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(6, 2))
    y = np.array([1.0, -1, 1, 1, -1, -1])
    K = np.exp(-((X[:, None] - X) ** 2).sum(axis=-1))
    encoding = Encoding(C=7.0, base=2, n_bits=3, penalty=2.5)
    problem = svm_dual(K.copy(), y, np.full(6, 7.0), encoding)
    bits = rng.integers(0, 2, size=(20, 18))
    alpha = bits.reshape(20, 6, 3) @ np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(problem.decode(bits), alpha)
    for a, energy in zip(alpha, problem.energies(alpha), strict=True):
        by_hand = 0.5 * (a * y) @ K @ (a * y) - a.sum() + 2.5 / 2 * (a @ y) ** 2
        assert energy == pytest.approx(by_hand)
