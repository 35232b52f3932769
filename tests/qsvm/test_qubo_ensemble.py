"""The flat parameters of an annealed ensemble: tuned, cloned, copied and refused by name."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest
from landsat_like import landsat_like
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from bridges import registry
from bridges.ensemble.bagging import KernelEnsemble
from bridges.errors import UsageError
from bridges.run.model_file import load_model, save_model
from qsvm import QuboEnsemble, QuboSVC
from qsvm.ensemble import OF_ENSEMBLE, OF_MEMBER
from qsvm.samplers.base import Live
from qsvm.samplers.local.annealing import SimulatedAnnealing

SMALL = {"members": 2, "member_size": 12, "random_state": 0, "num_reads": 5, "num_sweeps": 20}


@pytest.fixture(scope="module")
def data():
    return landsat_like(15, 2, seed=2)


def defaults(of: type) -> dict[str, object]:
    parameters = inspect.signature(of).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}


def test_every_parameter_of_the_parts_is_here_with_its_default():
    here = defaults(QuboEnsemble)
    member = {OF_MEMBER.get(k, k): v for k, v in defaults(QuboSVC).items()}
    ensemble = {OF_ENSEMBLE.get(k, k): v for k, v in defaults(KernelEnsemble).items()}
    ensemble.pop("estimator")
    assert ensemble.keys() >= {"members", "member_size"}
    chosen = {"members": "auto", "member_size": "auto"}
    assert here == {**member, **ensemble, **chosen, "num_reads": None, "num_sweeps": None}
    constraints = set(QuboEnsemble._parameter_constraints)
    assert constraints == set(here)


def test_it_is_the_ensemble_of_its_member(data):
    flat = QuboEnsemble(**SMALL, C=2.0, keep=3)
    member = QuboSVC(2.0, n_bits=1, n_keep=3, sampler_params={"num_reads": 5, "num_sweeps": 20})
    apart = KernelEnsemble(member, n_members=2, member_size=12, random_state=0)
    np.testing.assert_array_equal(
        flat.fit(*data).decision_function(data[0]), apart.fit(*data).decision_function(data[0])
    )
    assert isinstance(registry.make("qubo-ensemble", **SMALL), QuboEnsemble)


@pytest.mark.parametrize(
    ("params", "members", "pixels", "bits"),
    [
        ({}, 5, 30, 1),
        ({"sampler": "dense", "multiclass": "ovr"}, 5, 30, 1),
        ({"multiclass": "crammer-singer"}, 15, 30, 1),
        ({"sampling": "slices"}, 5, 6, 1),
        ({"sampler": "round"}, 15, 30, 2),
        ({"sampler": "mock-qpu"}, 15, 30, 1),
        ({"combination": "mean"}, 15, 30, 2),
        ({"refine_rounds": 2}, 15, 30, 2),
        ({"members": 3, "member_size": 8, "n_bits": 3}, 3, 8, 3),
    ],
)
def test_sizes_are_chosen_by_what_becomes_of_the_samples(data, params, members, pixels, bits):
    ensemble = QuboEnsemble(random_state=0, **params)
    prepared = ensemble.prepare(*data)
    assert [len(rows) for rows in prepared.rows] == [pixels] * members
    assert prepared.prototype.resolved_bits() == bits


def test_many_pixels_make_large_members_unless_a_chip_bounds_them():
    X, y = landsat_like(100, 4, seed=2)
    for sampler, pixels in (("neal", 320), ("mock-qpu", 80)):
        assert {len(rows) for rows in QuboEnsemble(sampler=sampler).prepare(X, y).rows} == {pixels}


def test_controls_have_members_of_the_size_that_was_chosen(data):
    ensemble = QuboEnsemble(members=2, num_reads=5, num_sweeps=10, random_state=0).fit(*data)
    control = ensemble.null_controls()["exact_same_members"].fit(*data)
    assert control.member_size == 30
    for one, other in zip(ensemble.estimators_samples_, control.estimators_samples_, strict=True):
        np.testing.assert_array_equal(one, other)
    QuboEnsemble().null_controls()  # unfitted, as many as there may be


def test_a_search_tunes_it_by_the_names_that_make_takes(data):
    grid = {
        "C": [1.0, 3.0],
        "members": [1, 2],
        "num_reads": [2, 4],
        "num_sweeps": [10],
        "sampler__beta_schedule": ["linear"],
    }
    search = GridSearchCV(QuboEnsemble(**SMALL), grid, cv=2, error_score="raise").fit(*data)
    best = search.best_estimator_
    for name in ("C", "members", "num_reads"):
        assert getattr(best, name) == search.best_params_[name]
        assert {params[name] for params in search.cv_results_["params"]} == set(grid[name])
    assert best.num_sweeps == 10
    assert best.sampler_params == {"beta_schedule": "linear"}
    assert len(best.estimators_) == best.members


def test_clones_copies_and_files_are_the_same_model(data, tmp_path):
    model = QuboEnsemble(**SMALL, sampler_params={"beta_schedule": "linear"}).fit(*data)
    assert clone(model).get_params() == model.get_params()
    assert clone(model).set_params(**model.get_params()).get_params() == model.get_params()
    values = model.decision_function(data[0])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.decision_function(data[0]), values)
    save_model(model, {}, tmp_path / "model.skops")
    loaded, _ = load_model(tmp_path / "model.skops")
    assert type(loaded) is QuboEnsemble
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.decision_function(data[0]), values)
    np.testing.assert_array_equal(loaded.fit(*data).decision_function(data[0]), values)


@pytest.mark.parametrize("wrong", ["membres", "n_members", "num_sweep"])
def test_a_misspelt_parameter_is_refused_at_once_with_the_nearest(wrong):
    right = {"membres": "members", "n_members": "members", "num_sweep": "num_sweeps"}[wrong]
    with pytest.raises(UsageError, match=f"no parameter '{wrong}'") as caught:
        registry.make("qubo-ensemble", **{wrong: 3})
    assert f"Did you mean '{right}'" in caught.value.hint
    with pytest.raises(UsageError, match=wrong):
        QuboEnsemble().set_params(**{wrong: 3})


def test_options_are_those_of_the_sampler_named_beside_them(data):
    model = QuboEnsemble().set_params(sampler="dense", descent=False)
    assert model.estimator.sampler_params == {"descent": False}
    with pytest.raises(UsageError, match="descent"):
        model.set_params(sampler="neal").fit(*data)
    with pytest.raises(UsageError, match="its own"):
        QuboEnsemble(sampler=Live(SimulatedAnnealing()), num_sweeps=3, members=1).fit(*data)


def test_reads_given_twice_are_refused(data):
    with pytest.raises(UsageError, match="num_reads is given twice"):
        QuboEnsemble(num_reads=3, sampler_params={"num_reads": 4}).fit(*data)
    model = QuboEnsemble(sampler_params={"num_reads": 4}, members=1, member_size=12)
    assert model.fit(*data).estimator.sampler_params == {"num_reads": 4}
