"""What a run on a chip is asked for: one value that every packed sampler carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from bridges.errors import UsageError
from qsvm.samplers.chip.budget import AnnealSettings
from qsvm.samplers.chip.embedding import TORQUE, UNEMBEDDINGS

Schedule = Sequence[Sequence[float]]
"""Points (µs, s)."""

READING = ("unembedding", "max_qpu_seconds")
"""Settings that change nothing of what is asked: how answers are read, and what they may cost."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChipSettings:
    """Reads, annealing, packing, and how chains are read.

    Samplers take these as keywords of their own and hand them down as one value.

    Attributes
    ----------
    num_reads : int
        Reads of each problem, split into several submissions where one would take too long.
    chain_strength : float or "sweep"
        Prefactor of uniform torque compensation; "sweep" tries some on the largest problem, in one
        extra submission of few reads, and keeps the one with the lowest energies.
    annealing_time : float, optional
        Microseconds of one anneal.
    anneal_schedule : sequence of (float, float), optional
        Points (µs, s) instead of an annealing time.
    reverse_schedule : sequence of (float, float), optional
        Starting at s = 1: every problem is annealed once more, in reverse, from its best sample
        after greedy descent, with as many reads; both kinds of samples are returned.
    spin_reversals : int
        Random spin reversals among which the reads are shared out (each is programmed anew); 0 for
        none.
    unembedding : {"majority", "discard", "descent"}
        See :func:`qsvm.samplers.chip.embedding.unembed`.
    reduce_intersample_correlation : bool
        Pause between reads.
    programming_thermalization, readout_thermalization : float, optional
        Microseconds.
    members_per_submission : int, optional
        At most so many problems together; as many as fit by default.
    max_qpu_seconds : float, optional
        Refuse to spend more.

    Raises
    ------
    UsageError
        If a value makes no sense, or two exclude each other.
    """

    num_reads: int = 100
    chain_strength: float | str = TORQUE
    annealing_time: float | None = None
    anneal_schedule: Schedule | None = None
    reverse_schedule: Schedule | None = None
    spin_reversals: int = 0
    unembedding: str = "majority"
    reduce_intersample_correlation: bool = False
    programming_thermalization: float | None = None
    readout_thermalization: float | None = None
    members_per_submission: int | None = None
    max_qpu_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.num_reads < 1:
            raise UsageError(f"num_reads is {self.num_reads}.", "Use num_reads of at least 1.")
        if self.unembedding not in UNEMBEDDINGS:
            raise UsageError(
                f"Unknown unembedding '{self.unembedding}'.",
                f"Use one of {', '.join(UNEMBEDDINGS)}.",
            )
        strength = self.chain_strength
        if strength != "sweep" and not (isinstance(strength, int | float) and strength > 0):
            raise UsageError(
                f"chain_strength is {strength!r}.",
                "Use a positive prefactor (1.414 is Ocean's) or 'sweep'.",
            )
        if self.anneal.reverse:
            raise UsageError(
                "anneal_schedule starts at s = 1, which needs a state to start from.",
                "Give it as reverse_schedule: it starts from each problem's best sample.",
            )
        if self.reverse_schedule is not None and float(self.reverse_schedule[0][1]) != 1.0:
            raise UsageError(
                "reverse_schedule must start at s = 1.",
                "For example [[0, 1], [5, 0.45], [85, 0.45], [90, 1]].",
            )

    @property
    def anneal(self) -> AnnealSettings:
        """What is asked for every read."""
        return AnnealSettings(
            self.annealing_time,
            _points(self.anneal_schedule),
            self.programming_thermalization,
            self.readout_thermalization,
            self.reduce_intersample_correlation,
        )

    @property
    def reverse(self) -> AnnealSettings:
        """What is asked for every read of the second, reverse annealing."""
        schedule = _points(self.reverse_schedule)
        return dataclasses.replace(self.anneal, annealing_time=None, anneal_schedule=schedule)

    def asked(self) -> dict[str, Any]:
        """Return the settings that decide what is asked, for a store to keep."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name not in READING}


def _points(schedule: Schedule | None) -> tuple[tuple[float, float], ...] | None:
    if schedule is None:
        return None
    return tuple((float(t), float(s)) for t, s in schedule)
