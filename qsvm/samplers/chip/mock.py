"""An annealer without an account: real topologies, realistic defects, noise, a local sampler."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.machine.progress import Progress
from qsvm.samplers.base import ALL_CONSTRAINTS, sample_each
from qsvm.samplers.chip.budget import Budget
from qsvm.samplers.chip.chips import Chip, named_chip, require_extra
from qsvm.samplers.chip.embedding import NOISE
from qsvm.samplers.chip.packed import PackedSampler
from qsvm.samplers.chip.packing import Request
from qsvm.samplers.chip.reading import Answer
from qsvm.samplers.chip.settings import AUTO, DEFAULT_READS, ChipSettings, Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Part = tuple["NDArray[np.int64]", "NDArray[np.int8]", float]
"""Qubits, spins of shape (n_reads, n_qubits), seconds."""

HOT, COLD = 0.1, 10.0
"""Inverse temperatures in units of the largest coupling: the cold end is about the effective
temperature that Advantage chips were found to sample at."""


class MockQPU(PackedSampler):
    """Rehearses a QPU run: the same packing, embedding, chains and estimates, no account.

    The embedded problem is annealed classically on the qubits, with Gaussian errors on fields and
    couplings; chains break as they do on a chip, though not for the same physical reasons.

    Parameters
    ----------
    chip : str
        ``advantage``, ``advantage2``, ``advantage2-small``, ``pegasus:M``, ``zephyr:M`` or a saved
        solver file; see :func:`qsvm.samplers.chip.chips.named_chip`.
    chip_seed : int
        Decides which qubits and couplers are missing.
    num_sweeps : int
        Sweeps of the local sampler: the stand-in for the annealing time.
    noise : float
        Standard deviation of the errors, in units of the largest coupling.
    num_reads, chain_strength, annealing_time, anneal_schedule, reverse_schedule, spin_reversals
    unembedding, members_per_submission, max_qpu_seconds
        As in :class:`qsvm.samplers.chip.settings.ChipSettings`; times only enter the estimate.
    """

    summary = "QPU rehearsal: packing, chains and noise of a made-up chip, without an account"
    limits = "the chip's largest clique (Advantage about 170 variables); needs the extra 'leap'"
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        chip: str = "advantage",
        chip_seed: int = 0,
        num_sweeps: int = 200,
        noise: float = NOISE,
        num_reads: int = DEFAULT_READS,
        chain_strength: float | str = AUTO,
        annealing_time: float | None = None,
        anneal_schedule: Schedule | None = None,
        reverse_schedule: Schedule | None = None,
        spin_reversals: int = 0,
        unembedding: str = "majority",
        members_per_submission: int | None = None,
        max_qpu_seconds: float | None = None,
    ) -> None:
        super().__init__(
            ChipSettings(
                num_reads=num_reads,
                chain_strength=chain_strength,
                annealing_time=annealing_time,
                anneal_schedule=anneal_schedule,
                reverse_schedule=reverse_schedule,
                spin_reversals=spin_reversals,
                unembedding=unembedding,
                members_per_submission=members_per_submission,
                max_qpu_seconds=max_qpu_seconds,
            )
        )
        require_extra()
        self.chip_name = chip
        self.chip_seed = chip_seed
        self.num_sweeps = num_sweeps
        self.noise = noise
        self._budget = Budget(max_qpu_seconds)

    def chip(self) -> Chip:
        """Return the made-up chip."""
        return _remembered(self.chip_name, self.chip_seed)

    def _answer(
        self,
        requests: list[Request],
        seeds: Sequence[int],
        n_jobs: int | None,
        progress: Progress,
    ) -> list[Answer]:
        cost = sum(request.submission.estimate_us for request in requests)
        self._budget.check(cost, f"These {len(requests)} submissions")
        self._budget.settle(0.0, cost)
        jobs = [(n, i) for n, r in enumerate(requests) for i in range(len(r.submission.placements))]

        def one(job: tuple[int, int], seed: int, stop: threading.Event) -> _Part:
            return self._anneal(requests[job[0]], job[1], seed, stop)

        own = [seeds[requests[n].submission.placements[i].problem] for n, i in jobs]
        parts = sample_each(one, jobs, own, n_jobs=n_jobs, progress=progress)
        by_request: list[list[_Part]] = [[] for _ in requests]
        for (n, _), part in zip(jobs, parts, strict=True):
            by_request[n].append(part)
        return [_joined(group) for group in by_request]

    def _anneal(self, request: Request, index: int, seed: int, stop: threading.Event) -> _Part:
        """Sample the qubits of one problem of a request."""
        import dimod
        from dwave.samplers import SimulatedAnnealingSampler

        started = time.perf_counter()
        rng = np.random.default_rng([seed, request.submission.gauge])
        chains = request.submission.placements[index].chains
        qubits = np.array([q for chain in chains for q in chain])
        mine = set(qubits.tolist())
        fields = {q: request.fields[q] for q in sorted(mine)}
        couplings = {e: v for e, v in request.couplings.items() if e[0] in mine}
        h = np.array(list(fields.values())) + rng.normal(0, self.noise, len(fields))
        j = np.array(list(couplings.values())) + rng.normal(0, self.noise, len(couplings))
        model = dimod.BinaryQuadraticModel(
            dict(zip(fields, h, strict=True)), dict(zip(couplings, j, strict=True)), "SPIN"
        )
        start = request.parameters.get("initial_state")
        given = {} if start is None else {"initial_states": {q: start[q] for q in fields}}
        samples = SimulatedAnnealingSampler().sample(
            model,
            num_reads=request.submission.n_reads,
            num_sweeps=self.num_sweeps,
            beta_range=(HOT if start is None else 0.5 * COLD, COLD),
            beta_schedule_type="geometric",
            seed=int(rng.integers(2**31)),
            initial_states_generator="random" if start is None else "tile",
            interrupt_function=stop.is_set,
            **given,
        )
        column = {v: i for i, v in enumerate(samples.variables)}
        spins = samples.record.sample[:, [column[q] for q in qubits.tolist()]]
        return qubits, spins, time.perf_counter() - started


def _joined(parts: list[_Part]) -> Answer:
    """Put the problems of one request side by side."""
    spins = np.concatenate([spins for _, spins, _ in parts], axis=1)
    return Answer(
        np.concatenate([qubits for qubits, _, _ in parts]),
        spins,
        np.ones(len(spins), dtype=np.int64),
        {"local": sum(seconds for _, _, seconds in parts)},
    )


@functools.lru_cache(maxsize=4)
def _remembered(name: str, seed: int) -> Chip:
    return named_chip(name, seed)
