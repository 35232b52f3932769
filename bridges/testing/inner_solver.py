"""Trial of an inner solver: it may never raise an objective, leave a bound or change the sum."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.inner import broken_promise

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALLS = 200
"""Calls after which an inner solver must have lowered the objective of an ordinary block."""

MAX_STEPS = 100_000
"""Steps that an inner solver may take in a call, unless a check allows it fewer."""


@dataclasses.dataclass(eq=False)
class _Block:
    """A dual over a kernel block, with its state."""

    name: str
    K: NDArray[Any]
    f: NDArray[np.float64]
    beta: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def copy(self) -> _Block:
        arrays = (self.K, self.f, self.beta, self.lower, self.upper)
        return _Block(self.name, *(values.copy() for values in arrays))

    def solve(self, solver: Any, tol: float, max_steps: int) -> Any:
        return solver.solve(self.K, self.f, self.beta, self.lower, self.upper, tol, max_steps)

    def violation(self) -> float:
        """Return the largest violation of the optimality conditions."""
        high = self.f[self.beta > self.lower].max(initial=-np.inf)
        return float(high - self.f[self.beta < self.upper].min(initial=np.inf))

    def objective_since(self, start: _Block) -> float:
        """Return by how much the objective differs from that of another state."""
        return 0.5 * float((start.f + self.f) @ (self.beta - start.beta))


def assert_inner_solver(
    make: Callable[[], Any], *, exact: bool = False, repeatable: bool = True
) -> None:
    """Assert that an inner solver keeps :class:`bridges.svm.inner.InnerSolver`'s contract.

    Parameters
    ----------
    make : callable
        Makes a solver without arguments: a class, or ``functools.partial(make_inner, "name")``.
    exact : bool
        Whether it promises to reach any tolerance.
    repeatable : bool
        Whether two solvers made alike give the same result to the last bit; False only for one
        that asks hardware or a service.

    Raises
    ------
    AssertionError
        With the promise that was broken, and the block on which it was.

    Examples
    --------
    >>> from bridges.testing import assert_inner_solver
    >>> from classical.solver.smo import PairSteps
    >>> assert_inner_solver(PairSteps, exact=True)
    """
    made = make()
    assert callable(getattr(made, "solve", None)), (
        f"{type(made).__name__} has no method solve(K, f, beta, lower, upper, tol, max_steps)."
    )
    for block in _blocks():
        _assert_promises(make, block, MAX_STEPS)
        _assert_promises(make, block, 1)
        if exact:
            _assert_exact(make(), block.copy())
        if repeatable:
            _assert_repeatable(make, block)
    _assert_progress(make(), next(_blocks()))
    if repeatable:
        _assert_independent(make)


def _blocks() -> Iterator[_Block]:
    """Yield duals of every kind that the outer loop hands over, the ordinary one first."""
    random = np.random.default_rng(0)
    for name, n in (("an ordinary block", 40), ("two samples", 2), ("one sample", 1)):
        X = random.normal(size=(n, 3)) + 0.5 * _signs(n)[:, None]
        K = np.exp(-0.4 * ((X[:, None] - X) ** 2).sum(axis=2))
        block = _cold(name, K)
        yield block
        yield _warm(block, random)
        yield _cold(f"{name}, float32", K.astype(np.float32))
    X = random.normal(size=(20, 1))
    yield _cold("a kernel of rank one", X @ X.T)
    held = _cold("no coefficient may move", np.eye(20))
    held.lower, held.upper = np.zeros(20), np.zeros(20)
    yield held


def _signs(n: int) -> NDArray[np.float64]:
    return np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def _cold(name: str, K: NDArray[Any]) -> _Block:
    """Return the dual at zero, with C = 5."""
    y = _signs(len(K))
    lower, upper = np.where(y > 0, 0.0, -5.0), np.where(y > 0, 5.0, 0.0)
    return _Block(name, K, -y, np.zeros(len(y)), lower, upper)


def _warm(block: _Block, random: np.random.Generator) -> _Block:
    """Return the dual elsewhere: coefficients at bounds, held fast and free, and others outside."""
    warm = block.copy()
    warm.name = f"{block.name}, from a start, with coefficients held"
    kind = random.permutation(len(warm.f)) % 4
    share = np.choose(kind, [0.0, 1.0, random.random(), random.random()])
    warm.beta = warm.lower + share * (warm.upper - warm.lower)
    held = kind == 3
    warm.lower[held] = warm.upper[held] = warm.beta[held]
    warm.beta = np.clip(warm.beta, warm.lower, warm.upper)
    outside = random.normal(scale=0.3, size=len(warm.f))
    warm.f = warm.K @ warm.beta - _signs(len(warm.f)) + outside
    return warm


def _assert_promises(make: Callable[[], Any], start: _Block, max_steps: int) -> None:
    """Assert what holds after any call."""
    solver, block = make(), start.copy()
    steps = block.solve(solver, 1e-3, max_steps)
    where = f"{type(solver).__name__}, on {start.name}, max_steps={max_steps}:"
    counted = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
    assert counted, f"{where} solve returned {steps!r}, not the number of steps taken."
    assert 0 <= steps <= max_steps, f"{where} {steps} steps were taken."
    for name in ("K", "lower", "upper"):
        assert np.array_equal(getattr(block, name), getattr(start, name)), (
            f"{where} {name} was written to; only f and beta may be."
        )
    fault = broken_promise(
        block.K, (start.f, block.f), (start.beta, block.beta), start.lower, start.upper
    )
    assert fault is None, f"{where} the step {fault}."
    change = block.beta - start.beta
    assert steps > 0 or not change.any(), f"{where} β changed in 0 steps."
    held = start.lower == start.upper
    assert not change[held].any(), f"{where} a coefficient with equal bounds moved."
    size = float(np.abs(change).sum() * np.abs(start.K).max())
    off = float(np.abs(block.f - start.f - start.K @ change).max())
    assert off <= 64 * float(np.finfo(start.K.dtype).eps) * max(size, 1.0), (
        f"{where} f is not the gradient of β any more (it is {off:.2g} off): add K @ change to it."
    )


def _exhausted(solver: Any, block: _Block, tol: float) -> None:
    for _ in range(CALLS):
        if not block.solve(solver, tol, MAX_STEPS) or block.violation() <= tol:
            return


def _assert_exact(solver: Any, block: _Block) -> None:
    """Assert that repeated calls reach the tolerance."""
    _exhausted(solver, block, 1e-3)
    left = block.violation()
    assert left <= 1e-3, (
        f"{type(solver).__name__}, on {block.name}: a violation of {left:.2g} is left where "
        "tol = 0.001, and it finds no step. Pass exact=False if it need not get there."
    )


def _assert_progress(solver: Any, start: _Block) -> None:
    """Assert that the objective falls at all where there is much to gain."""
    block = start.copy()
    _exhausted(solver, block, 1e-3)
    fall = start.objective_since(block)
    assert fall > 0.1, (
        f"{type(solver).__name__}, on {start.name}: {CALLS} calls lowered the objective by only "
        f"{fall:.2g}; the outer loop would end far from the optimum."
    )


def _assert_repeatable(make: Callable[[], Any], start: _Block) -> None:
    """Assert that two solvers made alike do the same, whatever numpy's global generator holds."""
    one, other = start.copy(), start.copy()
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002  (it is what must not be used)
    for block in (one, other):
        block.solve(solver := make(), 1e-3, MAX_STEPS)
    after = pickle.dumps(np.random.get_state())  # noqa: NPY002
    name = f"{type(solver).__name__}, on {start.name}:"
    assert before == after, (
        f"{name} numpy's global generator was used; make one from a parameter `seed`."
    )
    assert one.beta.tobytes() == other.beta.tobytes(), (
        f"{name} two solvers made alike gave different coefficients. Seed it in its constructor, "
        "or pass repeatable=False."
    )


def _assert_independent(make: Callable[[], Any]) -> None:
    """Assert that solvers at work in several threads do not disturb each other."""

    def end(block: _Block) -> bytes:
        _exhausted(solver := make(), block, 1e-3)
        names.add(type(solver).__name__)
        return block.beta.tobytes()

    names: set[str] = set()
    alone = [end(block.copy()) for block in _blocks()]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(end, [block.copy() for block in _blocks()]))
    assert alone == beside, (
        f"{names.pop()}: solvers of different duals, at work in several threads at a time, gave "
        "other coefficients than one after the other. Keep state in the object, not in the class."
    )
