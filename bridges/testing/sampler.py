"""Trial of a sampler of SVM duals: its answers against what it was asked."""

from __future__ import annotations

import inspect
import itertools
import json
import pickle
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.testing.problems import CONSTRAINTS, default_problems
from bridges.testing.words import assert_no_slips, assert_one_line, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABILITIES = (
    "chip",
    "check_account",
    "analog",
    "asks_again",
    "for_hull",
    "handles",
    "limits",
    "null_control",
    "plan",
    "price",
    "sample",
    "stores_runs",
    "summary",
    "whole_number_bits",
)
"""What samplers are asked for: the protocols of ``qsvm.samplers.base``."""

NEAR = 1e-6
"""Relative error of energies and coefficients that counts as rounding."""


def assert_sampler(
    sampler: Any, problems: Sequence[Any] | None = None, *, repeatable: bool = True
) -> None:
    """Assert that a sampler keeps the contract of ``qsvm.samplers.base.DualSampler``.

    Parameters
    ----------
    sampler : object
        A sampler, with few reads: it is called half a dozen times.
    problems : sequence of DualProblem, optional
        What to sample; small duals of the registered formulation ``ovo`` by default.
    repeatable : bool
        Whether equal seeds give equal samples; False only for one that asks hardware or a service.

    Raises
    ------
    AssertionError
        With the promise that was broken, and on which problem.

    Examples
    --------
    >>> from bridges import make_sampler
    >>> from bridges.testing import assert_sampler
    >>> assert_sampler(make_sampler("neal", num_reads=5))
    """
    given = list(default_problems() if problems is None else problems)
    kind = type(sampler).__name__
    _assert_description(kind, sampler)
    _assert_constructor(kind, type(sampler))
    before = [_state(problem) for problem in given]
    seeds = list(range(1, len(given) + 1))
    generator = pickle.dumps(np.random.get_state())  # noqa: NPY002  (it is what must not be used)
    batches = _sampled(kind, sampler, given, seeds)
    require(
        generator == pickle.dumps(np.random.get_state()),  # noqa: NPY002
        f"{kind} uses numpy's global generator; make one from each problem's seed.",
    )
    for problem, state in zip(given, before, strict=True):
        require(_state(problem) == state, f"{kind} wrote to the arrays of '{problem.label}'.")
    null = bool(getattr(sampler, "null_control", False))
    for problem, batch in zip(given, batches, strict=True):
        _assert_batch(f"{kind}, on '{problem.label}':", problem, batch, on_lattice=not null)
    if not null:
        _assert_useful(kind, given, batches)
    require(sampler.sample([], []) == [], f"{kind} should return [] for no problems.")
    if repeatable:
        _assert_independent(kind, sampler, given, seeds, batches)


def _assert_description(kind: str, sampler: Any) -> None:
    require(
        callable(getattr(sampler, "sample", None)),
        f"{kind} has no method sample(problems, seeds, *, n_jobs=None, progress=…).",
    )
    assert_no_slips(kind, (name for name in dir(sampler) if name[0] != "_"), ABILITIES)
    for attribute in ("summary", "limits"):
        assert_one_line(kind, sampler, attribute)
    handles = getattr(sampler, "handles", None)
    require(
        isinstance(handles, frozenset) and handles <= CONSTRAINTS,
        f"{kind} needs a class attribute 'handles', a frozenset of the constraints that it keeps, "
        f"among {', '.join(sorted(CONSTRAINTS))}; it is {handles!r}.",
    )
    null = getattr(sampler, "null_control", False)
    require(isinstance(null, bool), f"{kind}.null_control is {null!r}, neither True nor False.")
    bits = getattr(sampler, "whole_number_bits", 1)
    require(
        isinstance(bits, int) and 1 <= bits <= 16,
        f"{kind}.whole_number_bits is {bits!r}; models take from 1 to 16 bits.",
    )


def _assert_constructor(kind: str, made_by: type) -> None:
    """Assert that options are keywords, with annotations that values can be held against."""
    for name, parameter in inspect.signature(made_by).parameters.items():
        require(
            parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD),
            f"{kind}: the option '{name}' can be given by position; put a * before it.",
        )
    try:
        typing.get_type_hints(made_by.__init__)  # type: ignore[misc]
    except NameError as error:
        raise AssertionError(
            f"{kind}: an annotation of its constructor cannot be looked up ({error}), so that "
            "options of a wrong type are not refused. Import the name outside of TYPE_CHECKING."
        ) from error


def _sampled(kind: str, sampler: Any, problems: list[Any], seeds: list[int]) -> list[Any]:
    """Sample all problems; assert what holds for the list and for the progress."""
    told: list[tuple[int, int]] = []
    batches = sampler.sample(
        problems, seeds, n_jobs=2, progress=lambda done, total: told.append((done, total))
    )
    require(
        isinstance(batches, list), f"{kind}.sample returned a {type(batches).__name__}, no list."
    )
    require(
        len(batches) == len(problems),
        f"{kind} returned {len(batches)} batches for {len(problems)} problems.",
    )
    require(
        all(0 <= done <= total for done, total in told),
        f"{kind} told a progress beyond its total: {told}.",
    )
    require(
        any(done == total for done, total in told),
        f"{kind} never told that it is done: call progress(done, total) as problems finish.",
    )
    return batches


