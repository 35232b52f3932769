"""Branch and bound against enumeration, and what it claims when it is stopped."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lattices import lowest, make_concave, make_dual, make_flat, start

from bridges.errors import DataError, UsageError
from qsvm.formulations.crammer_singer import crammer_singer
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.problem.exact import solve_box
from qsvm.samplers.proof import search
from qsvm.samplers.proof.search import prove


def assert_proves(problem, optimum=None):
    """The optimum is found from a bad start, and the claimed bound is below it and near it."""
    optimum = lowest(problem) if optimum is None else optimum
    proof = prove(problem, start(problem))
    scale = max(abs(optimum), 1.0)
    assert proof.proven
    assert proof.energy == pytest.approx(optimum, abs=1e-9 * scale)
    assert problem.energies(proof.x)[0] == proof.energy
    assert proof.lower_bound <= optimum
    assert proof.lower_bound >= optimum - 1e-6 * scale
    return proof


SIZES = [(1, 3), (4, 3), (6, 2), (12, 1)]


@settings(max_examples=60)
@given(
    st.sampled_from(SIZES),
    st.sampled_from([1.0, 1.5, 2.0, 10.0]),
    st.sampled_from([0.0, 1.0, 7.5]),
    st.sampled_from([0.05, 1.0]),
    st.sampled_from(["equal", "whole", "any"]),
    st.integers(0, 999),
)
def test_the_optimum_is_that_of_enumeration(size, base, penalty, gamma, kind, seed):
    n, bits = size
    rng = np.random.default_rng(seed)
    weights = {"equal": np.ones(n), "whole": rng.integers(0, 4, n), "any": rng.uniform(0, 2, n)}
    lower = rng.normal(size=n) if kind == "any" else np.zeros(n)
    assert_proves(
        make_dual(
            n, bits=bits, base=base, penalty=penalty, gamma=gamma, seed=seed, lower=lower,
            weights=weights[kind],
        )
    )  # fmt: skip


@pytest.mark.parametrize(("n", "bits"), [(5, 2), (4, 3), (12, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_problems_without_convexity_are_proven_too(n, bits, seed):
    assert_proves(make_concave(n, bits, seed))


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize(("n", "bits"), [(5, 2), (12, 1)])
def test_low_rank_is_no_obstacle(rank, n, bits):
    assert_proves(make_flat(n, bits, rank))


@pytest.mark.parametrize("size", SIZES)
def test_single_precision_is_proven_as_it_is(size):
    assert_proves(make_dual(size[0], bits=size[1], dtype=np.float32, seed=3))


@pytest.mark.parametrize("bits", [1, 2])
def test_problems_without_any_curvature_or_choice(bits):
    n = 6
    free = DualProblem(
        np.zeros((n, n)), np.arange(n) - 2.5, -np.ones(n), np.ones(n), bit_weights(2, bits)
    )
    assert_proves(free)
    fixed = dataclasses.replace(free, span=np.zeros(n))
    assert assert_proves(fixed).x.tolist() == [-1.0] * n
    one = dataclasses.replace(free, span=np.arange(n) == 3.0)
    assert_proves(one)


def test_ground_states_of_random_couplings_are_those_of_dimod():
    rng = np.random.default_rng(5)
    signs = rng.choice([-1.0, 1.0], (15, 15))
    problem = DualProblem(
        np.triu(signs, 1) + np.triu(signs, 1).T, np.zeros(15), -np.ones(15), 2 * np.ones(15),
        bit_weights(2, 1),
    )  # fmt: skip
    assert_proves(problem, dimod.ExactSolver().sample(problem.to_bqm()).first.energy)


def test_one_problem_for_all_classes_keeps_its_sums_per_sample():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3, 2))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(-1))
    problem = crammer_singer(kernel, np.array([0, 1, 2]), 3)
    assert problem.groups is not None
    assert_proves(problem)


@pytest.mark.parametrize(("n", "bits"), [(9, 2), (6, 3), (18, 1)])
def test_eighteen_bits_agree_with_enumeration(n, bits):
    assert_proves(make_dual(n, bits=bits, gamma=0.3, seed=n))


@pytest.mark.parametrize("changed", [{"BUDGET": 12, "TRIAL": 3}, {"STACK": 1}, {"ROUND": 1}])
def test_boxes_that_are_put_off_are_not_lost(monkeypatch, changed):
    problem = make_dual(30, bits=2, gamma=0.5, seed=1)
    whole = prove(problem, start(problem))
    for name, value in changed.items():
        monkeypatch.setattr(search, name, value)
    parted = prove(problem, start(problem))
    assert parted.proven
    assert parted.energy == pytest.approx(whole.energy, rel=1e-12)


def test_result_and_nodes_depend_on_no_threads(monkeypatch):
    monkeypatch.setattr(search, "BUDGET", 30)
    monkeypatch.setattr(search, "TRIAL", 5)
    problem = make_dual(40, bits=2, gamma=0.5, seed=2)
    alone = prove(problem, start(problem))
    with ThreadPoolExecutor(3) as threads:
        together = prove(problem, start(problem), executor=threads)
    assert together.x.tolist() == alone.x.tolist()
    assert (together.lower_bound, together.nodes) == (alone.lower_bound, alone.nodes)
    assert alone.nodes > 60


def test_stopped_at_once_it_still_bounds_the_whole_lattice():
    problem = make_dual(60, bits=2, gamma=2.0, seed=3)
    proof = prove(problem, start(problem), stop=np.ones(1, dtype=np.uint8))
    _, continuous = solve_box(problem)
    best = prove(problem, start(problem))
    assert not proof.proven
    assert best.proven
    assert continuous - 1e-6 <= proof.lower_bound <= best.energy < proof.energy


def test_a_time_limit_ends_the_search_with_a_valid_bound():
    problem = make_dual(100, bits=1, gamma=30.0, seed=4, C=1.4)
    hurried = prove(problem, start(problem), time_limit=0.05)
    assert hurried.lower_bound <= hurried.energy
    patient = prove(problem, hurried.x[None], time_limit=0.5)
    assert patient.energy <= hurried.energy
    assert patient.energy >= hurried.lower_bound


def test_too_many_bits_and_bad_numbers_are_refused():
    with pytest.raises(UsageError, match="11 bits"):
        prove(make_dual(3, bits=11), np.zeros((1, 3)))
    bad = make_dual(3)
    bad.linear[0] = np.nan
    with pytest.raises(DataError, match="NaN"):
        prove(bad, np.zeros((1, 3)))


def test_duals_of_real_pixels_are_proven(shared_data):
    table = np.load(shared_data("tables/statlog_landsat.npz"))
    X, y = table["X_train"].astype(np.float64), table["y_train"]
    scaled = 2.0 * (X - X.min(axis=0)) / np.ptp(X, axis=0) - 1.0
    rows = np.random.default_rng(0).choice(np.flatnonzero(np.isin(y, (4, 7))), 41, replace=False)
    signs = np.where(y[rows] == 4, 1.0, -1.0)
    distances = ((scaled[rows][:, None] - scaled[rows]) ** 2).sum(-1)
    hessian = np.outer(signs, signs) * (np.exp(-distances) + 1.0)
    problem = DualProblem(
        hessian, -np.ones(41), np.zeros(41), np.full(41, 3.0), bit_weights(2, 3), signs
    )
    proof = prove(problem, start(problem))
    _, continuous = solve_box(problem)
    assert proof.proven
    assert proof.nodes < 10_000
    assert -0.03 * abs(continuous) < continuous - proof.energy < 0.0
