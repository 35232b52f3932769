"""Which pixels members get."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.ensemble.bags import draw_bags, quotas
from bridges.errors import DataError


@given(
    totals=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=12),
    spare=st.integers(0, 200),
)
def test_places_sum_to_the_size_and_nobody_goes_without(totals, spare):
    size = len(totals) + spare
    places = quotas(np.array(totals), size)
    assert places.sum() == size
    assert places.min() >= 1
    larger = np.array(totals)[:, None] > 1.000001 * np.array(totals)
    assert np.all((places[:, None] >= places)[larger]), "a larger class never gets less"


def test_places_follow_the_chosen_power():
    codes = np.repeat([0, 1], [900, 100])
    weights = np.ones(1000)

    def shares(stratify):
        bags = draw_bags(codes, weights, 1, 100, "bootstrap", np.array([0]), ["a", "b"], stratify)
        return np.bincount(codes[bags[0]]).tolist()

    assert shares("proportional") == [90, 10]
    assert shares("sqrt") == [75, 25]
    assert shares("equal") == [50, 50]


@given(
    n_members=st.integers(1, 6),
    member_size=st.integers(3, 20),
    seed=st.integers(0, 100),
)
def test_slices_are_disjoint_and_alike(n_members, member_size, seed):
    codes = np.repeat([0, 1, 2], [60, 50, 40])
    weights = np.ones(150)
    seeds = np.full(n_members, seed)
    names = ["a", "b", "c"]
    needed = quotas(np.sqrt([60.0, 50.0, 40.0]), member_size) * n_members
    if np.any(needed > [60, 50, 40]):
        with pytest.raises(DataError, match="disjoint"):
            draw_bags(codes, weights, n_members, member_size, "slices", seeds, names)
        return
    slices = draw_bags(codes, weights, n_members, member_size, "slices", seeds, names)
    rows = np.concatenate(slices)
    assert len(np.unique(rows)) == len(rows) == n_members * member_size
    shares = {tuple(np.bincount(codes[part], minlength=3)) for part in slices}
    assert len(shares) == 1
    assert min(next(iter(shares))) >= 1


def test_a_bag_depends_on_its_own_seed_only():
    codes, weights = np.arange(50) % 2, np.ones(50)
    seeds = np.array([4, 5, 6])
    three = draw_bags(codes, weights, 3, 10, "bootstrap", seeds, ["a", "b"])
    one = draw_bags(codes, weights, 1, 10, "bootstrap", seeds[1:2], ["a", "b"])
    np.testing.assert_array_equal(three[1], one[0])
    assert not np.array_equal(three[0], three[1])


def test_a_class_too_small_for_slices_is_named():
    codes = np.repeat([0, 1], [100, 3])
    with pytest.raises(DataError, match="Class 'water' has 3 training pixels"):
        draw_bags(codes, np.ones(103), 5, 10, "slices", np.arange(5), ["land", "water"])
