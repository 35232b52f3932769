"""Values and places packed into integers: the order, the place, and minima found with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.machine.compiled import compiled
from bridges.machine.ordered import PLACES, larger, ordered, smaller


@compiled
def packed(values):
    out = np.empty(len(values), np.int64)
    for p in range(len(values)):
        out[p] = ordered(values[p], p)
    return out


@compiled
def ends(values):
    low = high = ordered(values[0], 0)
    for p in range(1, len(values)):
        low = smaller(low, ordered(values[p], p))
        high = larger(high, ordered(values[p], p))
    return low & (PLACES - 1), high & (PLACES - 1)


numbers = st.floats(-(2.0**90), 2.0**90, allow_nan=False, width=32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(values=st.lists(numbers, min_size=1, max_size=30))
def test_integers_are_ordered_as_their_values(dtype, values):
    array = np.array(values, dtype) + dtype(0)  # no -0.0, which comes before 0.0
    keys = packed(array)
    np.testing.assert_array_equal(keys & (PLACES - 1), np.arange(len(array)))
    coarse = keys // PLACES  # what is left of the values: relative 2^-11 in single precision
    order = np.argsort(array, kind="stable")
    assert np.all(np.diff(coarse[order]) >= 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 10_000), n=st.integers(1, 200))
def test_minima_and_maxima_are_found_with_their_places(dtype, seed, n):
    array = np.random.default_rng(seed).normal(size=n).astype(dtype)
    low, high = ends(array)
    assert array[low] == pytest.approx(array.min(), rel=2.0**-10)
    assert array[high] == pytest.approx(array.max(), rel=2.0**-10)
