"""Training rows in canonical order: equal ones merged whatever order they came in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridges.svm.duplicates import merge_rows
from classical.solver.rows import canonical, row_hashes


@given(
    pixels=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=20),
    seed=st.integers(0, 10),
)
def test_the_same_rows_are_found_as_by_sorting(pixels, seed):
    random = np.random.default_rng(seed)
    table = np.array(pixels, dtype=float)
    X, codes = table[:, 1:], table[:, 0].astype(np.intp)
    weights = random.integers(0, 4, len(table)).astype(float)
    weights[0] = 1.0
    rows = canonical(X, codes, weights)
    merged = merge_rows(X, codes, weights)
    assert sorted(rows.rows) == sorted(merged.rows)
    sums = dict(zip(merged.rows, merged.weights, strict=True))
    assert dict(zip(rows.rows, rows.weights, strict=True)) == sums
    np.testing.assert_array_equal(rows.X, X[rows.rows])
    np.testing.assert_array_equal(rows.codes, codes[rows.rows])
    np.testing.assert_array_equal(rows.hashes, row_hashes(rows.X, rows.codes))
    assert (np.diff(rows.hashes.astype(float)) >= 0).all()


def test_rows_of_a_kernel_matrix_stay_as_they_are():
    K = np.ones((3, 3))
    rows = canonical(K, np.array([0, 1, 0]), np.array([1.0, 0.0, 2.0]), merge=False)
    assert rows.rows.tolist() == [0, 2]
    assert rows.X.shape == (2, 2)
