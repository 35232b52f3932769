"""Samplers of bits that run on this machine, and the door for any dimod sampler."""

import threading

import dimod
import numpy as np
import pytest
from dimod.testing import assert_sampler_api
from dwave.samplers import SteepestDescentSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges import registry
from bridges.errors import SolverError, UsageError
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.samplers.dense.as_dimod import DenseSampler
from qsvm.samplers.local.any_dimod import AnyDimodSampler
from qsvm.samplers.local.bits import Exhaustive, PathIntegral, SteepestDescent, Tabu

SAMPLERS = {
    "tabu": Tabu(num_reads=5, max_updates=2000),
    "steepest": SteepestDescent(num_reads=20),
    "sqa": PathIntegral(num_reads=5, num_sweeps=100),
    "exact": Exhaustive(),
}


def make_dual(n=6, *, bits=2, base=2.0, penalty=1.0, seed=0, weighted=False):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    points = rng.normal(size=(n, 3)) + 0.5 * y[:, None]
    hessian = np.outer(y, y) * (np.exp(-((points[:, None] - points[None]) ** 2).sum(-1)) + penalty)
    span = 3.0 * (rng.uniform(0.2, 2.0, n) if weighted else np.ones(n))
    return DualProblem(hessian, -np.ones(n), np.zeros(n), span, bit_weights(base, bits), y)


def all_strings(n):
    return np.arange(1 << n)[:, None] >> np.arange(n) & 1


def assert_energies_equal_the_qubo(problem):
    """Compare every bit string's energy with dimod's, and the enumerated optimum with theirs."""
    strings = all_strings(problem.n_variables)
    model = problem.to_bqm()
    expected = model.energies((strings.astype(np.int8), range(problem.n_variables)))
    energies = problem.energies(problem.decode(strings))
    tolerance = 1e-9 * max(1.0, np.abs(expected).max())
    assert energies == pytest.approx(expected, abs=tolerance)
    best = Exhaustive(n_lowest=5).sample([problem], [0])[0]
    assert best.energies[0] == pytest.approx(expected.min(), abs=tolerance)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([(1, 1), (4, 2), (3, 3), (10, 1)]),
    st.sampled_from([1.0, 1.5, 2.0, 3.0, 10.0]),
    st.sampled_from([0.0, 1.0, 7.5]),
    st.booleans(),
    st.integers(0, 999),
)
def test_energies_equal_the_qubo_by_enumeration(size, base, penalty, weighted, seed):
    problem = make_dual(
        size[0], bits=size[1], base=base, penalty=penalty, weighted=weighted, seed=seed
    )
    assert_energies_equal_the_qubo(problem)


@pytest.mark.parametrize(("n", "bits"), [(4, 4), (5, 3), (8, 2), (16, 1)])
def test_energies_of_sixteen_bits_equal_the_qubo(n, bits):
    assert_energies_equal_the_qubo(make_dual(n, bits=bits, weighted=True, seed=n))


@pytest.mark.parametrize("name", [*SAMPLERS])
def test_batches_are_sound_repeatable_and_independent_of_threads(name):
    sampler = SAMPLERS[name]
    problems, seeds = [make_dual(n, seed=n) for n in (4, 5, 6)], [1, 2, 2**31 - 2]
    before = threading.active_count()
    first = sampler.sample(problems, seeds, n_jobs=1)
    second = sampler.sample(problems, seeds, n_jobs=3)
    alone = sampler.sample(problems[2:], seeds[2:])
    assert np.array_equal(alone[0].x, first[2].x)
    for problem, one, other in zip(problems, first, second, strict=True):
        assert np.array_equal(one.x, other.x)
        assert one.energies == pytest.approx(problem.energies(one.x))
        assert np.all(np.diff(one.energies) >= 0)
        optimum = problem.energies(problem.decode(all_strings(problem.n_variables))).min()
        assert one.energies[0] <= 0.5 * optimum
        assert one.energies[0] >= optimum - 1e-9
    assert threading.active_count() == before


