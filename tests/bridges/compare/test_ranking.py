"""Ranks, critical differences and effect sizes against autorank and published numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bridges.compare.effects import (
    akinshins_gamma,
    cliffs_delta,
    cohens_d,
    detectable_by_mcnemar,
    detectable_difference,
    magnitude,
)
from bridges.compare.rank_figure import rank_figure
from bridges.compare.ranking import critical_difference, rank_classifiers
from bridges.compare.statistics import corrected_t_test, mcnemar
from bridges.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    autorank = pytest.importorskip("autorank")


def table(seed, n, k):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(n, k)) * 0.03 + rng.normal(size=k) * 0.03 + 0.8, 2)


@pytest.mark.parametrize(("seed", "n", "k"), [(0, 8, 3), (1, 20, 5), (2, 14, 9), (3, 6, 4)])
def test_ranks_and_critical_difference_are_autoranks(seed, n, k) -> None:
    scores = table(seed, n, k)
    names = [f"c{i}" for i in range(k)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = autorank.autorank(
            pd.DataFrame(scores, columns=names), force_mode="nonparametric", verbose=False
        )
    ours = rank_classifiers(scores, names)
    ranks = dict(zip(ours.names, ours.mean_ranks, strict=True))
    assert ranks == pytest.approx(theirs.rankdf["meanrank"].to_dict())
    assert ours.critical_difference == pytest.approx(theirs.cd, rel=1e-4)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_critical_values_of_demsar() -> None:
    # Demšar 2006, table 5a: q at .05 for 2, 3, 4, 5, 10 classifiers.
    for k, q in ((2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)):
        gap = critical_difference(k, 14)
        assert gap == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)


def test_groups_are_the_largest_runs_that_are_alike() -> None:
    scores = np.tile([0.9, 0.8, 0.7, 0.6, 0.5], (10, 1))
    found = rank_classifiers(scores, list("abcde"))
    assert found.mean_ranks == (1, 2, 3, 4, 5)
    assert 1 < found.critical_difference < 2
    assert found.groups == (("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"))
    assert "a ranks before c, d, e" in found.sentence()
    turned = rank_classifiers(scores, list("abcde"), higher_is_better=False)
    assert turned.names == tuple("edcba")


def test_two_classifiers_are_tested_by_wilcoxon() -> None:
    scores = table(5, 12, 2)
    scores[:, 0] += 0.1
    found = rank_classifiers(scores, ["a", "b"])
    assert found.critical_difference is None
    assert found.p_value == pytest.approx(stats.wilcoxon(*scores.T, method="approx").pvalue)
    assert "a ranks before b" in found.sentence()
    assert found.groups == ()


def test_equal_scores_differ_in_nothing() -> None:
    found = rank_classifiers(np.full((4, 3), 0.5), ["a", "b", "c"])
    assert found.p_value is None
    assert "no differences" in found.sentence()
    assert found.groups == (("a", "b", "c"),)
    alike = rank_classifiers(np.full((6, 2), 0.5), ["a", "b"])
    assert alike.groups == (("a", "b"),)


@pytest.mark.parametrize(
    ("scores", "names"),
    [([[1, 2]], ["a", "b"]), ([[1], [2]], ["a"]), ([[1, 2], [3, np.nan]], ["a", "b"])],
)
def test_what_cannot_be_ranked(scores, names) -> None:
    with pytest.raises(UsageError):
        rank_classifiers(scores, names)


def test_the_diagram_shows_every_name_and_rank() -> None:
    found = rank_classifiers(table(7, 10, 6), [f"classifier {i}" for i in range(6)])
    texts = [t.get_text() for t in rank_figure(found).axes[0].texts]
    for name, rank in zip(found.names, found.mean_ranks, strict=True):
        assert any(name in text and f"{rank:.2f}" in text for text in texts)
    assert any("critical difference" in text for text in texts)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(3, 15), st.integers(3, 15))
def test_effect_sizes_are_autoranks(seed, n, m) -> None:
    from autorank import _util

    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.normal(size=m) + 0.5
    assert cohens_d(a, b) == pytest.approx(_util._cohen_d(a, b))
    assert akinshins_gamma(a, b) == pytest.approx(_util._akinshin_gamma(a, b), rel=1e-3)
    assert cliffs_delta(a, b) == pytest.approx(_util._cliffs_delta(a, b))
    assert magnitude(cohens_d(a, b)) == _util._effect_level(_util._cohen_d(a, b))


def test_effects_without_spread() -> None:
    assert cohens_d([0.5, 0.5], [0.5, 0.5]) == 0
    assert cohens_d([0.6, 0.6], [0.5, 0.5]) is None
    assert magnitude(None) == "large"
    assert cohens_d([0.5], [0.4]) is None
    assert akinshins_gamma([0.5], [0.4]) is None


def test_a_detectable_difference_is_found_as_often_as_is_said() -> None:
    rng = np.random.default_rng(0)
    spread, n, found = 0.02, 10, 0
    wanted = np.mean([detectable_difference(rng.normal(0, spread, n), 0.0) for _ in range(2000)])
    for _ in range(2000):
        gaps = rng.normal(wanted, spread, n)
        result = corrected_t_test(gaps, np.zeros(n), 0.0)
        found += result.p_value <= 0.05
    assert found / 2000 == pytest.approx(0.8, abs=0.05)
    assert detectable_difference([0.1], 0.5) is None


def test_a_difference_detectable_by_mcnemar_is_found_as_often_as_is_said() -> None:
    rng = np.random.default_rng(1)
    n, found, apart = 1500, 0, 0.1
    truth = np.ones(n, dtype=int)

    def predicted(gap):
        only = rng.choice(3, size=n, p=[1 - apart, (apart + gap) / 2, (apart - gap) / 2])
        return (only != 2).astype(int), (only != 1).astype(int)

    gap = detectable_by_mcnemar(truth, *predicted(0.0))
    for _ in range(300):
        found += mcnemar(truth, *predicted(gap)).p_value <= 0.05
    assert found / 300 == pytest.approx(0.8, abs=0.08)
    assert detectable_by_mcnemar(truth, truth, truth) is None
