"""The optional abilities of a classifier: had by those with the attributes, used where they are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from bridges import classifier, registry
from bridges.ensemble.bagging import KernelEnsemble

OF_SAMPLED = (
    classifier.KernelClassifier,
    classifier.HasFitReport,
    classifier.HasDiagnostics,
    classifier.HasExpansion,
    classifier.HasEnergies,
    classifier.HasSamplerTiming,
    classifier.OffersNullControls,
    classifier.FitsTogether,
    classifier.TellsProgress,
)
OF_ENSEMBLES = (
    classifier.HasMembers,
    classifier.HasOutOfBagScore,
    classifier.Collective,
    classifier.OffersNullControls,
    classifier.TellsProgress,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 12)
    return rng.normal(size=(24, 2)) + 2.0 * y[:, None], y


def test_abilities_are_those_of_the_attributes(data):
    sampled = registry.make("qubo-svc", sampler="round").fit(*data)
    assert all(isinstance(sampled, ability) for ability in OF_SAMPLED)
    assert not isinstance(sampled, (classifier.HasMembers, classifier.WritesFiles))
    ensemble = KernelEnsemble(sampled, n_members=2, member_size=8, random_state=0).fit(*data)
    assert all(isinstance(ensemble, ability) for ability in OF_ENSEMBLES)
    assert not isinstance(ensemble, classifier.FitsTogether)
    foreign = SVC().fit(*data)
    assert not any(isinstance(foreign, ability) for ability in classifier.ABILITIES)


def test_every_ability_is_listed():
    found = {
        value
        for name, value in vars(classifier).items()
        if getattr(value, "_is_protocol", False) and value.__module__ == classifier.__name__
    }
    assert found == {classifier.KernelClassifier, *classifier.ABILITIES}


def test_what_has_no_ability_is_taken_as_it_is(data):
    told = []

    def progress(done, total):
        told.append((done, total))

    model = classifier.fit_telling(SVC(), *data, progress)
    assert told == []
    assert classifier.null_controls_of(model) == {}
    assert classifier.members_of(model) == [model]
    assert not classifier.is_collective(model)
    assert not classifier.is_collective(None)


def test_progress_is_told_by_those_that_tell_it(data):
    told = []
    ensemble = KernelEnsemble(SVC(), n_members=3, member_size=8, map="threads", random_state=0)
    classifier.fit_telling(ensemble, *data, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(classifier.members_of(ensemble)) == 3
    assert classifier.is_collective(ensemble)
