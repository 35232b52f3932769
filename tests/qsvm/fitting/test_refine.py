"""Refinement: shrinking intervals around the best sample."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import UsageError
from qsvm.fitting.refine import _intervals, refine
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.problem.exact import solve_box
from qsvm.problem.lattice import lattice
from qsvm.samplers.base import batch_from_rows
from qsvm.samplers.dense.annealer import DenseAnnealer
from qsvm.samplers.local.annealing import SimulatedAnnealing


def make_dual(n=60, *, bits=2, base=2.0, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    points = rng.normal(size=(n, 3)) + spread * y[:, None]
    distances = ((points[:, None] - points[None]) ** 2).sum(-1)
    hessian = np.outer(y, y) * (np.exp(-0.5 * distances) + 1.0)
    span = np.full(n, 3.0)
    return DualProblem(hessian, -np.ones(n), np.zeros(n), span, bit_weights(base, bits), y)


def gap(problem, energy):
    _, exact = solve_box(problem, 1e-10)
    return (energy - exact) / abs(exact)


@pytest.mark.parametrize(
    ("sampler", "target"),
    [(SimulatedAnnealing(num_reads=50), 1e-3), (DenseAnnealer(), 1e-4)],
    ids=["neal", "dense"],
)
def test_two_bits_reach_the_exact_dual_in_eight_rounds(sampler, target):
    problems = [make_dual(seed=s, spread=0.3 * (s + 1)) for s in range(3)]
    for problem, batch in zip(problems, refine(problems, sampler, [0, 1, 2], 7), strict=True):
        assert -1e-8 <= gap(problem, batch.energies[0]) <= target
        assert batch.rounds == 7
        assert len(batch.info["round_energies"]) == 8
        assert np.all((batch.x >= problem.lower) & (batch.x <= problem.upper))
        assert batch.energies == pytest.approx(problem.energies(batch.x))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 4),
    st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    st.floats(0.001, 0.6),
    st.integers(0, 10**6),
)
def test_every_new_lattice_holds_the_best_sample_within_the_box(bits, base, share, seed):
    rng = np.random.default_rng(seed)
    problem = make_dual(12, bits=bits, base=base)
    lower = rng.uniform(-1, 1, 12)
    span = np.where(rng.random(12) < 0.2, 0.0, rng.uniform(0.1, 3, 12))
    problem = dataclasses.replace(problem, lower=lower, span=span)
    best = lower + span * rng.choice([0.0, 1.0, 0.5, rng.random(), 0.001], 12)
    values = lattice(problem).values
    low, width = _intervals(problem, values, best, rng.normal(size=12), share)
    assert np.all(low >= lower - 1e-9)
    assert np.all(low + width <= problem.upper + 1e-9)
    assert np.all(width <= share * span + 1e-9)
    levels = low[:, None] + width[:, None] * values
    assert np.abs(levels - best[:, None]).min(axis=1).max() < 1e-9


def test_a_bound_within_reach_is_on_the_new_lattice():
    problem = make_dual(2)
    best = np.array([0.2, 2.9])
    low, width = _intervals(problem, lattice(problem).values, best, np.zeros(2), 0.5)
    levels = low[:, None] + width[:, None] * np.arange(4) / 3
    assert levels[0, 0] == 0.0
    assert levels[1, -1] == pytest.approx(3.0)


class Forgetful:
    """A sampler whose later rounds are worthless; counts its calls."""

    summary = limits = ""

    def __init__(self):
        self.seeds = []

    def sample(self, problems, seeds, *, n_jobs=None, progress=None):
        self.seeds.append(list(seeds))
        level = (0.5, 0.0, 1.0)[len(self.seeds) - 1]
        progress(len(problems), len(problems))
        return [
            batch_from_rows(p, (p.lower + level * p.span)[None], solve_s=0.5, qpu_s=0.25)
            for p in problems
        ]


def test_the_best_is_never_lost_and_all_problems_share_one_call_per_round():
    problems = [make_dual(8, seed=s, bits=1) for s in range(3)]
    sampler, told = Forgetful(), []
    batches = refine(problems, sampler, [4, 5, 6], 2, progress=lambda *a: told.append(a))
    assert len(sampler.seeds) == 3
    assert sampler.seeds[0] == [4, 5, 6]
    assert len(set(np.ravel(sampler.seeds))) == 9
    assert told == [(3, 9), (6, 9), (9, 9)]
    for batch in batches:
        rounds = batch.info["round_energies"]
        assert batch.energies[0] == pytest.approx(min(rounds))
        assert (batch.solve_s, batch.qpu_s, batch.rounds) == (1.5, 0.75, 2)


def test_no_rounds_is_plain_sampling():
    problem, sampler = make_dual(10), DenseAnnealer(num_reads=4)
    refined, plain = refine([problem], sampler, [3], 0)[0], sampler.sample([problem], [3])[0]
    assert np.array_equal(refined.x, plain.x)
    assert refined.rounds == 0


def test_bad_rounds_are_refused():
    with pytest.raises(UsageError):
        refine([make_dual(4)], DenseAnnealer(), [0], -1)
    with pytest.raises(UsageError):
        refine([make_dual(4)], DenseAnnealer(), [0], 1, shrink=1.0)


def test_seconds_of_all_rounds_are_told():
    class Timed(SimulatedAnnealing):
        def sample(self, problems, seeds, **options):
            batches = super().sample(problems, seeds, **options)
            told = {"timing": {"qpu_access": 2.0, "queue": 0.5}}
            return [dataclasses.replace(b, qpu_s=2.0, info=told) for b in batches]

    batch = refine([make_dual(8)], Timed(num_reads=5, num_sweeps=20), [0], 3)[0]
    assert batch.qpu_s == 8.0
    assert batch.info["timing"] == {"qpu_access": 8.0, "queue": 2.0}
