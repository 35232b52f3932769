"""An SVM on all training samples, trained by an annealer that holds a few dozen of them at a time.

:mod:`bridges.svm.simplicial` says how, and why the objective never rises.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import fields
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval

from bridges import registry
from bridges.errors import UsageError
from bridges.machine.comm import Communicator, HeldCommunicator, on_root
from bridges.machine.progress import Progress, no_progress
from bridges.svm.columns import ColumnGenerator
from bridges.svm.fused import Precision
from bridges.svm.multiclass import class_pairs
from classical.classifier import MPISVC
from classical.hybrid.account import account, notes
from classical.hybrid.checkpoint import StateFile
from classical.hybrid.descent import Descent
from classical.hybrid.settings import HybridSettings
from classical.hybrid.start import started
from classical.hybrid.telling import TellsOfDescent
from classical.solver.binary import conclude
from classical.solver.checkpoint import SolutionStore, fingerprint
from classical.solver.dual import BinarySolution, Effort, Settings
from classical.solver.inner import make_inner
from classical.solver.pairs import solve_all
from classical.solver.rows import DataMode

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from classical.solver.training import Training

COUNT = Interval(Integral, 1, None, closed="left")
WHOLE = Interval(Integral, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")


class HybridSVC(TellsOfDescent, MPISVC):
    """C-support vector classification of all samples by simplicial decomposition.

    Per step the worst violators of every dual are cut into blocks of strongly coupled samples, a
    sampler draws low points of all blocks of all duals in one list, and a small exact master
    problem mixes these columns. The objective never rises, whatever the sampler returns; with a
    good one it ends at the exact SVM. The model is the same to the last bit on any number of ranks
    and threads for a local sampler.

    Parameters
    ----------
    C, kernel, gamma, degree, coef0, class_weight, precision, break_ties, warm_start, data, comm
    n_jobs
        As in :class:`classical.classifier.MPISVC`.
    tol : float
        Largest violation of the optimality conditions that reference and polish leave.
    sampler : str or object
        Registered name of a sampler, or a sampler: ``neal``, ``dense``, ``qpu``, ``mock-qpu``, …;
        ``random-lattice`` is the control.
    sampler_params : dict, optional
        The sampler's own options.
    num_reads : int, optional
        Samples of a block; 50 by default where the sampler has reads.
    n_bits : int
        Bits of a change.
    inner : str
        Registered name of what proposes columns (:class:`bridges.svm.columns.ColumnGenerator`).
    inner_params : dict, optional
        Its further parameters.
    block, blocks : int
        Samples of a block, and blocks of a dual in a step.
    shuffles : int
        Times that a step's working set is cut into blocks, each time otherwise.
    pieces : int
        Pieces of each class in a column, with weights of their own. More of them let the master
        problem do more of the work, which a noisy chip needs: see docs/hybrid.md.
    keep : int
        Steps whose used columns are weighed again.
    steps : int
        Steps at most.
    stop : float
        A dual is finished once its last five steps together lowered it by less than this share, or
        its certified gap is smaller.
    start : str, optional
        Registered name of a kernel classifier whose coefficients the descent begins with, such as
        ``qubo-ensemble``; ``start_params`` are its parameters.
    start_params : dict, optional
        See ``start``.
    polish : bool
        Let the exact solver finish the model; the report tells what that brought.
    reference : bool
        Hold the result against the exact optimum. Without, gaps are certified bounds, which are far
        too large.
    max_qpu_seconds : float, optional
        End before more QPU time is spent, with the best so far.
    checkpoint : path, optional
        Folder in which the state is kept at every step, and what a sampler in the cloud was sent
        and answered; the same fit started again goes on from there and sends nothing twice.
    random_state : int, RandomState instance or None
        Seed of widths and samplers.

    Attributes
    ----------
    classes_, support_, support_vectors_, dual_coef_, intercept_, fit_report_, diagnostics_
        As :class:`bridges.classifier.KernelClassifier` describes them.
    n_iter_ : ndarray of shape (n_outputs,)
        Steps of every dual.
    hybrid_ : dict
        Gaps, steps, submissions, QPU seconds, attribution, in all and per pair
        (:func:`classical.hybrid.account.account`).
    notes_ : list of str
        What there is to say about it.

    References
    ----------
    von Hohenbalken, *Math. Programming* 13 (1977), simplicial decomposition; Joachims (1999),
    working sets; Willsch, Willsch, De Raedt, Michielsen, *Comput. Phys. Commun.* 248 (2020), SVMs
    on annealers.

    Examples
    --------
    >>> from classical.hybrid.classifier import HybridSVC
    >>> model = HybridSVC(C=10, gamma=0.5, random_state=0)
    >>> model.fit([[0.0], [1.0], [4.0], [5.0]], [1, 1, 2, 2]).predict([[4.4]])
    array([2])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **{
            key: MPISVC._parameter_constraints[key]
            for key in (
                "C", "kernel", "gamma", "degree", "coef0", "tol", "class_weight", "precision",
                "break_ties", "warm_start", "data", "inner", "inner_params", "checkpoint", "comm",
                "n_jobs",
            )
        },
        "sampler": [str, HasMethods("sample"), HasMethods("__sklearn_clone__")],
        "sampler_params": [dict, None],
        "num_reads": [COUNT, None],
        "n_bits": [Interval(Integral, 1, 16, closed="both")],
        "block": [COUNT],
        "blocks": [COUNT],
        "shuffles": [COUNT],
        "pieces": [COUNT],
        "keep": [WHOLE],
        "steps": [COUNT],
        "stop": [POSITIVE],
        "start": [str, None],
        "start_params": [dict, None],
        "polish": ["boolean"],
        "reference": ["boolean"],
        "max_qpu_seconds": [POSITIVE, None],
        "random_state": ["random_state"],
    }  # fmt: skip
    tells_progress = True

    def __init__(
        self,
        C: float = 1.0,
        *,
        kernel: str | Callable[..., Any] = "rbf",
        gamma: float | str = "scale",
        degree: int = 3,
        coef0: float = 0.0,
        tol: float = 1e-3,
        class_weight: dict[Any, float] | str | None = None,
        precision: Precision = "auto",
        break_ties: bool = False,
        warm_start: bool = False,
        data: DataMode = "replicated",
        sampler: str | Any = "neal",
        sampler_params: dict[str, Any] | None = None,
        num_reads: int | None = None,
        n_bits: int = 1,
        inner: str = "annealer",
        inner_params: dict[str, Any] | None = None,
        block: int = 40,
        blocks: int = 10,
        shuffles: int = 1,
        pieces: int = 2,
        keep: int = 2,
        steps: int = 100,
        stop: float = 1e-4,
        start: str | None = None,
        start_params: dict[str, Any] | None = None,
        polish: bool = False,
        reference: bool = True,
        max_qpu_seconds: float | None = None,
        checkpoint: str | PathLike[str] | None = None,
        comm: Communicator | HeldCommunicator | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.tol = tol
        self.class_weight = class_weight
        self.precision = precision
        self.break_ties = break_ties
        self.warm_start = warm_start
        self.data = data
        self.inner = inner
        self.inner_params = inner_params
        self.checkpoint = checkpoint
        self.comm = comm
        self.n_jobs = n_jobs
        self.sampler = sampler
        self.sampler_params = sampler_params
        self.num_reads = num_reads
        self.n_bits = n_bits
        self.block = block
        self.blocks = blocks
        self.shuffles = shuffles
        self.pieces = pieces
        self.keep = keep
        self.steps = steps
        self.stop = stop
        self.start = start
        self.start_params = start_params
        self.polish = polish
        self.reference = reference
        self.max_qpu_seconds = max_qpu_seconds
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Progress = no_progress,
    ) -> HybridSVC:
        """Train.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`classical.classifier.MPISVC.fit`.
        progress : callable
            Called with (steps done, steps in all).

        Raises
        ------
        DataError, UsageError, SolverError
            As there; also if the sampler cannot be used.
        """
        self._fit(X, y, sample_weight, functools.partial(self._solved, progress=progress))
        self.fit_report_ = dataclasses.replace(
            self.fit_report_,
            qpu_s=self.hybrid_["qpu_s"],
            n_iterations=self.hybrid_["steps"],
            n_variables=self.block * self.n_bits,
        )
        exact = self.hybrid_["gap_is"] == "exact"
        mean, largest = (self.hybrid_[key] if exact else None for key in ("gap_mean", "gap_max"))
        self.diagnostics_ = dataclasses.replace(
            self.diagnostics_,
            energy_gap_mean=0.0 if self.polish else mean,
            energy_gap_max=0.0 if self.polish else largest,
            chain_break_fraction=self.hybrid_["chain_break_fraction"],
        )
        return self

    def _settings(self, n: int) -> Settings:
        """Return what the exact solver of reference and polish needs to know."""
        return Settings(self.tol, max(10_000_000, 100 * n))

    def _warn(self, worst: float) -> None:
        """Say nothing: how far from the optimum the model is stands in its notes."""

    def generator(self) -> ColumnGenerator:
        """Return what proposes the columns.

        Raises
        ------
        UsageError
            If a name or option is unknown, or what is registered proposes none.
        """
        params: dict[str, Any] = {
            "sampler": self.sampler,
            "sampler_params": self.sampler_params,
            "num_reads": self.num_reads,
            "n_bits": self.n_bits,
            "store": None if self.checkpoint is None else str(Path(self.checkpoint) / "calls"),
        }
        if not hasattr(registry.load(self.inner, registry.SUBPROBLEMS), "propose"):
            raise UsageError(
                f"The inner solver '{self.inner}' proposes no columns.",
                "Use inner='annealer', or an MPISVC with this inner solver.",
            )
        made: Any = make_inner(self.inner, {**params, **(self.inner_params or {})})
        return cast(ColumnGenerator, made)

    def _solved(
        self,
        training: Training,
        comm: Communicator,
        threads: int,
        progress: Progress = no_progress,
    ) -> list[BinarySolution]:
        """Descend; return the solutions of all duals, the same on every rank."""
        generator = self.generator()
        if self.start is not None:
            name = self.start
            begun = on_root(
                comm,
                lambda: started(training, self.classes_, self.C, name, self.start_params).tasks,
            )
            training = dataclasses.replace(training, tasks=begun)
        settings = self._hybrid_settings(comm)
        file = StateFile(self.checkpoint, self._key(training, settings))
        descent = Descent(training, generator, settings, comm, threads, file)
        descent.run(progress)
        solutions = self._concluded(training, descent)
        exact = self._exact(training, solutions, comm, threads)
        optima = None if exact is None else [solution.objective for solution in exact]
        pairs = class_pairs(len(self.classes_))
        self.hybrid_ = account(descent.ledger, optima, self.classes_, pairs, self.polish)
        shown = self.sampler if isinstance(self.sampler, str) else type(self.sampler).__name__
        self.notes_ = notes(self.hybrid_, f"The sampler {shown}", self.max_qpu_seconds)
        return exact if self.polish and exact is not None else solutions

    def _hybrid_settings(self, comm: Communicator) -> HybridSettings:
        def draw() -> int:
            return int(check_random_state(self.random_state).randint(2**31 - 1))

        own: dict[str, Any] = {
            field.name: getattr(self, field.name, None) for field in fields(HybridSettings)
        }
        definite = self.kernel in ("rbf", "linear")
        return HybridSettings(**{**own, "seed": on_root(comm, draw), "definite": definite})

    def _key(self, training: Training, settings: HybridSettings) -> str:
        """Return the fingerprint of everything that a stored state depends on."""
        if self.checkpoint is None:
            return ""
        sampler = self.sampler if isinstance(self.sampler, str) else type(self.sampler).__name__
        proposing = (
            self.inner, self.inner_params, sampler, self.sampler_params, self.num_reads,
            self.n_bits,
        )  # fmt: skip
        starts = [task.start for task in training.tasks]
        return fingerprint(starts, training.fingerprint(), settings.decisive(), proposing)

    def _concluded(self, training: Training, descent: Descent) -> list[BinarySolution]:
        """Return the solutions that the descent reached."""
        found = zip(training.tasks, descent.betas(), descent.gradients(), strict=True)
        return [
            conclude(task, beta, f, Effort(outer=dual.steps, inner=dual.steps))
            for (task, beta, f), dual in zip(found, descent.ledger.duals, strict=True)
        ]

    def _exact(
        self,
        training: Training,
        solutions: list[BinarySolution],
        comm: Communicator,
        threads: int,
    ) -> list[BinarySolution] | None:
        """Return the optima, found from where the descent ended; None where nobody wants them."""
        if not (self.reference or self.polish):
            return None
        tasks = [
            dataclasses.replace(task, start=solution.beta)
            for task, solution in zip(training.tasks, solutions, strict=True)
        ]
        there = dataclasses.replace(training, tasks=tasks)
        return solve_all(there, comm, threads, SolutionStore(None, ""))

    def null_controls(self) -> dict[str, Any]:
        """Return as many steps along random columns, and the exact SVM, unfitted."""
        reads = self.num_reads or (self.sampler_params or {}).get("num_reads")
        random = clone(self).set_params(
            sampler="random-lattice", sampler_params=None, num_reads=reads, checkpoint=None,
            max_qpu_seconds=None, polish=False,
            steps=self.hybrid_["steps"] if hasattr(self, "hybrid_") else self.steps,
        )  # fmt: skip
        shared = (
            "C", "kernel", "gamma", "degree", "coef0", "tol", "class_weight", "precision",
            "break_ties", "data", "comm", "n_jobs",
        )  # fmt: skip
        exact = registry.make("mpi-svc", **{name: getattr(self, name) for name in shared})
        return {"random_lattice": random, "exact_all": exact}
