"""The plain numbers that a fit reports: where the time went, and how good the duals are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


class _Record:
    """A frozen dataclass of plain numbers: one CSV row and one JSON object at once."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a flat dictionary of plain Python values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    def as_json(self) -> str:
        """Return the fields as one JSON object (NaN never occurs: unknown is null)."""
        return json.dumps(self.as_dict(), allow_nan=False)


@dataclasses.dataclass(frozen=True)
class FitReport(_Record):
    """Where the time of one ``fit`` went and how large the problem was.

    Attributes
    ----------
    total_s : float
        Wall-clock seconds of the whole ``fit``.
    kernel_s, build_s, solve_s, decode_s : float
        Seconds in kernel matrices, in building QUBOs, in the sampler or solver, and in turning
        samples into a model.
    diagnose_s : float
        Seconds in holding the result against the exact optimum.
    qpu_s, queue_s : float
        Seconds of QPU access time and of waiting in the cloud's queue (0 without a QPU).
    n_samples : int
        Training samples seen.
    n_support : int
        Distinct support vectors of the model.
    n_variables : int
        Binary variables of the largest QUBO (0 for a classical solver).
    n_problems : int
        Duals (or QUBOs) solved.
    n_members : int
        Members of an ensemble (1 for a single classifier).
    n_iterations : int
        Outer iterations of a classical solver, refinement rounds of an annealed one.
    sent_bytes : int
        Bytes of arrays that the first rank of every group handed to MPI (0 on one rank).
    objective : float or None
        Sum of the dual objectives (minimised form), None where it does not apply.
    """

    total_s: float = 0.0
    kernel_s: float = 0.0
    build_s: float = 0.0
    solve_s: float = 0.0
    decode_s: float = 0.0
    diagnose_s: float = 0.0
    qpu_s: float = 0.0
    queue_s: float = 0.0
    n_samples: int = 0
    n_support: int = 0
    n_variables: int = 0
    n_problems: int = 1
    n_members: int = 1
    n_iterations: int = 0
    sent_bytes: int = 0
    objective: float | None = None


@dataclasses.dataclass(frozen=True)
class Diagnostics(_Record):
    """How good the dual solutions behind a fitted model are.

    Energies are those of the full QUBO. Gaps are relative to the exact optimum E* of the dual that
    the QUBO encodes (its penalty included, its coefficients continuous in [0, C]):
    ``(E - E*) / |E*|``. Since E* is the best that any sample could reach, a gap is never negative.

    Attributes
    ----------
    energy_gap_mean, energy_gap_max : float or None
        Over problems, gap of the averaged coefficients: the ones that the model uses.
    best_sample_gap_mean : float or None
        Over problems, gap of the best single sample.
    rounded_gap_mean : float or None
        Over problems, gap of the exact optimum rounded to the lattice: the reference that a sampler
        has to beat.
    above_zero_fraction : float or None
        Share of kept samples with an energy above that of all-zero coefficients.
    equality_violation_mean : float or None
        Mean over problems of ``|sum(alpha * y)| / sum(alpha)``.
    at_zero_fraction, at_bound_fraction : float or None
        Share of coefficients at 0 and at their upper bound.
    chain_break_fraction : float or None
        Mean share of broken chains (None where nothing was embedded).
    couplers_dropped : int
        Couplers left out of the submitted problems; nothing here ever drops one silently.
    kkt_violation_max : float or None
        Largest violation of the optimality conditions, for classical solvers.
    """

    energy_gap_mean: float | None = None
    energy_gap_max: float | None = None
    best_sample_gap_mean: float | None = None
    rounded_gap_mean: float | None = None
    above_zero_fraction: float | None = None
    equality_violation_mean: float | None = None
    at_zero_fraction: float | None = None
    at_bound_fraction: float | None = None
    chain_break_fraction: float | None = None
    couplers_dropped: int = 0
    kkt_violation_max: float | None = None


def add_seconds(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of seconds by kind."""
    total: dict[str, float] = {}
    for part in parts:
        for kind, seconds in part.items():
            total[kind] = total.get(kind, 0.0) + seconds
    return total
