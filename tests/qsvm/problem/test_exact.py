"""The exact box optimum against independent solvers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from bridges.errors import DataError
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.problem.exact import solve_box


def make_dual(n=30, *, C=3.0, penalty=1.0, gamma=0.5, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    points = rng.normal(size=(n, 3)) + 0.7 * y[:, None]
    distances = ((points[:, None] - points[None]) ** 2).sum(-1)
    hessian = (np.outer(y, y) * (np.exp(-gamma * distances) + penalty)).astype(dtype)
    return DualProblem(hessian, -np.ones(n), np.zeros(n), np.full(n, C), bit_weights(2, 2), y)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 25),
    st.sampled_from([0.1, 3.0, 1e3]),
    st.sampled_from([0.0, 1.0, 1e3]),
    st.integers(0, 99),
)
def test_optimum_matches_a_general_purpose_solver(n, C, penalty, seed):
    problem = make_dual(n, C=C, penalty=penalty, seed=seed)
    x, energy = solve_box(problem)
    reference = minimize(
        lambda a: 0.5 * a @ problem.hessian @ a + problem.linear @ a,
        x,
        jac=lambda a: problem.hessian @ a + problem.linear,
        bounds=list(zip(problem.lower, problem.upper, strict=True)),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    assert np.all((x >= problem.lower) & (x <= problem.upper))
    assert energy <= reference.fun + 1e-7 * abs(reference.fun)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("penalty", [0.0, 1.0, 1e4])
def test_the_gap_is_certified_by_convexity(dtype, penalty):
    problem = make_dual(200, C=100.0, penalty=penalty, dtype=dtype)
    x, energy = solve_box(problem, 1e-9)
    gradient = problem.hessian.astype(np.float64) @ x + problem.linear
    bound = np.maximum(gradient * (x - problem.lower), gradient * (x - problem.upper)).sum()
    assert bound <= (1e-8 if dtype is np.float64 else 1e-5) * abs(energy)


def test_intervals_off_zero_and_of_zero_width():
    rng = np.random.default_rng(1)
    problem = make_dual(12)
    lower = rng.uniform(-1, 1, 12)
    span = np.where(np.arange(12) % 3, rng.uniform(0, 2, 12), 0.0)
    moved = DualProblem(problem.hessian, problem.linear, lower, span, problem.weights)
    x, energy = solve_box(moved)
    corners = lower + span * rng.integers(0, 2, (4096, 12))
    assert np.array_equal(x[span == 0], lower[span == 0])
    assert energy <= moved.energies(corners).min()


def test_a_saddle_ends_in_a_local_optimum_no_worse_than_any_single_or_pair_move():
    rng = np.random.default_rng(2)
    square = rng.normal(size=(8, 8))
    problem = DualProblem(
        square + square.T, rng.normal(size=8), np.zeros(8), np.ones(8), bit_weights(2, 2)
    )
    x, energy = solve_box(problem)
    gradient = problem.hessian @ x + problem.linear
    assert np.all(gradient[x == 0] >= -1e-6)
    assert np.all(gradient[x == 1] <= 1e-6)
    assert energy <= 0


def test_nan_is_refused():
    problem = make_dual(4)
    problem.hessian[0, 1] = np.nan
    with pytest.raises(DataError, match="NaN"):
        solve_box(problem)
