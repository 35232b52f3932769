"""The statistics: against scipy and statsmodels, and against their promised error rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar

from bridges.compare.statistics import (
    Comparison,
    corrected_t_test,
    judge,
    mcnemar,
    mean_interval,
    proportion_interval,
    require_statsmodels,
)
from bridges.errors import SolverError, UsageError


def test_without_overlap_it_is_the_paired_t_test() -> None:
    a, b = np.random.default_rng(0).normal([[0.3], [0.0]], 1.0, (2, 12))
    found = corrected_t_test(a, b, 0.0)
    assert found.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert found.difference == pytest.approx((a - b).mean())


def test_the_correction_is_the_factor_of_nadeau_and_bengio() -> None:
    gap = np.array([0.02, 0.01, 0.03, -0.01, 0.02])
    t = gap.mean() / np.sqrt((1 / 5 + 0.5) * gap.var(ddof=1))
    found = corrected_t_test(gap, np.zeros(5), 0.5)
    assert found.p_value == pytest.approx(2 * stats.t.sf(t, 4))


def test_equal_scores_and_constant_gaps() -> None:
    assert corrected_t_test([0.8, 0.9], [0.8, 0.9], 0.5).p_value == 1.0
    assert corrected_t_test([0.8, 0.9], [0.7, 0.8], 0.5).p_value is None
    assert corrected_t_test([0.8], [0.7], 0.5).p_value is None


def test_unpaired_scores_are_refused() -> None:
    with pytest.raises(UsageError, match="paired"):
        corrected_t_test([0.1, 0.2], [0.1], 0.5)
    with pytest.raises(UsageError, match="do not fit"):
        mcnemar([1, 2], [1], [1, 2])


def test_mcnemar_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 400)
    a, b = (np.where(rng.random(400) < p, truth, 9) for p in (0.9, 0.82))
    table = [
        [np.sum((a == truth) & (b == truth)), np.sum((a == truth) & (b != truth))],
        [np.sum((a != truth) & (b == truth)), np.sum((a != truth) & (b != truth))],
    ]
    found = mcnemar(truth, a, b)
    assert found.p_value == pytest.approx(other_mcnemar(table, exact=True).pvalue)
    assert found.difference == pytest.approx(np.mean(a == truth) - np.mean(b == truth))
    assert mcnemar(truth, a, a).p_value == 1.0


def test_intervals() -> None:
    values = np.array([0.8, 0.82, 0.79, 0.85])
    mean, interval = mean_interval(values)
    assert interval == pytest.approx(stats.t.interval(0.95, 3, mean, stats.sem(values)))
    _, wider = mean_interval(values, 0.5)
    assert wider is not None
    assert interval is not None
    assert wider[0] < interval[0] < interval[1] < wider[1]
    assert mean_interval([0.5]) == (0.5, None)
    low, high = proportion_interval(90, 100)
    assert low < 0.9 < high


def test_holm_and_verdicts() -> None:
    made = [
        Comparison("a", "b", 0.1, 0.01, "t"),
        Comparison("a", "c", -0.1, 0.02, "t"),
        Comparison("b", "c", 0.1, 0.04, "t"),
        Comparison("d", "e", 0.1, None, "t"),
    ]
    judged = judge(made)
    assert [c.p_holm for c in judged] == pytest.approx([0.03, 0.04, 0.04, None])
    assert [c.verdict for c in judged] == ["better", "worse", "better", "not testable"]
    assert judge(made[:2], level=0.015)[1].verdict == "not distinguishable"
    assert judge([made[3]]) == [made[3]]


def test_sentences_are_plain() -> None:
    better, worse = judge(
        [Comparison("a", "b", 0.1, 0.01, "t"), Comparison("c", "d", -0.1, 0, "t")]
    )
    assert better.sentence().startswith("a is better than b by 0.1000 in overall accuracy (t, p =")
    assert worse.sentence().startswith("c is worse than d by 0.1000")
    (same,) = judge([Comparison("a", "b", 0.1, 0.5, "t")])
    assert same.sentence().startswith("a and b are not distinguishable (difference 0.1000")
    assert "no test" in Comparison("a", "b", 0.1, None, "t").sentence()


def equal_classifiers(seed: int, n_folds: int = 10) -> np.ndarray:
    """Scores of two classifiers of equal worth, each trained on its own random half-bag."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 120)
    X = rng.normal(size=(120, 3)) + y[:, None] * 0.7
    scores = np.empty((2, n_folds))
    for fold in range(n_folds):
        order = rng.permutation(120)
        train, test = order[:80], order[80:]
        for which in range(2):
            bag = rng.choice(train, 40, replace=False)
            means = [X[bag][y[bag] == c].mean(axis=0) for c in (0, 1)]
            nearer = (X[test] - (means[0] + means[1]) / 2) @ (means[1] - means[0]) > 0
            scores[which, fold] = np.mean(nearer == y[test])
    return scores


def test_equal_classifiers_are_declared_different_no_more_often_than_allowed() -> None:
    made = [corrected_t_test(*equal_classifiers(seed), 40 / 80) for seed in range(100)]
    rng = np.random.default_rng(3)
    fixed = []
    for _ in range(100):
        truth = rng.integers(0, 2, 300)
        a, b = (np.where(rng.random(300) < 0.85, truth, 1 - truth) for _ in range(2))
        fixed.append(mcnemar(truth, a, b))
    for comparisons in (made, fixed):
        assert len({c.p_value for c in comparisons}) > 20
        # alone each errs with 5 %; more than 10 of 100 has a probability of 1 %
        assert sum(c.p_value <= 0.05 for c in comparisons if c.p_value is not None) <= 10
        # corrected, all 100 together err with 5 %
        assert {c.verdict for c in judge(comparisons)} == {"not distinguishable"}
    naive = [stats.ttest_rel(*equal_classifiers(seed)).pvalue for seed in range(100)]
    assert sum(p <= 0.05 for p in naive) > sum((c.p_value or 1.0) <= 0.05 for c in made)


def test_a_real_difference_is_found() -> None:
    rng = np.random.default_rng(5)
    common = rng.normal(0.8, 0.02, 10)
    better = common + rng.normal(0.05, 0.01, 10)
    assert judge([corrected_t_test(better, common, 0.5)])[0].verdict == "better"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    require_statsmodels()
    monkeypatch.setitem(sys.modules, "statsmodels.stats.multitest", None)
    with pytest.raises(SolverError, match="statsmodels") as raised:
        require_statsmodels()
    assert "pip install" in raised.value.hint
