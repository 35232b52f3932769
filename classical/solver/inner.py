"""The inner solver of a dual: found by its registered name, held to its contract at every step.

:class:`bridges.svm.inner.InnerSolver` says what a solver promises. A step that breaks the promise
ends the fit with an error that names the solver: an outer loop that went on from it would end with
a model that looks like a solution and is none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bridges.errors import SolverError, UsageError
from bridges.registry import SUBPROBLEMS, build, load
from bridges.svm.inner import InnerSolver, broken_promise
from classical.solver.smo import violation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["InnerSolver", "exhaust", "make_inner", "minimise"]


@functools.cache
def _registered(name: str) -> Callable[..., Any]:
    """Return what is registered under a name; reading all entry points takes 10 ms a time."""
    return load(name, SUBPROBLEMS)


def make_inner(name: str, params: Mapping[str, Any] | None = None) -> InnerSolver:
    """Make an inner solver by its registered name.

    Parameters
    ----------
    name : str
        One of ``bridges.registry.names("bridges.subproblems")``; ``smo`` is the exact one.
    params : mapping, optional
        Constructor parameters.

    Raises
    ------
    UsageError
        If the name or a parameter is unknown, or what is registered cannot solve.
    """
    made = build(name, _registered(name), dict(params or {}))
    if not isinstance(made, InnerSolver):
        raise UsageError(
            f"The inner solver '{name}' makes a {type(made).__name__} without a method 'solve'.",
            "See bridges.svm.inner.InnerSolver and bridges.testing.assert_inner_solver.",
        )
    return made


def minimise(
    inner: InnerSolver,
    K: NDArray[Any],
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    tol: float,
    max_steps: int,
) -> int:
    """Let an inner solver work on a block, in place, and check what it did.

    Parameters and result are those of :meth:`bridges.svm.inner.InnerSolver.solve`.

    Raises
    ------
    SolverError
        If a coefficient left its bounds, the sum of the coefficients changed, or the objective
        rose, by more than rounding explains.
    """
    before = f.copy(), beta.copy()
    steps = inner.solve(K, f, beta, lower, upper, tol, max_steps)
    fault = broken_promise(K, (before[0], f), (before[1], beta), lower, upper)
    if fault is not None:
        raise SolverError(
            f"The inner solver {type(inner).__name__} {fault}.",
            "Run bridges.testing.assert_inner_solver on it; inner='smo' is the exact solver.",
        )
    return steps


def exhaust(
    inner: InnerSolver,
    K: NDArray[Any],
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    tol: float,
    max_steps: int,
) -> int:
    """Let an inner solver work on a block until the tolerance is met or it finds no step.

    The exact solver is called once; others may lower the objective call by call. Parameters and
    errors are those of :func:`minimise`.

    Returns
    -------
    int
        Steps in all calls.
    """
    done, steps = 0, 1
    while steps > 0 and done < max_steps:
        steps = minimise(inner, K, f, beta, lower, upper, tol, max_steps - done)
        done += steps
        high, low = violation(f, beta, lower, upper)
        if not high - low > tol:
            break
    return done
