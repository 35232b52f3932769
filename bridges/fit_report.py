"""The plain numbers that a fit reports: where the time went, and how good the duals are.

**To add a number**, add one field to :class:`FitReport` or :class:`Diagnostics` with its
:func:`told`, and set it where the fit knows it; for a dual solved by sampling that is
:func:`qsvm.fitting.diagnostics.assess`. Ensembles merge it, and the pages and tables that
``shown_in`` names show it, without another line::

    lattice_gap_mean: float | None = field(
        default=None, metadata=told("energy gap of the lattice's optimum", "mean", "lattice's gap")
    )
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, TypeVar

Merge = Literal["given", "sum", "max", "mean"]
"""How the numbers of many duals or members become one; ``given`` where the ensemble counts."""

Place = Literal["run", "times", "rows", "costs"]
"""Where a number is shown: in the report of a run (its facts, its table of seconds), as a column of
a comparison's ``rows.csv``, and in a comparison's table of costs (the median over folds)."""

EVERYWHERE: tuple[Place, ...] = ("run", "rows", "costs")
SECONDS: tuple[Place, ...] = ("times", "rows", "costs")

MERGES: Mapping[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "max": max,
    "mean": lambda values: math.fsum(values) / len(values),
}


def told(
    label: str, merge: Merge, head: str = "", shown_in: tuple[Place, ...] = EVERYWHERE
) -> dict[str, Any]:
    """Return the metadata of a number.

    Parameters
    ----------
    label : str
        What it is called in the report of a run.
    merge : {"given", "sum", "max", "mean"}
        How an ensemble merges those of its members, and a model those of its duals. Unknown
        numbers (None) are left out.
    head : str
        What it is called above a column, where ``label`` is too long.
    shown_in : tuple of {"run", "times", "rows", "costs"}
        Where it is shown.
    """
    return {"label": label, "merge": merge, "head": head or label, "shown_in": shown_in}


class _Record:
    """A frozen dataclass of plain numbers: one CSV row and one JSON object at once."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a flat dictionary of plain Python values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    def as_json(self) -> str:
        """Return the fields as one JSON object (NaN never occurs: unknown is null)."""
        return json.dumps(self.as_dict(), allow_nan=False)


Record = TypeVar("Record", bound=_Record)


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
        Variables of the largest problem (0 for a classical solver): the bits of a QUBO, or whole
        numbers where the sampler takes those.
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

    total_s: float = field(default=0.0, metadata=told("total [s]", "given", shown_in=("times",)))
    kernel_s: float = field(default=0.0, metadata=told("kernel [s]", "sum", shown_in=SECONDS))
    build_s: float = field(default=0.0, metadata=told("build [s]", "sum", shown_in=SECONDS))
    solve_s: float = field(default=0.0, metadata=told("solve [s]", "sum", shown_in=SECONDS))
    decode_s: float = field(default=0.0, metadata=told("decode [s]", "sum", shown_in=SECONDS))
    diagnose_s: float = field(default=0.0, metadata=told("diagnose [s]", "sum", shown_in=SECONDS))
    qpu_s: float = field(default=0.0, metadata=told("QPU [s]", "sum", shown_in=SECONDS))
    queue_s: float = field(default=0.0, metadata=told("queue [s]", "max", shown_in=SECONDS))
    n_samples: int = field(default=0, metadata=told("training samples", "given", shown_in=("run",)))
    n_support: int = field(
        default=0, metadata=told("distinct support vectors", "given", "support vectors")
    )
    n_variables: int = field(
        default=0, metadata=told("binary variables of the largest QUBO", "max", "QUBO variables")
    )
    n_problems: int = field(default=1, metadata=told("duals solved", "sum", shown_in=("run",)))
    n_members: int = field(default=1, metadata=told("members", "given", shown_in=("run", "rows")))
    n_iterations: int = field(
        default=0, metadata=told("iterations or rounds", "max", shown_in=("run",))
    )
    sent_bytes: int = field(default=0, metadata=told("bytes sent by MPI", "sum", shown_in=()))
    objective: float | None = field(
        default=None, metadata=told("sum of the dual objectives", "sum", "dual objective")
    )


