"""The lowest point of a hull, against a reference solver and at its degenerate corners."""

from __future__ import annotations

import clarabel
import numpy as np
import pytest
from handmade import make_dual
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from bridges.errors import DataError
from qsvm.formulations.hull import lowest_point


def reference(rows, hessian, linear, equality=None, right=None):
    """Return the lowest energy of the hull by Clarabel's interior-point solver."""
    count = len(rows)
    sides = np.zeros((0, count)) if equality is None else np.atleast_2d(equality) @ rows.T
    gram, costs = rows @ hessian @ rows.T, rows @ linear
    constraints = np.vstack([sides, np.ones((1, count)), -np.eye(count)])
    levels = np.concatenate(
        [np.zeros(len(sides)) if right is None else right, [1.0], np.zeros(count)]
    )
    settings_ = clarabel.DefaultSettings()
    settings_.verbose = False
    settings_.tol_gap_abs = settings_.tol_gap_rel = settings_.tol_feas = 1e-10
    cones = [clarabel.ZeroConeT(len(sides)), clarabel.NonnegativeConeT(count + 1)]
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(gram)), costs, sparse.csc_matrix(constraints), levels, cones,
        settings_,
    )  # fmt: skip
    w = np.array(solver.solve().x)
    return 0.5 * w @ gram @ w + costs @ w


def samples(problem, count, seed=0, density=0.3):
    rng = np.random.default_rng(seed)
    return (rng.random((count, problem.n_coefficients)) < density) * problem.upper


def plain(problem):
    """Return the dual's Hessian without its penalty ξ = 1."""
    return problem.hessian - np.outer(problem.equality, problem.equality)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize(("n", "count"), [(40, 30), (60, 100), (80, 300)])
def test_the_energy_is_the_reference_solvers(n, count, equal):
    problem = make_dual(n, upper=3.0)
    rows, H = samples(problem, count), plain(problem)
    A = problem.equality if equal else None
    found = lowest_point(
        rows, lambda x: x @ H, problem.linear, problem.balance(rows) if equal else None
    )
    assert found.energy == pytest.approx(reference(rows, H, problem.linear, A), rel=1e-6)
    assert found.gap <= 1e-7 * abs(found.energy)
    np.testing.assert_allclose(found.weights @ rows, found.x, atol=1e-12)
    assert found.energy == pytest.approx(0.5 * found.x @ H @ found.x + problem.linear @ found.x)
    if equal:
        assert abs(found.x @ problem.equality) < 1e-9
    assert np.count_nonzero(found.weights) < n


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_one_equality_per_training_sample(wrong):
    """Crammer and Singer's Σ_c τ_nc = 0, with samples that keep it and samples that do not."""
    n, classes = 25, 4
    problem = make_dual(n)
    signs = problem.equality
    kernel = plain(problem) * signs[:, None] * signs
    H, A = np.kron(kernel, np.eye(classes)), np.kron(np.eye(n), np.ones(classes))
    rng = np.random.default_rng(1)
    linear = np.where(np.arange(classes) == 0, -1.0, 0.0)[None].repeat(n, axis=0).ravel()
    rows = np.zeros((120, n, classes))
    rows[:, :, 0] = rng.random((120, n)) < 0.6
    other = rng.integers(1, classes, (120, n))
    np.put_along_axis(rows, other[..., None], -rows[:, :, :1], axis=2)
    rows[:, :, 0] = np.abs(rows[:, :, 0] - (rng.random((120, n)) < wrong))
    rows = rows.reshape(120, -1)
    found = lowest_point(rows, lambda x: x @ H, linear, rows @ A.T)
    assert found.energy == pytest.approx(reference(rows, H, linear, A), rel=1e-6)
    assert found.gap <= 1e-7 * abs(found.energy)
    assert np.abs(A @ found.x).max() < 1e-9


def test_a_thousand_samples_of_five_hundred_coefficients_are_certified():
    problem = make_dual(500, upper=3.0)
    rows, H = samples(problem, 1000), plain(problem)
    asked = []

    def apply(x):
        asked.append(len(x))
        return x @ H

    found = lowest_point(rows, apply, problem.linear, problem.balance(rows))
    assert found.gap <= 1e-8 * abs(found.energy)
    assert sum(asked) < 500  # most columns are priced, never multiplied by H


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 20))
def test_no_mixture_is_lower(seed, count, n):
    problem = make_dual(n, seed=seed, upper=2.0)
    rows, H = samples(problem, count, seed, 0.5), plain(problem)
    found = lowest_point(rows, lambda x: x @ H, problem.linear, problem.balance(rows))
    assert np.all(found.weights >= 0)
    assert found.weights.sum() <= 1 + 1e-9
    assert abs(found.x @ problem.equality) <= 1e-8
    assert found.energy <= 1e-12
    assert found.gap <= 1e-6 * max(1.0, abs(found.energy))
    keeps = rows[np.abs(rows @ problem.equality) < 1e-12]
    energies = 0.5 * np.einsum("rn,rn->r", keeps @ H, keeps) + keeps @ problem.linear
    assert found.energy <= energies.min(initial=0.0) + 1e-9
    order = np.random.default_rng(seed).permutation(count)
    again = lowest_point(rows[order], lambda x: x @ H, problem.linear, problem.balance(rows[order]))
    assert again.energy == pytest.approx(found.energy, rel=1e-6, abs=1e-9)


