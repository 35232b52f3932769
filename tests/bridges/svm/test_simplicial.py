"""Simplicial steps: never up, never out of the box, whatever the columns are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.svm.columns import Block
from bridges.svm.simplicial import (
    LocalDual,
    as_changes,
    as_points,
    clusters,
    cut,
    make_blocks,
    master,
    usable,
    working_set,
)


def dual(seed=0, n=60, C=5.0, start=True):
    random = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 2, 1.0, -1.0)
    X = random.normal(size=(n, 3)) + 0.4 * y[:, None]
    K = np.exp(-0.5 * ((X[:, None] - X) ** 2).sum(axis=2))
    lower, upper = np.where(y > 0, 0.0, -C), np.where(y > 0, C, 0.0)
    beta = np.zeros(n)
    if start:
        share = np.choose(random.integers(0, 3, n // 2), [0.0, 1.0, 0.3])
        beta[1::2], beta[::2] = share * C, -share * C
    return LocalDual(K, K @ beta - y, beta, lower, upper), y


def objective(state, y):
    return 0.5 * float(state.beta @ state.K @ state.beta) - float(y @ state.beta)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), n_pieces=st.integers(1, 4), n_columns=st.integers(1, 12))
def test_any_columns_make_a_step_that_keeps_everything(seed, n_pieces, n_columns):
    state, y = dual(seed)
    random = np.random.default_rng(seed)
    before, beta = objective(state, y), state.beta.copy()
    order = working_set(state.f, beta, state.lower, state.upper, 0.0, 40)
    blocks = make_blocks(state, order, 10, 0.1, random)
    columns = [random.uniform(b.lower, b.upper, (n_columns, len(b.places))) for b in blocks]

    step = master(state, cut(blocks, columns, n_pieces))
    state.move(step.places, step.change)

    assert step.decrease >= 0
    assert objective(state, y) == pytest.approx(before - step.decrease, abs=1e-8)
    assert (state.beta >= state.lower).all()
    assert (state.beta <= state.upper).all()
    assert state.beta.sum() == pytest.approx(beta.sum(), abs=1e-9)
    np.testing.assert_allclose(state.f, state.K @ state.beta - y, atol=1e-9)


def test_more_pieces_never_do_worse():
    state, _ = dual(5)
    random = np.random.default_rng(0)
    blocks = make_blocks(state, np.arange(60), 20, 0.0, random)
    columns = [random.uniform(b.lower, b.upper, (6, 20)) for b in blocks]
    gains = [master(state, cut(blocks, columns, n)).decrease for n in (1, 2, 4)]
    assert gains[0] <= gains[1] + 1e-9 <= gains[2] + 2e-9


def test_used_columns_can_be_weighed_again_from_elsewhere():
    state, y = dual(6, start=False)
    random = np.random.default_rng(1)
    blocks = make_blocks(state, np.arange(60), 20, 0.0, random)
    columns = [random.uniform(b.lower, b.upper, (20, 20)) for b in blocks]
    step = master(state, cut(blocks, columns, 1))
    points = as_points(state, step.used)
    state.move(step.places, step.change)
    # nothing is left to gain along the same columns
    assert master(state, as_changes(state, points)).decrease <= 1e-6 * step.decrease
    assert objective(state, y) == pytest.approx(-step.decrease)


def test_what_is_no_point_of_a_block_is_left_out():
    block = Block(
        np.arange(2),
        np.eye(2),
        np.zeros(2),
        np.array([-1.0, 0.0]),
        np.array([1.0, 2.0]),
        np.array([False, True]),
    )
    columns = np.array([[0.5, 1.0], [np.nan, 0.0], [0.0, 3.0], [np.inf, 0.0], [1.0 + 1e-9, 2.0]])
    assert usable(block, columns).tolist() == [[0.5, 1.0], [1.0, 2.0]]


def test_no_columns_no_step():
    state, _ = dual(1)
    step = master(state, [])
    assert step.decrease == 0
    assert not len(step.places)


def test_blocks_partition_and_hold_what_is_coupled():
    K = np.kron(np.eye(4), np.full((5, 5), 0.9)) + 0.1 * np.eye(20)
    shuffled = np.random.default_rng(2).permutation(20)
    blocks = clusters(K, shuffled, 5)
    assert sorted(np.concatenate(blocks)) == list(range(20))
    assert all(len(set(block // 5)) == 1 for block in blocks)


def test_a_working_set_has_both_sides_and_the_worst():
    n = 40
    y = np.where(np.arange(n) < 36, 1.0, -1.0)  # few of one class
    lower, upper = np.where(y > 0, 0.0, -1.0), np.where(y > 0, 1.0, 0.0)
    f = -y * (1 + np.arange(n) / n)
    chosen = working_set(f, np.zeros(n), lower, upper, 0.0, 10)
    assert len(chosen) == len(set(chosen)) == 10
    assert {36, 37, 38, 39} <= set(chosen)
    assert 35 in chosen


def test_intervals_stay_in_the_box_and_hold_where_we_are():
    state, _ = dual(8)
    for block in make_blocks(state, np.arange(60), 7, 0.0, np.random.default_rng(0)):
        assert (block.lower <= 0).all()
        assert (block.upper >= 0).all()
        beta = state.beta[block.places]
        assert (beta + block.lower >= state.lower[block.places] - 1e-12).all()
        assert (beta + block.upper <= state.upper[block.places] + 1e-12).all()


def test_rounding_near_a_bound_is_put_at_it():
    state, _ = dual(2, start=False)
    state.move(np.array([1]), np.array([5.0 - 1e-13]))
    assert state.beta[1] == 5.0
