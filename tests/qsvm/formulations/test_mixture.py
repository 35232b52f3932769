"""The lowest mixture of a problem's samples: constraints exact, or by penalty where that costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from handmade import make_dual
from sklearn.svm import SVC

from qsvm.formulations.crammer_singer import crammer_singer
from qsvm.formulations.mixture import lowest_mixture
from qsvm.formulations.solution import Rules, kept, solution
from qsvm.problem.dual_problem import bit_weights
from qsvm.problem.exact import solve_box
from qsvm.samplers.base import batch_from_rows
from qsvm.samplers.dense.annealer import DenseAnnealer
from qsvm.samplers.local.controls import RandomLattice


@pytest.fixture(scope="module")
def problem():
    return make_dual(40, upper=3.0)


@pytest.fixture(scope="module")
def batch(problem):
    return DenseAnnealer(num_reads=100, diversity=True).sample([problem], [0])[0]


def test_a_hull_keeps_the_equality_and_is_below_every_sample(problem, batch):
    found = solution(problem, batch, Rules(combination="hull"))
    assert found.exact
    assert abs(found.alpha @ problem.equality) < 1e-9 * found.alpha.sum()
    assert np.all(found.alpha >= problem.lower)
    assert np.all(found.alpha <= problem.upper)
    _, optimum = solve_box(problem)
    averaged = solution(problem, batch, Rules(combination="hull").averaged())
    assert optimum <= found.energy < min(averaged.energy, batch.energies[0])
    assert found.energy < 0.985 * optimum  # within 1.5 % where the best sample is above 8 %
    assert len(found.kept_energies) < len(batch.energies)


def test_the_hull_approaches_the_svm(problem, batch):
    """Against LIBSVM, which keeps Σ α y = 0 exactly."""
    y = problem.equality
    kernel = problem.hessian * y[:, None] * y - problem.penalty
    svm = SVC(C=3.0, kernel="precomputed", tol=1e-6).fit(kernel, y)
    alpha = np.zeros(40)
    alpha[svm.support_] = np.abs(svm.dual_coef_[0])
    optimum = problem.energies(alpha)[0]
    found = solution(problem, batch, Rules(combination="hull"))
    assert optimum <= found.energy + 1e-6
    assert found.energy <= optimum + 0.015 * abs(optimum)


def test_the_penalty_does_not_shape_a_hull_that_keeps_the_equality(problem, batch):
    weak = dataclasses.replace(
        problem,
        hessian=problem.hessian - 0.9 * np.outer(problem.equality, problem.equality),
        penalty=0.1,
    )
    one, two = (lowest_mixture(p, batch.x) for p in (problem, weak))
    np.testing.assert_allclose(one.x, two.x, atol=1e-6)


def test_samples_on_one_side_are_mixed_by_penalty():
    problem = make_dual(40, n_bits=2, upper=3.0)
    batch = DenseAnnealer(num_reads=100, diversity=True).sample([problem], [0])[0]
    one_side = batch.x[problem.balance(batch.x)[:, 0] < -0.1]
    assert len(one_side) > 5
    found = lowest_mixture(problem, one_side)
    assert not found.exact
    assert found.x @ problem.equality < 0
    assert problem.energies(found.x)[0] <= problem.energies(one_side)[0]
    none = dataclasses.replace(
        problem, hessian=problem.hessian - np.outer(problem.equality, problem.equality), penalty=0.0
    )
    again = lowest_mixture(none, one_side)  # a penalty of its own, not none at all
    assert again.x @ problem.equality > 2 * (found.x @ problem.equality)


def test_random_columns_are_no_substitute(problem, batch):
    count = len(batch.energies)
    random = RandomLattice(num_draws=count).sample([problem], [1])[0]
    assert len(random.energies) == count
    assert set(np.unique(random.x)) == {0.0, 3.0}
    _, optimum = solve_box(problem)
    gaps = [
        (solution(problem, b, Rules(combination="hull")).energy - optimum) / -optimum
        for b in (batch, random)
    ]
    assert gaps[1] > 10 * gaps[0]
    assert gaps[1] <= 1.0  # the all-zero vector is among the columns


def test_the_sums_of_crammer_and_singer_vanish_exactly():
    dual = make_dual(12)
    kernel = dual.hessian * dual.equality[:, None] * dual.equality - 1.0
    problem = crammer_singer(kernel, np.arange(12) % 3, 3, n_bits=1)
    batch = DenseAnnealer(num_reads=100, diversity=True).sample([problem], [0])[0]
    found = solution(problem, batch, Rules(combination="hull"))
    assert found.energy <= batch.energies[0]
    assert np.abs(problem.balance(found.alpha)).max() < (1e-9 if found.exact else 1.0)


def test_problems_without_constraints_are_mixed_freely():
    problem = dataclasses.replace(make_dual(10), equality=None, penalty=0.0)
    rows = np.eye(10)
    found = lowest_mixture(problem, rows)
    assert found.exact
    assert problem.energies(found.x)[0] < problem.energies(rows).min()


def test_an_indefinite_problem_never_ends_above_its_best_sample():
    rng = np.random.default_rng(3)
    for seed in range(5):
        H = np.random.default_rng(seed).normal(size=(12, 12))
        problem = dataclasses.replace(
            make_dual(12), hessian=H + H.T, equality=None, weights=bit_weights(2, 1)
        )
        batch = batch_from_rows(problem, (rng.random((30, 12)) < 0.5).astype(float))
        found = solution(problem, batch, Rules(combination="hull"))
        assert found.energy <= batch.energies[0] + 1e-12 * abs(batch.energies[0])


def test_all_samples_take_part_unless_told_otherwise(problem, batch):
    rules = Rules(combination="hull")
    assert len(kept(problem, batch, rules).energies) == len(batch.energies)
    assert len(kept(problem, batch, rules.averaged()).energies) == 20
    assert len(kept(problem, batch, dataclasses.replace(rules, n_keep=7)).energies) == 7
