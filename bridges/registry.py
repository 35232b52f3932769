"""Find classifiers, samplers and inner solvers by name.

The packages of this project and anybody else's announce what they offer as entry points
(``bridges.classifiers``, ``bridges.samplers``, ``bridges.subproblems``), so the shared floor needs
to import neither wing, and the wings need not import each other.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from importlib import metadata
from typing import Any

from bridges.errors import SolverError, UsageError

CLASSIFIERS = "bridges.classifiers"
SAMPLERS = "bridges.samplers"
SUBPROBLEMS = "bridges.subproblems"
"""Inner solvers of a decomposition (:class:`bridges.svm.inner.InnerSolver`)."""

KINDS = {SUBPROBLEMS: "inner solver"}
"""What an error calls an entry of a group whose name does not say it."""


def names(group: str = CLASSIFIERS) -> list[str]:
    """Return the registered names of a group, sorted.

    Parameters
    ----------
    group : str
        Entry-point group: ``bridges.classifiers``, ``bridges.samplers`` or
        ``bridges.subproblems``.
    """
    return sorted({point.name for point in metadata.entry_points(group=group)})


def load(name: str, group: str = CLASSIFIERS) -> Callable[..., Any]:
    """Return the class or factory registered under a name.

    Raises
    ------
    UsageError
        If the name is unknown; the hint names the nearest ones.
    SolverError
        If the name is known but an optional package that it needs is not installed.
    """
    points = [point for point in metadata.entry_points(group=group) if point.name == name]
    kind = KINDS.get(group, group.rpartition(".")[2].removesuffix("s"))
    if not points:
        known = names(group)
        near = difflib.get_close_matches(name, known, n=1)
        guess = f"Did you mean '{near[0]}'? " if near else ""
        raise UsageError(f"Unknown {kind} '{name}'.", f"{guess}Known: {', '.join(known)}.")
    try:
        return points[0].load()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == points[0].module.partition(".")[0]:
            raise  # a module of the announcing package itself: a defect, not a missing extra
        raise SolverError(
            f"The {kind} '{name}' needs the package '{error.name}', which is not installed.",
            f"pip install '{error.name}', or the extra of this project that brings it (README).",
        ) from error


def build(name: str, target: Callable[..., Any], params: dict[str, Any]) -> Any:
    """Call a class or factory after checking that it takes every parameter.

    Raises
    ------
    UsageError
        If a parameter is not one of the target's; nothing is swallowed.
    """
    signature = inspect.signature(target).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values()):
        for key in params:
            if key not in signature:
                takes = ", ".join(signature) or "no parameters"
                raise UsageError(f"'{name}' has no parameter '{key}'.", f"It takes: {takes}.")
    return target(**params)


def make(name: str, **params: Any) -> Any:
    """Make a classifier by its registered name.

    Parameters
    ----------
    name : str
        One of :func:`names`, for example ``qubo-svc``, ``qubo-ensemble``, ``mpi-svc``.
    **params
        Constructor parameters.

    Examples
    --------
    >>> from bridges import registry
    >>> registry.make("sklearn-svc", C=3).C
    3
    """
    return build(name, load(name, CLASSIFIERS), params)


def make_sampler(name: str, **options: Any) -> Any:
    """Make a sampler of SVM duals by its registered name, with its own options only.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or an option has a value of the wrong type.
    """
    try:
        return build(name, load(name, SAMPLERS), options)
    except TypeError as error:
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise UsageError(
            f"'{name}' cannot take {given} ({error}).", "Check the types of its options."
        ) from error


def sampler_table() -> str:
    """Return one line per sampler: name, what it does, its limits.

    A sampler whose extra is not installed is listed with what it needs.
    """
    lines = []
    for name in names(SAMPLERS):
        try:
            sampler = load(name, SAMPLERS)
            lines.append(f"{name:15} {sampler.summary}; {sampler.limits}")  # type: ignore[attr-defined]
        except SolverError as error:
            lines.append(f"{name:15} not available: {error}")
    return "\n".join(lines)
