"""Scores of probabilities against scikit-learn's and sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from bridges.calibration.scores import calibration_scores


def test_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.25, 0.75], [0.4, 0.6]])
    found = calibration_scores(p, np.array([0, 1, 1, 1]), bins=4)
    assert found["brier"] == pytest.approx((0.02 + 1.28 + 0.125 + 0.32) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.75, 0.6]).mean())
    assert [b["samples"] for b in found["bins"]] == [1, 3]
    # .6 in (.5, .75], .75, .8 and .9 above: 1 of 1 right, 2 of 3 right
    apart = 1 * abs(1 - 0.6) + 3 * abs(2 / 3 - (0.75 + 0.8 + 0.9) / 3)
    assert found["ece"] == pytest.approx(apart / 4)
    assert found["bins"][1]["accuracy"] == pytest.approx(2 / 3)


@given(n=st.integers(1, 50), k=st.integers(2, 5), seed=st.integers(0, 99))
def test_scores_are_scikit_learns_and_bins_hold_everything(n, k, seed):
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(k), n)
    codes = random.integers(0, k, n)
    found = calibration_scores(p, codes)
    assert found["log_loss"] == pytest.approx(log_loss(codes, p, labels=np.arange(k)))
    assert found["brier"] == pytest.approx(((p - np.eye(k)[codes]) ** 2).sum(axis=1).mean())
    assert sum(b["samples"] for b in found["bins"]) == n
    assert 0 <= found["ece"] <= 1
    for each in found["bins"]:
        assert each["low"] <= each["confidence"] <= each["high"] + 1e-12


def test_sure_and_right_or_sure_and_wrong():
    p = np.array([[1.0, 0.0], [0.0, 1.0]])
    right = calibration_scores(p, np.array([0, 1]))
    assert (right["ece"], right["brier"], right["log_loss"]) == (0, 0, 0)
    wrong = calibration_scores(p, np.array([1, 0]))
    assert (wrong["ece"], wrong["brier"]) == (1, 2)
    assert np.isfinite(wrong["log_loss"])
