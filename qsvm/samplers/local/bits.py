"""Other samplers that run on this machine, all walking the bits of the QUBO."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import SolverError, UsageError
from qsvm.samplers.base import (
    ALL_CONSTRAINTS,
    SampleBatch,
    ThreadedSampler,
    batch_from_rows,
    sample_bits,
)
from qsvm.samplers.local.annealing import beta_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

MAX_EXHAUSTIVE = 22
"""Variables beyond which enumeration takes minutes and then gigabytes."""


def require_positive(**options: float) -> None:
    """Refuse options that are not positive.

    Raises
    ------
    UsageError
        Naming the first one.
    """
    for key, value in options.items():
        if not value > 0:
            raise UsageError(f"{key} is {value}.", f"Use a positive {key}.")


class Tabu(ThreadedSampler):
    """Tabu search of the bits; deterministic, bounded by updates instead of seconds.

    Parameters
    ----------
    num_reads : int
        Searches per problem.
    tenure : int, optional
        Length of the tabu list; by default a quarter of the variables, at most 20.
    num_restarts : int
        Restarts of each search.
    max_updates : int
        Bit flips considered per search and restart.
    """

    summary = "tabu search of the bits (dwave.samplers)"
    limits = "up to about 1 000 variables; holds the whole QUBO matrix"
    asks_again = True
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        num_reads: int = 20,
        tenure: int | None = None,
        num_restarts: int = 0,
        max_updates: int = 50_000,
    ) -> None:
        require_positive(num_reads=num_reads, max_updates=max_updates)
        self.num_reads = num_reads
        self.tenure = tenure
        self.num_restarts = num_restarts
        self.max_updates = max_updates

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        from dwave.samplers import TabuSampler

        return sample_bits(
            problem,
            TabuSampler(),
            num_reads=self.num_reads,
            tenure=self.tenure,
            num_restarts=self.num_restarts,
            seed=seed % 2**32,
            timeout=None,  # seconds would make the result depend on the machine's load
            coefficient_z_first=1,
            coefficient_z_restart=1,
            lower_bound_z=self.max_updates,
        )


class SteepestDescent(ThreadedSampler):
    """Steepest descent of the bits from random starts: what no search at all reaches.

    Parameters
    ----------
    num_reads : int
        Descents per problem.
    """

    summary = "steepest descent of the bits from random starts (dwave.samplers)"
    limits = "up to about 2 000 variables; holds the whole QUBO matrix"
    asks_again = True
    handles = ALL_CONSTRAINTS

    def __init__(self, *, num_reads: int = 100) -> None:
        require_positive(num_reads=num_reads)
        self.num_reads = num_reads

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        from dwave.samplers import SteepestDescentSampler

        return sample_bits(
            problem, SteepestDescentSampler(), num_reads=self.num_reads, seed=seed % 2**32
        )


class PathIntegral(ThreadedSampler):
    """Simulated quantum annealing: path-integral Monte Carlo in a falling transverse field.

    Parameters
    ----------
    num_reads : int
        Walks per problem.
    num_sweeps : int
        Sweeps of each.
    transverse_field : float
        First transverse field times inverse temperature; it falls linearly to zero while the
        problem's weight rises linearly.
    beta : float, optional
        Last inverse temperature; by default the cold end of
        :func:`qsvm.samplers.local.annealing.beta_range`.
    """

    summary = "simulated quantum annealing by path integrals (dwave.samplers)"
    limits = "up to about 200 variables; a hundred times slower than neal"
    asks_again = True
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        num_reads: int = 10,
        num_sweeps: int = 200,
        transverse_field: float = 3.0,
        beta: float | None = None,
    ) -> None:
        require_positive(num_reads=num_reads, num_sweeps=num_sweeps)
        require_positive(transverse_field=transverse_field, beta=1.0 if beta is None else beta)
        self.num_reads = num_reads
        self.num_sweeps = num_sweeps
        self.transverse_field = transverse_field
        self.beta = beta

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        from dwave.samplers import PathIntegralAnnealingSampler

        last = self.beta or beta_range(problem)[1]
        rise = np.linspace(0.0, 1.0, self.num_sweeps)
        return sample_bits(
            problem,
            PathIntegralAnnealingSampler(),
            num_reads=self.num_reads,
            beta_schedule_type="custom",
            num_sweeps_per_beta=1,
            Hp_field=last * rise,
            Hd_field=self.transverse_field * (1.0 - rise),
            seed=seed % 2**31,
            interrupt_function=stop.is_set,
        )


class Exhaustive(ThreadedSampler):
    """Every bit string: the true optimum of a small QUBO.

    Parameters
    ----------
    n_lowest : int
        How many of the lowest samples to keep.
    """

    summary = "every bit string of a small problem: the true optimum of the QUBO"
    limits = f"at most {MAX_EXHAUSTIVE} variables"
    handles = ALL_CONSTRAINTS

    def __init__(self, *, n_lowest: int = 100) -> None:
        require_positive(n_lowest=n_lowest)
        self.n_lowest = n_lowest

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        n = problem.n_variables
        if n > MAX_EXHAUSTIVE:
            raise SolverError(
                f"{n} variables are too many to enumerate; the limit is {MAX_EXHAUSTIVE}.",
                "Use --sampler round for the reference near the exact optimum, or --sampler dense.",
            )
        started = time.perf_counter()
        best = lowest_points(problem, self.n_lowest, stop.is_set)
        return batch_from_rows(problem, best, solve_s=time.perf_counter() - started)


def lowest_points(
    problem: DualProblem, n_lowest: int, stopped: Callable[[], bool]
) -> NDArray[np.float64]:
    """Return the lowest of all points of a small lattice, shape (at most n_lowest, n), ascending.

    Parameters
    ----------
    problem : DualProblem
        Of at most :data:`MAX_EXHAUSTIVE` variables.
    n_lowest : int
        How many to keep.
    stopped : callable
        Asked now and then; the lowest so far are returned when it says so.
    """
    n = problem.n_variables
    best = np.empty((0, problem.n_coefficients))
    places = np.arange(n)
    for start in range(0, 1 << n, 1 << 14):
        strings = np.arange(start, min(start + (1 << 14), 1 << n))
        x = np.concatenate([best, problem.decode(strings[:, None] >> places & 1)])
        best = x[np.argsort(problem.energies(x), kind="stable")[:n_lowest]]
        if stopped():
            break
    return best
