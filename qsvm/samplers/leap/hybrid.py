"""Leap's hybrid solvers: one problem per submission, no embedding, any size that Leap takes."""

from __future__ import annotations

import abc
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.errors import SolverError
from bridges.machine.progress import Progress, no_progress
from qsvm.problem.dual_problem import problem_digest
from qsvm.samplers.base import ALL_CONSTRAINTS, SampleBatch, batch_from_rows
from qsvm.samplers.leap.connection import configuration
from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.messages import seconds
from qsvm.samplers.leap.session import CloudRun, Entry, Session
from qsvm.samplers.leap.store import ANSWERED, Row

if TYPE_CHECKING:
    import dimod
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem


class Hybrid(abc.ABC):
    """What all hybrid samplers share.

    Parameters
    ----------
    time_limit : float, optional
        Seconds that the solver works on each problem; its minimum by default.
    solver, region, profile : str, optional
        Choice of solver and account, as Ocean takes them.
    store : str, optional
        File or run folder of the store; a new one in the user's state directory by default.
    resume : bool
        Continue the run in ``store``.
    max_hybrid_seconds : float, optional
        Refuse to ask for more solver time in all.
    deadline_s : float
        Wall-clock seconds that one problem may take.
    tries : int
        Failures in a row before giving up.
    in_flight : int
        Submissions that wait in the cloud at the same time.
    label : str
        Begins the label of every submission.
    """

    kind = ""
    limit_keys: ClassVar[tuple[str, ...]] = ()
    """Properties of the solver that its least time limit is computed from."""
    stores_runs: ClassVar[bool] = True
    limits = "one problem per submission, thousands of variables; charged by solver time"

    def __init__(
        self,
        *,
        time_limit: float | None = None,
        solver: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        store: str | None = None,
        resume: bool = False,
        max_hybrid_seconds: float | None = None,
        deadline_s: float = 1800.0,
        tries: int = 6,
        in_flight: int = 8,
        label: str = "annealsvm",
    ) -> None:
        self.run = CloudRun(
            kind=self.kind,
            solver=solver,
            region=region,
            profile=profile,
            store=store,
            resume=resume,
            patience=Patience(tries=tries, deadline_s=deadline_s),
            in_flight=in_flight,
            label=label,
        )
        self.time_limit = time_limit
        self.max_hybrid_seconds = max_hybrid_seconds

    @classmethod
    def check_account(cls, profile: str | None, region: str | None) -> None:
        """Raise a SolverError if the SDK or a token is missing."""
        configuration(profile, region)

    @abc.abstractmethod
    def _model(self, problem: DualProblem) -> Any:
        """Return the problem as the solver takes it."""

    @abc.abstractmethod
    def _minimum_s(self, properties: dict[str, Any], problem: DualProblem) -> float:
        """Return the least time limit that the solver accepts, in seconds."""

    @classmethod
    def read(
        cls, message: dict[str, Any], problem: DualProblem
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], dict[str, Any]]:
        """Return (coefficients, occurrences, info) of an answer.

        Raises
        ------
        ValueError
            If the answer does not fit the problem.
        """
        bits, counts, info = _rows(message, problem)
        return problem.decode(bits), counts, info

    @classmethod
    def identity(cls, problem: DualProblem) -> str:
        """Return a hash of what is asked of the solver."""
        return problem_digest(problem)

    def price(self, problems: Sequence[DualProblem]) -> dict[str, Any]:
        """Return what problems would cost; nothing is sent, and nothing written to a store.

        Returns
        -------
        dict
            ``solver``, its name; ``submissions``; ``solver_s``, seconds that would be charged.

        Raises
        ------
        SolverError
            If Leap cannot be asked, or the time limit is too short.
        """
        connection = self.run.connect()
        try:
            limits = self._limits(dict(connection.solver.properties), problems)
        finally:
            connection.close()
        return {
            "solver": connection.name,
            "submissions": len(limits),
            "solver_s": sum(limits),
        }

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Sample every problem; see :class:`qsvm.samplers.base.DualSampler`.

        Hybrid solvers take no seed and return few samples, often a single one.
        """
        if not problems:
            return []
        with self.run.begin(self.max_hybrid_seconds) as session:
            return self._ask(session, problems, progress)

    def _ask(
        self, session: Session, problems: Sequence[DualProblem], progress: Progress
    ) -> list[SampleBatch]:
        started = time.perf_counter()
        session.store.remember("kind", self.kind)
        limits = self._limits(self._properties(session), problems)
        rows = session.rows(
            [self._entry(problem, limit) for problem, limit in zip(problems, limits, strict=True)]
        )

        def make_job(row: Row) -> Any:
            connection = session.connection
            with self._model(problems[row.position]).to_file() as payload:
                reference = connection.upload(payload)
            data = {"format": "ref", "data": reference}
            parameters = {"time_limit": limits[row.position]}
            return connection.job(data, self.kind, parameters, row.label)

        def check(row: Row, answer: dict[str, Any]) -> float:
            self.read(answer, problems[row.position])
            return 1e6 * limits[row.position]

        if any(row.state != ANSWERED for row in rows):
            session.deliver(rows, make_job, check, progress)
        share_s = (time.perf_counter() - started) / len(problems)
        return [
            self.batch(problem, session.store.answer(row), session.store.turnaround_s(row), share_s)
            for problem, row in zip(problems, rows, strict=True)
        ]

    def _entry(self, problem: DualProblem, limit: float) -> Entry:
        """Return what the store keeps of a question."""
        identity = self.identity(problem)
        content = json.dumps([self.kind, identity, limit])
        digest = hashlib.sha256(content.encode()).hexdigest()
        return Entry(digest, {"problem": identity}, 1e6 * limit)

    def _properties(self, session: Session) -> dict[str, Any]:
        """Return the solver's properties that limits follow from; they are kept with the run."""
        known = session.store.fact("limits")
        if known is None:
            properties = session.connection.solver.properties
            known = json.dumps({k: properties[k] for k in self.limit_keys if k in properties})
            session.store.remember("limits", known)
        return dict(json.loads(known))

    def _limits(self, properties: dict[str, Any], problems: Sequence[DualProblem]) -> list[float]:
        """Return the time limit of every problem, in seconds."""
        least = [self._minimum_s(properties, problem) for problem in problems]
        if self.time_limit is None:
            return least
        if self.time_limit < max(least):
            raise SolverError(
                f"time_limit {self.time_limit:g} s is below the solver's minimum of "
                f"{max(least):g} s for these problems.",
                f"Use time_limit={max(least):g} or leave it out.",
            )
        return [float(self.time_limit)] * len(problems)

    @classmethod
    def batch(
        cls,
        problem: DualProblem,
        message: dict[str, Any],
        turnaround_s: float | None,
        share_s: float,
    ) -> SampleBatch:
        """Return an answer as a batch."""
        x, counts, info = cls.read(message, problem)
        timing = seconds(message, turnaround_s)
        for key in ("run_time", "charge_time", "qpu_access_time"):
            if key in info:
                timing[key.removesuffix("_time")] = float(info[key]) / 1e6
        return batch_from_rows(
            problem,
            x,
            counts,
            solve_s=share_s,
            qpu_s=timing.get("qpu_access", 0.0),
            queue_s=max(0.0, timing.get("queue", 0.0) - timing.get("run", 0.0)),
            info={"timing": timing},
        )


