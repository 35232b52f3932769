"""The sampler ``exact``: every bit string of a small problem, a proof by branch and bound else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import SolverError
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import usable_cores
from qsvm.samplers.base import ALL_CONSTRAINTS, SampleBatch, batch_from_rows
from qsvm.samplers.dense.annealer import DenseAnnealer
from qsvm.samplers.dense.rounding import rounded_optimum
from qsvm.samplers.local.bits import MAX_EXHAUSTIVE, lowest_points, require_positive
from qsvm.samplers.proof.search import Proof, prove

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

log = logging.getLogger(__name__)

ACROSS = 2
"""Problems per thread from which on each thread takes whole problems instead of boxes of one."""

MAX_COEFFICIENTS = 2000
"""Coefficients beyond which the relaxation of the whole lattice alone takes a minute."""

STARTS = 6400
"""Coefficients times reads of the annealer that finds the first point; 4 to 32 reads. It found the
proven optimum itself in most of the duals tried, and the tree is hardly larger where it did not."""


class ExactOptimum:
    """The lowest point of the lattice, with a proof that there is none below it.

    Up to 22 binary variables every bit string is tried, which takes seconds at most and gives the
    ``n_lowest`` lowest samples. Larger problems are solved by branch and bound on the coefficients
    (:mod:`qsvm.samplers.proof.search`): one sample, and in ``info`` the ``lower_bound`` below which
    no lattice point lies, whether the sample is ``proven`` to be the optimum and the ``nodes`` that
    it took. The result is the same for every seed and any number of threads unless time runs out.

    Ctrl-C ends the search of all problems, which keep the best points found with their bounds; a
    second one interrupts the run.

    Parameters
    ----------
    time_limit : float
        Seconds of branch and bound per problem, after which the best point is returned with the
        bound reached.
    n_lowest : int
        How many of the lowest samples of an enumeration to keep.
    """

    summary = "the optimum of the lattice, proven: by branch and bound, or every bit string"
    limits = f"up to about 150 coefficients in seconds; a bound up to {MAX_COEFFICIENTS}"
    handles = ALL_CONSTRAINTS

    def __init__(self, *, time_limit: float = 60.0, n_lowest: int = 100) -> None:
        require_positive(time_limit=time_limit, n_lowest=n_lowest)
        self.time_limit = time_limit
        self.n_lowest = n_lowest

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Solve every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        workers = usable_cores() if n_jobs is None or n_jobs < 0 else max(1, n_jobs)
        across = len(problems) >= ACROSS * workers
        stop = Brake()
        with (
            ThreadPoolExecutor(workers if across else 1) as problem_threads,
            ThreadPoolExecutor(workers) as box_threads,
        ):
            threads = None if across else box_threads
            jobs = [
                problem_threads.submit(self._one, problem, threads, stop)
                for problem, _ in zip(problems, seeds, strict=True)  # no chance is taken
            ]
            try:
                _await(jobs, stop, progress)
            except BaseException:
                stop.pull()
                for job in jobs:
                    job.cancel()
                raise
        batches = [job.result() for job in jobs]
        _tell_unproven(batches)
        return batches

    def _one(self, problem: DualProblem, threads: Executor | None, stop: Brake) -> SampleBatch:
        """Solve one problem, its boxes on threads if there are some."""
        if problem.n_variables <= MAX_EXHAUSTIVE:
            return self._enumerated(problem, stop)
        if problem.n_coefficients > MAX_COEFFICIENTS:
            raise SolverError(
                f"{problem.n_coefficients} coefficients are too many for a proof; the limit is "
                f"{MAX_COEFFICIENTS}.",
                "Use --sampler round for the reference near the exact optimum, or --sampler dense.",
            )
        started = time.perf_counter()
        known = first_points(problem, 1 if threads is None else None)
        left = max(self.time_limit - (time.perf_counter() - started), 1e-3)
        proof = prove(problem, known, time_limit=left, executor=threads, stop=stop.flag())
        seconds = time.perf_counter() - started
        return batch_from_rows(problem, proof.x[None], solve_s=seconds, info=told(proof))

    def _enumerated(self, problem: DualProblem, stop: Brake) -> SampleBatch:
        """Try every bit string; a bound takes the place of the proof where that was stopped."""
        started = time.perf_counter()
        flag = stop.flag()
        rows = lowest_points(problem, self.n_lowest, lambda: bool(flag[0]))
        info = told(prove(problem, rows, stop=flag)) if flag[0] else {}
        seconds = time.perf_counter() - started
        batch = batch_from_rows(problem, rows, solve_s=seconds, info=info)
        if not info:
            lowest = float(batch.energies[0])
            info |= {"lower_bound": lowest, "proven": True, "nodes": 1 << problem.n_variables}
        return batch


class Brake:
    """Stops all searches of a call, those that have not begun included."""

    def __init__(self) -> None:
        self.pulled = False
        self._flags: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def flag(self) -> NDArray[np.uint8]:
        """Return a flag that a search looks at, shape (1,)."""
        with self._lock:
            self._flags.append(np.full(1, self.pulled, dtype=np.uint8))
            return self._flags[-1]

    def pull(self) -> None:
        """Stop every search."""
        with self._lock:
            self.pulled = True
            for flag in self._flags:
                flag[0] = 1


def first_points(problem: DualProblem, n_jobs: int | None) -> NDArray[np.float64]:
    """Return good points of the lattice to begin with, shape (n_rows, n), always the same."""
    rounded = rounded_optimum(problem)
    reads = int(np.clip(STARTS // problem.n_coefficients, 4, 32))
    annealed = DenseAnnealer(num_reads=reads).sample([problem], [0], n_jobs=n_jobs)[0]
    return np.vstack([annealed.x[:1], rounded])


def told(proof: Proof) -> dict[str, Any]:
    """Return what a batch tells of a proof."""
    return {"lower_bound": proof.lower_bound, "proven": proof.proven, "nodes": proof.nodes}


def _await(jobs: Sequence[Future[SampleBatch]], stop: Brake, progress: Progress) -> None:
    """Wait for all searches; the first Ctrl-C stops them, a second one is raised."""
    waiting = set(jobs)
    while waiting:
        try:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        except KeyboardInterrupt:
            if stop.pulled:
                raise
            stop.pull()
            log.warning(
                "Interrupted: exact keeps the best points found, with their bounds; "
                "Ctrl-C again ends the run."
            )
            continue
        for job in done:
            job.result()
        progress(len(jobs) - len(waiting), len(jobs))


def _tell_unproven(batches: Sequence[SampleBatch]) -> None:
    """Say how many optima are not proven, and how far the bounds are away."""
    gaps = [
        (batch.energies[0] - batch.info["lower_bound"])
        / max(abs(batch.info["lower_bound"]), 1e-300)
        for batch in batches
        if not batch.info["proven"]
    ]
    if gaps:
        log.warning(
            "exact: %d of %d problems are not proven to be optimal; their bounds are up to %.3g %% "
            "below. A longer --time-limit proves more.",
            len(gaps),
            len(batches),
            100.0 * max(gaps),
        )