def test_the_same_call_gives_the_same_bits():
    problem = make_dual(60)
    rows, H = samples(problem, 200), plain(problem)
    one, two = (
        lowest_point(rows, lambda x: x @ H, problem.linear, problem.balance(rows)) for _ in range(2)
    )
    assert one.x.tobytes() == two.x.tobytes()


def test_one_sample_is_scaled_to_its_best():
    row, H, f = np.array([[1.0, 2.0]]), np.diag([2.0, 1.0]), np.array([-1.0, -1.0])
    found = lowest_point(row, lambda x: x @ H, f)
    assert found.weights == pytest.approx([3 / 6])  # -f·x / xᵀHx
    assert found.energy == pytest.approx(-0.75)


def test_equal_samples_count_as_one():
    problem = make_dual(12)
    rows, H = samples(problem, 1).repeat(40, axis=0), plain(problem)
    many = lowest_point(rows, lambda x: x @ H, problem.linear)
    one = lowest_point(rows[:1], lambda x: x @ H, problem.linear)
    np.testing.assert_allclose(many.x, one.x, atol=1e-9)


def test_no_sample_and_zero_samples_leave_zero():
    f = np.array([-1.0, -1.0])
    for rows in (np.zeros((0, 2)), np.zeros((3, 2))):
        found = lowest_point(rows, lambda x: x, f, rows @ np.array([[1.0], [-1.0]]))
        assert found.weights.shape == (len(rows),)
        assert not found.x.any()
        assert (found.energy, found.gap, found.shortfall) == (0.0, 0.0, 0.0)


def test_samples_on_one_side_of_the_equality_leave_zero_or_those_that_keep_it():
    f, y = np.array([-1.0, -1.0]), np.array([[1.0], [-1.0]])
    rows = np.array([[1.0, 0.0], [1.0, 0.5]])
    found = lowest_point(rows, lambda x: x, f, rows @ y)
    assert not found.x.any()
    assert found.gap == 0.0
    assert found.multipliers == np.inf
    more = np.vstack([rows, [[0.5, 0.5]]])
    found = lowest_point(more, lambda x: x, f, more @ y)
    np.testing.assert_allclose(found.x, [0.5, 0.5])
    np.testing.assert_array_equal(found.weights > 0, [False, False, True])


def test_other_right_hand_sides_are_met_or_missed_by_a_told_distance():
    problem = make_dual(20)
    rows, H, y = samples(problem, 40), plain(problem), problem.equality
    found = lowest_point(rows, lambda x: x @ H, problem.linear, rows @ y[:, None], np.array([0.7]))
    assert found.x @ y == pytest.approx(0.7)
    expected = reference(rows, H, problem.linear, y, np.array([0.7]))
    assert found.energy == pytest.approx(expected, rel=1e-6)
    assert found.shortfall == 0.0
    furthest = float((rows @ y).max())
    found = lowest_point(
        rows, lambda x: x @ H, problem.linear, rows @ y[:, None], np.array([furthest + 2.0])
    )
    assert found.x @ y == pytest.approx(furthest)
    assert found.shortfall == pytest.approx(2.0)


def test_an_indefinite_form_still_gives_a_mixture():
    rng = np.random.default_rng(0)
    H = rng.normal(size=(15, 15))
    H = H + H.T
    rows = (rng.random((30, 15)) < 0.5).astype(float)
    found = lowest_point(rows, lambda x: x @ H, -np.ones(15))
    assert np.all(found.weights >= 0)
    assert found.weights.sum() <= 1 + 1e-9
    assert found.energy <= 0.0


def test_sums_that_vanish_but_for_rounding_are_no_sides():
    problem = make_dual(20, n_bits=2, upper=1.7)
    rng = np.random.default_rng(4)
    bits = rng.random((60, 10, 2)) < 0.3
    bits = np.concatenate([bits, bits], axis=1)  # as many of one sign as of the other
    y = np.repeat([1.0, -1.0], 10)
    rows = 1.7 * (bits @ np.array([1 / 3, 2 / 3]))[:, rng.permutation(20)]
    sides = rows @ np.ones((20, 1)) * 1e-17 * np.where(rng.random((60, 1)) < 0.9, 1, -1)
    found = lowest_point(rows, problem.fields, problem.linear, sides)
    plain_ = lowest_point(rows, problem.fields, problem.linear)
    assert found.energy == pytest.approx(plain_.energy)
    assert len(y) == problem.n_coefficients


def test_multipliers_tell_what_the_equality_costs():
    problem = make_dual(30)
    rows, H = samples(problem, 80), plain(problem)
    sides = problem.balance(rows)
    low, high = (
        lowest_point(rows, lambda x: x @ H, problem.linear, sides, np.array([c])).energy
        for c in (-1e-4, 1e-4)
    )
    found = lowest_point(rows, lambda x: x @ H, problem.linear, sides)
    assert abs(found.multipliers[0]) == pytest.approx(abs(high - low) / 2e-4, rel=0.05)


def test_not_a_number_is_refused():
    with pytest.raises(DataError, match="NaN"):
        lowest_point(np.array([[np.nan]]), lambda x: x, np.array([-1.0]))
