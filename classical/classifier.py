"""The exact C-SVM as a scikit-learn estimator that trains on one process or on many MPI ranks."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, Options, StrOptions

from bridges.errors import DataError
from bridges.fit_report import Diagnostics, FitReport
from bridges.machine.agreement import require_same_parameters, require_same_rows
from bridges.machine.comm import Communicator, HeldCommunicator, resolve, threads_per_rank, together
from bridges.machine.memory import require_memory
from bridges.svm.base import KernelModel
from bridges.svm.fused import Precision
from bridges.svm.kernels import NAMES, Kernel, resolve_gamma
from bridges.svm.multiclass import binary_tasks
from bridges.svm.sparse import dense
from classical.solver.checkpoint import SolutionStore
from classical.solver.dual import BinarySolution, BinaryTask, Settings
from classical.solver.inner import make_inner
from classical.solver.kernel import make_source, training_bytes
from classical.solver.pairs import solve_all
from classical.solver.rows import DataMode, TrainingRows, canonical, replicate
from classical.solver.training import Training
from classical.solver.warm import Previous

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SCATTERED = (
    "If every rank holds rows of its own, say MPISVC(data='scattered'); if they are to have the "
    "same, load them on one rank and broadcast them."
)
"""What to do where ranks were given different rows."""


class MPISVC(KernelModel):
    """C-support vector classification, exact, one-vs-one, parallel over MPI ranks and threads.

    Solves the same dual as :class:`sklearn.svm.SVC`. Equal samples are merged into one of summed
    weight. The model is the same to the last bit on any number of ranks and threads, and its
    coefficients for any order of the training samples.

    Parameters
    ----------
    C : float
        Bound of the coefficients of a sample of weight one.
    kernel : {"rbf", "linear", "poly", "sigmoid", "precomputed"} or callable
        The kernel (:class:`bridges.svm.kernels.Kernel`).
    gamma : float, "scale" or "auto"
        γ of rbf, poly and sigmoid.
    degree : int
        Degree of poly.
    coef0 : float
        Constant of poly and sigmoid.
    tol : float
        Largest violation of the optimality conditions left.
    class_weight : dict, "balanced" or None
        Factors of C by class.
    max_iter : int
        Steps of the inner solver (``smo``: pair steps) per binary problem after which to stop with
        a warning; -1 for LIBSVM's limit, the larger of ten million and a hundred per sample.
    precision : {"auto", "single", "double"}
        Type of kernel values; ``auto`` is float32 for rbf, float64 for the others. Sums and
        coefficients are float64 always. float32 leaves an error of about 1e-7 C in decision values:
        choose ``double`` where C exceeds 1000 and they matter.
    break_ties : bool
        False: among classes of equally many votes the first wins (LIBSVM). True: the summed
        decision values decide, as ``decision_function`` shows them.
    warm_start : bool
        Start from the coefficients of the previous fit where samples are the same.
    data : {"replicated", "scattered", "root"}
        What the ranks pass to ``fit``: all of them everything, each its own rows (numbered in the
        order of the ranks), or rank 0 everything and the others None.
    inner : str
        What solves a kernel block: ``smo``, exact, or another registered name
        (``bridges.registry.names("bridges.subproblems")``;
        :class:`bridges.svm.inner.InnerSolver`).
    inner_params : dict, optional
        Parameters of the inner solver.
    checkpoint : path, optional
        Folder in which every binary problem is kept once solved, and the coefficients of a long one
        every two minutes; a fit started again on the same data and parameters goes on from there.
        All ranks must see it.
    comm : communicator, optional
        From mpi4py, or a :class:`bridges.machine.comm.HeldCommunicator`; None is COMM_WORLD
        under an MPI launcher, resolved when ``fit`` is called, else this process alone.
    n_jobs : int, optional
        Threads per rank at most; ranks times threads never exceed a node's cores.

    Attributes
    ----------
    classes_, support_, support_vectors_, dual_coef_, intercept_, fit_report_, diagnostics_
        As :class:`bridges.classifier.KernelClassifier` describes them.
    n_iter_ : ndarray of shape (n_outputs,)
        Steps of the inner solver on every binary problem.
    n_support_ : ndarray of shape (n_classes,)
        Support vectors of every class.

    References
    ----------
    Fan, Chen, Lin, *JMLR* 6 (2005), pair choice; Joachims (1999), decomposition; Cavallaro,
    Riedel, Richerzhagen, Benediktsson, Plaza, *IEEE JSTARS* 8 (2015), MPI in remote sensing.

    Examples
    --------
    >>> from classical.classifier import MPISVC
    >>> MPISVC(C=10, gamma=0.5).fit([[0.0], [1.0], [4.0], [5.0]], [1, 1, 2, 2]).predict([[4.4]])
    array([2])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "C": [Interval(Real, 0, None, closed="neither")],
        "kernel": [
            StrOptions(set(NAMES)),
            callable,
        ],
        "gamma": [StrOptions({"scale", "auto"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "max_iter": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
        "precision": [StrOptions(set(get_args(Precision)))],
        "break_ties": ["boolean"],
        "warm_start": ["boolean"],
        "data": [StrOptions(set(get_args(DataMode)))],
        "inner": [str],
        "inner_params": [dict, None],
        "checkpoint": [str, PathLike, None],
        "comm": [object],
        "n_jobs": [Integral, None],
    }
    multiclass = "ovo"
    collective = True  # all ranks fit it together; see bridges.compare

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
        max_iter: int = -1,
        precision: Precision = "auto",
        break_ties: bool = False,
        warm_start: bool = False,
        data: DataMode = "replicated",
        inner: str = "smo",
        inner_params: dict[str, Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        comm: Communicator | HeldCommunicator | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.tol = tol
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.precision = precision
        self.break_ties = break_ties
        self.warm_start = warm_start
        self.data = data
        self.inner = inner
        self.inner_params = inner_params
        self.checkpoint = checkpoint
        self.comm = comm
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MPISVC:
        """Train.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n) for a precomputed kernel
            Samples of this rank; see ``data``.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), optional
            Factors of C by sample.

        Returns
        -------
        MPISVC
            This estimator, fitted, the same on every rank.

        Raises
        ------
        DataError
            If fewer than two classes have a positive weight, or the ranks were given different
            rows although ``data`` says that all have the same.
        UsageError
            If the ranks have different parameters.
        SolverError
            If the predicted memory exceeds what this rank may use.
        """
        self._fit(X, y, sample_weight, self._solved)
        return self

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        solve: Callable[[Training, Communicator, int], list[BinarySolution]],
    ) -> None:
        """Train with any solver of the duals."""
        started = time.perf_counter()
        X = dense(X)
        comm = resolve(self.comm)
        threads = threads_per_rank(comm, self.n_jobs)
        require_same_parameters(comm, type(self).__name__, self._compared())
        if self.data != "replicated" and comm.size > 1:
            X, y, sample_weight = self._gather(comm, X, y, sample_weight)
        else:
            require_same_rows(comm, (X, y, sample_weight), SCATTERED)
        checked = together(comm, lambda: self._training_set(X, y, sample_weight))
        require_memory(training_bytes(checked[0], self.kernel, threads), comm.size, "Training")
        training = self._training(*checked, threads)
        kernel_s = time.perf_counter() - started
        solutions = solve(training, comm, threads)
        self._store(training, solutions)
        self._report(training, solutions, kernel_s, started)

    def _solved(self, training: Training, comm: Communicator, threads: int) -> list[BinarySolution]:
        """Return the solutions of all duals, the same on every rank."""
        key = training.fingerprint() if self.checkpoint is not None else ""
        return solve_all(training, comm, threads, SolutionStore(self.checkpoint, key))

    def _compared(self) -> dict[str, Any]:
        """Return the parameters in which all ranks have to agree."""
        own = ("comm", "n_jobs", "checkpoint")
        return {key: v for key, v in self.get_params(deep=False).items() if key not in own}

    def _gather(self, comm: Communicator, *parts: Any) -> tuple[Any, ...]:
        """Return samples, labels and weights of all ranks."""
        given = parts[0] is not None and (self.data != "root" or comm.rank == 0)
        arrays = tuple(np.asarray(part) for part in parts if part is not None) if given else None
        whole = replicate(comm, self.data, arrays)
        if len(whole) < 2:
            raise DataError(
                "No rank passed any samples.", "Pass X and y on rank 0, or on every rank."
            )
        return (*whole, None)[:3]

    def _training(
        self,
        X: NDArray[np.float64],
        codes: NDArray[np.intp],
        weights: NDArray[np.float64],
        class_weights: NDArray[np.float64],
        threads: int,
    ) -> Training:
        """Return the duals of checked samples, and set ``gamma_``."""
        pairwise = self._is_pairwise()
        rows = canonical(X, codes, weights, merge=not pairwise)
        settings = self._settings(len(rows.codes))
        make_inner(settings.inner, settings.inner_params)  # a wrong name is told before the work
        self.gamma_ = 1.0 if pairwise else resolve_gamma(self.gamma, rows.X, rows.weights)
        kernel = Kernel(self.kernel, self.gamma_, self.degree, self.coef0)
        tasks = self._tasks(rows, class_weights)
        source = make_source(kernel, rows.X, self.precision, len(tasks), threads)
        return Training(len(X), rows, kernel, self.precision, source, tasks, settings)

    def _settings(self, n: int) -> Settings:
        """Return what the solver of ``n`` distinct samples needs to know."""
        limit = self.max_iter if self.max_iter > 0 else max(10_000_000, 100 * n)
        params = dict(self.inner_params or {})
        return Settings(self.tol, limit, inner=self.inner, inner_params=params)

    def _tasks(self, rows: TrainingRows, class_weights: NDArray[np.float64]) -> list[BinaryTask]:
        bound = self.C * class_weights[rows.codes] * rows.weights
        previous = getattr(self, "_previous", None) if self.warm_start else None
        tasks = []
        for p, (places, y) in enumerate(binary_tasks(rows.codes, len(self.classes_), "ovo")):
            start = np.zeros(len(y))
            if previous is not None:
                start = previous.start(p, rows.hashes[places], bound[places])
            tasks.append(BinaryTask(places, y, bound[places], start))
        return tasks

    def _store(self, training: Training, solutions: list[BinarySolution]) -> None:
        """Set the fitted attributes; support vectors in the order of the training samples."""
        rows, coef = training.rows, training.coefficients(solutions)
        used = np.flatnonzero((coef != 0).any(axis=0))
        used = used[np.argsort(rows.rows[used])]
        self.support_ = rows.rows[used]
        self.support_vectors_ = np.zeros((len(used), 0)) if self._is_pairwise() else rows.X[used]
        self.dual_coef_ = coef[:, used]
        self.intercept_ = np.array([solution.intercept for solution in solutions])
        self.n_support_ = np.bincount(rows.codes[used], minlength=len(self.classes_))
        self.n_iter_ = np.array([max(1, solution.effort.inner) for solution in solutions])
        if self.warm_start:
            self._previous = Previous.of(rows.hashes, training.tasks, solutions)

    def _warn(self, worst: float) -> None:
        """Warn where the tolerance was not reached."""
        if worst > self.tol:
            warnings.warn(
                f"Stopped after max_iter steps with a violation of {worst:.2g} > tol = "
                f"{self.tol:g}; raise max_iter, scale the features, or lower C.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _report(
        self,
        training: Training,
        solutions: list[BinarySolution],
        kernel_s: float,
        started: float,
    ) -> None:
        """Set report and diagnostics; warn where the tolerance was not reached."""
        worst = max(solution.effort.violation for solution in solutions)
        self._warn(worst)
        total = sum(len(task.y) for task in training.tasks)
        used = sum(np.count_nonzero(solution.beta) for solution in solutions)
        total_s = time.perf_counter() - started
        self.fit_report_ = FitReport(
            total_s=total_s,
            kernel_s=kernel_s,
            solve_s=total_s - kernel_s,
            n_samples=training.n_samples,
            n_support=len(self.support_),
            n_problems=len(solutions),
            n_iterations=int(sum(solution.effort.outer for solution in solutions)),
            sent_bytes=sum(solution.effort.sent_bytes for solution in solutions),
            objective=float(sum(solution.objective for solution in solutions)),
        )
        balance = [
            abs(s.beta.sum()) / max(np.abs(s.beta).sum(), np.finfo(float).tiny) for s in solutions
        ]
        self.diagnostics_ = Diagnostics(
            equality_violation_mean=float(np.mean(balance)),
            at_zero_fraction=1.0 - used / total,
            at_bound_fraction=sum(solution.at_bound for solution in solutions) / total,
            kkt_violation_max=float(worst),
        )
