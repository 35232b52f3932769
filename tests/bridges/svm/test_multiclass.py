"""Pairs, votes and scores of several classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.multiclass import _ovr_decision_function

from bridges.errors import DataError
from bridges.svm.duplicates import merge_rows
from bridges.svm.multiclass import (
    binary_tasks,
    class_pairs,
    count_votes,
    decision_scores,
    predicted_indices,
    require_classes,
    vote_scores,
)


def test_pairs_are_in_libsvms_order():
    assert class_pairs(4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_tasks_of_two_classes_are_one():
    ((rows, signs),) = binary_tasks(np.array([1, 0, 1]), 2, "ovr")
    np.testing.assert_array_equal(rows, [0, 1, 2])
    np.testing.assert_array_equal(signs, [1, -1, 1])


def test_tasks_of_three_classes():
    codes = np.array([0, 1, 2, 1])
    pairs = binary_tasks(codes, 3, "ovo")
    assert [rows.tolist() for rows, _ in pairs] == [[0, 1, 3], [0, 2], [1, 2, 3]]
    assert [signs.tolist() for _, signs in pairs] == [[1, -1, -1], [1, -1], [1, -1, 1]]
    rest = binary_tasks(codes, 3, "ovr")
    assert [signs.tolist() for _, signs in rest] == [
        [1, -1, -1, -1],
        [-1, 1, -1, 1],
        [-1, -1, 1, -1],
    ]


@given(n_classes=st.integers(3, 6), seed=st.integers(0, 100))
def test_scores_are_scikit_learns(n_classes, seed):
    pairs = n_classes * (n_classes - 1) // 2
    values = np.random.default_rng(seed).normal(size=(20, pairs))
    theirs = _ovr_decision_function(values < 0, -values, n_classes)
    np.testing.assert_allclose(vote_scores(values, n_classes), theirs)
    votes = count_votes(values, n_classes)
    assert np.all(votes.sum(axis=1) == pairs)
    chosen = predicted_indices(decision_scores(values, n_classes, "ovo"))
    assert np.all(votes[np.arange(20), chosen] == votes.max(axis=1))


def test_one_score_decides_between_two_classes():
    assert predicted_indices(np.array([-1.0, 0.0, 2.0])).tolist() == [0, 0, 1]
    values = np.array([[3.0], [-2.0]])
    np.testing.assert_array_equal(decision_scores(values, 2, "ovo"), [3, -2])


def test_classes_without_weight_are_refused():
    labels, codes = np.array(["a", "b", "c"]), np.array([0, 1, 2])
    require_classes(labels, codes, np.ones(3))
    with pytest.raises(DataError, match="2 class"):
        require_classes(labels, codes, np.array([1.0, 0.0, 1.0]))


def test_merging_adds_weights_and_keeps_first_rows():
    X = np.array([[1.0, 2], [3, 4], [1, 2], [1, 2], [5, 6]])
    codes = np.array([0, 1, 0, 1, 0])
    merged = merge_rows(X, codes, np.array([1.0, 1, 2, 4, 0]))
    assert merged.rows.tolist() == [0, 3, 1]
    assert merged.codes.tolist() == [0, 1, 1]
    assert merged.weights.tolist() == [3, 4, 1]
    apart = merge_rows(X, codes, np.array([1.0, 1, 2, 4, 0]), compare=False)
    assert apart.rows.tolist() == [0, 1, 2, 3]


def test_nothing_is_merged_into_nothing():
    merged = merge_rows(np.ones((2, 3)), np.array([0, 1]), np.zeros(2))
    assert (merged.rows.size, merged.codes.size, merged.weights.size) == (0, 0, 0)


def test_zeros_of_both_signs_are_one_feature():
    X = np.array([[0.0], [1.0], [-0.0]])
    assert merge_rows(X, np.zeros(3, np.intp), np.ones(3)).weights.tolist() == [2, 1]


@given(
    pixels=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=20),
    seed=st.integers(0, 10),
)
def test_merging_does_not_depend_on_the_order(pixels, seed):
    table = np.array(pixels, dtype=float)
    order = np.random.default_rng(seed).permutation(len(table))
    codes = table[:, 0].astype(np.intp)
    one = merge_rows(table[:, 1:], codes, np.ones(len(table)))
    other = merge_rows(table[order, 1:], codes[order], np.ones(len(table)))
    np.testing.assert_array_equal(table[one.rows], table[order][other.rows])
    np.testing.assert_array_equal(one.weights, other.weights)
    assert one.weights.sum() == len(table)
