"""Sampler objects among the parameters of the annealed classifiers."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from dwave.samplers import SteepestDescentSampler
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV

from bridges.errors import UsageError
from qsvm import QuboEnsemble, QuboSVC

X, Y = make_blobs(30, centers=2, cluster_std=2.0, random_state=1)


class Connected(SteepestDescentSampler):
    """Holds what can be neither copied nor pickled."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


@pytest.mark.parametrize("make", [QuboSVC, lambda **p: QuboEnsemble(members=2, **p)])
def test_a_connected_sampler_is_shared_by_clones_and_left_out_of_pickles(make):
    sampler = Connected()
    model = make(sampler=sampler, sampler_params={"num_reads": 5}, random_state=0)
    copied = clone(model)
    assert copied.sampler is sampler
    assert copied.sampler_params == {"num_reads": 5}
    assert copied.sampler_params is not model.sampler_params
    copied.fit(X, Y)
    restored = pickle.loads(pickle.dumps(copied))
    np.testing.assert_array_equal(restored.predict(X), copied.predict(X))
    with pytest.raises(UsageError, match="Connected, could not be kept"):
        restored.fit(X, Y)
    restored.set_params(sampler="steepest").fit(X, Y)


def test_a_sampler_that_can_be_pickled_stays():
    model = QuboSVC(sampler=SteepestDescentSampler(), random_state=0)
    assert isinstance(pickle.loads(pickle.dumps(model)).sampler, SteepestDescentSampler)
    assert pickle.loads(pickle.dumps(QuboSVC())).sampler == "neal"


@pytest.mark.parametrize("name", ["sampler__num_reads", "sampler_params__num_reads"])
def test_options_of_the_sampler_are_tuned_by_name(name):
    search = GridSearchCV(QuboSVC(sampler="steepest", random_state=0), {name: [2, 4]}, cv=2)
    search.fit(X, Y)
    assert search.best_estimator_.sampler_params == {"num_reads": search.best_params_[name]}
    model = QuboSVC(sampler=SteepestDescentSampler()).set_params(C=2.0, **{name: 7})
    assert (model.C, model.sampler_params) == (2.0, {"num_reads": 7})


def test_parameters_of_the_members_under_scikit_learns_names():
    ensemble = QuboEnsemble(members=2, sampler="steepest")
    ensemble.set_params(estimator__C=5.0, estimator__n_keep=3, sampler__num_reads=9)
    assert (ensemble.C, ensemble.keep, ensemble.num_reads) == (5.0, 3, 9)
    with pytest.raises(UsageError, match="no parameter 'wrong'"):
        ensemble.set_params(estimator__wrong=1)
