"""Diverse reads of the annealer of coefficients: a spread of good samples, and the same best."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import make_dual

from qsvm.formulations.hull import lowest_point
from qsvm.problem.exact import solve_box
from qsvm.samplers.dense.annealer import DenseAnnealer
from qsvm.samplers.dense.as_dimod import DenseSampler


@pytest.fixture(scope="module")
def problems():
    return [make_dual(60, seed=seed, upper=3.0) for seed in range(4)]


def gaps(problem, batch):
    """Return the gaps of the best sample and of the hull's lowest point."""
    exact = solve_box(problem)[1]
    hull = lowest_point(batch.x, problem.fields, problem.linear).energy
    return [(energy - exact) / abs(exact) for energy in (batch.energies[0], hull)]


def test_diverse_reads_are_distinct_and_keep_the_best(problems):
    seeds = list(range(len(problems)))
    plain = DenseAnnealer(num_reads=100).sample(problems, seeds)
    spread = DenseAnnealer(num_reads=100, diversity=True).sample(problems, seeds)
    found = []
    for problem, one, many in zip(problems, plain, spread, strict=True):
        assert len(many.energies) >= 60
        assert many.energies[0] == pytest.approx(one.energies[0], rel=1e-12)
        np.testing.assert_array_equal(many.x[0], one.x[0])
        assert many.occurrences.sum() == 100
        found.append((*gaps(problem, one), *gaps(problem, many)))
    _, alone, _, together = np.mean(found, axis=0)
    assert together <= 0.015 < alone


def test_diverse_reads_depend_on_the_seed_alone(problems):
    sampler = DenseAnnealer(num_reads=30, diversity=True)
    many = sampler.sample(problems, [1, 2, 3, 4], n_jobs=2)
    one = sampler.sample(problems[1:2], [2], n_jobs=1)[0]
    np.testing.assert_array_equal(many[1].x, one.x)


def test_without_repeats_nothing_is_drawn_again(problems):
    options = {"num_reads": 1, "diversity": True}
    batch = DenseAnnealer(**options).sample(problems[:1], [0])[0]
    assert batch.info["warm_reads"] == 0
    plain = DenseAnnealer(num_reads=1).sample(problems[:1], [0])[0]
    np.testing.assert_array_equal(batch.x, plain.x)


def test_models_of_dimod_can_be_sampled_diversely(problems):
    model = problems[0].to_bqm()
    found = DenseSampler().sample(model, num_reads=40, seed=1, diversity=True)
    assert len(found) > 30
    plain = DenseSampler().sample(model, num_reads=40, seed=1)
    assert found.first.energy == pytest.approx(plain.first.energy)