class HybridBQM(Hybrid):
    """Samples the QUBO with Leap's hybrid solver for binary quadratic models.

    Parameters
    ----------
    time_limit : float, optional
        Seconds that the solver works on each problem; its minimum by default.
    solver, region, profile, store, resume, deadline_s, tries, in_flight, label
        As in :class:`qsvm.samplers.leap.qpu.PackedQPU`.
    max_hybrid_seconds : float, optional
        Refuse to ask for more solver time in all.
    """

    summary = "Leap's hybrid solver for binary quadratic models"
    handles = ALL_CONSTRAINTS
    kind = "bqm"
    limit_keys = ("minimum_time_limit",)

    def _model(self, problem: DualProblem) -> dimod.BinaryQuadraticModel:
        return problem.to_bqm()

    def _minimum_s(self, properties: dict[str, Any], problem: DualProblem) -> float:
        sizes, limits = zip(*properties.get("minimum_time_limit", [[1, 3.0]]), strict=True)
        return float(np.interp(problem.n_variables, sizes, limits))


class HybridCQM(Hybrid):
    """Samples with Leap's hybrid solver for constrained models: Σ y x stays what it is.

    The penalty in the problem's Hessian is constant where the constraint holds, so the objective
    stays as it is and the constraint is added. Samples that break it are dropped.

    Parameters
    ----------
    time_limit, solver, region, profile, store, resume, max_hybrid_seconds, deadline_s, tries
    in_flight, label
        As in :class:`HybridBQM`.
    """

    summary = "Leap's hybrid solver for constrained models, with Σ α y = 0 as a constraint"
    handles = ALL_CONSTRAINTS
    kind = "cqm"
    limit_keys = ("minimum_time_limit_s",)

    def _model(self, problem: DualProblem) -> dimod.ConstrainedQuadraticModel:
        import dimod

        model = dimod.ConstrainedQuadraticModel()
        model.set_objective(problem.to_bqm())
        for name, rows in constraints(problem):
            slopes = np.kron(rows * problem.span, problem.weights)
            unit = np.abs(slopes[slopes != 0]).min(initial=1.0)
            terms = [(v, float(s) / unit) for v, s in enumerate(slopes) if s != 0]
            sense_and_value = ("==", nearest_sum(-float(rows @ problem.lower), slopes) / unit)
            model.add_constraint_from_iterable(terms, *sense_and_value, label=name)
        return model

    def _minimum_s(self, properties: dict[str, Any], problem: DualProblem) -> float:
        return float(properties.get("minimum_time_limit_s", 5.0))