@dataclasses.dataclass(frozen=True)
class Diagnostics(_Record):
    """How good the dual solutions behind a fitted model are.

    Energies are those of the full QUBO. Gaps are relative to the exact optimum E* of the dual that
    the QUBO encodes (its penalty included, its coefficients continuous in [0, C]):
    ``(E - E*) / |E*|``. Since E* is the best that any sample could reach, a gap is never negative.

    Attributes
    ----------
    energy_gap_mean, energy_gap_max : float or None
        Over problems, gap of the combined coefficients: the ones that the model uses.
    best_sample_gap_mean : float or None
        Over problems, gap of the best single sample on the problem's own lattice.
    averaged_gap_mean : float or None
        Over problems, gap of the plain average of the 20 lowest samples, told beside that of their
        hull.
    random_hull_gap_mean : float or None
        Over problems, gap of the hull of as many random lattice points as there were samples: what
        the combination alone is worth.
    by_penalty_fraction : float or None
        Share of problems whose hull keeps the constraints by a penalty, because the samples lie so
        far to one side of them that exactly would have cost too much.
    rounded_gap_mean : float or None
        Over problems, gap of the exact optimum rounded to the lattice: the reference that a sampler
        has to beat.
    looked_again_fraction : float or None
        Share of problems whose first samples were too coarse, so that they were sampled again on
        intervals around what had been found.
    lattice_gap_mean : float or None
        Over problems with a proven optimum on the lattice, gap of that optimum: the least that any
        single sample can have.
    sampler_gap_mean : float or None
        Over the same problems, ``(E - E_lattice) / |E_lattice|`` of the best sample: what the
        sampler missed.
    proven_fraction : float or None
        Share of problems with a proven optimum on the lattice, within the seconds that a model may
        take for it; None where the samples are on no such lattice.
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

    energy_gap_mean: float | None = field(
        default=None,
        metadata=told("energy gap of the combined α to the exact dual, mean", "mean", "energy gap"),
    )
    energy_gap_max: float | None = field(
        default=None, metadata=told("the same, largest", "max", shown_in=("run", "rows"))
    )
    best_sample_gap_mean: float | None = field(
        default=None,
        metadata=told("energy gap of the best single sample, mean", "mean", "best sample's gap"),
    )
    averaged_gap_mean: float | None = field(
        default=None,
        metadata=told(
            "energy gap of the plain average of the 20 lowest samples, mean",
            "mean",
            "average's gap",
        ),
    )
    random_hull_gap_mean: float | None = field(
        default=None,
        metadata=told(
            "energy gap of as many random lattice points, combined in the same way, mean",
            "mean",
            "random hull's gap",
        ),
    )
    by_penalty_fraction: float | None = field(
        default=None,
        metadata=told(
            "duals whose hull keeps Σ α y = 0 by a penalty only", "mean", shown_in=("run",)
        ),
    )
    rounded_gap_mean: float | None = field(
        default=None,
        metadata=told(
            "the same of the exact optimum rounded to the lattice: the reference",
            "mean",
            "rounded optimum's gap",
        ),
    )
    looked_again_fraction: float | None = field(
        default=None,
        metadata=told("duals sampled again on intervals that fit", "mean", "looked at again"),
    )
    lattice_gap_mean: float | None = field(
        default=None,
        metadata=told(
            "energy gap of the lattice's proven optimum: the lattice's share, mean",
            "mean",
            "lattice's gap",
        ),
    )
    sampler_gap_mean: float | None = field(
        default=None,
        metadata=told(
            "energy gap of the best sample to that optimum: the sampler's share, mean",
            "mean",
            "sampler's gap",
        ),
    )
    proven_fraction: float | None = field(
        default=None,
        metadata=told("duals whose optimum on the lattice is proven", "mean", "proven duals"),
    )
    above_zero_fraction: float | None = field(
        default=None,
        metadata=told("kept samples worse than all-zero α", "mean", "kept samples above zero"),
    )
    equality_violation_mean: float | None = field(
        default=None,
        metadata=told("violation of Σ α y = 0, relative", "mean", shown_in=("run", "rows")),
    )
    at_zero_fraction: float | None = field(
        default=None, metadata=told("coefficients at 0", "mean", shown_in=("run",))
    )
    at_bound_fraction: float | None = field(
        default=None, metadata=told("coefficients at their upper bound", "mean", shown_in=("run",))
    )
    chain_break_fraction: float | None = field(default=None, metadata=told("broken chains", "mean"))
    couplers_dropped: int = field(
        default=0, metadata=told("couplers dropped", "sum", shown_in=("run",))
    )
    kkt_violation_max: float | None = field(
        default=None,
        metadata=told(
            "largest violation of the optimality conditions", "max", shown_in=("run", "rows")
        ),
    )


def shown(kind: type[_Record], place: Place) -> dict[str, str]:
    """Return the names of the numbers that a place shows, in order, and what each is called there.

    Parameters
    ----------
    kind : type
        :class:`FitReport` or :class:`Diagnostics`.
    place : {"run", "times", "rows", "costs"}
        Where; the facts of a run show labels, the tables heads.
    """
    text = "label" if place == "run" else "head"
    return {
        entry.name: entry.metadata[text]
        for entry in dataclasses.fields(kind)  # type: ignore[arg-type]
        if place in entry.metadata["shown_in"]
    }


def merged(kind: type[Record], parts: Sequence[Record], **given: Any) -> Record:
    """Return one record for many, every number merged as its field says.

    Parameters
    ----------
    kind : type
        :class:`FitReport` or :class:`Diagnostics`.
    parts : sequence of records
        Those of the members of an ensemble, or of the duals of a model; a number that all of them
        leave unknown keeps its default.
    **given
        Numbers that the caller knows itself; those whose ``merge`` is ``given`` have to be here.

    Raises
    ------
    TypeError
        If one of those is missing.
    """
    values = dict(given)
    for entry in dataclasses.fields(kind):  # type: ignore[arg-type]
        if entry.name in given:
            continue
        rule = entry.metadata["merge"]
        if rule == "given":
            raise TypeError(f"{entry.name} of the whole does not follow from its parts: give it.")
        known = [v for part in parts if (v := getattr(part, entry.name)) is not None]
        if known:
            values[entry.name] = MERGES[rule](known)
    return kind(**values)


def add_seconds(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of seconds by kind."""
    total: dict[str, float] = {}
    for part in parts:
        for kind, seconds in part.items():
            total[kind] = total.get(kind, 0.0) + seconds
    return total
