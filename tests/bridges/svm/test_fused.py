"""The fused kernel pass against plain matrices, and its independence of threads and batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import UsageError
from bridges.svm.fused import Evaluator, accumulate
from bridges.svm.kernels import Kernel


def case(n=300, m=70, d=7, outputs=3, seed=0):
    random = np.random.default_rng(seed)
    X, S = random.normal(size=(n, d)) + 5, random.normal(size=(m, d)) + 5
    coef = random.normal(size=(m, outputs))
    coef[: m // 2, 0] = 0
    return X, S, coef


@pytest.mark.parametrize("name", ["rbf", "linear", "poly", "sigmoid"])
@pytest.mark.parametrize("precision", ["auto", "double"])
def test_equals_the_kernel_matrix_times_coefficients(name, precision):
    X, S, coef = case()
    kernel = Kernel(name, gamma=0.1, degree=3, coef0=0.5)
    out = np.full((len(X), 3), 2.0)
    accumulate(X, S, coef, out, kernel, precision=precision)
    exact = precision == "double" or name != "rbf"
    reference = 2 + kernel.matrix(X, S) @ coef
    scale = np.abs(kernel.matrix(X, S)) @ np.abs(coef)
    assert np.max(np.abs(out - reference) / scale) < (1e-12 if exact else 3e-7)


@given(n=st.integers(1, 300), m=st.integers(1, 20), d=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_any_shape(n, m, d, seed):
    X, S, coef = case(n, m, d, 2, seed)
    kernel = Kernel("rbf", gamma=1.0 / d)
    out = np.zeros((n, 2))
    accumulate(X, S, coef, out, kernel)
    np.testing.assert_allclose(out, kernel.matrix(X, S) @ coef, atol=1e-5)


def test_does_not_depend_on_threads_or_on_the_batch():
    X, S, coef = case(n=20_000)
    kernel = Kernel("rbf", gamma=0.3)
    results = []
    for n_jobs in (1, 2, 5):
        results.append(np.zeros((len(X), 3)))
        accumulate(X, S, coef, results[-1], kernel, n_jobs=n_jobs)
    pieces = np.zeros((len(X), 3))
    for rows in (slice(0, 1), slice(1, 778), slice(778, None)):
        accumulate(X[rows], S, coef, pieces[rows], kernel)
    assert all(r.tobytes() == results[0].tobytes() for r in [*results, pieces])


def test_works_inside_other_threads():
    X, S, coef = case(n=9_000)
    kernel = Kernel("rbf", gamma=0.3)

    def work(_):
        out = np.zeros((len(X), 3))
        accumulate(X, S, coef, out, kernel, n_jobs=2)
        return out.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(8)))) == 1


def test_far_from_the_origin_float32_keeps_its_digits():
    X, S, coef = case()
    kernel = Kernel("rbf", gamma=0.1)
    near, far = np.zeros((len(X), 3)), np.zeros((len(X), 3))
    accumulate(X, S, coef, near, kernel)
    accumulate(X + 4096, S + 4096, coef, far, kernel)
    np.testing.assert_allclose(near, far, atol=1e-5)


def test_callable_kernel_and_nothing_to_do():
    X, S, coef = case()
    out = np.zeros((len(X), 3))
    accumulate(X, S, coef, out, Kernel(lambda a, b: a @ b.T))
    np.testing.assert_allclose(out, X @ (S.T @ coef))
    accumulate(X, S[:0], coef[:0], out, Kernel("rbf"))
    accumulate(X[:0], S, coef, out[:0], Kernel("rbf"))
    np.testing.assert_allclose(out, X @ (S.T @ coef))


def test_matrix_uses_the_same_bits_as_the_fused_pass():
    X, S, _ = case()
    evaluator = Evaluator.of(Kernel("rbf", gamma=0.3), X)
    Z, T = evaluator.prepare(X), evaluator.prepare(S)
    matrix = evaluator.matrix(Z, T)
    assert matrix.tobytes() == evaluator.matrix(T, Z).T.copy().tobytes()
    out = np.zeros((len(X), 1))
    one = np.zeros((len(S), 1))
    one[17] = 1
    evaluator.accumulate(Z, T, one, out, lambda work, n: work(slice(0, n)))
    np.testing.assert_array_equal(out[:, 0], matrix[17].astype(np.float64))


def test_precomputed_has_no_samples():
    with pytest.raises(UsageError, match="precomputed"):
        Evaluator.of(Kernel("precomputed"), np.zeros((3, 2)))
