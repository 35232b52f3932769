"""The annealer of coefficients on their lattice, and the rounded exact optimum."""

import dataclasses
import threading

import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import UsageError
from bridges.machine.ordered import PLACES
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.problem.exact import solve_box
from qsvm.problem.lattice import lattice
from qsvm.samplers.dense.annealer import DenseAnnealer, walk_data
from qsvm.samplers.dense.descent import descend_lattice
from qsvm.samplers.dense.rounding import RoundedOptimum, rounded_optimum


def make_dual(n, *, bits=2, base=2.0, C=3.0, penalty=1.0, seed=0, dtype=np.float64, weighted=False):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    points = rng.normal(size=(n, 3)) + 0.5 * y[:, None]
    distances = ((points[:, None] - points[None]) ** 2).sum(-1)
    hessian = (np.outer(y, y) * (np.exp(-0.5 * distances) + penalty)).astype(dtype)
    span = C * (rng.uniform(0.2, 2.0, n) if weighted else np.ones(n))
    return DualProblem(hessian, -np.ones(n), np.zeros(n), span, bit_weights(base, bits), y)


def make_general(n, bits, seed=0):
    """A problem with no curvature, no equality and lower bounds off zero."""
    rng = np.random.default_rng(seed)
    square = rng.normal(size=(n, n))
    hessian = square + square.T
    np.fill_diagonal(hessian, 0.0)
    lower, span = rng.normal(size=n), rng.uniform(0, 2, n)
    span[0] = 0.0
    return DualProblem(hessian, rng.normal(size=n), lower, span, bit_weights(2, bits))


def lowest(problem):
    """Lowest energy of all bit strings, by dimod's enumeration of the QUBO."""
    return dimod.ExactSolver().sample(problem.to_bqm()).first.energy


CASES = [
    *[(n, bits, base, w) for n, bits in ((5, 3), (7, 2), (14, 1)) for base in (2, 1, 3, 1.5)
      for w in (False, True)],
]  # fmt: skip


@pytest.mark.parametrize(("n", "bits", "base", "weighted"), CASES)
def test_small_problems_are_solved_to_the_optimum_of_the_qubo(n, bits, base, weighted):
    problem = make_dual(n, bits=bits, base=base, weighted=weighted, seed=n)
    batch = DenseAnnealer(num_reads=30, num_sweeps=100).sample([problem], [1])[0]
    assert batch.energies[0] == pytest.approx(lowest(problem), abs=1e-9)
    assert batch.occurrences.sum() == 30
    assert_on_lattice(problem, batch.x)


def assert_on_lattice(problem, x):
    """Every row is the decoding of some bits, whose energy the QUBO confirms."""
    values = lattice(problem).values
    share = (x - problem.lower) / np.where(problem.span > 0, problem.span, 1.0)
    assert np.abs(share[..., None] - values).min(axis=-1).max() < 1e-12


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_problems_without_curvature_or_equality(bits, seed):
    problem = make_general(8 if bits == 2 else 14, bits, seed)
    batch = DenseAnnealer(num_reads=30, num_sweeps=200).sample([problem], [1])[0]
    assert batch.energies[0] == pytest.approx(lowest(problem), abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.sampled_from([1.0, 1.5, 2.0, 3.0]), st.integers(0, 99))
def test_the_lattice_holds_exactly_the_decodable_values(bits, base, seed):
    problem = make_dual(1, bits=bits, base=base, seed=seed)
    strings = np.array(list(np.ndindex(*[2] * bits)))
    decoded = problem.decode(strings)[:, 0] / problem.span[0]
    values = lattice(problem).values
    assert np.all(np.diff(values) > 1e-9)
    assert np.abs(decoded[:, None] - values).min(axis=1).max() < 1e-12
    assert np.abs(decoded[:, None] - values).min(axis=0).max() < 1e-12


