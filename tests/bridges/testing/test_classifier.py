"""The trial of classifiers: it names each broken promise and every ability that is misspelt."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from bridges.fit_report import Diagnostics, FitReport
from bridges.reference import ReferenceSVC
from bridges.testing import assert_classifier
from bridges.testing.words import slips


class Means(ClassifierMixin, BaseEstimator):
    """Nearest class mean: no kernel machine, and keeps the contract."""

    def __init__(self, shrink=1.0, n_jobs=None):
        self.shrink = shrink
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None):
        X = np.asarray(X, dtype=float)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2 or not np.isfinite(X).all():
            raise ValueError("two classes of finite samples are needed")
        self.n_features_in_ = X.shape[1]
        self.means_ = np.array([X[codes == c].mean(axis=0) for c in range(len(self.classes_))])
        self.fit_report_ = FitReport(total_s=1e-6, n_samples=len(X))
        self.diagnostics_ = Diagnostics()
        return self

    def decision_function(self, X):
        near = -((np.asarray(X)[:, None] - self.means_) ** 2).sum(axis=-1)
        return near[:, 1] - near[:, 0] if len(self.classes_) == 2 else near

    def predict(self, X):
        values = self.decision_function(X)
        best = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
        return self.classes_[best]


def altered(base=Means, **body):
    """Return one of a new class, which pickle finds in this module."""
    name = f"Altered{sum(key.startswith('Altered') for key in globals())}"
    made = globals()[name] = type(name, (base,), {"__module__": __name__, **body})
    return made()


def after_fit(change, base=Means):
    """Return a classifier whose fit ends with ``change(self, X)``."""

    def fit(self, X, y, sample_weight=None):
        base.fit(self, X, y, sample_weight)
        change(self, X)
        return self

    return altered(base, fit=fit)


def set_after(base=Means, **attributes):
    return after_fit(lambda self, X: vars(self).update(attributes), base)


def nudged(self, X):
    return Means.decision_function(self, X) + 1e-6 * np.random.default_rng().normal()


def lonely(self, datasets, seeds, *, progress):
    return [type(self)(C=0.01).fit(X, y) for X, y, _ in datasets]


@dataclasses.dataclass(frozen=True)
class More(Diagnostics):
    extra: float | None = None


class Loose(Means):
    def __init__(self, shrink=1.0, n_jobs=None, **other):
        super().__init__(shrink, n_jobs)


def moved(self, X):
    self.means_ = self.means_ + 1e-3 * np.random.default_rng().normal()


BROKEN = {
    "has no method 'decision_function'": altered(decision_function=None),
    "constructor takes anything": Loose(),
    "fit must return self": altered(fit=lambda self, X, y: Means().fit(X, y)),
    "fit changed a parameter": set_after(shrink=7.0),
    "wrote to X or y": after_fit(lambda self, X: X.fill(0.0)),
    "no 'n_features_in_'": after_fit(lambda self, X: delattr(self, "n_features_in_")),
    "classes_ are not the labels": after_fit(
        lambda self, X: vars(self).update(classes_=self.classes_[::-1])
    ),
    "not \\(28,\\)": altered(decision_function=lambda self, X: np.zeros((len(X), 2))),
    "predict and decision_function disagree": altered(
        predict=lambda self, X: self.classes_[::-1][(self.decision_function(X) > 0).astype(int)]
    ),
    "score is not the accuracy": altered(score=lambda self, X, y: 0.5),
    "fit_report_ is no FitReport": set_after(fit_report_={}),
    "no plain one": set_after(diagnostics_=Diagnostics(energy_gap_mean=float("nan"))),
    "total_s is 0": set_after(fit_report_=FitReport(n_samples=28)),
    "n_samples is 3": set_after(fit_report_=FitReport(total_s=1.0, n_samples=3)),
    "pickled and read again": altered(decision_function=nudged),
    "another model": after_fit(moved),
    "depends on n_jobs": after_fit(
        lambda self, X: vars(self).update(
            means_=self.means_ + (0.1 * self.means_[:1] if self.n_jobs else 0.0)
        )
    ),
    "did you mean 'null_controls'": altered(null_control=lambda self: {}),
    "did you mean 'write_files'": altered(writes_files=lambda self, folder: None),
    "tells_progress says otherwise": altered(tells_progress=True),
    "collective is 'all'": altered(collective="all"),
    "null_controls returned no dict": altered(null_controls=lambda self: ["exact"]),
    "is fitted already": altered(null_controls=lambda self: {"self": self}),
    "not the one fitted alone": altered(ReferenceSVC, fit_many=lonely),
    "oob_score_ is 7": set_after(oob_score_=7),
    "energies_ has shape": set_after(energies_=np.zeros(4), sample_energies_=[]),
    "below the exact optimum": set_after(
        energies_=np.array([[-1.0, -1.0, -2.0, 0.0]]), sample_energies_=[np.array([-2.0])]
    ),
    "not the rows support_": after_fit(
        lambda self, X: vars(self).update(support_=self.support_[::-1]), ReferenceSVC
    ),
    "outputs is 'pairs'": altered(ReferenceSVC, outputs="pairs"),
    "NaN among the features": altered(
        fit=lambda self, X, y, sample_weight=None: Means.fit(self, np.nan_to_num(X), y)
    ),
}  # fmt: skip


def test_classifiers_that_keep_the_contract_pass():
    assert_classifier(Means())
    assert_classifier(after_fit(moved), repeatable=False)


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_promise_is_named(words):
    with pytest.raises(AssertionError, match=words):
        assert_classifier(BROKEN[words])


def test_progress_is_taken_and_told_by_both_or_neither():
    def fit(self, X, y, sample_weight=None, *, progress=lambda done, total: None):
        progress(1, 2)
        return Means.fit(self, X, y)

    with pytest.raises(AssertionError, match="tells_progress says otherwise"):
        assert_classifier(altered(fit=fit))
    with pytest.raises(AssertionError, match="never told that it is done"):
        assert_classifier(altered(fit=fit, tells_progress=True))


def test_slips_are_near_misses_of_what_is_not_there():
    known = {"null_controls", "fit_many", "energies_"}
    assert slips(["null_control", "fit", "energies_"], known) == {"null_control": "null_controls"}
    assert slips(["null_control", "null_controls"], known) == {}
    assert slips(["fitmany", "_fit_many"], known) == {"fitmany": "fit_many"}


def test_records_of_a_newer_kind_are_records_too():
    assert_classifier(set_after(diagnostics_=More(extra=1.0)))
