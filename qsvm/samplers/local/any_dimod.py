"""Any dimod sampler, by its import path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.base import ALL_CONSTRAINTS, DualSampler, Live, SampleBatch, sample_bits

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem


class AnyDimodSampler:
    """Any dimod sampler, live or named, with its own parameters.

    Problems are sampled one after the other, since nothing is known about its threads. If the
    sampler takes ``seed``, it gets one; otherwise its samples cannot be repeated, and say so.

    Parameters
    ----------
    sampler : dimod.Sampler or str
        The sampler, or ``"package.module:Class"`` to make it from.
    **parameters
        Parameters of its ``sample``, each checked against those that it declares or names.

    Raises
    ------
    UsageError
        If the sampler does not know a parameter, or the name leads nowhere.
    """

    summary = "any dimod sampler: sampler='package.module:Class' and its own parameters"
    limits = "those of the sampler; it gets the whole QUBO"
    handles = ALL_CONSTRAINTS

    def __init__(self, *, sampler: Any, **parameters: Any) -> None:
        self.sampler = _load(sampler) if isinstance(sampler, str) else sampler
        known = _parameters(self.sampler)
        self.seeded = "seed" in known
        for key in parameters:
            if key not in known - {"seed"}:
                raise UsageError(
                    f"{type(self.sampler).__name__} has no parameter '{key}' to set here.",
                    f"It takes: {', '.join(sorted(known - {'seed'})) or 'none'}.",
                )
        self.parameters = parameters

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        note = "the sampler takes no seed; its samples cannot be repeated"
        info = {} if self.seeded else {"note": note}
        batches = []
        for problem, seed in zip(problems, seeds, strict=True):
            options = {"seed": seed % 2**31} if self.seeded else {}
            batches.append(
                sample_bits(problem, self.sampler, info=info, **self.parameters, **options)
            )
            progress(len(batches), len(problems))
        return batches


def as_dual_sampler(held: Any, options: Mapping[str, Any]) -> DualSampler:
    """Return a sampler of duals from whatever object the user handed over.

    Parameters
    ----------
    held : DualSampler, dimod.Sampler, or Live
        The object.
    options : mapping
        Parameters of a dimod sampler's ``sample``.

    Raises
    ------
    UsageError
        If it is neither, or if options come with a sampler of duals, which has its own.
    """
    sampler = held.sampler if isinstance(held, Live) else held
    if isinstance(sampler, DualSampler):
        if options:
            raise UsageError(
                "sampler_params are given together with a live sampler, which has its own.",
                "Set the options where the sampler is made, or name it: sampler='neal'.",
            )
        return sampler
    if isinstance(sampler, type) or not all(hasattr(sampler, n) for n in ("parameters", "sample")):
        raise UsageError(
            f"{sampler!r} is no sampler: neither one of dimod's nor one of duals.",
            "Pass an object such as DWaveSampler(), a registered name such as 'neal', or see "
            "qsvm.samplers.base.DualSampler.",
        )
    return AnyDimodSampler(sampler=sampler, **options)


def _parameters(sampler: Any) -> set[str]:
    """Return the parameters that a sampler declares, or names in the signature of ``sample``.

    Some samplers declare a part only.
    """
    import inspect

    named = inspect.signature(sampler.sample).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return (set(sampler.parameters) | {p.name for p in named if p.kind in kinds}) - {"bqm"}


def _load(name: str) -> Any:
    """Make the sampler that ``package.module:Class`` names."""
    import importlib

    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UsageError(
            f"No sampler at '{name}': {error}.",
            "Write sampler=package.module:Class, for example sampler=dwave.samplers:TabuSampler.",
        ) from error
