"""The lattice's share of a gap and the sampler's, for the duals whose optimum is proven."""

import dataclasses

import pytest
from lattices import lowest, make_dual
from sklearn.datasets import make_blobs

from qsvm.classifier import QuboSVC
from qsvm.fitting import floors as module
from qsvm.fitting.diagnostics import _shares
from qsvm.fitting.floors import CUBE_S, START_S, Floor, floors_of, share
from qsvm.samplers.base import batch_from_rows
from qsvm.samplers.dense.annealer import DenseAnnealer


def annealed(problems):
    return DenseAnnealer(num_reads=3, num_sweeps=5).sample(problems, range(len(problems)))


def test_floors_are_the_enumerated_optima():
    problems = [make_dual(n, bits=bits, seed=n) for n, bits in ((5, 2), (9, 1), (4, 3))]
    (floors,) = floors_of([(problems, annealed(problems))], 1.0)
    found = [floor.energy for floor in floors if floor is not None]
    assert found == pytest.approx([lowest(problem) for problem in problems])


def test_a_model_does_not_depend_on_those_beside_it_nor_on_threads():
    problems = [make_dual(n, seed=n) for n in (10, 30, 20, 30, 25)]
    batches = annealed(problems)
    split = [(problems[:2], batches[:2]), (problems[2:], batches[2:])]
    together = floors_of(split, 0.02, n_jobs=3)
    assert together == [floors_of([part], 0.02, n_jobs=1)[0] for part in split]


def test_seconds_are_shared_out_evenly_and_never_overdrawn():
    root = START_S + CUBE_S * 30**3
    assert share([30] * 4, 4.0 * root).keys() == {0, 1, 2, 3}
    assert share([30] * 10, 5.0 * root).keys() == {1, 3, 5, 7, 9}
    assert share([30] * 10, 0.9 * root) == {}
    assert share([], 1.0) == {}
    rich, poor = share([30], 1.0)[0], share([30, 30], 1.0)[0]
    assert rich > 1.9 * poor > 1000
    assert share([1000], 1.0) == {}


def test_samples_on_no_lattice_have_no_floor():
    problem, fine = make_dual(6), make_dual(3, bits=11)
    batch = annealed([problem])[0]
    between = batch_from_rows(problem, problem.lower[None] + 0.123)
    refined = dataclasses.replace(batch, rounds=2)
    samples = [between, refined, annealed([fine])[0]]
    assert floors_of([([problem, problem, fine], samples)], 1.0) == [[None, None, None]]
    assert floors_of([([problem], [batch])], 0.0) == [[None]]


def test_what_the_sampler_has_proven_is_not_searched_again(monkeypatch):
    monkeypatch.setattr(module, "prove", None)
    problem = make_dual(6)
    batch = annealed([problem])[0]
    told = [dataclasses.replace(batch, info={"proven": proven}) for proven in (True, False)]
    floors = floors_of([([problem, problem], told)], 1.0)
    assert floors == [[Floor(float(batch.energies[0])), Floor(None)]]


def fitted(**params):
    X, y = make_blobs(45, centers=3, cluster_std=4.0, random_state=0)
    return QuboSVC(random_state=0, n_bits=1, **params).fit(X, y).diagnostics_


def test_both_shares_make_the_gap_of_the_best_sample():
    told = fitted(sampler="neal", sampler_params={"num_reads": 2, "num_sweeps": 2})
    exact = fitted(sampler="exact")
    assert told.proven_fraction == exact.proven_fraction == 1.0
    assert told.lattice_gap_mean == pytest.approx(exact.lattice_gap_mean)
    assert exact.sampler_gap_mean == 0.0
    assert exact.best_sample_gap_mean == pytest.approx(exact.lattice_gap_mean)
    assert told.sampler_gap_mean > 0.0
    assert told.best_sample_gap_mean >= told.lattice_gap_mean


def test_without_seconds_or_with_a_control_nothing_is_claimed():
    for told in (fitted(proof_seconds=0.0), fitted(sampler="random-alpha")):
        assert told.proven_fraction is None
        assert told.lattice_gap_mean is None
        assert told.sampler_gap_mean is None
    short = fitted(proof_seconds=1e-9)
    assert (short.proven_fraction, short.lattice_gap_mean) == (0.0, None)


def test_the_shares_of_one_dual_are_relative_to_different_energies():
    told = _shares(Floor(-8.0), best=-6.0, exact=-10.0)
    assert told == {"proven_fraction": 1.0, "lattice_gap_mean": 0.2, "sampler_gap_mean": 0.25}
    assert _shares(Floor(None), -6.0, -10.0) == {"proven_fraction": 0.0}
    assert _shares(None, -6.0, -10.0) == {}
