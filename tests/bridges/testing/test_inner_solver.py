"""The conformance kit: it passes what keeps a contract and says which promise was broken."""

from __future__ import annotations

import threading
from typing import ClassVar

import numpy as np
import pytest

from bridges.testing import assert_inner_solver


class Pair:
    """The worst pair, step after step: keeps the contract."""

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        for step in range(max_steps):
            grow = np.where(beta < upper, f, np.inf)
            shrink = np.where(beta > lower, f, -np.inf)
            i, j = grow.argmin(), shrink.argmax()
            if not shrink[j] - grow[i] > tol:
                return step
            bend = max(K[i, i] + K[j, j] - 2 * K[i, j], 1e-12)
            t = min((shrink[j] - grow[i]) / bend, upper[i] - beta[i], beta[j] - lower[j])
            beta[i], beta[j] = min(beta[i] + t, upper[i]), max(beta[j] - t, lower[j])
            f += t * (K[i] - K[j])
        return max_steps


class Spoilt(Pair):
    """Breaks it afterwards."""

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        steps = super().solve(K, f, beta, lower, upper, tol, max_steps)
        return self.spoil(K, f, beta, lower, upper, steps)


def spoilt(spoil, name="Spoilt"):
    return type(name, (Spoilt,), {"spoil": lambda self, *a: spoil(*a)})


def leaves_f(K, f, beta, lower, upper, steps):
    f += 0.1 * (steps > 0)
    return steps


def writes_bounds(K, f, beta, lower, upper, steps):
    lower -= 1.0
    return steps


def scales_kernel(K, f, beta, lower, upper, steps):
    K *= 1.01
    return steps


def breaks_sum(K, f, beta, lower, upper, steps):
    if len(f) > 2 and steps:
        free = np.flatnonzero((beta > lower + 1e-3) & (beta < upper))[:1]
        beta[free] -= 1e-4
        f -= 1e-4 * K[free].sum(axis=0)
    return steps


def leaves_box(K, f, beta, lower, upper, steps):
    beta[0] = upper[0] + 1e-6
    return steps


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (leaves_f, "f is not the gradient of β any more"),
        (writes_bounds, "lower was written to"),
        (scales_kernel, "K was written to"),
        (breaks_sum, "changed the sum of the coefficients"),
        (leaves_box, "left the bounds of a coefficient"),
        (lambda *a: None, "returned None, not the number of steps"),
        (lambda *a: True, "returned True, not the number of steps"),
        (lambda *a: a[-1] + 10**6, "steps were taken"),
        (lambda *a: 0, "β changed in 0 steps"),
    ],
)
def test_a_broken_promise_of_an_inner_solver_is_named(spoil, said):
    with pytest.raises(AssertionError, match=f"Spoilt, on an ordinary block.*{said}"):
        assert_inner_solver(spoilt(spoil))


def test_a_solver_that_keeps_the_contract_passes():
    assert_inner_solver(Pair, exact=True)


def test_something_else_is_told_what_is_missing():
    with pytest.raises(AssertionError, match="dict has no method solve"):
        assert_inner_solver(dict)


class Idle:
    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        return 0


def test_a_solver_that_gets_nowhere_is_told_so():
    with pytest.raises(AssertionError, match="200 calls lowered the objective by only 0"):
        assert_inner_solver(Idle)
    with pytest.raises(AssertionError, match="a violation of 2 is left"):
        assert_inner_solver(Idle, exact=True)


class Overshoots:
    """Puts two unlike samples at their bounds, far beyond the optimum."""

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        i = upper.argmax()
        j = np.where(lower < 0, K[i], np.inf).argmin()
        if beta.any() or K[i, j] > 0.3 or upper[i] + lower[j] != 0:
            return 0
        beta[i], beta[j] = upper[i], lower[j]
        f += K @ beta
        return 1


def test_a_step_uphill_is_named():
    with pytest.raises(AssertionError, match="raised the objective"):
        assert_inner_solver(Overshoots)


class Global(Pair):
    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        np.random.random()  # noqa: NPY002
        return super().solve(K, f, beta, lower, upper, tol, max_steps)


class Drawn(Pair):
    """Stops where an unseeded draw says."""

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        most = int(np.random.default_rng().integers(1, 9))
        return super().solve(K, f, beta, lower, upper, tol, min(max_steps, most))


class Shared(Pair):
    """Keeps in the class what belongs in the object."""

    calls: ClassVar[dict] = {}

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        here = threading.get_ident()
        first = Shared.calls.setdefault("thread", here)
        most = max_steps if here == first else 2
        return super().solve(K, f, beta, lower, upper, 1.5 * tol * (here != first) + tol, most)


def test_results_that_depend_on_more_than_the_block_are_named():
    with pytest.raises(AssertionError, match="global generator was used"):
        assert_inner_solver(Global)
    with pytest.raises(AssertionError, match="two solvers made alike"):
        assert_inner_solver(Drawn)
    assert_inner_solver(Drawn, repeatable=False)
    with pytest.raises(AssertionError, match="in several threads at a time"):
        assert_inner_solver(Shared)
