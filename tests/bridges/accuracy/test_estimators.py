"""Estimators against published examples, hand sums, a simulation, and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.accuracy.estimators import Estimate, disagreement, estimate, variance_groups_of

OLOFSSON_COUNTS = [[97, 0, 3], [3, 279, 18], [2, 1, 97]]
OLOFSSON_SIZES = [22_353, 1_122_543, 610_228]


def by_map_class(matrix):
    """Counts of strata that are the map's classes."""
    matrix = np.asarray(matrix)
    counts = np.zeros((len(matrix), *matrix.shape), dtype=int)
    for h, row in enumerate(matrix):
        counts[h, h] = row
    return counts


def test_good_practices_example() -> None:
    found = estimate(OLOFSSON_SIZES, by_map_class(OLOFSSON_COUNTS))
    assert float(found.overall.value) == pytest.approx(0.9444168, abs=5e-8)
    assert found.users.value == pytest.approx([0.97, 0.93, 0.97])
    assert found.producers.value == pytest.approx([0.4806308, 0.9941887, 0.8969259], abs=5e-8)
    total = sum(OLOFSSON_SIZES)
    assert found.area.value * total == pytest.approx([45112, 1050067, 659944], abs=0.5)
    low, high = found.area.interval(1.96)
    assert low * total == pytest.approx([24039.6, 1015469.3, 623418.1], abs=0.05)
    assert high * total == pytest.approx([66185.2, 1084665.3, 696470.6], abs=0.05)


def test_producers_error_is_equation_7_of_the_good_practices() -> None:
    n, N = np.array(OLOFSSON_COUNTS, dtype=float), np.array(OLOFSSON_SIZES, dtype=float)
    ni = n.sum(axis=1)
    found = estimate(N, by_map_class(OLOFSSON_COUNTS))
    columns = (N[:, None] * n / ni[:, None]).sum(axis=0)
    for j in range(3):
        P, U = found.producers.value[j], n[j, j] / ni[j]
        own = N[j] ** 2 * (1 - P) ** 2 * U * (1 - U) / (ni[j] - 1)
        others = [i for i in range(3) if i != j]
        p = n[others, j] / ni[others]
        rest = P**2 * np.sum(N[others] ** 2 * p * (1 - p) / (ni[others] - 1))
        assert found.producers.se[j] == pytest.approx(np.sqrt(own + rest) / columns[j])


def stehman_counts():
    """Numerical example of Stehman (2014), table 2: strata that are not the map's classes."""
    strata = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
    mapped = "A" * 7 + "BBB" + "A" + "B" * 11 + "C" * 6 + "BB" + "D" * 10
    truth = "AAAAA" + "CBABCA" + "BBBBB" + "AABB" + "CCCCC" + "DDBBA" + "DDDDDDD" + "CCB"
    counts = np.zeros((4, 4, 4), dtype=int)
    for s, m, r in zip(strata, mapped, truth, strict=True):
        counts["ABCD".index(s), "ABCD".index(m), "ABCD".index(r)] += 1
    return counts


def test_strata_other_than_classes() -> None:
    found = estimate([40_000, 30_000, 20_000, 10_000], stehman_counts())
    assert float(found.overall.value) == pytest.approx(0.63)
    assert float(found.overall.se) == pytest.approx(0.085, abs=5e-4)
    assert found.area.value[[0, 2]] == pytest.approx([0.35, 0.20])
    assert found.area.se[[0, 2]] == pytest.approx([0.082, 0.064], abs=5e-4)
    assert found.users.value[1] == pytest.approx(0.574, abs=5e-4)
    assert found.users.se[1] == pytest.approx(0.125, abs=5e-4)
    assert found.producers.value[1] == pytest.approx(0.794, abs=5e-4)
    assert found.producers.se[1] == pytest.approx(0.117, abs=5e-4)
    assert found.proportions[1, 2] == pytest.approx(0.08)
    # Printed by the package mapac for R on the same data.
    assert found.users.se == pytest.approx([0.16456, 0.12480, 0.21517, 0.15275], rel=2e-3)
    assert found.f1.value == pytest.approx([0.6969697, 0.6666667, 0.375, 0.6666667])


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    # 1 000 designs on a known map of 1 000 000 pixels: 250 points in each of three classes.
    rng = np.random.default_rng(0)
    truth = np.array([[160, 18, 12], [24, 300, 46], [8, 30, 402]]) * 1000
    sizes = truth.sum(axis=1)
    drawn = np.zeros((1000, 3, 3, 3))
    for h in range(3):
        drawn[:, h, h] = rng.multivariate_hypergeometric(truth[h], 250, size=1000)
    found = estimate(sizes, drawn)
    everything = truth.sum()
    for name, known in {
        "overall": np.trace(truth) / everything,
        "area": truth.sum(axis=0) / everything,
        "users": np.diag(truth) / truth.sum(axis=1),
        "producers": np.diag(truth) / truth.sum(axis=0),
        "f1": 2 * np.diag(truth) / (truth.sum(axis=0) + truth.sum(axis=1)),
    }.items():
        low, high = getattr(found, name).interval()
        covered = np.mean((low <= known) & (known <= high), axis=0)
        assert np.all((covered >= 0.93) & (covered <= 0.97)), (name, covered)
        spread = getattr(found, name).value.std(axis=0)
        assert getattr(found, name).se.mean(axis=0) == pytest.approx(spread, rel=0.1)


