"""Groups chosen for testing: the wanted share, as nearly as whole groups allow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.samples.group_choice import NEAR, choose_groups


def choice(counts, test_size, seed):
    return choose_groups(np.asarray(counts), test_size, np.random.default_rng(seed))


def share(counts, chosen):
    return float(np.asarray(counts)[chosen].sum() / np.sum(counts))


def test_regions_that_hold_every_class():
    random = np.random.default_rng(3)
    region, y = random.integers(4, size=1200), random.integers(10, size=1200)
    counts = np.zeros((4, 10), np.int64)
    np.add.at(counts, (region, y), 1)
    chosen = [choice(counts, 0.5, seed) for seed in range(8)]
    assert all(share(counts, c) == pytest.approx(0.5, abs=0.05) for c in chosen)
    assert len({tuple(c) for c in chosen}) >= 3


@pytest.mark.parametrize("test_size", [0.25, 0.4, 0.5])
@pytest.mark.parametrize("n_groups", [20, 40, 900])
def test_many_sizes_of_groups(n_groups, test_size):
    random = np.random.default_rng(n_groups)
    counts = random.integers(1, 60, size=(n_groups, 3)) * (random.random((n_groups, 3)) < 0.7)
    counts[0] = 1
    chosen = [choice(counts, test_size, seed) for seed in range(4)]
    for c in chosen:
        assert share(counts, c) == pytest.approx(test_size, abs=0.02 if n_groups < 40 else 0.01)
    assert len({tuple(c) for c in chosen}) >= 3


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=7),
    test_size=st.sampled_from([0.2, 0.5, 0.7]),
    seed=st.integers(0, 99),
)
def test_few_groups_are_as_near_as_any_choice(counts, test_size, seed):
    counts = np.array(counts, np.int64) + np.eye(len(counts), 3, dtype=np.int64)
    counts = counts[counts.sum(axis=1) > 0]
    found = choice(counts, test_size, seed)
    held = counts > 0
    only = held[:, held.sum(axis=0) == 1].any(axis=1)
    assert not found[only].any()

    def key(chosen):
        on_test = held[chosen].sum(axis=0)
        lacking = (held.sum(axis=0) > 1) & ((on_test == 0) | (on_test == held.sum(axis=0)))
        off = counts[chosen].sum(axis=0) - test_size * counts.sum(axis=0)
        return lacking.sum(), (abs(off.sum()) + 0.25 * abs(off).sum()) / counts.sum()

    every = (np.array(c) for c in itertools.product((False, True), repeat=len(counts)))
    keys = [key(c) for c in every if c.any() and not c[only].any() and not c.all()]
    if keys:
        lacking, miss = min(keys)
        assert key(found)[0] == lacking
        assert key(found)[1] <= miss + NEAR + 1e-12


def test_the_only_group_of_a_class_is_for_training():
    counts = [[5, 9], [5, 0], [5, 0], [5, 0]]
    assert not any(choice(counts, 0.5, seed)[0] for seed in range(10))
