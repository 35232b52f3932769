"""Annealing made for SVM duals: coefficients walk on their lattice, alone and in pairs."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import usable_cores
from qsvm.problem.lattice import Lattice, lattice
from qsvm.samplers.base import (
    ALL_CONSTRAINTS,
    SampleBatch,
    batch_from_rows,
    distinct_rows,
    sample_each,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

HOT = 30.0
"""First inverse temperature in units of one over the typical curvature times squared width; from 3
to 100 the gaps are the same."""

COLD = 160.0
"""Last inverse temperature in units of one over that curvature times the squared lattice step; from
40 to 640 the gaps are the same."""

ACROSS = 2
"""Problems per thread from which on each thread takes whole problems instead of replicas."""

BLOCK = 2000
"""Coefficients times replicas that are walked between two looks at whether to give up."""

WARM = (16.0, 64.0)
"""Range of temperatures, in units of the last one, at which repeated reads are drawn again."""

WARM_SWEEPS = 100
"""Sweeps of such a read: at these temperatures a walk forgets its start within a few."""

GOLDEN = 0.6180339887498949
"""Multiples of it, modulo one, cover the unit interval evenly however many are taken."""

TINY = 1e-30
"""Entries of H below this share of the largest are walked as zero: their products with a step can
be subnormal, which slows arithmetic a hundredfold."""

DESCENT_EFFORT = 100_000_000
"""Pairs that the final descent of a replica may look at, in passes over all of them."""


@dataclasses.dataclass(frozen=True, eq=False)
class WalkData:
    """A problem in the form that the compiled walks take.

    Attributes
    ----------
    walked : ndarray of shape (n, n), float32
        The hessian in single precision and free of subnormal numbers, for annealing.
    hessian : ndarray of shape (n, n)
        The hessian itself, for the descent.
    linear : ndarray of shape (n,), float64
        f.
    table : ndarray of shape (n, 8), float64
        Columns of :mod:`qsvm.samplers.dense.walks`, the state not yet set.
    lattice : Lattice
        Values of the coefficients.
    """

    walked: NDArray[np.float32]
    hessian: NDArray[Any]
    linear: NDArray[np.float64]
    table: NDArray[np.float64]
    lattice: Lattice

    def decode(self, levels: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the coefficients of rows of levels."""
        return self.table[:, 2] + self.table[:, 3] * self.lattice.values[levels]


def walk_data(problem: DualProblem) -> WalkData:
    """Prepare a problem for the compiled walks; a clean float32 hessian is not copied."""
    from qsvm.samplers.dense import walks as kernels

    hessian = np.ascontiguousarray(problem.hessian)
    diagonal = np.diag(hessian).astype(np.float64)
    peak = max(float(hessian.max(initial=0)), -float(hessian.min(initial=0)))
    walked = hessian.astype(np.float32, copy=False)
    if kernels.has_between(walked, np.float32(0), np.float32(TINY * peak)):
        walked = np.where(np.abs(walked) < TINY * peak, np.float32(0), walked)
    table = np.zeros((len(diagonal), 8))
    table[:, kernels.DIAGONAL] = diagonal
    table[:, kernels.LOWER], table[:, kernels.SPAN] = problem.lower, problem.span
    curved = diagonal > kernels.FLAT * np.abs(diagonal).max(initial=0)
    table[curved, kernels.ROOT] = diagonal[curved] ** -0.5
    wide = problem.span > 0
    table[wide, kernels.PER_SPAN] = 1.0 / problem.span[wide]
    if problem.equality is not None and problem.groups is None:  # pair moves keep one constraint
        table[:, kernels.EQUALITY] = problem.equality
    linear = np.ascontiguousarray(problem.linear, dtype=np.float64)
    return WalkData(walked, hessian, linear, table, lattice(problem))


def beta_range(data: WalkData) -> tuple[float, float]:
    """Return the first and last inverse temperature of a problem.

    Where coefficients have a curvature, the hot end lets them roam their intervals and the cold
    end holds them within about a tenth of a lattice step. Where they have none, as in a general
    QUBO, the ends come from the fields that a bit sees and from a typical coupling.
    """
    from qsvm.samplers.dense import walks as kernels

    lower, span = data.table[:, kernels.LOWER], data.table[:, kernels.SPAN]
    scale = _typical_curvature(data)
    if scale > 0:
        return HOT / scale, COLD / (scale * float(np.diff(data.lattice.values).min()) ** 2)
    scaled = np.abs(data.hessian * span) * span[:, None]
    shift = np.abs(data.linear + data.hessian @ lower) * span
    field = float(np.sqrt((scaled**2).sum(axis=1) + shift**2).max(initial=0))
    typical = scaled[scaled > 0] if np.any(scaled > 0) else shift[shift > 0]
    if field == 0:
        return 1.0, 1.0
    return 0.3 / field, 20.0 / min(float(np.median(typical)), field)


