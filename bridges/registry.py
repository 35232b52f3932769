"""Find classifiers, samplers, formulations and inner solvers by name.

The packages of this project and anybody else's announce what they offer as entry points
(``bridges.classifiers``, ``bridges.samplers``, ``bridges.formulations``,
``bridges.subproblems``), so the shared floor needs to import neither wing, and the wings need not
import each other.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Sequence
from importlib import metadata
from numbers import Integral, Real
from typing import Any, Protocol, runtime_checkable

from bridges.errors import SolverError, UsageError, did_you_mean

CLASSIFIERS = "bridges.classifiers"
WRAPPERS = "bridges.wrappers"
SAMPLERS = "bridges.samplers"
FORMULATIONS = "bridges.formulations"
SUBPROBLEMS = "bridges.subproblems"
"""Inner solvers of a decomposition (:class:`bridges.svm.inner.InnerSolver`)."""

KINDS = {SUBPROBLEMS: "inner solver"}
"""What an error calls an entry of a group whose name does not say it."""

SEQUENCES = (tuple, list, Sequence)
NUMBERS: dict[Any, type] = {float: Real, int: Integral}
PLAIN = (str, bool, dict, type(None))


@runtime_checkable
class Described(Protocol):
    """Says in one line each what it is and what its limits are, for ``--list-samplers``."""

    summary: str
    limits: str


def names(group: str = CLASSIFIERS) -> list[str]:
    """Return the registered names of a group, sorted.

    Parameters
    ----------
    group : str
        Entry-point group, such as ``bridges.classifiers`` or ``bridges.samplers``.
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
        guess = did_you_mean(name, known)
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
    if not params:
        return target()  # reading a signature takes longer than a small dual
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
        Constructor parameters; ``calibrate="sigmoid"`` (or another method of
        :class:`bridges.calibration.Calibrated`) gives any classifier probabilities.

    Examples
    --------
    >>> from bridges import registry
    >>> registry.make("sklearn-svc", C=3).C
    3
    >>> registry.make("sklearn-svc", C=3, calibrate="sigmoid").method
    'sigmoid'
    """
    method = params.pop("calibrate", None)
    made = build(name, load(name, CLASSIFIERS), params)
    if method is None:
        return made
    wrapper = load("calibrated", WRAPPERS)
    return build("calibrated", wrapper, {"estimator": made, "method": method})


def make_sampler(name: str, **options: Any) -> Any:
    """Make a sampler of SVM duals by its registered name, with its own options only.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or an option has a value of the wrong type.
    """
    target = load(name, SAMPLERS)
    require_types(name, target, options)
    return build(name, target, options)


def require_types(name: str, target: Callable[..., Any], params: dict[str, Any]) -> None:
    """Hold options against a constructor's annotations, so that its own errors stay its own.

    Annotations of plain values are checked: numbers, text, sequences of them, choices.

    Raises
    ------
    UsageError
        If a value is of another type.
    """
    constructor = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
    try:
        hints = typing.get_type_hints(constructor)
    except NameError:  # a name that only a type checker knows
        return
    for key in hints.keys() & params.keys():
        if not fits(params[key], hints[key]):
            wanted = inspect.formatannotation(hints[key])
            raise UsageError(
                f"'{name}' cannot take {key}={params[key]!r}.",
                f"{key} is of type {wanted}.",
            )


def fits(value: object, hint: Any) -> bool:
    """Return whether a plain value is of a type; True where the type is no plain one."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in args)
    if origin is typing.Literal:
        return value in args
    if origin in SEQUENCES:
        if not isinstance(value, Collection) or isinstance(value, str):
            return False
        of = args if origin is tuple and Ellipsis not in args else args[:1] * len(value)
        return len(of) == len(value) and all(map(fits, value, of))
    if hint in NUMBERS:
        return isinstance(value, NUMBERS[hint]) and not isinstance(value, bool)
    return isinstance(value, hint) if hint in PLAIN else True


def sampler_table() -> str:
    """Return one line per sampler: name, what it does, its limits.

    A sampler whose extra is not installed is listed with what it needs.
    """
    lines = []
    for name in names(SAMPLERS):
        try:
            sampler: object = load(name, SAMPLERS)
            told = "of another package; it does not describe itself"
            if isinstance(sampler, Described):
                told = f"{sampler.summary}; {sampler.limits}"
            lines.append(f"{name:15} {told}")
        except SolverError as error:
            lines.append(f"{name:15} not available: {error}")
    return "\n".join(lines)
