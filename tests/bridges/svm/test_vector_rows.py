"""Kernel rows on explicit vectors against plain formulas, for any shape."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.svm.fused_loops import TILE, kernel_rows
from bridges.svm.vector_rows import rbf_rows


def rows(tile, S, first, count, out, column):
    kernel_rows(tile, S, np.int64(first), count, out, np.int64(column), 0, 3, 0.0)


@given(
    d=st.integers(1, 20),
    m=st.integers(1, 9),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_values_of_any_shape_and_of_any_part(d, m, seed, dtype):
    random = np.random.default_rng(seed)
    tile = random.normal(size=(d, TILE)).astype(dtype)
    S = random.normal(size=(m + 2, d)).astype(dtype)
    out = np.full((m, 2 * TILE), -1, dtype=dtype)
    rows(tile, S, 2, m, out, TILE)
    squares = ((tile.T[None].astype(float) - S[2:, None]) ** 2).sum(axis=2)
    near = 2.0 * np.finfo(dtype).eps * (1 + d) * (1 + squares)
    assert np.all(np.abs(out[:, TILE:] - np.exp2(-squares)) <= near * np.exp2(-squares) + 2e-38)
    assert np.all(out[:, :TILE] == -1)
    one = np.empty((1, TILE), dtype=dtype)
    for i in range(m):  # alone or beside another, the same bits
        rows(tile, S, 2 + i, 1, one, 0)
        np.testing.assert_array_equal(one[0], out[i, TILE:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_samples_count_for_nothing(dtype):
    tile, S = np.full((2, TILE), 1e4, dtype=dtype), np.zeros((1, 2), dtype=dtype)
    out = np.empty((1, TILE), dtype=dtype)
    rows(tile, S, 0, 1, out, 0)
    assert np.all((out >= 0) & (out < 1e-37))


def test_other_layouts_are_refused():
    @numba.njit
    def call(tile, S, out):
        rbf_rows(tile, S, 0, 1, out, 0)

    tile, S = np.zeros((3, TILE), np.float32), np.zeros((1, 3), np.float32)
    with pytest.raises(numba.TypingError):
        call(tile, S, np.zeros((1, TILE)))
    with pytest.raises(numba.TypingError):
        call(np.asfortranarray(tile), S, np.zeros((1, TILE), np.float32))
