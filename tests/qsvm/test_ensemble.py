"""Ensembles of annealed SVMs: made by name, the same everywhere, saved without pickle."""

from __future__ import annotations

import numpy as np
import pytest
from landsat_like import landsat_like

from bridges import registry
from bridges.ensemble.bagging import KernelEnsemble
from bridges.errors import UsageError
from bridges.run.model_file import load_model, save_model
from qsvm.classifier import QuboSVC

QUICK = {"num_reads": 10, "num_sweeps": 60}


def make(**params):
    given = {"members": 4, "member_size": 24, "random_state": 0, **QUICK}
    return registry.make("qubo-ensemble", **given | params)


def test_flat_parameters_reach_the_ensemble_the_member_and_the_sampler():
    model = make(keep=5, C=2.5, combine="majority", sampler="sa", beta_schedule="linear")
    assert isinstance(model, KernelEnsemble)
    assert (model.n_members, model.member_size, model.combine) == (4, 24, "majority")
    member = model.estimator
    assert isinstance(member, QuboSVC)
    assert (member.n_keep, member.C, member.sampler) == (5, 2.5, "sa")
    assert member.sampler_params == {**QUICK, "beta_schedule": "linear"}
    assert model.random_state == 0


def test_an_option_that_nobody_knows_is_refused_when_fitting():
    X, y = landsat_like(20)
    with pytest.raises(UsageError, match="number_of_reads"):
        make(number_of_reads=3).fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_do_not_change_the_ensemble(n_jobs):
    X, y = landsat_like(30, 3)
    one, other = make().fit(X, y), make(n_jobs=n_jobs).fit(X, y)
    np.testing.assert_array_equal(one.dual_coef_, other.dual_coef_)
    np.testing.assert_array_equal(one.intercept_, other.intercept_)
    np.testing.assert_array_equal(one.decision_function(X), other.decision_function(X))


def test_members_are_the_classifiers_fitted_on_their_own():
    X, y = landsat_like(30, 3)
    ensemble = make().fit(X, y)
    prepared = ensemble.prepare(X, y)
    for member, data, seed in zip(
        ensemble.estimators_, prepared.datasets, prepared.seeds, strict=True
    ):
        alone = prepared.prototype.set_params(random_state=seed).fit(*data)
        np.testing.assert_array_equal(member.dual_coef_, alone.dual_coef_)
        np.testing.assert_array_equal(member.intercept_, alone.intercept_)


def test_null_controls_have_the_same_members():
    X, y = landsat_like(40, seed=3)
    model = make().fit(X, y)
    controls = {name: c.fit(X, y) for name, c in model.null_controls().items()}
    same = {"random_alpha", "random_hull", "constant_alpha", "exact_same_members"}
    assert set(controls) == same | {"exact_all"}
    for name in same:
        for ours, theirs in zip(
            model.estimators_samples_, controls[name].estimators_samples_, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert len(controls["exact_all"].fit_report_.as_dict()) > 5
    assert controls["exact_all"].fit_report_.n_samples == len(X)
    assert controls["random_alpha"].diagnostics_.energy_gap_mean > (
        3 * model.diagnostics_.energy_gap_mean
    )
    exact = controls["exact_same_members"]
    agreement = np.mean(exact.predict(X) == model.predict(X))
    assert agreement > 0.9


def test_reports_of_members_are_summed_and_diagnostics_averaged():
    X, y = landsat_like(30, 3)
    model = make().fit(X, y)
    report = model.fit_report_
    assert report.n_members == 4
    assert report.n_problems == 4 * 3
    assert report.n_variables == max(m.fit_report_.n_variables for m in model.estimators_)
    gaps = [m.diagnostics_.energy_gap_mean for m in model.estimators_]
    assert model.diagnostics_.energy_gap_mean == pytest.approx(np.mean(gaps))
    assert model.diagnostics_.energy_gap_max == max(
        m.diagnostics_.energy_gap_max for m in model.estimators_
    )


@pytest.mark.parametrize("name", ["qubo-svc", "qubo-ensemble", "sklearn-svc", "mpi-svc"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_classifier_is_saved_without_pickle(name, n_classes, tmp_path):
    X, y = landsat_like(20, n_classes, seed=1)
    quick = {
        "qubo-svc": {"sampler_params": QUICK, "random_state": 0},
        "qubo-ensemble": {"members": 3, "member_size": 12, "random_state": 0, **QUICK},
    }
    model = registry.make(name, **quick.get(name, {})).fit(X, y)
    save_model(model, {"classes": 2}, tmp_path / "model.skops")
    loaded, meta = load_model(tmp_path / "model.skops")
    assert meta == {"classes": 2}
    np.testing.assert_array_equal(loaded.decision_function(X), model.decision_function(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.fit_report_ == model.fit_report_
    assert loaded.diagnostics_ == model.diagnostics_


@pytest.mark.parametrize("combine", ["majority", "oob"])
def test_other_fusions_are_saved_too(combine, tmp_path):
    X, y = landsat_like(20, 3, seed=1)
    model = make(combine=combine).fit(X, y)
    save_model(model, {}, tmp_path / "model.skops")
    loaded, _ = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.decision_function(X), model.decision_function(X))


def test_gaps_on_landsat_pixels(shared_data):
    """Developed land against grass: gaps within five per cent at 40 samples × 2 bits."""
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.opening import open_scene

    folder = shared_data("scenes/nc_raleigh_l7_2000")
    data = labelled_pixels(
        open_scene(folder / "image.tif"),
        folder / "labels.tif",
        classes=["developed", "herbaceous"],
    )
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    model = registry.make("qubo-ensemble", members=5, member_size=40, n_bits=2, random_state=0)
    quality = model.fit(X, data.y).diagnostics_
    assert 0 <= quality.energy_gap_mean <= 0.05
    assert quality.best_sample_gap_mean <= 0.05
    assert quality.above_zero_fraction == 0
    assert model.score(X, data.y) > 0.85