def test_nearest_levels():
    shares = np.random.default_rng(0).uniform(0, 1, 200)
    for base in (2.0, 1.7, 3.0):
        grid = lattice(make_dual(2, bits=3, base=base))
        expected = np.abs(shares[:, None] - grid.values).argmin(axis=1)
        assert np.array_equal(grid.nearest(shares), expected)


def test_too_many_bits_are_refused():
    with pytest.raises(UsageError, match="21 bits"):
        lattice(make_dual(2, bits=21))


def test_results_depend_on_problem_and_seed_only():
    problems = [make_dual(n, bits=3, seed=n) for n in (20, 33, 47, 60, 25)]
    seeds = [5, 6, 7, 8, 9]
    sampler = DenseAnnealer(num_reads=7, num_sweeps=50)
    together = sampler.sample(problems, seeds, n_jobs=1)
    for n_jobs in (2, 3):
        for one, other in zip(
            together, sampler.sample(problems, seeds, n_jobs=n_jobs), strict=True
        ):
            assert np.array_equal(one.x, other.x)
            assert np.array_equal(one.energies, other.energies)
    alone = sampler.sample(problems[3:4], seeds[3:4], n_jobs=2)[0]
    assert np.array_equal(alone.x, together[3].x)
    assert not np.array_equal(sampler.sample(problems[3:4], [99])[0].x, alone.x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "bits", "gap"), [(60, 4, 0.004), (150, 3, 0.01), (200, 2, 0.02)])
def test_gaps_to_the_exact_optimum(n, bits, gap, dtype):
    problem = make_dual(n, bits=bits, dtype=dtype)
    _, exact = solve_box(problem)
    batch = DenseAnnealer(num_reads=4, num_sweeps=400).sample([problem], [0])[0]
    assert np.all(batch.energies >= exact - 1e-6 * abs(exact))
    assert batch.energies.mean() <= exact + gap * abs(exact)


def test_final_states_are_local_optima_of_single_moves():
    problem = make_dual(40, bits=3, weighted=True)
    grid = problem.lower + problem.span * lattice(problem).values[:, None]
    for row in DenseAnnealer(num_reads=3, num_sweeps=20).sample([problem], [0])[0].x:
        moved = np.repeat(row[None], 40 * len(grid), axis=0)
        moved[np.arange(len(moved)), np.tile(np.arange(40), len(grid))] = grid.ravel()
        assert problem.energies(moved).min() >= problem.energies(row)[0] - 1e-9


def test_the_equality_is_nearly_kept():
    problem = make_dual(80, bits=3, penalty=5.0)
    best = DenseAnnealer(num_reads=5).sample([problem], [0])[0].x[0]
    assert abs(best @ problem.equality) <= 3.0 / 7 * 1.01  # one lattice step


def test_subnormal_entries_are_walked_as_zero_and_clean_matrices_not_copied():
    problem = make_dual(10, dtype=np.float32)
    assert walk_data(problem).walked is problem.hessian
    problem.hessian[0, 1] = problem.hessian[1, 0] = 1e-40
    walked = walk_data(problem).walked
    assert walked[0, 1] == 0
    assert problem.hessian[0, 1] > 0
    assert walked[0, 2] == problem.hessian[0, 2]


def test_inputs_stay_as_they_are():
    problem = make_dual(12)
    before = [np.copy(part) for part in (problem.hessian, problem.linear, problem.span)]
    DenseAnnealer(num_reads=2).sample([problem], [0])
    for part, copy in zip((problem.hessian, problem.linear, problem.span), before, strict=True):
        assert np.array_equal(part, copy)