def test_more_pixels_than_32_bits_hold() -> None:
    large = [size * 10_000 for size in OLOFSSON_SIZES]
    small, big = (estimate(s, by_map_class(OLOFSSON_COUNTS)) for s in (OLOFSSON_SIZES, large))
    assert sum(large) > 2**32
    assert big.area.value == pytest.approx(small.area.value)
    assert big.producers.se == pytest.approx(small.producers.se)


def test_a_stratum_sampled_entirely_leaves_nothing_to_chance() -> None:
    counts = by_map_class([[6, 4], [0, 20]])
    found = estimate([10, 1000], counts)
    assert float(found.overall.se) == pytest.approx(0.0)
    assert found.area.value[1] == pytest.approx(1004 / 1010)


def test_agreement_of_all_points_is_not_certainty() -> None:
    found = estimate([500, 500], by_map_class([[30, 0], [0, 40]]))
    low, high = found.users.interval(1.96)
    assert low == pytest.approx([30 / (30 + 1.96**2), 40 / (40 + 1.96**2)])
    assert high == pytest.approx([1.0, 1.0])


def test_a_class_that_occurs_nowhere_is_undefined() -> None:
    found = estimate(
        [500, 500], [[[5, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1, 4, 0], [0] * 3]]
    )
    assert np.isnan(found.users.value[2])
    assert np.isnan(found.producers.value[2])
    assert found.area.value[2] == 0


def test_disagreement_adds_up_to_the_error() -> None:
    quantity, allocation = disagreement([[0.3, 0.1], [0.2, 0.4]])
    assert float(quantity) == pytest.approx(0.1)
    assert float(allocation) == pytest.approx(0.2)


def test_single_points_share_their_variance() -> None:
    assert variance_groups_of([100, 50, 900], [1, 5, 30]) == [[0, 1], [2]]
    assert variance_groups_of([100, 50, 900], [1, 1, 30]) == [[0, 1], [2]]
    assert variance_groups_of([1, 50, 900], [1, 5, 30]) == [[0], [1], [2]]
    lonely = by_map_class([[1, 0], [3, 27]])
    alone = estimate([100, 900], lonely, variance_groups_of([100, 900], [1, 30]))
    assert float(alone.overall.se) > 0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_order_of_classes_and_strata_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 6, size=(3, 4, 4)) + np.eye(4, dtype=int)
    sizes = rng.integers(1000, 100_000, size=3)
    found = estimate(sizes, counts)
    order, strata = rng.permutation(4), rng.permutation(3)
    moved = estimate(sizes[strata], counts[strata][:, order][:, :, order])
    for name in ("users", "producers", "f1", "area"):
        a, b = getattr(found, name), getattr(moved, name)
        assert b.value == pytest.approx(a.value[order])
        assert b.se == pytest.approx(a.se[order], abs=1e-9)
    assert float(found.quantity + found.allocation) == pytest.approx(1 - float(found.overall.value))
    assert found.area.value.sum() == pytest.approx(1.0)


def test_limits_stay_shares() -> None:
    wide = Estimate(np.array([0.95, 0.02]), np.array([0.1, 0.1]), np.array([5.0, 5.0]))
    low, high = wide.interval()
    assert np.all(low >= 0)
    assert np.all(high <= 1)
