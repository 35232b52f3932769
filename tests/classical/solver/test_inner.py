"""Inner solvers: found by name, held to their contract, and the outer loop with other ones."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from bridges import registry
from bridges.errors import SolverError, UsageError
from bridges.testing import assert_inner_solver
from classical.classifier import MPISVC
from classical.search.grid import GridSearch
from classical.solver import inner as contract
from classical.solver.dual import Settings
from classical.solver.inner import exhaust, make_inner, minimise
from classical.solver.smo import PairSteps, solve_block, violation


class OnePair:
    """The most violating pair alone, at most ``pairs`` times a call: slow, but exact in the end."""

    def __init__(self, pairs=3):
        self.pairs = pairs

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        for step in range(min(self.pairs, max_steps)):
            grow = np.where(beta < upper, f, np.inf).argmin()
            shrink = np.where(beta > lower, f, -np.inf).argmax()
            if not f[shrink] - f[grow] > tol:
                return step
            bend = max(K[grow, grow] + K[shrink, shrink] - 2 * K[grow, shrink], 1e-12)
            room = min(upper[grow] - beta[grow], beta[shrink] - lower[shrink])
            size = min((f[shrink] - f[grow]) / bend, room)
            beta[grow] += size
            beta[shrink] -= size
            np.clip(beta, lower, upper, out=beta)
            f += size * (K[grow] - K[shrink])
        return min(self.pairs, max_steps)


class Idle:
    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        return 0


class Broken:
    """Breaks one promise of the contract."""

    def __init__(self, promise):
        self.promise = promise

    def solve(self, K, f, beta, lower, upper, tol, max_steps):
        grow, shrink = f.argmin(), f.argmax()
        change = np.zeros(len(f))
        change[grow] = 0.1
        change[shrink] = -0.1 if self.promise != "sum" else 0.0
        if self.promise == "bounds":
            change *= 1e3
        if self.promise == "objective":
            change = -change
        beta += change
        f += K @ change
        return 1


@pytest.fixture
def registered(monkeypatch):
    def register(**solvers):
        monkeypatch.setattr(contract, "_registered", lambda name: solvers[name])

    return register


def block(n=60, C=5.0):
    random = np.random.default_rng(3)
    y = random.choice([-1.0, 1.0], n)
    K = rbf_kernel(random.normal(size=(n, 3)) + 0.5 * y[:, None], gamma=0.4)
    return K, -y, np.zeros(n), np.where(y > 0, 0.0, -C), np.where(y > 0, C, 0.0)


def data(n=240):
    random = np.random.default_rng(0)
    y = random.integers(0, 3, n)
    return random.normal(size=(n, 3)) + y[:, None], y


def test_the_exact_solver_is_registered():
    assert "smo" in registry.names(registry.SUBPROBLEMS)
    assert isinstance(make_inner("smo"), PairSteps)


@pytest.mark.parametrize("name", registry.names(registry.SUBPROBLEMS))
def test_every_registered_solver_keeps_the_contract(name):
    assert_inner_solver(partial(make_inner, name), exact=name == "smo")


def test_an_unknown_name_or_parameter_says_what_is_known():
    with pytest.raises(UsageError, match=r"Unknown inner solver 'sno'.*Did you mean 'smo'"):
        make_inner("sno")
    with pytest.raises(UsageError, match="'smo' has no parameter 'reads'"):
        make_inner("smo", {"reads": 3})
    with pytest.raises(UsageError, match="Unknown inner solver 'sno'"):
        MPISVC(inner="sno").fit(*data())


def test_something_that_cannot_solve_is_refused(registered):
    registered(nothing=object)
    with pytest.raises(UsageError, match="without a method 'solve'"):
        make_inner("nothing")


@pytest.mark.parametrize(
    ("promise", "said"),
    [("bounds", "left the bounds"), ("sum", "changed the sum"), ("objective", "raised the obj")],
)
def test_a_broken_promise_ends_the_fit_and_names_the_solver(promise, said):
    K, f, beta, lower, upper = block()
    solve_block(K, f, beta, lower, upper, 0.5, 10**6)
    if promise != "bounds":
        lower, upper = lower - 1.0, upper + 1.0
    with pytest.raises(SolverError, match=f"Broken {said}"):
        minimise(Broken(promise), K, f, beta, lower, upper, 1e-3, 10**6)


def test_calls_go_on_until_the_tolerance_is_met():
    K, f, beta, lower, upper = block()
    assert exhaust(OnePair(), K, f, beta, lower, upper, 1e-3, 10**6) > 10
    high, low = violation(f, beta, lower, upper)
    assert high - low <= 1e-3
    K, f, beta, lower, upper = block()
    assert exhaust(OnePair(), K, f, beta, lower, upper, 1e-3, 8) == 8
    assert exhaust(Idle(), K, f, beta, lower, upper, 1e-3, 8) == 0


@pytest.mark.parametrize("direct", [True, False])
def test_another_inner_solver_reaches_the_same_optimum(registered, monkeypatch, direct):
    X, y = data()
    exact = MPISVC(C=3.0, gamma=0.5).fit(X, y)
    if not direct:
        from classical.solver import binary

        monkeypatch.setattr(binary, "DIRECT_LIMIT", 0)
        monkeypatch.setattr(Settings, "size", lambda self, n: 40)
    registered(pairs=OnePair)
    other = MPISVC(C=3.0, gamma=0.5, inner="pairs", inner_params={"pairs": 20}).fit(X, y)
    assert other.fit_report_.objective == pytest.approx(exact.fit_report_.objective, rel=1e-4)
    np.testing.assert_allclose(other.decision_function(X), exact.decision_function(X), atol=0.02)


def test_a_solver_that_does_nothing_ends_with_a_warning(registered):
    registered(idle=Idle)
    with pytest.warns(UserWarning, match="violation of 2"):
        model = MPISVC(inner="idle").fit(*data())
    assert model.fit_report_.objective == 0.0


def test_a_search_uses_the_inner_solver_of_its_estimator(registered):
    X, y = data(90)
    made = []
    registered(pairs=lambda: made.append(1) or OnePair(50))
    grid = {"C": [1.0, 5.0], "gamma": [0.3]}
    search = GridSearch(MPISVC(inner="pairs"), grid, cv=3).fit(X, y)
    assert len(made) >= 3
    registered(smo=PairSteps)
    exact = GridSearch(MPISVC(), grid, cv=3).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], exact.cv_results_["mean_test_score"], atol=0.03
    )
