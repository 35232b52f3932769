"""Closer looks at duals whose lattice is too coarse, and what is told of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.preprocessing import StandardScaler

from bridges import make
from bridges.classifier import notes_of
from bridges.errors import ToldWarning
from bridges.machine.progress import no_progress
from qsvm import QuboSVC
from qsvm.fitting.looks import ENOUGH, look_again
from qsvm.fitting.telling import COARSE, LOOKED
from qsvm.formulations.solution import Rules, solution
from qsvm.samplers.dense.annealer import DenseAnnealer

READS = {"num_reads": 60, "num_sweeps": 100}


def wide(n=60):
    X, y = make_classification(n, 20, n_informative=8, n_classes=2, random_state=0)
    return StandardScaler().fit_transform(X), y


def duals(kernel="linear", C=3.0, **params):
    return QuboSVC(C, kernel=kernel, coef0=1.0, **params).plan(*wide()).problems


def looked(problems, seeds, looks=3):
    sampler = DenseAnnealer(num_reads=20, num_sweeps=100)
    first = sampler.sample(problems, seeds, n_jobs=1)
    options = {"n_jobs": 1, "progress": no_progress}
    return first, look_again(problems, first, seeds, sampler, Rules(), looks, **options)


@pytest.mark.parametrize("kernel", ["linear", "poly"])
@pytest.mark.parametrize("C", [3.0, 10.0])
def test_the_model_comes_near_the_optimum(kernel, C):
    problems = duals(kernel, C)
    first, (found,) = looked(problems, [1])
    assert 1 < len(found.lattices) <= 4
    before = solution(problems[0], first[0], Rules()).energy
    after = solution(problems[0], found.batch, Rules()).energy
    assert found.exact - 1e-9 <= after < before
    assert (after - found.exact) / abs(found.exact) < 0.5 * (before - found.exact) / abs(
        found.exact
    )


def test_intervals_lie_in_the_box():
    problems = duals(C=50.0, class_weight={0: 1.0, 1: 4.0})
    _, (found,) = looked(problems, [2])
    for lattice in found.lattices[1:]:
        assert (lattice.lower >= problems[0].lower).all()
        assert (lattice.upper <= problems[0].upper * (1 + 1e-12)).all()
    assert (found.batch.x <= problems[0].upper * (1 + 1e-12)).all()
    np.testing.assert_allclose(found.batch.energies, problems[0].energies(found.batch.x))


def test_a_dual_depends_on_no_other():
    problems = [duals(C=3.0)[0], duals("poly", 10.0)[0]]
    both = looked(problems, [1, 2])[1]
    for k, seed in enumerate((1, 2)):
        alone = looked(problems[k : k + 1], [seed])[1][0]
        np.testing.assert_array_equal(alone.batch.x, both[k].batch.x)


def test_what_is_near_enough_is_left_alone():
    problems = duals("rbf", 1.0)
    first, (found,) = looked(problems, [1])
    assert found.batch is first[0]
    assert found.lattices == problems


@pytest.mark.parametrize("name", ["qubo-svc", "qubo-ensemble"])
@pytest.mark.parametrize("sampler", ["neal", "dense"])
def test_linear_kernels_are_fitted_by_default_and_told(name, sampler):
    X, y = wide()
    size = {"members": 3, "member_size": 30} if name == "qubo-ensemble" else {}
    options = READS if name == "qubo-ensemble" else {"sampler_params": READS}
    model = make(name, kernel="linear", sampler=sampler, random_state=0, **size, **options)
    model.fit(X, y)
    assert model.diagnostics_.energy_gap_mean <= ENOUGH
    again = model.diagnostics_.looked_again_fraction
    assert notes_of(model) == ([LOOKED] if again else [])
    assert again > 0 or name == "qubo-ensemble"
    assert model.score(X, y) > 0.8


def test_the_papers_lattice_warns_and_names_the_remedy():
    X, y = wide()
    model = QuboSVC(kernel="linear", encoding="papers", sampler_params=READS, random_state=0)
    with pytest.warns(ToldWarning, match="too coarse.*--refine"):
        model.fit(X, y)
    assert model.notes_ == [COARSE]
    assert model.diagnostics_.looked_again_fraction == 0


def test_refinement_goes_without():
    X, y = wide()
    params = {"sampler": "dense", "sampler_params": READS, "random_state": 0}
    model = QuboSVC(kernel="linear", refine_rounds=3, **params).fit(X, y)
    assert model.diagnostics_.looked_again_fraction == 0
    assert model.diagnostics_.energy_gap_mean <= ENOUGH


def test_bags_larger_than_the_data():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    X, y = X[order], y[order]
    params = {"members": 4, "sampler": "dense", "random_state": 0, **READS}
    model = make("qubo-ensemble", **params).fit(X[:15], y[:15])
    assert model.diagnostics_.energy_gap_mean <= ENOUGH
    assert model.score(X[50:], y[50:]) > 0.85


def test_a_sampler_that_fails_is_not_helped():
    X, y = wide()
    hot = {"num_reads": 10, "num_sweeps": 1, "beta_range": (1e-9, 1e-9)}
    model = QuboSVC(n_bits=1, sampler_params=hot, random_state=0)
    with pytest.warns(ToldWarning, match="too coarse"):
        model.fit(X, y)
    assert model.diagnostics_.looked_again_fraction == 0


def test_controls_tell_nothing():
    X, y = wide()
    model = QuboSVC(kernel="linear", sampler_params=READS, random_state=0).fit(X, y)
    for name, control in model.null_controls().items():
        assert notes_of(control.fit(X, y)) == [], name
