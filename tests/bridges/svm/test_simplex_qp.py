"""The quadratic over simplices: constraints, certificate, other solvers, degenerate columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from bridges.svm.simplex_qp import minimise_over_simplices


def problem(seed, n_groups=3, per=5, width=4, slanted=True, rank=None):
    rng = np.random.default_rng(seed)
    n = n_groups * per
    factor = rng.normal(size=(rank or n_groups * width, n))
    groups = np.repeat(np.arange(n_groups), per)
    sides = rng.normal(size=n) if slanted else np.zeros(n)
    return factor.T @ factor, rng.normal(size=n), groups, sides


def violation(point, groups, sides):
    sums = np.bincount(groups, point.weights)
    return max(
        float((sums - 1).max()), float(-point.weights.min()), abs(float(point.weights @ sides))
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_groups=st.integers(1, 6),
    per=st.integers(1, 12),
    width=st.integers(1, 6),
    slanted=st.booleans(),
)
def test_feasible_never_above_zero_and_certified(seed, n_groups, per, width, slanted):
    Q, c, groups, sides = problem(seed, n_groups, per, width, slanted)
    point = minimise_over_simplices(Q, c, groups, sides)
    assert violation(point, groups, sides) <= 1e-12
    w = point.weights
    assert point.objective == pytest.approx(0.5 * w @ Q @ w + c @ w, abs=1e-9)
    assert point.objective <= 0
    assert point.gap <= 1e-7 * abs(point.objective) + 1e-12


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), slanted=st.booleans())
def test_as_low_as_a_general_solver(seed, slanted):
    Q, c, groups, sides = problem(seed, 2, 4, 3, slanted)
    one_hot = np.eye(2)[groups].T
    found = minimize(
        lambda w: 0.5 * w @ Q @ w + c @ w,
        np.zeros(len(c)),
        jac=lambda w: Q @ w + c,
        bounds=[(0, 1)] * len(c),
        constraints=[LinearConstraint(one_hot, -np.inf, 1), LinearConstraint(sides[None], 0, 0)],
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert minimise_over_simplices(Q, c, groups, sides).objective <= found.fun + 1e-7


def test_many_equal_and_dependent_columns():
    rng = np.random.default_rng(3)
    columns = np.repeat(rng.normal(size=(6, 8)), 5, axis=0)  # 8 copies short of independent
    groups = np.repeat(np.arange(3), 10)
    sides = columns.sum(axis=1)
    point = minimise_over_simplices(
        columns @ columns.T, columns @ rng.normal(size=8), groups, sides
    )
    assert point.gap <= 1e-7 * abs(point.objective)
    assert violation(point, groups, sides) <= 1e-12


def test_columns_that_cannot_keep_the_equality_stay_out():
    point = minimise_over_simplices(np.eye(2), np.array([-1.0, -1.0]), np.zeros(2, int), np.ones(2))
    assert point.weights.tolist() == [0, 0]
    assert point.objective == 0
    assert point.gap <= 1e-9


def test_two_columns_keep_the_equality_together():
    sides = np.array([1.0, -2.0])
    point = minimise_over_simplices(np.eye(2), np.array([-3.0, -3.0]), np.arange(2), sides)
    assert point.weights == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8])
def test_stopped_early_it_is_feasible_and_no_worse_than_nothing(steps):
    Q, c, groups, sides = problem(5, 5, 20, 10)
    full = minimise_over_simplices(Q, c, groups, sides)
    point = minimise_over_simplices(Q, c, groups, sides, max_steps=steps)
    assert point.objective <= 0
    assert violation(point, groups, sides) <= 1e-12
    assert point.objective >= full.objective - 1e-9
    assert point.objective - point.gap <= full.objective + 1e-9  # the certificate is true


def test_scale_does_not_matter():
    Q, c, groups, sides = problem(7, 4, 10, 6)
    one = minimise_over_simplices(Q, c, groups, sides)
    large = minimise_over_simplices(1e8 * Q, 1e8 * c, groups, 1e-6 * sides)
    assert large.objective == pytest.approx(1e8 * one.objective, rel=1e-7)


def test_no_columns():
    point = minimise_over_simplices(np.zeros((0, 0)), np.zeros(0), np.zeros(0, int))
    assert len(point.weights) == 0
