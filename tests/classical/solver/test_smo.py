"""The inner solver on stored blocks: large ones, and ones whose diagonal is large."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from classical.classifier import MPISVC
from classical.solver.smo import (
    SMALL,
    solve_block,
    solve_nested,
    solve_whole,
    take_smallest,
    violation,
)


def dual(n, dtype=np.float64, seed=0, C=5.0):
    random = np.random.default_rng(seed)
    y = random.choice([-1.0, 1.0], n)
    X = random.normal(size=(n, 4)) + 0.7 * y[:, None]
    lower, upper = np.where(y > 0, 0.0, -C), np.where(y > 0, C, 0.0)
    return rbf_kernel(X, gamma=0.3).astype(dtype), y, lower, upper


def objective(beta, f, y):
    return 0.5 * beta @ (f - y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nested_working_sets_reach_the_same_optimum(dtype):
    K, y, lower, upper = dual(SMALL + 150, dtype)
    ends = []
    for solve in (solve_whole, solve_nested):
        beta, f = np.zeros(len(y)), -y
        assert solve(K, f, beta, lower, upper, 1e-4, 10**7) > 0
        np.testing.assert_allclose(f, K.astype(float) @ beta - y, atol=1e-6)
        assert abs(beta.sum()) < 1e-9
        assert np.all((beta >= lower) & (beta <= upper))
        high, low = violation(f, beta, lower, upper)
        assert high - low <= 1e-4
        ends.append(objective(beta, f, y))
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)


def test_steps_are_limited():
    K, y, lower, upper = dual(500)
    beta, f = np.zeros(len(y)), -y
    assert solve_block(K, f, beta, lower, upper, 1e-6, 7) == 7
    assert np.count_nonzero(beta) <= 14


def test_nothing_moves_where_nothing_may():
    K, y, _, _ = dual(70)
    beta, f = np.zeros(len(y)), -y
    assert solve_block(K, f, beta, np.zeros(70), np.zeros(70), 1e-3, 1000) == 0


def test_the_smallest_are_taken_and_equal_ones_in_order():
    keys = np.array([0.5, 0.1, np.inf, 0.1, 0.1, 0.9])
    taken = np.zeros(6, np.bool_)
    take_smallest(keys, 0.1, 1.0, 2, taken)
    assert np.flatnonzero(taken).tolist() == [1, 3]


def test_large_diagonals_in_single_precision_make_no_cycles():
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 4)) + 3000.0
    y = random.choice([-1, 1], 60)
    model = MPISVC(1.0, kernel="linear", precision="single", max_iter=20_000).fit(X, y)
    assert model.n_iter_[0] < 20_000
    assert model.diagnostics_.kkt_violation_max <= 1e-3
