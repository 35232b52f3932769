"""Feasible starts from an earlier solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classical.solver.warm import feasible


@given(n=st.integers(2, 40), seed=st.integers(0, 10_000), shrink=st.floats(0.05, 3.0))
@settings(max_examples=200, deadline=None)
def test_starts_are_feasible_and_keep_their_signs(n, seed, shrink):
    random = np.random.default_rng(seed)
    y = random.choice([-1.0, 1.0], n)
    bound = random.uniform(0.0, 2.0, n) * shrink
    bound[random.random(n) < 0.2] = 0.0  # held out
    beta = y * random.choice([0.0, 0.5, 1.0, 2.0], n)
    start = feasible(beta, bound)
    assert abs(start.sum()) <= 1e-10 * max(1.0, np.abs(start).sum())
    assert np.all(np.abs(start) <= bound)
    assert np.all(start * y >= 0)


def test_bounds_are_kept_where_free_coefficients_can_give_what_is_missing():
    beta = np.array([2.0, 1.0, -2.0, -0.5, -1.0])
    start = feasible(beta, np.array([2.0, 2.0, 2.0, 2.0, 0.0]))
    assert start[[0, 2, 4]].tolist() == [2.0, -2.0, 0.0]
    assert abs(start.sum()) < 1e-15


def test_a_sum_of_zero_up_to_rounding_is_left():
    beta = np.array([1.0, 1.0, -2.0 + 1e-15])
    assert feasible(beta, np.full(3, 2.0)).tolist() == beta.tolist()


def test_where_all_are_at_their_bounds_the_heavier_side_is_scaled():
    beta = np.array([3.0, 2.0, -1.0])
    assert feasible(beta, np.abs(beta)).tolist() == pytest.approx([0.6, 0.4, -1.0])
