"""The one door to every sampler: a list of dual problems in, a list of sample batches out."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from bridges.fit_report import add_seconds
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import usable_cores
from qsvm.problem.dual_problem import EQUALITY, GROUPS
from qsvm.samplers.foreign import foreign_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

__all__ = [
    "AsksAgain",
    "DualSampler",
    "Live",
    "NullControl",
    "PlansSubmissions",
    "PricesProblems",
    "Progress",
    "SampleBatch",
    "StoresRuns",
    "SuitsHull",
    "WholeNumbers",
    "batch_from_rows",
    "distinct_rows",
    "is_analog",
    "is_null_control",
    "may_ask_again",
    "n_unknowns",
    "no_progress",
    "options_for_hull",
    "sample_each",
    "told_seconds",
]


ALL_CONSTRAINTS = frozenset({EQUALITY, GROUPS})
"""What a sampler handles that minimises the energy of the problem, penalties included."""

Job = TypeVar("Job")
Done = TypeVar("Done")


@dataclasses.dataclass(frozen=True)
class SampleBatch:
    """Samples of one problem, sorted by energy.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_coefficients), float64
        Coefficients decoded from the bits; rows are distinct.
    energies : ndarray of shape (n_samples,)
        Energy of each row on the full problem, the constant included.
    occurrences : ndarray of shape (n_samples,), int64
        How often each row was drawn.
    solve_s : float
        Seconds that the sampler spent on this problem.
    qpu_s : float
        This problem's share of QPU access time, in seconds.
    queue_s : float
        Seconds that this problem waited in the queue.
    chain_break_fraction : float or None
        Mean share of broken chains; None where nothing was embedded.
    couplers_dropped : int
        Couplers of the problem that were not submitted.
    rounds : int
        Refinement rounds behind these samples.
    info : dict
        Whatever else the sampler tells, as plain JSON values.
    """

    x: NDArray[np.float64]
    energies: NDArray[np.float64]
    occurrences: NDArray[np.int64]
    solve_s: float = 0.0
    qpu_s: float = 0.0
    queue_s: float = 0.0
    chain_break_fraction: float | None = None
    couplers_dropped: int = 0
    rounds: int = 0
    info: dict[str, Any] = dataclasses.field(default_factory=dict)


def batch_from_rows(
    problem: DualProblem,
    x: NDArray[np.float64],
    occurrences: NDArray[np.int64] | None = None,
    **fields: Any,
) -> SampleBatch:
    """Make a batch of raw rows: merge equal ones, compute energies, sort by energy.

    Parameters
    ----------
    problem : DualProblem
        The problem that the rows belong to.
    x : ndarray of shape (n_rows, n_coefficients)
        Coefficients, one sample a row, in any order.
    occurrences : ndarray of shape (n_rows,), optional
        How often each row was drawn; one each by default.
    **fields
        Further fields of :class:`SampleBatch`.
    """
    counts = np.ones(len(x), dtype=np.int64) if occurrences is None else occurrences
    first, inverse = distinct_rows(x)
    rows = x[first]
    merged = np.bincount(inverse, weights=counts, minlength=len(rows)).astype(np.int64)
    energies = problem.energies(rows)
    order = np.argsort(energies, kind="stable")
    return SampleBatch(rows[order], energies[order], merged[order], **fields)


def distinct_rows(x: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first place of every distinct row, and which of them every row is.

    Rows are compared as bytes: numpy's ``unique`` along an axis makes a field of every column,
    which takes milliseconds for a thousand of them.
    """
    if not x.shape[1]:
        return np.zeros(min(len(x), 1), np.intp), np.zeros(len(x), np.intp)
    rows = np.ascontiguousarray(x + 0)  # -0.0 and 0.0 are one value
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse.ravel()


@runtime_checkable
class DualSampler(Protocol):
    """A sampler of SVM duals.

    Constructor arguments are the sampler's options, plain values, all keyword, none swallowed.
    The class attributes ``summary`` (one line) and ``limits`` (one line) feed ``--list-samplers``;
    ``handles`` names the kinds of constraints that are kept, be it only by the penalty in the
    Hessian: :data:`ALL_CONSTRAINTS` for every sampler that minimises the energy as it is.
    """

    summary: str
    limits: str
    handles: frozenset[str]

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem.

        Parameters
        ----------
        problems : sequence of DualProblem
            Any sizes, mixed.
        seeds : sequence of int
            One seed per problem: a batch depends on its own problem and seed only, never on the
            other problems, their order or the number of workers.
        n_jobs : int, optional
            Worker threads; None means all cores that this process may use.
        progress : callable
            Called with (done, total) as problems finish.

        Returns
        -------
        list of SampleBatch
            In the order of the problems.
        """
        ...


@runtime_checkable
class NullControl(Protocol):
    """Optimises nothing: all of its samples are kept, whatever their energies."""

    null_control: ClassVar[bool]


@runtime_checkable
class PlansSubmissions(Protocol):
    """Packs problems on a chip, and tells what it would submit before it does."""

    def chip(self) -> Any:
        """Return the working graph, a :class:`qsvm.samplers.chip.chips.Chip`."""
        ...

    def plan(self, sizes: Sequence[int]) -> Any:
        """Return the submissions of problems of so many variables, with a ``summary()``."""
        ...


@runtime_checkable
class PricesProblems(Protocol):
    """Charges by the problem, and tells how much before anything is sent."""

    def price(self, problems: Sequence[DualProblem]) -> dict[str, Any]:
        """Return ``solver``, ``submissions`` and ``solver_s``, the seconds that are charged."""
        ...


@runtime_checkable
class WholeNumbers(Protocol):
    """Takes a coefficient as one whole number, the level of its lattice, instead of as bits.

    A fine lattice costs it no variables: ``whole_number_bits`` is how many bits the lattice of a
    model has unless another number is given, which makes 2^bits levels in base 2.
    """

    whole_number_bits: ClassVar[int]


def n_unknowns(sampler: object, problem: DualProblem) -> int:
    """Return how many variables a problem has for a sampler: whole numbers, or bits."""
    whole = isinstance(sampler, WholeNumbers)
    return problem.n_coefficients if whole else problem.n_variables


@runtime_checkable
class SuitsHull(Protocol):
    """Gives a hull many distinct samples, every one of which counts (qsvm.formulations.hull).

    So ensembles take one bit and large members unless they are told otherwise, and of the sampler
    the options ``for_hull``.
    """

    for_hull: ClassVar[Mapping[str, Any]]


def options_for_hull(sampler: object) -> dict[str, Any]:
    """Return the options of a sampler's class that suit a hull."""
    return dict(sampler.for_hull) if isinstance(sampler, SuitsHull) else {}


