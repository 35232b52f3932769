"""Null controls draw without optimising."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import make_dual

from bridges.errors import UsageError
from qsvm.samplers.local.controls import ConstantAlpha, RandomAlpha, RandomLattice


def test_random_coefficients_are_uniform_in_their_intervals():
    problem = make_dual(50, upper=3.0)
    batch = RandomAlpha(num_draws=400).sample([problem], [0])[0]
    assert batch.x.shape == (400, 50)
    assert batch.x.min() >= 0
    assert batch.x.max() <= 3
    np.testing.assert_allclose(batch.x.mean(), 1.5, atol=0.05)
    np.testing.assert_allclose(batch.x.std(), 3 / np.sqrt(12), atol=0.05)
    np.testing.assert_allclose(batch.energies, problem.energies(batch.x))


def test_random_coefficients_depend_on_the_seed_only():
    one, two = make_dual(6, seed=1), make_dual(9, seed=2)
    forward = RandomAlpha().sample([one, two], [10, 11])
    backward = RandomAlpha().sample([two, one], [11, 10])
    np.testing.assert_array_equal(forward[0].x, backward[1].x)
    assert not np.array_equal(forward[0].x, RandomAlpha().sample([one], [12])[0].x)


def test_random_points_are_of_the_lattice_and_depend_on_the_seed_only():
    one, two = make_dual(30, n_bits=2, seed=1, upper=3.0), make_dual(9, seed=2)
    forward = RandomLattice(num_draws=200).sample([one, two], [10, 11])
    backward = RandomLattice(num_draws=200).sample([two, one], [11, 10])
    np.testing.assert_array_equal(forward[0].x, backward[1].x)
    values, counts = np.unique(forward[0].x.round(12), return_counts=True)
    np.testing.assert_allclose(values, [0, 1, 2, 3])
    np.testing.assert_allclose(counts / 6000, 0.25, atol=0.03)


def test_constant_coefficients_are_the_middle():
    batch = ConstantAlpha().sample([make_dual(7, upper=4.0)], [0])[0]
    np.testing.assert_array_equal(batch.x, np.full((1, 7), 2.0))


@pytest.mark.parametrize("draws", [0, -3, 1.5, "ten"])
def test_a_number_of_draws_that_is_none_is_refused(draws):
    with pytest.raises(UsageError, match="num_draws"):
        RandomAlpha(num_draws=draws)
    with pytest.raises(UsageError, match="num_draws"):
        RandomLattice(num_draws=draws)