def constraints(problem: DualProblem) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the name and the coefficients, shape (n,), of every constraint of a problem."""
    if problem.equality is None:
        return
    if problem.groups is None:
        yield "equality", problem.equality
        return
    for group in range(int(problem.groups.max(initial=-1)) + 1):
        yield f"group {group}", np.where(problem.groups == group, problem.equality, 0.0)


def nearest_sum(target: float, slopes: NDArray[Any]) -> float:
    """Return the sum of slopes of chosen bits that keeps Σ y x = 0, as near as bits reach.

    With all lower bounds at zero that is 0; a refined problem may have no lattice point on the
    plane, and the reachable sum nearest to it is found by taking slopes greedily.
    """
    reached = 0.0
    for slope in slopes[np.argsort(-np.abs(slopes), kind="stable")]:
        if abs(target - reached - slope) < abs(target - reached):
            reached += float(slope)
    return reached


def _rows(
    message: dict[str, Any], problem: DualProblem
) -> tuple[NDArray[Any], NDArray[np.int64], Any]:
    """Return (bits, occurrences, info) of an answer, feasible rows only where there are any.

    Raises
    ------
    ValueError
        If the answer does not fit the problem.
    """
    import dimod

    samples = dimod.SampleSet.from_serializable(message["answer"]["data"])
    if sorted(samples.variables) != list(range(problem.n_variables)) or not len(samples):
        raise ValueError("the answer does not fit the problem")
    order = np.argsort(np.asarray(samples.variables))
    record = samples.record
    keep = np.ones(len(record), dtype=bool)
    if "is_feasible" in record.dtype.names and record.is_feasible.any():
        keep = record.is_feasible
    bits = record.sample[:, order][keep]
    return bits, record.num_occurrences[keep].astype(np.int64), samples.info