@runtime_checkable
class StoresRuns(Protocol):
    """Keeps what it sends and what it is answered in the folder of a run, and goes on from there.

    The constructor takes ``store``, the folder, and ``resume``, whether to go on.
    """

    stores_runs: ClassVar[bool]

    @classmethod
    def check_account(cls, profile: str | None, region: str | None) -> None:
        """Raise a SolverError where credentials are missing; nobody is asked over the network."""
        ...


@runtime_checkable
class Analog(Protocol):
    """Samples on a chip: couplings have a limited range and an error."""

    analog: ClassVar[bool]


@runtime_checkable
class AsksAgain(Protocol):
    """Works on this machine, so that a dual may be sampled again without being asked."""

    asks_again: ClassVar[bool]


def may_ask_again(sampler: object) -> bool:
    """Return whether a dual may be sampled again because its first samples were too coarse."""
    return isinstance(sampler, AsksAgain) and sampler.asks_again


def is_analog(sampler: object) -> bool:
    """Return whether a sampler, or the class of one, works on a chip."""
    return isinstance(sampler, Analog) and sampler.analog


def is_null_control(sampler: object) -> bool:
    """Return whether a sampler optimises nothing."""
    return isinstance(sampler, NullControl) and sampler.null_control


def told_seconds(batches: Iterable[SampleBatch]) -> dict[str, float]:
    """Return the seconds of every kind that samplers tell of their own work, summed."""
    return add_seconds(batch.info.get("timing", {}) for batch in batches)


def sample_each(
    one: Callable[[Job, int, threading.Event], Done],
    problems: Sequence[Job],
    seeds: Sequence[int],
    *,
    n_jobs: int | None = None,
    progress: Progress = no_progress,
) -> list[Done]:
    """Sample problems one by one on a pool of threads, for samplers that release the GIL.

    Parameters
    ----------
    one : callable
        ``one(problem, seed, stop)`` returns the batch of one problem; it should give up early when
        the event ``stop`` is set, which happens on Ctrl-C and when another problem fails.
    problems, seeds, n_jobs, progress
        As in :meth:`DualSampler.sample`.
    """
    workers = usable_cores() if n_jobs is None or n_jobs < 0 else max(1, n_jobs)
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [pool.submit(one, p, s, stop) for p, s in zip(problems, seeds, strict=True)]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            progress(done, len(jobs))
        return [job.result() for job in jobs]
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


class Live:
    """Holds a live sampler so that estimators which carry it can be cloned.

    A connected sampler can be neither copied nor pickled; scikit-learn's ``clone`` takes this
    holder as it is.

    Parameters
    ----------
    sampler : DualSampler
        The sampler.
    """

    def __init__(self, sampler: DualSampler) -> None:
        self.sampler = sampler

    def __sklearn_clone__(self) -> Live:
        return self


class ThreadedSampler:
    """Samples problems side by side on threads; a subclass samples one."""

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`."""
        return sample_each(self._one, problems, seeds, n_jobs=n_jobs, progress=progress)

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        """Sample one problem; give up early when ``stop`` is set."""
        raise NotImplementedError


def sample_bits(
    problem: DualProblem, sampler: Any, /, *, info: dict[str, Any] | None = None, **options: Any
) -> SampleBatch:
    """Sample the QUBO of a problem with any dimod sampler.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    sampler : dimod.Sampler
        The sampler.
    info : dict, optional
        The batch's ``info``.
    **options
        The sampler's own parameters.

    Raises
    ------
    SolverError
        If the sampler fails, or returns something that is no answer to the problem.
    """
    started = time.perf_counter()
    bits, counts = foreign_bits(sampler, problem.to_bqm(), problem.n_variables, options)
    x = problem.decode(bits)
    solve_s = time.perf_counter() - started
    return batch_from_rows(problem, x, counts, solve_s=solve_s, info=info or {})
