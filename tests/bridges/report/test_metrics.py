"""Scores against scikit-learn and sums by hand; undefined ones are None."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from bridges.errors import DataError
from bridges.report.metrics import SCORES, binary_scores, evaluate, number, roc_points

NAMES = {1: "water", 2: "forest", 3: "urban"}


def test_scores_of_a_small_example_counted_by_hand() -> None:
    found = evaluate([1, 1, 2, 2, 3], [1, 2, 2, 2, 1], None, NAMES)
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert found["confusion"] == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    water, forest, urban = found["classes"]
    assert (water["producers_accuracy"], water["users_accuracy"]) == (0.5, 0.5)
    assert forest["users_accuracy"] == pytest.approx(2 / 3)
    assert (urban["producers_accuracy"], urban["users_accuracy"], urban["f1"]) == (0.0, None, 0.0)
    assert [c["support"] for c in found["classes"]] == [2, 2, 1]
    assert found["auroc"] is None
    assert found["auprc"] is None


def test_a_class_without_test_samples_is_null_and_not_counted() -> None:
    found = evaluate([1, 1, 2], [1, 1, 2], None, NAMES)
    assert found["balanced_accuracy"] == 1.0
    assert found["macro_f1"] == 1.0
    assert found["classes"][2] == {
        "name": "urban",
        "code": 3,
        "producers_accuracy": None,
        "users_accuracy": None,
        "f1": None,
        "support": 0,
    }


def test_one_class_only_has_no_kappa_and_no_ranking() -> None:
    found = evaluate([1, 1], [1, 1], [0.3, -2.0], {1: "a", 2: "b"})
    assert found["accuracy"] == 1.0
    assert (found["kappa"], found["auroc"], found["auprc"]) == (None, None, None)


def test_two_classes_rank_by_the_decision_value_of_the_second() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([4, 9], 60)
    scores = (truth == 9) + rng.normal(size=60)
    found = evaluate(truth, np.where(scores > 0.5, 9, 4), scores, {4: "a", 9: "b"})
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(truth == 9, scores))
    assert found["auprc"] == pytest.approx(reference.average_precision_score(truth == 9, scores))
    two_columns = evaluate(
        truth, np.where(scores > 0.5, 9, 4), np.column_stack([-scores, scores]), {4: "a", 9: "b"}
    )
    assert two_columns["auroc"] == found["auroc"]


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 3])), min_size=1),
    st.permutations([0, 1, 2]),
)
def test_json_ready_and_blind_to_order(pairs: list[tuple[int, int]], turn: list[int]) -> None:
    truth, predicted = map(list, zip(*pairs, strict=True))
    found = evaluate(truth, predicted, None, NAMES)
    json.dumps(found, allow_nan=False)
    backwards = evaluate(truth[::-1], predicted[::-1], None, NAMES)
    for key in SCORES:
        assert backwards[key] == pytest.approx(found[key])
    renamed = {0: 1, 1: 2, 2: 3}
    moved = [renamed[turn[t - 1]] for t in truth]
    moved_predicted = [renamed[turn[p - 1]] for p in predicted]
    assert evaluate(moved, moved_predicted, None, NAMES)["kappa"] == pytest.approx(found["kappa"])


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([1, 2], [1])])
def test_nothing_to_score_is_refused(truth: list[int], predicted: list[int]) -> None:
    with pytest.raises(DataError, match="Cannot score"):
        evaluate(truth, predicted, None, NAMES)


def test_decision_values_that_cannot_rank_are_refused() -> None:
    with pytest.raises(DataError, match="shape"):
        binary_scores(np.zeros((4, 3)))
    with pytest.raises(DataError, match="Decision values"):
        binary_scores([0.0, np.nan])


def test_number_knows_no_nan() -> None:
    assert number(float("nan")) is None
    assert number(None) is None
    assert number(np.float64(2)) == 2.0


def test_roc_of_a_missing_class_is_none() -> None:
    assert roc_points([1, 1], [0.1, 0.2], 1) is None
    points = roc_points([1, 2, 2], [0.1, 0.2, 0.3], 2)
    assert points is not None
    assert reference.auc(*points) == 1.0