@pytest.mark.parametrize(
    "options", [{"num_reads": 0}, {"num_sweeps": 0}, {"beta_range": (2.0, 1.0)}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(UsageError):
        DenseAnnealer(**options)


def test_options_reach_the_walk():
    problem = make_dual(12)
    batch = DenseAnnealer(num_sweeps=7, beta_range=(0.5, 2.0)).sample([problem], [0])[0]
    assert batch.info == {"num_sweeps": 7, "beta_range": [0.5, 2.0]}
    hot = DenseAnnealer(num_sweeps=7, beta_range=(1e-9, 1e-9), descent=False)
    cold = DenseAnnealer(num_sweeps=7, beta_range=(1e-9, 1e-9))
    assert hot.sample([problem], [0])[0].energies[0] > cold.sample([problem], [0])[0].energies[0]


@pytest.mark.parametrize("n_problems", [1, 6])
def test_an_interrupt_ends_the_walks(n_problems):
    problems = [make_dual(60, bits=3, seed=s) for s in range(n_problems)]
    sampler = DenseAnnealer(num_reads=6, num_sweeps=300)

    def interrupt(done, total):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sampler.sample(problems, range(n_problems), n_jobs=2, progress=interrupt)
    assert threading.active_count() == before


@pytest.mark.parametrize(("n", "bits", "gap"), [(150, 3, 0.02), (300, 4, 0.01)])
def test_the_rounded_optimum_is_near_the_exact_one_and_deterministic(n, bits, gap):
    problem = make_dual(n, bits=bits)
    _, exact = solve_box(problem)
    first, second = RoundedOptimum().sample([problem, problem], [0, 1], n_jobs=2)
    assert np.array_equal(first.x, second.x)
    assert len(first.x) == 1
    assert exact <= first.energies[0] <= exact + gap * abs(exact)
    assert_on_lattice(problem, first.x)


@pytest.mark.parametrize("base", [1, 1.5, 2, 3])
def test_the_rounded_optimum_is_a_local_optimum_of_single_and_pair_moves(base):
    problem = make_dual(6, bits=2, base=base, weighted=True)
    x = rounded_optimum(problem)
    energy = problem.energies(x)[0]
    grid = problem.span * lattice(problem).values[:, None]
    for i in range(6):
        for j in range(6):
            for a in grid[:, i]:
                trial = np.repeat(x[None], len(grid), axis=0)
                trial[:, j] = grid[:, j]
                trial[:, i] = a if i != j else trial[:, i]
                near = abs(np.searchsorted(grid[:, i], a) - np.searchsorted(grid[:, i], x[i])) <= 1
                assert not near or problem.energies(trial).min() >= energy - 1e-9


def test_partners_are_found_beyond_the_places_that_one_search_holds():
    n = PLACES + 100
    random = np.random.default_rng(0)
    hessian = np.eye(n, dtype=np.float32)
    hessian[-2, -1] = hessian[-1, -2] = 0.9
    linear = random.uniform(0.6, 1.0, n)
    linear[-2:] = -0.55, -0.65  # alone: -0.05 and -0.15, both: 0.7
    problem = DualProblem(hessian, linear, np.zeros(n), np.ones(n), bit_weights(2, 1))
    levels = np.zeros((1, n), np.int32)
    levels[0, -2] = 1
    data = walk_data(problem)
    common = (data.linear, data.table, data.lattice.values, data.lattice.uniform)
    descend_lattice(data.hessian, *common, 3, levels, np.zeros(1, np.uint8))
    assert np.flatnonzero(levels[0]).tolist() == [n - 1]


def test_rounding_takes_problems_with_fixed_coefficients():
    problem = dataclasses.replace(make_general(6, 2), equality=None)
    x = rounded_optimum(problem)
    assert x[0] == problem.lower[0]
    assert_on_lattice(problem, x)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 100.0])
def test_the_walk_itself_is_good_at_any_penalty(penalty):
    problem = make_dual(150, bits=3, penalty=penalty)
    _, exact = solve_box(problem)
    walked = DenseAnnealer(num_reads=4, descent=False).sample([problem], [0])[0]
    assert walked.energies.mean() <= exact + 0.015 * abs(exact)


def test_the_matrix_of_the_qubo_is_never_built(monkeypatch):
    monkeypatch.setattr(DualProblem, "qubo", property(lambda self: pytest.fail("built")))
    problem = make_dual(40, bits=8)
    for sampler in (DenseAnnealer(num_reads=2), RoundedOptimum()):
        assert sampler.sample([problem], [0])[0].energies[0] < 0
