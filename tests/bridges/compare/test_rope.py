"""Odds of practical differences against baycomp."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.compare.hierarchical import hierarchical
from bridges.compare.rope import correlated_t, signed_rank
from bridges.errors import UsageError

baycomp = pytest.importorskip("baycomp")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("runs", [1, 2])
def test_one_data_set(seed, runs) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0.9, 0.02, 20), rng.normal(0.89, 0.02, 20)
    left, rope, right = baycomp.CorrelatedTTest(second, first, 0.01, runs=runs).probs()
    ours = correlated_t(first - second, runs / 20, 0.01)
    assert (ours.worse, ours.same, ours.better) == pytest.approx((left, rope, right), abs=1e-9)


@pytest.mark.parametrize("n", [3, 8, 20])
@pytest.mark.parametrize("seed", range(3))
def test_signed_ranks_of_several_data_sets(n, seed) -> None:
    rng = np.random.default_rng(seed)
    second = rng.uniform(0.6, 0.95, n)
    first = second + rng.normal(0.006, 0.02, n)
    theirs = baycomp.SignedRankTest(second, first, 0.01, nsamples=20_000, random_state=0).probs()
    ours = signed_rank(first - second, 0.01)
    assert (ours.worse, ours.same, ours.better) == pytest.approx(theirs, abs=0.01)


def made(seed, n_data, n_folds, center, among, within):
    """Differences by fold; numpy's legacy stream never changes."""
    rng = np.random.RandomState(seed)
    means = center + among * rng.standard_normal(n_data)
    return np.round(means[:, None] + within * rng.standard_normal((n_data, n_folds)), 4)


STAN = [
    ((1, 6, 10, 0.012, 0.01, 0.02), 0.01, 1, (0.040275, 0.546, 0.413725)),
    ((2, 10, 10, 0.0, 0.004, 0.015), 0.01, 1, (0.012775, 0.9866125, 0.0006125)),
    ((3, 8, 20, 0.004, 0.01, 0.03), 0.01, 2, (0.026575, 0.916925, 0.0565)),
    ((4, 3, 10, 0.02, 0.01, 0.02), 0.01, 1, (0.0698375, 0.0481375, 0.882025)),
]
"""Data, rope, runs, and what baycomp 1.0.3 with pystan 3.10 gives (HierarchicalTest, 4 chains of
20 000 draws); Stan compiles for minutes, so its numbers are kept here."""


@pytest.mark.parametrize(("data", "rope", "runs", "theirs"), STAN)
def test_the_hierarchical_model(data, rope, runs, theirs) -> None:
    ours = hierarchical(made(*data), runs / data[2], rope)
    assert (ours.worse, ours.same, ours.better) == pytest.approx(theirs, abs=0.01)


def test_swapping_classifiers_swaps_the_odds() -> None:
    gaps = made(5, 5, 8, 0.01, 0.01, 0.02)
    there, back = hierarchical(gaps, 0.1, 0.01), hierarchical(-gaps, 0.1, 0.01, seed=1)
    assert (there.worse, there.same) == pytest.approx((back.better, back.same), abs=0.015)
    ours, theirs = signed_rank(gaps.mean(axis=1), 0.01), signed_rank(-gaps.mean(axis=1), 0.01)
    assert ours.better == pytest.approx(theirs.worse, abs=0.01)


def test_no_spread_and_no_difference() -> None:
    sure = correlated_t([0.05, 0.05, 0.05], 0.1, 0.01)
    assert (sure.worse, sure.same, sure.better) == (0, 0, 1)
    same = hierarchical(np.zeros((4, 5)), 0.1, 0.01)
    assert same.same > 0.95
    assert "practically equivalent" in same.sentence("a", "b")


def test_sentences() -> None:
    assert "a is practically better than b (prob" in sure_sentence([0.05, 0.052, 0.049])
    assert "undecided, most likely" in sure_sentence([0.05, -0.03, 0.02])


def sure_sentence(gaps):
    return correlated_t(gaps, 0.1, 0.01).sentence("a", "b")


@pytest.mark.parametrize(
    "call",
    [
        lambda: correlated_t([0.1], 0.1, 0.01),
        lambda: signed_rank([0.1], 0.01),
        lambda: hierarchical([[0.1, 0.2, 0.3]], 0.1, 0.01),
        lambda: hierarchical(np.zeros((3, 2)), 0.1, 0.01),
    ],
)
def test_what_has_no_posterior(call) -> None:
    with pytest.raises(UsageError):
        call()
