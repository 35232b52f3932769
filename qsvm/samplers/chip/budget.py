"""QPU seconds, or a solver's: estimated before anything is sent, counted while it is spent."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from bridges.errors import BudgetError, SolverError, UsageError

if TYPE_CHECKING:
    from qsvm.samplers.chip.chips import Chip

RUN_LIMIT_US = 1_000_000.0
"""Longest that one problem may occupy the QPU, where the solver does not say otherwise."""


@dataclasses.dataclass(frozen=True)
class AnnealSettings:
    """What is asked of the QPU for every read.

    Attributes
    ----------
    annealing_time : float or None
        Microseconds of one anneal; None leaves the solver's default.
    anneal_schedule : tuple of (float, float) or None
        Points (µs, s); excludes ``annealing_time``. One that starts at s = 1 anneals in reverse.
    programming_thermalization, readout_thermalization : float or None
        Microseconds.
    reduce_intersample_correlation : bool
        Pause between reads.
    """

    annealing_time: float | None = None
    anneal_schedule: tuple[tuple[float, float], ...] | None = None
    programming_thermalization: float | None = None
    readout_thermalization: float | None = None
    reduce_intersample_correlation: bool = False

    def __post_init__(self) -> None:
        if self.annealing_time is not None and self.anneal_schedule is not None:
            raise UsageError(
                "annealing_time and anneal_schedule exclude each other.", "Give one of them."
            )

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a submission; unset ones are left to the solver."""
        values = dataclasses.asdict(self)
        if self.anneal_schedule is not None:
            values["anneal_schedule"] = [list(point) for point in self.anneal_schedule]
        return {key: value for key, value in values.items() if value not in (None, False)}

    @property
    def reverse(self) -> bool:
        """Whether the schedule starts from a classical state."""
        return self.anneal_schedule is not None and self.anneal_schedule[0][1] == 1


@functools.lru_cache(maxsize=4)
def _timing_model(chip: Chip) -> Any:
    """Return D-Wave's own solver object for its timing model, without a connection."""
    from dwave.cloud.solver import StructuredSolver

    properties = chip.properties | {"supported_problem_types": ["ising", "qubo"]}
    data = {"identity": {"name": chip.name}, "properties": properties}
    return StructuredSolver(client=None, data=data)


def access_time_us(chip: Chip, n_qubits: int, n_reads: int, settings: AnnealSettings) -> float:
    """Estimate the QPU access time of one submission in microseconds.

    Parameters
    ----------
    chip : Chip
        With ``problem_timing_data`` among its properties.
    n_qubits : int
        Qubits in use after embedding, all problems of the submission together.
    n_reads : int
        Reads.
    settings : AnnealSettings
        Annealing times.

    Raises
    ------
    SolverError
        If the solver states no timing data.
    """
    asked: dict[str, Any] = settings.parameters()
    if settings.reverse:
        asked["initial_state"] = [(0, 1)]
        asked["reinitialize_state"] = True
    try:
        model = _timing_model(chip)
        return float(
            model.estimate_qpu_access_time(num_qubits=n_qubits, num_reads=n_reads, **asked)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SolverError(
            f"'{chip.name}' does not say how long its QPU takes: {error}",
            "Save the solver's properties anew with python -m qsvm.plan --save-solver FILE.",
        ) from error


def split_reads(chip: Chip, n_qubits: int, n_reads: int, settings: AnnealSettings) -> list[int]:
    """Split reads so that no submission exceeds the solver's limits of time and reads.

    Returns
    -------
    list of int
        Reads of each submission, as equal as possible; their sum is ``n_reads``.

    Raises
    ------
    SolverError
        If not even one read fits.
    """
    limit_us = float(chip.properties.get("problem_run_duration_range", (0, RUN_LIMIT_US))[1])
    limit_us = min(limit_us, RUN_LIMIT_US)
    one = access_time_us(chip, n_qubits, 1, settings)
    two = access_time_us(chip, n_qubits, 2, settings)
    if one > limit_us:
        raise SolverError(
            f"A single read would take {one / 1e6:.3f} s of QPU time, above the limit of "
            f"{limit_us / 1e6:.3f} s for one problem.",
            "Shorten the anneal (annealing_time or anneal_schedule).",
        )
    per_call = int((limit_us - one) // (two - one)) + 1 if two > one else n_reads
    per_call = max(1, min(per_call, int(chip.properties.get("num_reads_range", (1, 10_000))[1])))
    n_calls = -(-n_reads // per_call)
    return [n_reads // n_calls + (i < n_reads % n_calls) for i in range(n_calls)]


QPU_TIME = ("QPU time", "--max-qpu-seconds", "use fewer reads (num_reads) or members")
SOLVER_TIME = ("solver time", "--max-hybrid-seconds", "use a shorter time_limit or fewer members")
"""What is spent, the option that limits it, and what spends less."""


class Budget:
    """Seconds that may be spent, and what was.

    Parameters
    ----------
    max_seconds : float or None
        None for no limit.
    spent_us : float
        Microseconds spent before, for example by the run that is resumed.
    words : tuple of str
        :data:`QPU_TIME` or :data:`SOLVER_TIME`.
    """

    def __init__(
        self,
        max_seconds: float | None = None,
        spent_us: float = 0.0,
        words: tuple[str, str, str] = QPU_TIME,
    ) -> None:
        self.max_seconds = max_seconds
        self.spent_us = spent_us
        self.promised_us = 0.0
        self.words = words

    def check(self, estimate_us: float, what: str) -> None:
        """Refuse work whose estimate does not fit.

        Raises
        ------
        BudgetError
            With what was spent, what is under way and what would be needed.
        """
        if self.max_seconds is None:
            return
        before = self.spent_us + self.promised_us
        if before + estimate_us > self.max_seconds * 1e6:
            time, option, less = self.words
            raise BudgetError(
                f"{what} needs an estimated {estimate_us / 1e6:.3f} s of {time}; "
                f"{before / 1e6:.3f} s are spent or under way and {option} is "
                f"{self.max_seconds:g}.",
                f"Allow {option} {(before + estimate_us) / 1e6 * 1.05:.3f}, or {less}.",
            )

    def promise(self, estimate_us: float) -> None:
        """Count a submission as under way."""
        self.promised_us += estimate_us

    def settle(self, estimate_us: float, actual_us: float) -> None:
        """Replace a promise by what was really spent (0 for a submission that failed)."""
        self.promised_us -= estimate_us
        self.spent_us += actual_us
