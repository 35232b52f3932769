"""Nearest points against an exhaustive search, whatever the threads and the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from bridges.accuracy.nearest import NearestPoint
from bridges.accuracy.nearest_loops import distance_sums


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 63, 64, 65, 300, 1500, 20_000]),
    st.integers(1, 9),
)
def test_distances_are_the_smallest(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    rows = np.concatenate([rng.normal(size=(60, d)) * 2, points[:20], points[-1:] + 50])
    found = NearestPoint.of(points).distances(rows)
    expected = cdist(rows, points).min(axis=1)
    scale = max(1.0, np.abs(points).max())
    assert found == pytest.approx(expected, abs=3e-6 * scale, rel=1e-5)


def test_points_that_coincide() -> None:
    points = np.repeat([[1.0, 2.0], [4.0, 6.0]], 200, axis=0)
    found = NearestPoint.of(points).distances(np.array([[1.0, 2.0], [1.0, 3.0]]))
    assert found == pytest.approx([0.0, 1.0], abs=1e-6)


def test_threads_and_order_change_no_bit() -> None:
    rng = np.random.default_rng(0)
    tree = NearestPoint.of(rng.normal(size=(3000, 6)))
    rows = rng.normal(size=(9000, 6))
    one = tree.distances(rows, 1)
    assert np.array_equal(tree.distances(rows, 3), one)
    order = rng.permutation(len(rows))
    assert np.array_equal(tree.distances(rows[order], 1), one[order])
    parts = np.concatenate([tree.distances(rows[:17]), tree.distances(rows[17:])])
    assert np.array_equal(parts, one)


def test_sums_of_distances() -> None:
    points = np.random.default_rng(1).normal(size=(50, 3))
    sums = np.zeros(50)
    distance_sums(points, 0, sums[:20])
    distance_sums(points, 20, sums[20:])
    assert sums.sum() == pytest.approx(pdist(points).sum())
