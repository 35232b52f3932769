"""From an annealer's answers to sample batches."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.fit_report import add_seconds
from qsvm.samplers.base import SampleBatch, batch_from_rows, told_seconds
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.cliques import longest_chain
from qsvm.samplers.chip.embedding import Embedded, descend, unembed
from qsvm.samplers.chip.packing import Placement, Request, Submission

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

UNUSED = 3
"""What SAPI calls the initial state of a qubit that takes no part."""

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What an annealer says to one request.

    Attributes
    ----------
    qubits : ndarray of shape (n_qubits,), int64
        Which qubits the columns stand for.
    spins : ndarray of shape (n_rows, n_qubits), int8
        ±1.
    occurrences : ndarray of shape (n_rows,), int64
        How often each row was read.
    timing : dict of str to float
        Seconds: ``qpu_access``, ``qpu_programming``, ``qpu_sampling``, ``post_processing``,
        ``queue``, ``network``, ``local``, where known.
    """

    qubits: NDArray[np.int64]
    spins: NDArray[np.int8]
    occurrences: NDArray[np.int64]
    timing: dict[str, float]

    def rows(self, chains: list[list[int]]) -> NDArray[np.int8]:
        """Return the spins of the given chains' qubits, chain after chain."""
        column = {int(q): i for i, q in enumerate(self.qubits)}
        return self.spins[:, [column[q] for chain in chains for q in chain]]


@dataclasses.dataclass(frozen=True)
class Piece:
    """One problem's part of one answered request."""

    request: Request
    answer: Answer
    place: Placement
    embedded: Embedded


def read_back(
    problem: DualProblem,
    pieces: Sequence[Piece],
    *,
    how: str,
    solve_s: float,
    info: dict[str, Any],
) -> SampleBatch:
    """Turn everything that was answered about one problem into a batch.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    pieces : sequence of Piece
        Its part of every answer: several where reads were split or spins reversed.
    how : str
        Unembedding, see :func:`qsvm.samplers.chip.embedding.unembed`.
    solve_s : float
        Wall-clock seconds of this problem's share.
    info : dict
        Goes into the batch, with chains, precision and timing added.
    """
    rows, counts, broken = [], [], []
    for piece in pieces:
        spins = piece.answer.rows(piece.place.chains)
        if piece.place.signs:
            lengths = [len(chain) for chain in piece.place.chains]
            spins = spins * np.repeat(np.array(piece.place.signs, dtype=np.int8), lengths)
        times = piece.answer.occurrences
        bits, kept, share = unembed(spins, times, piece.place.chains, problem, how)
        rows.append(problem.decode(bits[kept]))
        counts.append(times[kept])
        broken.append(share)
    reads = [piece.request.submission.n_reads for piece in pieces]
    timing = _timing(pieces)
    first = pieces[0].embedded
    return batch_from_rows(
        problem,
        np.concatenate(rows),
        np.concatenate(counts),
        solve_s=solve_s,
        qpu_s=timing.get("qpu_access", 0.0),
        queue_s=max(piece.answer.timing.get("queue", 0.0) for piece in pieces),
        chain_break_fraction=float(np.average(broken, weights=reads)),
        info=info
        | {
            "qubits": first.n_qubits,
            "longest_chain": longest_chain(first.chains),
            "chain_strength": first.chain_strength,
            "precision": first.precision,
            "submissions": len(pieces),
            "submissions_share": sum(1.0 / len(p.request.submission.placements) for p in pieces),
            "reads": reads,
            "estimated_qpu_s": _estimate(pieces),
            "timing": timing,
        },
    )


def _estimate(pieces: Sequence[Piece]) -> float:
    shares = [
        piece.request.submission.estimate_us / len(piece.request.submission.placements)
        for piece in pieces
    ]
    return sum(shares) / 1e6


def _timing(pieces: Sequence[Piece]) -> dict[str, float]:
    """Return this problem's share of every kind of time, in seconds."""
    return add_seconds(
        {
            kind: seconds / len(piece.request.submission.placements)
            for kind, seconds in piece.answer.timing.items()
        }
        for piece in pieces
    )


def merged(problem: DualProblem, first: SampleBatch, second: SampleBatch) -> SampleBatch:
    """Return one batch with the samples, times and chain breaks of two."""
    weights = [first.occurrences.sum(), second.occurrences.sum()]
    breaks = [first.chain_break_fraction or 0.0, second.chain_break_fraction or 0.0]
    return batch_from_rows(
        problem,
        np.concatenate([first.x, second.x]),
        np.concatenate([first.occurrences, second.occurrences]),
        solve_s=first.solve_s + second.solve_s,
        qpu_s=first.qpu_s + second.qpu_s,
        queue_s=first.queue_s + second.queue_s,
        chain_break_fraction=float(np.average(breaks, weights=weights)),
        info=first.info
        | {
            "timing": told_seconds([first, second]),
            "reverse": second.info,
            "forward_best": float(first.energies[0]),
        },
    )


def refined_bits(problem: DualProblem, batch: SampleBatch) -> NDArray[np.int8]:
    """Return the bits of a batch's best sample after greedy descent, shape (n_variables,)."""
    span = np.where(problem.span > 0, problem.span, 1.0)
    levels = (batch.x[0] - problem.lower) / span
    bits = np.zeros((problem.n_coefficients, problem.n_bits), dtype=np.int8)
    for k in np.argsort(problem.weights, kind="stable")[::-1]:
        taken = levels >= problem.weights[k] - 1e-9
        bits[:, k] = taken
        levels = levels - taken * problem.weights[k]
    return descend(problem, bits.reshape(1, -1))[0]


def initial_state(
    submission: Submission, states: list[NDArray[np.int8]], chip: Chip
) -> dict[str, Any]:
    """Return the parameters that start a reverse anneal from the given bits of every problem."""
    values = [UNUSED] * chip.size
    for place in submission.placements:
        spins = 2 * states[place.problem].astype(int) - 1
        signs = place.signs or [1] * len(place.chains)
        for chain, spin, sign in zip(place.chains, spins, signs, strict=True):
            for qubit in chain:
                values[qubit] = int(spin) * sign
    return {"initial_state": values, "reinitialize_state": True}


def warn_of_noise(batches: Sequence[SampleBatch]) -> None:
    """Say so when half the couplings of a problem are smaller than their analogue error."""
    worst = max(batches, key=lambda batch: batch.info["precision"]["below_noise"])
    precision = worst.info["precision"]
    if precision["below_noise"] > 0.5:
        log.warning(
            "Precision: %.0f %% of a problem's couplings are below the analogue error "
            "(median |J| %.3f, noise %.3f of the largest coupling). Use fewer bits, base 2, or "
            "refinement rounds instead of bits.",
            100 * precision["below_noise"],
            precision["median_coupling"],
            precision["noise"],
        )
