"""Classifiers whose samples are all columns: any sampler, refinement, controls, diagnostics."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import make_dual
from landsat_like import landsat_like

from bridges.ensemble.bagging import KernelEnsemble
from bridges.samples.scaling import make_scaler
from qsvm.classifier import QuboSVC
from qsvm.ensemble import QuboEnsemble
from qsvm.samplers.base import Live
from qsvm.samplers.chip.mock import MockQPU
from qsvm.samplers.dense.annealer import DenseAnnealer, default_reads

QUICK = {"num_reads": 30, "num_sweeps": 100}


def hull(**params):
    options = {"combination": "hull", "n_bits": 1, "sampler_params": QUICK, "random_state": 0}
    return QuboSVC(**{**options, **params})


@pytest.fixture(scope="module")
def samples():
    return landsat_like(20, overlap=1.2, seed=1)


@pytest.mark.parametrize(
    ("sampler", "options"),
    [
        ("neal", QUICK),
        ("dense", {}),
        ("round", None),
        ("tabu", {"num_reads": 10}),
        ("mock-qpu", {"num_reads": 30}),
        ("random-alpha", None),
        ("constant-alpha", None),
    ],
)
def test_every_sampler_can_be_combined_by_its_hull(samples, sampler, options):
    X, y = samples
    model = hull(sampler=sampler, sampler_params=options).fit(X, y)
    exact, used, best, zero = model.energies_.T
    assert np.all(used >= exact - 1e-9)
    assert np.all(used <= np.minimum(best, zero) + 1e-9) or model.diagnostics_.by_penalty_fraction
    assert np.all(used <= zero + 1e-9)
    quality = model.diagnostics_
    beside = (quality.random_hull_gap_mean, quality.averaged_gap_mean)
    if sampler in ("random-alpha", "constant-alpha"):  # themselves what others are held against
        assert beside == (None, None)
    else:
        assert min(beside) >= 0
    assert quality.above_zero_fraction >= 0


def test_all_kinds_of_problems_can_be_combined_by_their_hull():
    X, y = landsat_like(12, 3, overlap=1.0, seed=2)
    for multiclass in ("ovo", "ovr", "crammer-singer"):
        model = hull(multiclass=multiclass, sampler="dense", sampler_params=None).fit(X, y)
        assert model.score(X, y) > 0.8
        assert model.diagnostics_.energy_gap_mean < model.diagnostics_.random_hull_gap_mean


def test_one_bit_in_a_hull_comes_as_near_as_two_bits_averaged(samples):
    X, y = samples
    params = {"sampler_params": {"num_reads": 100, "num_sweeps": 300}}
    one = hull(**params).fit(X, y)
    two = hull(n_bits=2, combination="mean", **params).fit(X, y)
    assert one.fit_report_.n_variables == two.fit_report_.n_variables / 2
    assert one.diagnostics_.energy_gap_mean < 1.2 * two.diagnostics_.energy_gap_mean
    assert one.diagnostics_.averaged_gap_mean > 3 * two.diagnostics_.energy_gap_mean
    assert one.diagnostics_.equality_violation_mean < 1e-9


def test_a_hull_is_told_beside_the_average_of_the_same_samples(samples):
    X, y = samples
    mixed, averaged = hull().fit(X, y), hull(combination="mean").fit(X, y)
    quality = mixed.diagnostics_
    assert quality.averaged_gap_mean == averaged.diagnostics_.energy_gap_mean
    assert quality.best_sample_gap_mean == averaged.diagnostics_.best_sample_gap_mean
    assert quality.energy_gap_mean < quality.averaged_gap_mean
    assert averaged.diagnostics_.averaged_gap_mean is None
    assert averaged.diagnostics_.random_hull_gap_mean is None


def test_refined_samples_are_columns_too(samples):
    X, y = samples
    once, refined = hull().fit(X, y), hull(refine_rounds=3).fit(X, y)
    assert refined.diagnostics_.energy_gap_mean < once.diagnostics_.energy_gap_mean


def test_the_null_controls_of_a_hull_hold_random_columns(samples):
    X, y = samples
    model = hull()
    unfitted = model.null_controls()
    assert list(unfitted) == [
        "random_alpha", "random_hull", "constant_alpha", "exact_same_members", "exact_all",
    ]  # fmt: skip
    assert unfitted["random_hull"].sampler_params == {"num_draws": QUICK["num_reads"]}
    model.fit(X, y)
    control = model.null_controls()["random_hull"]
    assert control.sampler_params == {"num_draws": len(model.sample_energies_[0])}
    control.fit(X, y)
    assert control.diagnostics_.energy_gap_mean > 3 * model.diagnostics_.energy_gap_mean
    assert "random_hull" not in hull(combination="mean").null_controls()
    few = hull(n_keep=5).null_controls()
    assert few["random_hull"].sampler_params == {"num_draws": 5}


def test_ensembles_count_the_samples_of_their_members(samples):
    X, y = samples
    for model in (
        KernelEnsemble(hull(sampler="round", sampler_params=None), n_members=2, member_size=20),
        QuboEnsemble(
            members=2, member_size=20, sampler="round", combination="hull", n_bits=1, random_state=0
        ),
    ):
        assert _draws(model) == 100
        model.fit(X, y)
        assert _draws(model) == 1


def _draws(model):
    return model.null_controls()["random_hull"].estimator.sampler_params["num_draws"]


def test_dense_reads_are_diverse_in_a_hull_only():
    sampler = hull(sampler="dense", sampler_params=None).make_sampler()
    assert sampler.diversity
    batches = sampler.sample([make_dual(n) for n in (5, 30)], [0, 1])
    assert [batch.occurrences.sum() for batch in batches] == [100, 100]
    assert default_reads(2000, diversity=True) == 50
    assert default_reads(20_000, diversity=True) == default_reads(9, diversity=False) == 20
    assert not hull(sampler="dense", combination="mean").make_sampler().diversity
    own = hull(sampler="dense", sampler_params={"num_reads": 7, "diversity": False}).make_sampler()
    assert (own.num_reads, own.diversity) == (7, False)
    live = hull(sampler=Live(DenseAnnealer(num_reads=3)), sampler_params=None).make_sampler()
    assert not live.diversity


def test_a_hull_on_a_rehearsed_chip_is_never_worse_than_no_training(samples):
    X, y = samples
    live = Live(MockQPU(num_reads=40))
    model = hull(sampler=live, sampler_params=None, penalty=0.1).fit(X, y)
    assert np.all(model.energies_[:, 1] <= 1e-9)


def test_one_bit_is_enough(shared_data):
    """The figures of the page 'What a sample is worth'."""
    data = np.load(shared_data("tables/svmguide1.npz"))
    scaler = make_scaler("standard").fit(data["X_train"])
    X, test = scaler.transform(data["X_train"]), scaler.transform(data["X_test"])
    member = hull(sampler_params=None)
    model = KernelEnsemble(member, n_members=15, member_size=40, random_state=0)
    model.fit(X, data["y_train"])
    score = model.score(test, data["y_test"])
    assert score >= 0.945
    assert model.diagnostics_.energy_gap_mean <= 0.03
    control = model.null_controls()["random_hull"].fit(X, data["y_train"])
    assert control.score(test, data["y_test"]) <= score - 0.02
