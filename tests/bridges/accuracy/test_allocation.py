"""Sizes and allocations against published numbers and their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.accuracy.allocation import (
    RULES,
    allocate,
    expected_deviations,
    size_for,
    standard_error,
)
from bridges.errors import UsageError


def test_size_of_the_good_practices_example() -> None:
    # Olofsson et al. 2014, section 5.1.1: 641 points for a standard error of .01.
    sizes = np.round(np.array([0.020, 0.015, 0.320, 0.645]) * 10_000_000)
    spread = np.sqrt([0.7 * 0.3, 0.6 * 0.4, 0.9 * 0.1, 0.95 * 0.05])
    assert size_for(sizes, 0.01, "neyman", spread) == pytest.approx(641, abs=1)
    n = size_for(sizes, 0.01, "proportional", spread, minimum=75)
    given = allocate(sizes, n, "proportional", minimum=75)
    assert given.min() == 75
    assert standard_error(sizes, given, spread) <= 0.01


def test_neyman_gives_in_proportion_to_size_and_spread() -> None:
    given = allocate([100_000, 100_000], 300, "neyman", deviations=[0.4, 0.2])
    assert given.tolist() == [200, 100]
    assert allocate([100_000, 300_000], 400, "proportional").tolist() == [100, 300]
    assert allocate([100_000, 300_000], 401, "equal").tolist() in ([200, 201], [201, 200])


def test_neyman_has_the_smallest_error() -> None:
    sizes, spread = [50_000, 200_000, 750_000], [0.5, 0.3, 0.1]
    errors = {
        rule: standard_error(sizes, allocate(sizes, 300, rule, deviations=spread), spread)
        for rule in RULES
    }
    assert errors["neyman"] == min(errors.values())


def test_the_minimum_is_taken_from_the_others() -> None:
    assert allocate([10, 1000, 99_000], 100, "proportional", minimum=20).tolist() == [10, 20, 70]


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=12),
    st.integers(1, 400),
    st.integers(0, 20),
    st.sampled_from(RULES),
)
def test_allocations_add_up_within_bounds(sizes, n, minimum, rule) -> None:
    N = np.array(sizes)
    floor = np.minimum(minimum, N)
    n = int(min(max(n, floor.sum()), N.sum()))
    given = allocate(N, n, rule, minimum=minimum, deviations=np.linspace(0.1, 0.5, len(N)))
    assert given.sum() == n
    assert np.all((given >= floor) & (given <= N))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="not enough"):
        allocate([100, 100], 10, "equal", minimum=20)
    with pytest.raises(UsageError, match="cannot be drawn"):
        allocate([3, 4], 10, "equal")
    with pytest.raises(UsageError, match="no allocation"):
        allocate([30, 40], 10, "optimal")
    with pytest.raises(UsageError, match="no stratum"):
        expected_deviations(["water"], {"wood": 0.9}, 0.85)
    with pytest.raises(UsageError, match="share"):
        expected_deviations(["water"], {"water": 90}, 0.85)
    with pytest.raises(UsageError, match="takes more than"):
        size_for([10**9], 1e-9, "proportional", [0.4])
