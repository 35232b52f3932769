"""Many problems on one chip: what is submitted together, and what it will cost."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from bridges.errors import UsageError
from qsvm.samplers.chip.budget import AnnealSettings, access_time_us, split_reads
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.cliques import Chains, CliqueFinder, lay_out, longest_chain
from qsvm.samplers.chip.embedding import Embedded, reversed_spins


@dataclasses.dataclass(frozen=True)
class Placement:
    """One problem's place in a submission.

    Attributes
    ----------
    problem : int
        Index of the problem in the list given to the sampler.
    chains : list of list of int
        Qubits of each variable.
    signs : list of int
        Spin reversal of each variable (±1); empty where nothing is reversed.
    """

    problem: int
    chains: Chains
    signs: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Submission:
    """What goes to the chip in one call.

    Attributes
    ----------
    placements : list of Placement
        The problems in it.
    n_reads : int
        Reads.
    gauge : int
        Number of the spin reversal (0 where there is none).
    estimate_us : float
        Estimated QPU access time in microseconds.
    """

    placements: list[Placement]
    n_reads: int
    gauge: int
    estimate_us: float

    @property
    def n_qubits(self) -> int:
        """Qubits in use."""
        return sum(len(chain) for place in self.placements for chain in place.chains)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All submissions of one list of problems.

    Attributes
    ----------
    solver, graph_id : str
        The chip.
    submissions : list of Submission
        In the order of sending.
    """

    solver: str
    graph_id: str
    submissions: list[Submission]

    @property
    def estimate_us(self) -> float:
        """Estimated QPU access time of all submissions in microseconds."""
        return sum(submission.estimate_us for submission in self.submissions)

    @property
    def longest_chain(self) -> int:
        """Qubits of the longest chain."""
        return max(longest_chain(p.chains) for s in self.submissions for p in s.placements)

    def summary(self) -> dict[str, Any]:
        """Return the figures of the plan as plain numbers."""
        members = [len(s.placements) for s in self.submissions]
        return {
            "solver": self.solver,
            "qubits": max(s.n_qubits for s in self.submissions),
            "longest_chain": self.longest_chain,
            "members_per_submission": max(members),
            "submissions": len(self.submissions),
            "reads": [s.n_reads for s in self.submissions],
            "estimated_qpu_s": self.estimate_us / 1e6,
        }


def make_plan(
    chip: Chip,
    finder: CliqueFinder,
    sizes: Sequence[int],
    n_reads: int,
    settings: AnnealSettings,
    *,
    n_gauges: int = 1,
    together: int | None = None,
) -> Plan:
    """Decide what is submitted together.

    Parameters
    ----------
    chip : Chip
        The working graph.
    finder : CliqueFinder
        Of that chip.
    sizes : sequence of int
        Variables of each problem.
    n_reads : int
        Reads of each problem.
    settings : AnnealSettings
        Annealing times.
    n_gauges : int
        Spin reversals among which the reads are shared out.
    together : int, optional
        At most so many problems in one submission; as many as fit by default.

    Raises
    ------
    EmbeddingError
        If a problem does not fit the chip.
    """
    if not sizes:
        return Plan(chip.name, chip.graph_id, [])
    if n_reads < n_gauges:
        raise UsageError(
            f"{n_reads} reads cannot be shared out among {n_gauges} spin reversals.",
            "Use more num_reads or fewer spin_reversals.",
        )
    submissions = []
    for filling in _fillings(finder, sizes, together):
        placements = [Placement(i, chains[: sizes[i]]) for i, chains in filling]
        qubits = sum(len(c) for p in placements for c in p.chains)
        for number in range(n_gauges):
            share = n_reads // n_gauges + (number < n_reads % n_gauges)
            for reads in split_reads(chip, qubits, share, settings):
                cost = access_time_us(chip, qubits, reads, settings)
                submissions.append(Submission(placements, reads, number, cost))
    return Plan(chip.name, chip.graph_id, submissions)


def _fillings(
    finder: CliqueFinder, sizes: Sequence[int], together: int | None
) -> list[list[tuple[int, Chains]]]:
    if together is None:
        return lay_out(finder, sizes)
    if together == 1:
        return [[(i, lay_out(finder, [size])[0][0][1])] for i, size in enumerate(sizes)]
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    fillings = []
    for start in range(0, len(order), together):
        group = order[start : start + together]
        for filling in lay_out(finder, [sizes[i] for i in group]):
            fillings.append([(group[i], chains) for i, chains in filling])
    return fillings


@dataclasses.dataclass(frozen=True)
class Request:
    """A submission with all its numbers: exactly what an annealer is asked.

    Attributes
    ----------
    fields : dict of int to float
        h of each qubit.
    couplings : dict of (int, int) to float
        J of each coupler.
    parameters : dict
        Solver parameters, ``num_reads`` among them.
    submission : Submission
        Who sits where.
    """

    fields: dict[int, float]
    couplings: dict[tuple[int, int], float]
    parameters: dict[str, Any]
    submission: Submission

    def digest(self, solver: str) -> str:
        """Return a hash of everything that the answer depends on."""
        content = [
            solver,
            sorted(self.fields.items()),
            sorted(self.couplings.items()),
            sorted(self.parameters.items()),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def make_request(
    submission: Submission,
    embedded: Sequence[Embedded],
    parameters: dict[str, Any],
) -> Request:
    """Merge the problems of a submission, which share no qubit, into one request.

    Parameters
    ----------
    submission : Submission
        Who sits where.
    embedded : sequence of Embedded
        One per placement, in its order.
    parameters : dict
        Solver parameters without ``num_reads``.
    """
    fields: dict[int, float] = {}
    couplings: dict[tuple[int, int], float] = {}
    for place, one in zip(submission.placements, embedded, strict=True):
        if place.signs:
            one = reversed_spins(one, place.signs)
        fields |= one.fields
        couplings |= one.couplings
    given = parameters | {"num_reads": submission.n_reads}
    return Request(fields, couplings, given, submission)