def descent_passes(n: int) -> int:
    """Return the passes of the final descent; below 1 500 coefficients it ends by itself."""
    return int(np.clip(DESCENT_EFFORT // max(n * n, 1), 1, 50))


def default_reads(n: int, *, diversity: bool) -> int:
    """Return the number of reads for n coefficients: 20, diverse ones 100 up to 1 000."""
    return int(np.clip(100_000 // max(n, 1), 20, 100)) if diversity else 20


def default_sweeps(n: int) -> int:
    """Return the number of sweeps for n coefficients: 1 000, fewer above 1 000 coefficients."""
    return int(np.clip(1_000_000 // max(n, 1), 100, 1000))


def _typical_curvature(data: WalkData) -> float:
    """Return the median curvature times squared width along the moves of a walk, 0 if all are flat.

    Along pairs where there is an equality: its penalty makes single moves steep and is not what
    the temperature has to resolve.
    """
    from qsvm.samplers.dense import walks as kernels

    curved = np.flatnonzero((data.table[:, kernels.ROOT] > 0) & (data.table[:, kernels.SPAN] > 0))
    if not len(curved):
        return 0.0
    diagonal, span, equality = data.table[curved][
        :, [kernels.DIAGONAL, kernels.SPAN, kernels.EQUALITY]
    ].T
    single = float(np.median(diagonal * span**2))
    if not np.all(equality != 0) or len(curved) < 2:
        return single
    # every coefficient with the one half the list away: a sample of all pairs that takes each
    # twice and, with samples in canonical order, mixes the classes
    other = np.roll(np.arange(len(curved)), len(curved) // 2)
    ratio = equality / equality[other]
    coupling = data.hessian[curved, curved[other]]
    pair = diagonal + ratio * (ratio * diagonal[other] - 2.0 * coupling)
    paired = float(np.median(0.5 * pair * span**2))
    return paired if paired > kernels.FLAT * single else single


class DenseAnnealer:
    """Simulated annealing of the coefficients on their lattice instead of their bits.

    The walk keeps the N fields Hx + f, never the (NK)² matrix of the QUBO. Coefficients are drawn
    around the minimum of the energy along them (heat bath) and snapped to the lattice; half of the
    moves change two at once so that Σ y x is kept, the move of SMO, which the penalty makes hard
    to find bit by bit. Every replica ends with a descent to a local optimum of single and pair
    moves. Replicas run on threads without the GIL; results do not depend on how many.

    Parameters
    ----------
    num_reads : int, optional
        Replicas per problem; 20 by default, and where they are diverse more of them the smaller
        the problem (:func:`default_reads`).
    num_sweeps : int, optional
        Sweeps of each, one move per coefficient; by default fewer the larger the problem
        (:func:`default_sweeps`).
    beta_range : tuple of float, optional
        First and last inverse temperature; by default computed (:func:`beta_range`).
    descent : bool
        Whether to end with the descent.
    diversity : bool
        A read that ends where an earlier one did, as most do, is drawn again at a constant
        temperature between 16 and 64 times the last one: no read is wasted on a repeat, and the
        best stays what it was. For combinations that take every sample as a column
        (:mod:`qsvm.formulations.hull`); averages of the lowest are better off without.
    """

    summary = "annealing of the coefficients on their lattice, alone and in pairs (numba)"
    limits = "10 000 samples and more; memory for the kernel matrix only"
    for_hull: ClassVar[Mapping[str, Any]] = {"diversity": True}
    asks_again = True
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        num_reads: int | None = None,
        num_sweeps: int | None = None,
        beta_range: tuple[float, float] | None = None,
        descent: bool = True,
        diversity: bool = False,
    ) -> None:
        for key, value in (("num_reads", num_reads), ("num_sweeps", num_sweeps)):
            if value is not None and value < 1:
                raise UsageError(f"{key} is {value}.", f"Use {key} of at least 1.")
        if beta_range is not None and not 0 < beta_range[0] <= beta_range[1] < np.inf:
            raise UsageError(f"beta_range is {beta_range}.", "Use 0 < first <= last.")
        self.num_reads = num_reads
        self.num_sweeps = num_sweeps
        self.beta_range = beta_range
        self.descent = descent
        self.diversity = diversity

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        workers = usable_cores() if n_jobs is None or n_jobs < 0 else max(1, n_jobs)
        if len(problems) >= ACROSS * workers:
            return sample_each(self._alone, problems, seeds, n_jobs=n_jobs, progress=progress)
        batches = []
        stop = np.zeros(1, dtype=np.uint8)
        pool = ThreadPoolExecutor(workers)
        try:
            for problem, seed in zip(problems, seeds, strict=True):
                batches.append(self._together(problem, seed, pool, stop))
                progress(len(batches), len(problems))
        finally:
            stop[0] = 1
            pool.shutdown(wait=True, cancel_futures=True)
        return batches

    def _together(
        self, problem: DualProblem, seed: int, pool: ThreadPoolExecutor, stop: NDArray[np.uint8]
    ) -> SampleBatch:
        """Sample one problem with its replicas spread over the threads."""
        started = time.perf_counter()
        data, betas, streams = self._prepare(problem, seed)
        jobs = [pool.submit(self._walk, data, betas, stream[None], stop) for stream in streams]
        levels = np.concatenate([job.result() for job in jobs])
        return self._batch(problem, data, betas, streams, levels, stop, started)

    def _alone(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        """Sample one problem on the calling thread."""
        started = time.perf_counter()
        data, betas, streams = self._prepare(problem, seed)
        never = np.zeros(1, dtype=np.uint8)
        block = max(1, BLOCK // problem.n_coefficients)
        levels = np.zeros((len(streams), problem.n_coefficients), dtype=np.int32)
        for start in range(0, len(streams), block):
            if stop.is_set():
                break  # what called is about to raise; nobody sees these levels
            some = slice(start, start + block)
            levels[some] = self._walk(data, betas, streams[some], never)
        return self._batch(problem, data, betas, streams, levels, never, started)

    def _prepare(
        self, problem: DualProblem, seed: int
    ) -> tuple[WalkData, NDArray[np.float64], NDArray[np.uint64]]:
        """Return the data of a walk, its inverse temperatures and a random stream per replica."""
        data = walk_data(problem)
        first, last = self.beta_range or beta_range(data)
        sweeps = self.num_sweeps or default_sweeps(problem.n_coefficients)
        betas = np.geomspace(first, last, sweeps)
        reads = self.num_reads or default_reads(problem.n_coefficients, diversity=self.diversity)
        streams = np.random.SeedSequence(seed).generate_state(reads, np.uint64)
        return data, betas, streams.astype(np.uint64, copy=False)

    def _walk(
        self,
        data: WalkData,
        betas: NDArray[np.float64],
        streams: NDArray[np.uint64],
        stop: NDArray[np.uint8],
    ) -> NDArray[np.int32]:
        """Return the final levels of one replica per stream, shape (n_replicas, n)."""
        from qsvm.samplers.dense.descent import descend_lattice
        from qsvm.samplers.dense.walks import anneal

        levels = np.empty((len(streams), len(data.hessian)), dtype=np.int32)
        common = (data.linear, data.table, data.lattice.values, data.lattice.uniform)
        anneal(data.walked, *common, betas, np.ones(len(streams)), streams, levels, stop)
        if self.descent:
            descend_lattice(data.hessian, *common, descent_passes(len(data.linear)), levels, stop)
        return levels

    def _batch(
        self,
        problem: DualProblem,
        data: WalkData,
        betas: NDArray[np.float64],
        streams: NDArray[np.uint64],
        levels: NDArray[np.int32],
        stop: NDArray[np.uint8],
        started: float,
    ) -> SampleBatch:
        info = {"num_sweeps": len(betas), "beta_range": [float(betas[0]), float(betas[-1])]}
        if self.diversity:
            repeats = np.setdiff1d(np.arange(len(levels)), distinct_rows(levels)[0])
            levels[repeats] = warm_levels(data, betas[-1], streams[repeats], stop)
            info["warm_reads"] = len(repeats)
        solve_s = time.perf_counter() - started
        return batch_from_rows(problem, data.decode(levels), solve_s=solve_s, info=info)


def warm_levels(
    data: WalkData, coldest: float, streams: NDArray[np.uint64], stop: NDArray[np.uint8]
) -> NDArray[np.int32]:
    """Return levels at constant temperatures spread over :data:`WARM`, shape (n_replicas, n).

    Parameters
    ----------
    data : WalkData
        The problem.
    coldest : float
        Inverse temperature in whose units the temperatures are.
    streams : ndarray of shape (n_replicas,), uint64
        Random streams, one per replica.
    stop : ndarray of shape (1,), uint8
        Set by another thread to give up.
    """
    from qsvm.samplers.dense.walks import anneal

    levels = np.zeros((len(streams), len(data.linear)), dtype=np.int32)
    common = (data.linear, data.table, data.lattice.values, data.lattice.uniform)
    betas = np.full(WARM_SWEEPS, coldest)
    scales = 1.0 / np.geomspace(*WARM, max(len(streams), 1))
    anneal(data.walked, *common, betas, scales, ~streams, levels, stop)
    return levels