@pytest.mark.parametrize("name", [*SAMPLERS, "dense", "round", "dimod"])
def test_registered_samplers_describe_themselves_and_refuse_unknown_options(name):
    target = registry.load(name, registry.SAMPLERS)
    assert target.summary
    assert target.limits
    extra = {"sampler": DenseSampler()} if name == "dimod" else {}
    with pytest.raises(UsageError, match="num_raeds"):
        registry.make_sampler(name, num_raeds=3, **extra)


@pytest.mark.parametrize(
    ("target", "option"),
    [
        (Tabu, "num_reads"),
        (Tabu, "max_updates"),
        (SteepestDescent, "num_reads"),
        (PathIntegral, "num_sweeps"),
        (PathIntegral, "beta"),
        (Exhaustive, "n_lowest"),
    ],
)
def test_options_must_be_positive(target, option):
    with pytest.raises(UsageError, match=option):
        target(**{option: 0})


def test_enumeration_is_refused_beyond_its_size():
    with pytest.raises(SolverError, match="24 variables") as caught:
        Exhaustive().sample([make_dual(12)], [0])
    assert "dense" in caught.value.hint


def test_any_dimod_sampler_live_or_by_name():
    problem = make_dual(5)
    live = AnyDimodSampler(sampler=SteepestDescentSampler(), num_reads=30)
    named = AnyDimodSampler(sampler="dwave.samplers:SteepestDescentSampler", num_reads=30)
    one, other = (s.sample([problem], [7])[0] for s in (live, named))
    assert np.array_equal(one.x, other.x)
    assert one.occurrences.sum() == 30
    assert one.info == {}


class HalfDeclared(dimod.ExactSolver):
    """Names parameters that it does not declare."""

    def sample(self, bqm, seed=None, factor=1):
        assert seed == 3
        assert factor == 2
        return super().sample(bqm)


def test_parameters_may_be_named_without_being_declared():
    assert not HalfDeclared().parameters
    sampler = AnyDimodSampler(sampler=HalfDeclared(), factor=2)
    assert sampler.sample([make_dual(3)], [3])[0].info == {}
    with pytest.raises(UsageError, match="no parameter 'seed'"):
        AnyDimodSampler(sampler=HalfDeclared(), seed=3)


def test_any_dimod_sampler_says_when_it_takes_no_seed():
    batch = AnyDimodSampler(sampler=dimod.ExactSolver()).sample([make_dual(3)], [0])[0]
    assert "cannot be repeated" in batch.info["note"]
    assert batch.occurrences.sum() == 64


@pytest.mark.parametrize("name", ["nowhere:Class", "dimod:Nothing", "dimod", "dimod:BQM"])
def test_any_dimod_sampler_refuses_bad_names(name):
    with pytest.raises(UsageError, match="No sampler"):
        AnyDimodSampler(sampler=name)


def test_the_dimod_door_conforms():
    assert_sampler_api(DenseSampler())


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("seed", range(3))
def test_the_dimod_door_finds_ground_states(vartype, seed):
    rng = np.random.default_rng(seed)
    labels = [*"abcdefgh", 9, ("t", 1)]
    model = dimod.BinaryQuadraticModel(
        dict(zip(labels, rng.normal(size=10), strict=True)),
        {(labels[i], labels[j]): rng.normal() for i in range(10) for j in range(i)},
        rng.normal(),
        vartype,
    )
    found = DenseSampler().sample(model, seed=4)
    assert found.vartype is model.vartype
    assert found.record.num_occurrences.sum() == 20
    assert found.record.energy == pytest.approx(model.energies(found))
    assert found.first.energy == pytest.approx(dimod.ExactSolver().sample(model).first.energy)
    again = DenseSampler().sample(model, seed=4)
    assert np.array_equal(found.record.sample, again.record.sample)


def test_the_dimod_door_with_ising_qubo_and_empty_models():
    assert DenseSampler().sample_ising({0: 1.0}, {(0, 1): 1.0}, seed=0).first.energy == -2.0
    assert DenseSampler().sample_qubo({(0, 0): -1.0, (0, 1): 2.0}, seed=0).first.energy == -1.0
    assert len(DenseSampler().sample(dimod.BinaryQuadraticModel("SPIN"))) == 0
    constant = dimod.BinaryQuadraticModel({"a": 0.0}, {}, 2.5, "BINARY")
    assert DenseSampler().sample(constant, seed=0).first.energy == 2.5
