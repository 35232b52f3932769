"""Labels straight from the compiled loop: the classes that the decision values stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from sklearn.svm import SVC

from bridges.reference import ReferenceSVC
from bridges.svm.expansion import KernelExpansion
from bridges.svm.kernels import Kernel
from bridges.svm.label_loops import choose_tile
from bridges.svm.labels import RULES, Labeller, rule_of
from bridges.svm.multiclass import (
    count_votes,
    decision_scores,
    predicted_indices,
    vote_scores,
)


def labeller(rule, n_classes, kernel=None, m=23, d=3, seed=0):
    random = np.random.default_rng(seed)
    pairs = n_classes * (n_classes - 1) // 2
    n_outputs = {"sign": 1, "largest": n_classes}.get(rule, pairs)
    expansion = KernelExpansion(
        kernel or Kernel("rbf", 0.3),
        np.arange(m),
        random.normal(size=(m, d)),
        random.normal(size=(n_outputs, m)),
        random.normal(size=n_outputs) / 10,
    )
    return Labeller(expansion, n_classes, rule)


def expected(model, X):
    values = model.expansion.decision(X)
    if model.rule == "votes":
        return np.argmax(count_votes(values, model.n_classes), axis=1)
    multiclass = "ovr" if model.rule == "largest" else "ovo"
    return predicted_indices(decision_scores(values, model.n_classes, multiclass))


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid", "callable", "precomputed"])
@pytest.mark.parametrize(
    ("rule", "n_classes"), [("sign", 2), ("votes", 5), ("scores", 5), ("largest", 4)]
)
def test_labels_are_those_of_the_decision_values(rule, n_classes, kernel):
    named = {"callable": lambda a, b: a @ b.T}.get(kernel, kernel)
    model = labeller(rule, n_classes, Kernel(named, 0.3, 2, 0.1))
    X = np.random.default_rng(1).normal(size=(1000, 23 if kernel == "precomputed" else 3))
    found = model.indices(X)
    np.testing.assert_array_equal(found, expected(model, X))
    assert len(np.unique(found)) > 1
    np.testing.assert_array_equal(found, model.indices(X, n_jobs=1))
    np.testing.assert_array_equal(found[300:307], model.indices(X[300:307]))


def test_nothing_but_a_bias_and_no_samples():
    model = labeller("votes", 3, m=0)
    assert len(set(model.indices(np.zeros((5, 3))).tolist())) == 1
    assert labeller("votes", 3).indices(np.zeros((0, 3))).shape == (0,)


@settings(max_examples=60)
@given(
    n_classes=st.integers(2, 6),
    numbers=st.lists(st.sampled_from([-2.0, -0.5, -0.0, 0.0, 0.5, 1.0]), min_size=15, max_size=15),
)
def test_ties_fall_as_in_the_plain_formulas(n_classes, numbers):
    pairs = n_classes * (n_classes - 1) // 2
    values = np.tile(np.array(numbers[:pairs])[:, None], (1, 128))
    room = np.empty((n_classes, 128)), np.empty((n_classes, 128)), np.empty(128)
    place = np.empty(128, dtype=np.int64)
    choose_tile(values, n_classes, RULES["votes"], *room, place)
    votes = count_votes(values.T, n_classes)
    np.testing.assert_array_equal(place, np.argmax(votes, axis=1))
    choose_tile(values, n_classes, RULES["scores"], *room, place)
    np.testing.assert_array_equal(place, np.argmax(vote_scores(values.T, n_classes), axis=1))


def test_rules_of_classifiers():
    assert rule_of(2, "ovo") == rule_of(2, "ovr", break_ties=False) == "sign"
    assert rule_of(3, "ovr") == "largest"
    assert rule_of(3, "ovo") == "scores"
    assert rule_of(3, "ovo", break_ties=False) == "votes"


def test_a_classifier_predicts_as_scikit_learns_does():
    X, y = make_blobs(600, centers=4, cluster_std=3.0, random_state=0, n_features=9)
    ours = ReferenceSVC(C=3, gamma=0.05).fit(X[:300], y[:300])
    theirs = SVC(C=3, gamma=0.05, break_ties=True, decision_function_shape="ovr")
    np.testing.assert_array_equal(ours.predict(X), theirs.fit(X[:300], y[:300]).predict(X))
