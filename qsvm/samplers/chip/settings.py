"""What a run on a chip is asked for: one value that every packed sampler carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from qsvm.samplers.chip.budget import AnnealSettings
from qsvm.samplers.chip.embedding import UNEMBEDDINGS

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem

Schedule = Sequence[Sequence[float]]
"""Points (µs, s)."""

DEFAULT_READS = 400
"""Reads of each problem. At one bit four times as many problems fit beside each other as at two, so
that 400 reads cost no more than 100 did at two bits."""

AUTO = "auto"

ONE_BIT, SEVERAL_BITS = 2.0, 2.8
"""Prefactors of uniform torque compensation by bits per coefficient. Measured on a rehearsed
Advantage with a small penalty: at one bit 1.4 breaks 36 to 42 % of the chains of 40 samples and
leaves a gap of 65 %, 1.8 to 2.4 break 9 to 1 % and leave 22 to 27 %, 3 leaves 43 %; at two bits
1.4, 2 and 2.8 leave 67, 53 and 46 %. Size (40 to 80) made no difference."""

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
    chain_strength : float, "auto" or "sweep"
        Prefactor of uniform torque compensation; "auto" is :data:`ONE_BIT` or :data:`SEVERAL_BITS`,
        "sweep" tries some on the largest problem, in one extra submission of few reads, and keeps
        the one under which the decoded problem has the lowest energy.
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

    num_reads: int = DEFAULT_READS
    chain_strength: float | str = AUTO
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
        if strength not in (AUTO, "sweep") and not (
            isinstance(strength, int | float) and strength > 0
        ):
            raise UsageError(
                f"chain_strength is {strength!r}.",
                "Use a positive prefactor (1.414 is Ocean's), 'auto' or 'sweep'.",
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

    def prefactor(self, problem: DualProblem) -> float:
        """Return the prefactor of a problem's chain strength, where no sweep chooses it."""
        if isinstance(self.chain_strength, str):
            return ONE_BIT if problem.n_bits == 1 else SEVERAL_BITS
        return float(self.chain_strength)

    def asked(self) -> dict[str, Any]:
        """Return the settings that decide what is asked, for a store to keep."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name not in READING}


def _points(schedule: Schedule | None) -> tuple[tuple[float, float], ...] | None:
    if schedule is None:
        return None
    return tuple((float(t), float(s)) for t, s in schedule)
