"""Ensembles over any classifier and any map."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.linear_model import Perceptron
from sklearn.tree import DecisionTreeClassifier

from bridges.ensemble.bagging import KernelEnsemble
from bridges.errors import DataError, UsageError
from bridges.reference import ReferenceSVC


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(120, centers=3, n_features=4, cluster_std=3.0, random_state=0)
    return X, np.array([10, 20, 40])[y]


def make(**params):
    given = {"n_members": 5, "member_size": 24, "random_state": 0}
    return KernelEnsemble(params.pop("estimator", ReferenceSVC()), **given | params)


def backwards(function, items):
    """A map that does the last first."""
    return [function(item) for item in list(items)[::-1]][::-1]


def pooled(function, items):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(function, items))


@pytest.mark.parametrize("how", ["threads", map, pooled, backwards])
@pytest.mark.parametrize("estimator", [ReferenceSVC(), DecisionTreeClassifier()])
def test_members_are_the_same_whatever_builds_them(blobs, how, estimator):
    X, y = blobs
    here = make(estimator=estimator).fit(X, y)
    there = make(estimator=estimator, map=how, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(here.decision_function(X), there.decision_function(X))
    for a, b in zip(here.estimators_samples_, there.estimators_samples_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_members_of_a_larger_ensemble_are_those_of_a_smaller(blobs):
    X, y = blobs
    few, many = make(n_members=2).fit(X, y), make(n_members=6).fit(X, y)
    for a, b in zip(few.estimators_samples_, many.estimators_samples_[:2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_mean_in_one_pass_is_the_mean_of_the_members(blobs):
    X, y = blobs
    X2, y2 = X[y != 40], y[y != 40]
    model = make().fit(X2, y2)
    members = [m.decision_function(X) for m in model.estimators_]
    np.testing.assert_allclose(model.decision_function(X), np.mean(members, axis=0), atol=1e-5)
    assert model.dual_coef_.shape == (1, len(model.support_))
    np.testing.assert_array_equal(model.support_vectors_, X2[model.support_])


def test_raw_outputs_of_several_classes_average_too(blobs):
    X, y = blobs
    for multiclass in ("ovo", "ovr"):
        model = make(estimator=ReferenceSVC(multiclass=multiclass)).fit(X, y)
        members = [m.expansion().decision(X) for m in model.estimators_]
        fused = model.expansion().decision(X)
        np.testing.assert_allclose(fused, np.mean(members, axis=0), atol=1e-5)


def test_majority_counts_labels_by_hand(blobs):
    X, y = blobs
    model = make(combine="majority").fit(X, y)
    votes = np.stack([m.predict(X) for m in model.estimators_], axis=1)
    counts = np.stack([(votes == c).sum(axis=1) for c in model.classes_], axis=1)
    clear = np.sort(counts, axis=1)[:, -1] > np.sort(counts, axis=1)[:, -2]
    assert clear.mean() > 0.8
    expected = model.classes_[counts.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X)[clear], expected[clear])


def test_out_of_bag_weights_and_score_by_hand(blobs):
    X, y = blobs
    model = make(combine="oob", estimator=ReferenceSVC(multiclass="ovr")).fit(X, y)
    unseen = np.ones((len(X), 5), dtype=bool)
    for member, rows in enumerate(model.estimators_samples_):
        unseen[rows, member] = False
    right = np.stack([m.predict(X) == y for m in model.estimators_], axis=1)
    accuracy = (right & unseen).sum(axis=0) / unseen.sum(axis=0)
    surplus = np.maximum(accuracy - 1 / 3, 0)
    np.testing.assert_allclose(model.member_weights_, surplus / surplus.sum())
    values = np.stack([m.decision_function(X) for m in model.estimators_], axis=1)
    masked = unseen * model.member_weights_
    judged = masked.sum(axis=1) > 0
    scores = np.einsum("nmc,nm->nc", values, masked)
    expected = np.mean(model.classes_[scores.argmax(axis=1)][judged] == y[judged])
    assert model.oob_score_ == pytest.approx(expected)


def test_a_copy_of_a_seen_pixel_is_not_out_of_bag():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 2
    model = make(member_size=20, n_members=1, estimator=DecisionTreeClassifier())
    once = model.fit(X, y).oob_score_
    twice = make(member_size=20, n_members=1, estimator=DecisionTreeClassifier())
    assert twice.fit(np.tile(X, (2, 1)), np.tile(y, 2)).oob_score_ == once
    assert once < 1


def test_no_out_of_bag_score_where_every_pixel_was_seen():
    X, y = np.arange(6.0)[:, None], np.arange(6) % 2
    model = make(n_members=1, member_size=6, sampling="slices", stratify="proportional")
    assert model.fit(X, y).oob_score_ is None


def test_slices_are_disjoint_and_stratified(blobs):
    X, y = blobs
    model = make(sampling="slices", n_members=5, member_size=24).fit(X, y)
    rows = np.concatenate(model.estimators_samples_)
    assert len(rows) == len(np.unique(rows)) == 120
    for part in model.estimators_samples_:
        assert np.bincount(y[part])[[10, 20, 40]].tolist() == [8, 8, 8]


@pytest.mark.parametrize(
    "estimator", [DecisionTreeClassifier(max_depth=3, random_state=0), Perceptron()]
)
@pytest.mark.parametrize("combine", ["mean", "majority", "oob"])
def test_any_classifier_will_do(blobs, estimator, combine):
    X, y = blobs
    for classes in ([10, 20], [10, 20, 40]):
        kept = np.isin(y, classes)
        model = make(estimator=estimator, combine=combine).fit(X[kept], y[kept])
        assert model.score(X[kept], y[kept]) > 0.7
        assert 0.5 < model.oob_score_ <= 1
        assert model.null_controls() == {}


def test_heavier_pixels_are_drawn_more_often_and_weightless_ones_never(blobs):
    X, y = blobs
    weights = np.where(np.arange(120) % 4 == 0, 20.0, 1.0)
    weights[:10] = 0.0
    model = make(n_members=30).fit(X, y, sample_weight=weights)
    drawn = np.bincount(np.concatenate(model.estimators_samples_), minlength=120)
    assert drawn[:10].sum() == 0
    assert drawn[weights == 20].mean() > 5 * drawn[weights == 1].mean()


def test_progress_reaches_the_end(blobs):
    seen = []
    make().fit(*blobs, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_precomputed_members_get_their_block(blobs):
    from sklearn.metrics.pairwise import rbf_kernel

    X, y = blobs
    order = np.lexsort((*X.T[::-1], y))
    X, y = X[order], y[order]
    K = rbf_kernel(X, gamma=0.1)
    named = make(estimator=ReferenceSVC(gamma=0.1)).fit(X, y)
    given = make(estimator=ReferenceSVC(kernel="precomputed")).fit(K, y)
    np.testing.assert_allclose(given.decision_function(K), named.decision_function(X), atol=2e-3)


def test_impossible_ensembles_are_refused_with_a_hint(blobs):
    X, y = blobs
    with pytest.raises(UsageError, match="cannot hold 3 classes") as caught:
        make(member_size=2).fit(X, y)
    assert "--member-size" in caught.value.hint
    with pytest.raises(DataError, match="disjoint members need") as caught:
        make(sampling="slices", member_size=30).fit(X, y)
    assert "--members" in caught.value.hint
    with pytest.raises(DataError, match="1 class"):
        make().fit(X[y == 10], y[y == 10])
    with pytest.raises(ValueError, match="combine"):
        make(combine="median").fit(X, y)
