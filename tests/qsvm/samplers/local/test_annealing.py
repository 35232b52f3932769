"""Simulated annealing: temperatures from the problem, seeds, threads, wrong options."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from handmade import make_dual

from bridges import registry
from bridges.errors import UsageError
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.samplers.local.annealing import SimulatedAnnealing, beta_range

QUICK = {"num_reads": 10, "num_sweeps": 100}


def test_small_problems_are_solved_exactly():
    problem = make_dual(8, n_bits=1, seed=2)
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    optimum = problem.energies(problem.decode(bits)).min()
    batch = SimulatedAnnealing(num_reads=50).sample([problem], [1])[0]
    assert batch.energies[0] == pytest.approx(optimum, abs=1e-9)


def test_batches_are_sorted_distinct_complete_and_on_the_full_problem():
    problem = make_dual(10, n_bits=2)
    batch = SimulatedAnnealing(**QUICK).sample([problem], [0])[0]
    assert np.all(np.diff(batch.energies) >= 0)
    assert len(np.unique(batch.x, axis=0)) == len(batch.x)
    assert batch.occurrences.sum() == QUICK["num_reads"]
    np.testing.assert_allclose(batch.energies, problem.energies(batch.x))
    assert batch.couplers_dropped == 0


@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_a_batch_depends_on_its_problem_and_seed_only(n_jobs):
    problems = [make_dual(n, n_bits=2, seed=n) for n in (6, 12, 9, 7)]
    sampler = SimulatedAnnealing(**QUICK)
    alone = [sampler.sample([p], [s])[0] for s, p in enumerate(problems)]
    together = sampler.sample(problems[::-1], [3, 2, 1, 0], n_jobs=n_jobs)[::-1]
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.energies, b.energies)


def test_seeds_matter():
    problem = make_dual(40, n_bits=2)
    first, second = SimulatedAnnealing(num_reads=5, num_sweeps=20).sample([problem] * 2, [0, 1])
    assert not np.array_equal(first.x, second.x)


def test_temperatures_scale_with_the_energy():
    problem = make_dual(15, n_bits=2)
    stretched = DualProblem(
        100 * problem.hessian, 100 * problem.linear, problem.lower, problem.span, problem.weights
    )
    np.testing.assert_allclose(np.array(beta_range(problem)), 100 * np.array(beta_range(stretched)))
    hot, cold = beta_range(problem)
    assert 0 < hot < cold < np.inf


def test_temperatures_of_degenerate_problems_are_finite():
    zeros = np.zeros(3)
    for problem in (
        DualProblem(np.zeros((3, 3)), zeros, zeros, np.ones(3), bit_weights(2, 2)),
        DualProblem(np.eye(3), -np.ones(3), zeros, zeros, bit_weights(2, 2)),
    ):
        hot, cold = beta_range(problem)
        assert 0 < hot <= cold < np.inf
        assert len(SimulatedAnnealing(**QUICK).sample([problem], [0])[0].energies) >= 1


def test_tiny_couplings_do_not_freeze_the_walk_as_they_do_the_librarys_own_range():
    from dwave.samplers import SimulatedAnnealingSampler

    points = np.random.default_rng(5).normal(size=(40, 4))
    y = np.where(points[:, 0] > 0, 1.0, -1.0)
    kernel = np.exp(-1.5 * ((points[:, None] - points) ** 2).sum(axis=-1))
    hessian = y[:, None] * y * (kernel + 1e-6)
    problem = DualProblem(
        hessian, -np.ones(40), np.zeros(40), np.full(40, 3.0), bit_weights(2, 2), y
    )
    ours = SimulatedAnnealing(num_reads=20, num_sweeps=100).sample([problem], [3])[0]
    theirs = SimulatedAnnealingSampler().sample(
        problem.to_bqm(), num_reads=20, num_sweeps=100, seed=3
    )
    assert ours.energies @ ours.occurrences / 20 < theirs.record.energy.mean()


def test_progress_counts_problems():
    seen = []
    SimulatedAnnealing(**QUICK).sample(
        [make_dual(5, seed=s) for s in range(3)],
        [0, 1, 2],
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_stop_ends_a_long_walk():
    sampler = SimulatedAnnealing(num_reads=20_000, num_sweeps=1000)
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    batch = sampler._one(make_dual(20), 0, stop)
    assert batch.occurrences.sum() < 20_000


@pytest.mark.parametrize(
    "options",
    [
        {"num_reads": 0},
        {"num_reads": 2.5},
        {"num_reads": "many"},
        {"num_sweeps": -1},
        {"beta_schedule": "cubic"},
        {"beta_range": 3},
        {"beta_range": (5.0, 1.0)},
        {"beta_range": (0.1, "cold")},
        {"chain_strength": 2},
    ],
)
def test_wrong_options_are_refused_with_a_hint(options):
    with pytest.raises(UsageError) as caught:
        registry.make_sampler("neal", **options)
    assert caught.value.hint
    assert next(iter(options)) in str(caught.value)


def test_a_range_of_ones_own_is_used():
    batch = SimulatedAnnealing(beta_range=(0.5, 4), **QUICK).sample([make_dual(5)], [0])[0]
    assert batch.info["beta_range"] == [0.5, 4.0]
