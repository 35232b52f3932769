"""Bounds of signed coefficients, and the bias by LIBSVM's rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from bridges.svm.signed import bias_of, signed_bounds


def test_bounds_lie_on_the_side_of_the_sign():
    lower, upper = signed_bounds(np.array([1.0, -1.0, 1.0]), np.array([2.0, 3.0, 0.0]))
    assert lower.tolist() == [0, -3, 0]
    assert upper.tolist() == [2, 0, 0]


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_the_bias_is_libsvms(C):
    random = np.random.default_rng(0)
    y = random.choice([-1.0, 1.0], 80)
    X = random.normal(size=(80, 3)) + 0.4 * y[:, None]
    model = SVC(C=C, gamma=0.5, tol=1e-8).fit(X, y)
    beta = np.zeros(80)
    beta[model.support_] = model.dual_coef_[0]
    lower, upper = signed_bounds(y, np.full(80, C))
    errors = y - rbf_kernel(X, gamma=0.5) @ beta
    found = bias_of(errors, beta < upper, beta > lower)
    assert found == pytest.approx(model.intercept_[0], abs=1e-4)


def test_where_none_is_free_the_conditions_leave_an_interval():
    errors = np.array([-2.0, -1.0, 3.0, 5.0])
    grow = np.array([True, True, False, False])
    assert bias_of(errors, grow, ~grow) == 1.0
    assert bias_of(errors, grow, np.zeros(4, bool)) == -1.0
    assert bias_of(errors, np.zeros(4, bool), ~grow) == 3.0, "the one end, not half of it"
    assert bias_of(errors, np.zeros(4, bool), np.zeros(4, bool)) == 0.0


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans(), st.booleans()), min_size=1, max_size=9))
def test_turning_all_signs_turns_the_bias(rows):
    errors, grow, shrink = (np.array(column) for column in zip(*rows, strict=True))
    assert bias_of(-errors, shrink, grow) == -bias_of(errors, grow, shrink)


def test_weights_decide_the_mean_unless_they_vanish():
    errors, free = np.array([1.0, 4.0]), np.ones(2, bool)
    assert bias_of(errors, free, free, np.array([3.0, 1.0])) == pytest.approx(1.75)
    assert bias_of(errors, free, ~free, np.zeros(2)) == 4.0