def _assert_batch(where: str, problem: Any, batch: Any, *, on_lattice: bool) -> None:
    """Assert that a batch is a table of samples of its problem."""
    x, energies, counts = (
        np.asarray(part) for part in (batch.x, batch.energies, batch.occurrences)
    )
    n = problem.n_coefficients
    require(
        x.ndim == 2 and x.shape[1] == n and len(x),
        f"{where} x has shape {x.shape}; it must be (samples, {n}) with at least one sample.",
    )
    require(
        energies.shape == counts.shape == (len(x),),
        f"{where} energies {energies.shape} and occurrences {counts.shape} are not one per sample.",
    )
    require(
        np.issubdtype(counts.dtype, np.integer) and (counts >= 1).all(),
        f"{where} occurrences must be whole numbers of at least 1.",
    )
    require(len(np.unique(x, axis=0)) == len(x), f"{where} equal samples must be one row.")
    require((np.diff(energies) >= 0).all(), f"{where} samples must be sorted by energy.")
    _assert_within(where, problem, x, on_lattice=on_lattice)
    right = problem.energies(x)
    scale = max(1.0, float(np.abs(right).max()))
    off = float(np.abs(energies - right).max())
    require(
        off <= NEAR * scale,
        f"{where} energies differ from problem.energies(x) by {off:.2g}: constants belong to them.",
    )
    _assert_account(where, batch)


def _assert_within(where: str, problem: Any, x: NDArray[Any], *, on_lattice: bool) -> None:
    """Assert that coefficients are in their intervals and on the lattice of their bits."""
    share = np.divide(
        x - problem.lower, problem.span, where=problem.span > 0, out=np.zeros(x.shape)
    )
    require(
        (share >= -NEAR).all() and (share <= 1 + NEAR).all(),
        f"{where} a coefficient left its interval from problem.lower to problem.upper.",
    )
    if on_lattice:
        bits = np.array(list(itertools.product((0, 1), repeat=problem.n_bits)))
        levels = bits @ problem.weights
        away = np.abs(share[..., None] - levels).min(axis=-1)
        require(
            away.max(initial=0.0) <= NEAR,
            f"{where} a coefficient is none that {problem.n_bits} bits can write; "
            "problem.decode(bits) gives coefficients.",
        )


def _assert_account(where: str, batch: Any) -> None:
    """Assert that what a batch tells beside its samples is plain and possible."""
    for name in ("solve_s", "qpu_s", "queue_s"):
        value = getattr(batch, name)
        require(np.isfinite(value) and value >= 0, f"{where} {name} is {value!r} seconds.")
    breaks = batch.chain_break_fraction
    require(breaks is None or 0 <= breaks <= 1, f"{where} chain_break_fraction is {breaks!r}.")
    require(batch.couplers_dropped >= 0, f"{where} couplers_dropped is {batch.couplers_dropped!r}.")
    try:
        json.dumps(batch.info, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"{where} info holds something that JSON has not ({error})."
        ) from error


def _assert_useful(kind: str, problems: list[Any], batches: list[Any]) -> None:
    """Assert that the samples are worth anything at all."""
    better = [
        batch.energies[0] < problem.energies(problem.lower)[0]
        for problem, batch in zip(problems, batches, strict=True)
    ]
    require(
        any(better),
        f"{kind} found nothing below the energy of all-zero coefficients on any problem. If it "
        "optimises nothing on purpose, say null_control = True.",
    )


def _assert_independent(
    kind: str, sampler: Any, problems: list[Any], seeds: list[int], batches: list[Any]
) -> None:
    """Assert that a batch depends on its own problem and seed only."""
    again = sampler.sample(problems[::-1], seeds[::-1], n_jobs=1)[::-1]
    alone = [sampler.sample([p], [s])[0] for p, s in zip(problems[:2], seeds[:2], strict=True)]
    trials = (
        ("in another order, in one thread,", again),
        ("on its own", alone),
    )
    for how, others in trials:
        for problem, one, other in zip(problems, batches, others, strict=False):
            same = one.x.shape == other.x.shape and bool((one.x == other.x).all())
            require(
                same,
                f"{kind}: '{problem.label}' sampled {how} with the same seed gave other samples. A "
                "batch may depend on its problem and seed only; pass repeatable=False if it asks "
                "hardware.",
            )


def _state(problem: Any) -> bytes:
    """Return the bytes of a problem's arrays."""
    parts = (problem.hessian, problem.linear, problem.lower, problem.span, problem.weights)
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
