"""The penalty that a chip gets, and what an annealed model chooses on one."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import make_dual
from sklearn.datasets import make_blobs

from qsvm import QuboEnsemble, QuboSVC
from qsvm.fitting.penalty import LADDER, SMALLEST, STEPS, on_the_plane, unit
from qsvm.problem.exact import solve_box

X, Y = make_blobs(40, centers=2, cluster_std=2.5, random_state=2)


def test_another_penalty_changes_the_square_of_the_balance_only():
    problem = make_dual(7, n_bits=2)
    x = np.random.default_rng(0).random((5, 7))
    other = problem.with_penalty(3.5)
    change = 0.5 * (3.5 - 1.0) * (problem.balance(x) ** 2).sum(axis=1)
    np.testing.assert_allclose(other.energies(x) - problem.energies(x), change)
    np.testing.assert_allclose(other.free_fields(x), problem.free_fields(x))
    assert problem.with_penalty(1.0) is problem


def test_groups_keep_their_own_penalty():
    model = QuboSVC(multiclass="crammer-singer", penalty=2.0)
    problem = model.plan(X[:6], np.arange(6) % 3).problems[0]
    x = np.random.default_rng(1).random(problem.n_coefficients) - 0.5
    other = problem.with_penalty(0.5)
    change = 0.5 * (0.5 - 2.0) * (problem.balance(x) ** 2).sum()
    assert other.energies(x)[0] - problem.energies(x)[0] == pytest.approx(change)


def test_the_least_penalty_that_keeps_the_optimum_near_the_plane():
    lopsided = np.where(np.arange(40) < 34, 0, 1)
    model = QuboSVC(n_bits=1, penalty="small", gamma=0.05, C=1.0)
    problem = model.plan(X, lopsided).problems[0]
    ladder = [SMALLEST * factor for factor in LADDER]
    assert any(problem.penalty == pytest.approx(value) for value in ladder)
    allowed = STEPS * problem.span.max() * problem.weights.min()
    imbalance = np.abs(problem.balance(solve_box(problem)[0])).max()
    assert imbalance <= allowed or problem.penalty == pytest.approx(ladder[-1])
    if problem.penalty > 1.01 * SMALLEST:
        less = problem.with_penalty(problem.penalty / 2)
        assert np.abs(less.balance(solve_box(less)[0])).max() > allowed
    assert on_the_plane(problem).penalty == problem.penalty


def test_the_unit_is_the_kernels():
    scaled = QuboSVC(kernel="linear", penalty="auto").plan(3 * X, Y).problems[0]
    assert scaled.penalty == pytest.approx(np.mean(((3 * X) ** 2).sum(axis=1)))
    assert QuboSVC().plan(X, Y).problems[0].penalty == 1.0
    assert unit(np.zeros((2, 2))) == 1.0


def test_what_a_model_chooses_on_a_chip_and_elsewhere():
    pytest.importorskip("dwave.system")
    chip, digital = QuboSVC(sampler="mock-qpu"), QuboSVC(sampler="dense")
    assert chip.plan(X, Y).problems[0].n_bits == 1
    assert chip.plan(X, Y).problems[0].penalty < 1.0
    assert digital.plan(X, Y).problems[0].n_bits == 2
    for name, control in chip.null_controls().items():
        if not name.startswith("exact"):
            assert (control.n_bits, control.penalty) == (1, "small")
    assert QuboSVC(sampler="mock-qpu", n_bits=3, penalty=2.0).plan(X, Y).problems[0].n_bits == 3


def test_the_defaults_work_on_a_rehearsed_chip(shared_data):
    pytest.importorskip("dwave.system")
    table = np.load(shared_data("tables/svmguide1.npz"))
    mean, deviation = table["X_train"].mean(axis=0), table["X_train"].std(axis=0)
    train, test = ((table[part] - mean) / deviation for part in ("X_train", "X_test"))
    ensemble = QuboEnsemble(
        members=4, member_size=40, sampler="mock-qpu", combination="hull", random_state=0
    )
    ensemble.fit(train, table["y_train"])
    assert ensemble.diagnostics_.energy_gap_mean <= 0.3
    assert ensemble.diagnostics_.chain_break_fraction < 0.15
    controls = ensemble.null_controls()
    random = controls["random_alpha"].fit(train, table["y_train"]).score(test, table["y_test"])
    assert ensemble.score(test, table["y_test"]) > random + 0.01
