"""Probabilities of any classifier: calibrated, never invented, fit for scikit-learn's tools."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from bridges import registry
from bridges.calibration import Calibrated
from bridges.calibration.learning import METHODS
from bridges.calibration.scores import calibration_scores
from bridges.calibration.unseen import make_folds, merge_with_groups
from bridges.ensemble import KernelEnsemble
from bridges.errors import DataError, UsageError
from bridges.reference import ReferenceSVC
from bridges.run.model_file import load_model, save_model
from bridges.testing import assert_classifier


def svc(**params):
    return ReferenceSVC(C=2.0, gamma=0.3, **params)


def ensemble(**params):
    return KernelEnsemble(svc(), n_members=6, member_size=30, random_state=0, **params)


@parametrize_with_checks([Calibrated(ReferenceSVC(), random_state=0)])
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


def test_it_keeps_the_contract():
    assert_classifier(Calibrated(ReferenceSVC()))


@pytest.fixture
def blobs():
    X, y = make_blobs(
        900, centers=4, cluster_std=2.5, n_features=3, random_state=2, center_box=(-5, 5)
    )
    return X[:500], y[:500], X[500:], y[500:]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "make", [svc, lambda: svc(multiclass="ovr"), ensemble, lambda: ensemble(combine="majority")]
)
def test_probabilities_are_calibrated(blobs, make, method):
    X, y, X_test, y_test = blobs
    model = Calibrated(make(), method, random_state=0).fit(X, y)
    p = model.predict_proba(X_test)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X_test), model.classes_[p.argmax(axis=1)])
    assert calibration_scores(p, y_test)["ece"] < 0.12
    assert log_loss(y_test, p) < 1.15 * log_loss(
        y_test, CalibratedClassifierCV(SVC(C=2.0, gamma=0.3)).fit(X, y).predict_proba(X_test)
    )


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(20, random_state=0), GaussianNB(), KNeighborsClassifier()]
)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_foreign_classifiers_are_calibrated_too(blobs, estimator, n_classes):
    X, y, X_test, y_test = blobs
    y, y_test = y % n_classes, y_test % n_classes
    p = Calibrated(estimator, random_state=0).fit(X, y).predict_proba(X_test)
    assert p.shape == (len(X_test), n_classes)
    assert log_loss(y_test, p) < 1.3 * log_loss(
        y_test, CalibratedClassifierCV(estimator).fit(X, y).predict_proba(X_test)
    )


def test_what_the_samples_were(blobs):
    X, y, *_ = blobs
    assert Calibrated(svc()).fit(X, y).calibrated_on_ == "10 folds"
    assert "bag" in Calibrated(ensemble()).fit(X, y).calibrated_on_
    assert Calibrated(ensemble(), folds=3).fit(X, y).calibrated_on_ == "3 folds"
    groups = np.arange(len(y)) // 10
    grouped = Calibrated(ensemble()).fit(X, y, groups=groups)
    assert grouped.calibrated_on_ == "10 folds that keep groups whole"
    few = np.concatenate([np.flatnonzero(y == c)[:3] for c in range(4)])
    assert Calibrated(svc()).fit(X[few], y[few]).calibrated_on_ == "3 folds"


def test_bags_without_unseen_samples_of_a_class_give_way_to_folds(blobs):
    X, y, *_ = blobs
    few = np.concatenate([np.flatnonzero(y == c)[: 2 if c == 3 else 20] for c in range(4)])
    one = KernelEnsemble(svc(), n_members=1, member_size=40, stratify="equal", random_state=0)
    assert Calibrated(one).fit(X[few], y[few]).calibrated_on_ == "2 folds"


def test_groups_stay_whole_and_every_class_is_in_two_folds():
    random = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [90, 60, 20])
    per_class = [np.arange(90) // 9, 20 + np.arange(60) // 20, 40 + np.arange(20) // 10]
    groups = np.concatenate(per_class)
    X = random.normal(size=(170, 2))
    merged, of = merge_with_groups(X, codes, np.ones(170), groups, compare=True)
    folds, told = make_folds(merged, of, 5, ["a", "b", "c"], 0)
    assert told == []
    for group in np.unique(groups):
        assert len(set(folds[of == group])) == 1
    assert [len(set(folds[merged.codes == c])) for c in range(3)] == [5, 3, 2]


def test_a_class_in_one_group_or_of_one_sample_is_told(blobs):
    X, y, *_ = blobs
    groups = np.where(y == 2, 99, np.arange(len(y)) // 3)
    model = Calibrated(svc()).fit(X, y, groups=groups)
    assert len(model.notes_) == 1
    assert "Class '2' has one group" in model.notes_[0]
    alone = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:1]])
    model = Calibrated(svc()).fit(X[alone], y[alone])
    assert "Class '2' has one distinct sample" in model.notes_[0]
    assert model.predict_proba(X).shape == (len(X), 4)
    first = [np.flatnonzero(y == c)[0] for c in range(3)]
    with pytest.raises(DataError, match="one distinct sample"):
        Calibrated(svc()).fit(X[first], y[first])


def test_weights_need_an_estimator_that_takes_them(blobs):
    X, y, *_ = blobs
    with pytest.raises(UsageError, match="no sample weights"):
        Calibrated(KNeighborsClassifier()).fit(X, y, np.ones(len(y)))
    doubled = np.vstack([X, X[:50]]), np.append(y, y[:50])
    assert Calibrated(KNeighborsClassifier()).fit(*doubled).classes_.tolist() == [0, 1, 2, 3]


def test_precomputed_kernels(blobs):
    X, y, X_test, _ = blobs
    K = ReferenceSVC(gamma=0.3).fit(X, y).expansion().kernel
    model = Calibrated(ReferenceSVC(C=2.0, kernel="precomputed"), random_state=0)
    p = model.fit(K.matrix(X, X), y).predict_proba(K.matrix(X_test, X))
    expected = Calibrated(svc(), random_state=0).fit(X, y).predict_proba(X_test)
    # other folds: equal samples are found by their values, which a kernel matrix does not tell
    assert np.mean(np.abs(p - expected)) < 0.03


def test_scikit_learns_tools_work(blobs):
    X, y, X_test, y_test = blobs
    model = registry.make("sklearn-svc", C=2.0, gamma=0.3, calibrate="sigmoid")
    assert isinstance(model, Calibrated)
    others = [("svm", model), ("lr", LogisticRegression()), ("forest", RandomForestClassifier(10))]
    voting = VotingClassifier(others, voting="soft").fit(X, y)
    assert voting.score(X_test, y_test) > 0.5
    assert get_scorer("roc_auc_ovr")(model.fit(X, y), X_test, y_test) > 0.75
    assert np.all(cross_val_score(model, X, y, cv=3, scoring="neg_log_loss") < 0)
    partly = np.where(np.arange(len(y)) % 3 == 0, y, -1)
    learnt = SelfTrainingClassifier(model, threshold=0.7, max_iter=2).fit(X, partly)
    assert np.sum(learnt.labeled_iter_ > 0) > 10
    assert learnt.score(X_test, y_test) > 0.45


def test_a_model_file_keeps_the_calibration(blobs, tmp_path):
    X, y, X_test, _ = blobs
    for method in METHODS:
        model = Calibrated(svc(), method).fit(X, y)
        save_model(model, {}, tmp_path / "m.skops")
        again, _ = load_model(tmp_path / "m.skops")
        assert again.predict_proba(X_test).tobytes() == model.predict_proba(X_test).tobytes()


def test_a_fitted_model_is_calibrated_without_fitting_it_again(blobs):
    X, y, X_test, _ = blobs
    fitted = svc().fit(X, y)
    model = Calibrated(svc(), random_state=0).fit_calibration(fitted, X, y)
    assert model.fitted_ is fitted
    assert model.fit_report_ is fitted.fit_report_
    whole = Calibrated(svc(), random_state=0).fit(X, y)
    assert model.predict_proba(X_test).tobytes() == whole.predict_proba(X_test).tobytes()


def test_null_controls_are_calibrated_like_the_model():
    model = registry.make("qubo-ensemble", calibrate="isotonic")
    controls = model.null_controls()
    assert "random_alpha" in controls
    assert all(isinstance(c, Calibrated) and c.method == "isotonic" for c in controls.values())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_statlog_is_calibrated_better_than_by_scikit_learn(shared_data, method):
    with np.load(shared_data("tables/statlog_landsat.npz")) as data:
        X, y, X_test, y_test = (data[k] for k in ("X_train", "y_train", "X_test", "y_test"))
    scaler = MinMaxScaler((-1, 1)).fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    model = registry.make("mpi-svc", C=16, gamma=1.0, calibrate=method).fit(X, y)
    p = model.predict_proba(X_test)
    scores = calibration_scores(p, np.searchsorted(model.classes_, y_test))
    assert scores["ece"] <= 0.03
    assert scores["log_loss"] < 0.27  # CalibratedClassifierCV(SVC(C=16, gamma=1)): .343
    assert np.mean(model.predict(X_test) == y_test) > 0.905
