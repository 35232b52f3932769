"""Leap's nonlinear hybrid solver (Stride): coefficients as whole numbers, equalities as such."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import logging
import zipfile
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.machine.memory import require_memory
from qsvm.problem.dual_problem import problem_digest
from qsvm.problem.lattice import lattice
from qsvm.samplers.base import ALL_CONSTRAINTS
from qsvm.samplers.leap.hybrid import Hybrid, constraints, nearest_sum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

log = logging.getLogger(__name__)

SAME = 1e-9
"""Relative difference of two steps of a lattice that is rounding."""

MODEL_BYTES = 70
"""Peak bytes per pair of coefficients while a model is built and written (measured at 3 000)."""


class HybridNL(Hybrid):
    """Samples with Leap's hybrid solver for nonlinear models, whose variables are whole numbers.

    A coefficient is one variable z, its level on the lattice: x = lower + span · z / L, z = 0 … L.
    So there are as many variables as coefficients, however fine the lattice is; models take 7 bits
    (L = 127) unless another number is given. Σ y x = 0 is a constraint and its penalty is left out
    of the objective. Where the steps of the coefficients differ (weights, refinement) hardly any
    point of the lattice is on that plane, and the constraint is to be as near as half the smallest
    step. States that break it are dropped, unless all do.

    Parameters
    ----------
    time_limit : float, optional
        Seconds that the solver works on each problem; its estimated minimum by default, which is
        at least five.
    solver, region, profile, store, resume, max_hybrid_seconds, deadline_s, tries, in_flight, label
        As in :class:`qsvm.samplers.leap.hybrid.HybridBQM`.
    """

    summary = (
        "Leap's nonlinear hybrid solver: whole numbers, not bits, and Σ α y = 0 as a constraint"
    )
    limits = (
        "one problem per submission, any number of levels; charged by solver time, 5 s at least"
    )
    handles = ALL_CONSTRAINTS
    kind = "nl"
    limit_keys = (
        "num_nodes_multiplier",
        "state_size_multiplier",
        "num_nodes_state_size_multiplier",
        "offset",
        "min_time_limit",
    )
    whole_number_bits: ClassVar[int] = 7

    def _model(self, problem: DualProblem) -> Any:
        return nonlinear_model(problem)

    def _minimum_s(self, properties: dict[str, Any], problem: DualProblem) -> float:
        """Estimate the least time limit as D-Wave's ``StrideHybridSolver`` does."""
        model = nonlinear_model(problem)
        nodes, size = model.num_nodes(), model.state_size()
        estimate = (
            properties.get("num_nodes_multiplier", 8.306792043756981e-05) * nodes
            + properties.get("state_size_multiplier", 2.8379674360396316e-10) * size
            + properties.get("num_nodes_state_size_multiplier", 2.1097317822863966e-12)
            * (nodes * size)
            + properties.get("offset", 0.012671678446550175)
        )
        return float(max(estimate, properties.get("min_time_limit", 5)))

    @classmethod
    def identity(cls, problem: DualProblem) -> str:
        """Return a hash for which no matrix over bits is built."""
        coarse = dataclasses.replace(problem, weights=np.ones(1))
        return json.dumps([problem_digest(coarse), np.round(problem.weights, 12).tolist()])

    @classmethod
    def read(
        cls, message: dict[str, Any], problem: DualProblem
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], dict[str, Any]]:
        """Return (coefficients, occurrences, timing) of an answer.

        Raises
        ------
        ValueError
            If it holds no states of the problem.
        """
        answer = message["answer"]
        levels = read_states(base64.b64decode(answer["data"]), problem)
        x = problem.lower + problem.span * lattice(problem).values[levels]
        kept = x[_feasible(problem, x)]
        if not len(kept):
            log.warning("%s: no state keeps Σ α y = 0; the broken ones are used.", problem.label)
            kept = x
        return kept, np.ones(len(kept), dtype=np.int64), dict(answer.get("timing", {}))


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """One constraint: row · x = total, or as near as ``slack``.

    Attributes
    ----------
    name : str
        Of the constraint.
    row : ndarray of shape (n,)
        Its coefficients y, 0 outside of its group.
    total : float
        What row · x is: 0, or the value nearest to it that the lattice reaches.
    slack : float
        0 where all coefficients have the same step, so that the lattice meets the plane.
    step : float
        The smallest step of row · x; 0 where no coefficient can move.
    """

    name: str
    row: NDArray[np.float64]
    total: float
    slack: float
    step: float


def planes(problem: DualProblem) -> Iterator[Plane]:
    """Yield the constraints of a problem as its lattice can keep them."""
    grid = lattice(problem)
    finest = float(np.diff(grid.values).min(initial=1.0))
    for name, row in constraints(problem):
        slopes = row * problem.span
        steps = np.abs(slopes[slopes != 0]) * finest
        fixed = float(row @ problem.lower)
        total = fixed + nearest_sum(-fixed, np.kron(slopes, problem.weights))
        step = float(steps.min()) if len(steps) else 0.0
        alike = grid.uniform and float(steps.max(initial=0.0)) <= (1 + SAME) * step
        yield Plane(name, row, total, 0.0 if alike else 0.5 * step, step)


def nonlinear_model(problem: DualProblem) -> Any:
    """Return a problem as a :class:`dwave.optimization.Model` of one array of whole numbers.

    Its objective is ½ xᵀHx + fᵀx without the penalty and without the energy of ``lower``.

    Raises
    ------
    SolverError
        If building it would take more memory than is left.
    """
    from dwave.optimization import Model

    n = problem.n_coefficients
    require_memory(
        MODEL_BYTES * n**2, 1, f"The model of {n} coefficients", "Use fewer samples per member."
    )
    grid = lattice(problem)
    top = len(grid.values) - 1
    model = Model()
    # a coefficient without an interval keeps its place: the array is the vector of coefficients
    level = model.integer(n, lower_bound=0, upper_bound=np.where(problem.span > 0, top, 0))
    # on a lattice of equal steps the level is the value, elsewhere it looks its value up
    value = level if grid.uniform else model.constant(grid.values)[level]
    scale = problem.span / top if grid.uniform else problem.span
    free = problem.with_penalty(0.0)
    first, second = np.triu_indices(n)
    pairs = free.hessian[first, second].astype(np.float64) * scale[first] * scale[second]
    pairs[first == second] *= 0.5
    linear = scale * (free.linear + free.fields(free.lower))
    model.minimize(model.quadratic_model(value, (pairs, np.array([first, second])), linear))
    for plane in planes(problem):
        if plane.step:
            _constrain(model, value, plane, scale, problem.lower)
    return model


def _constrain(
    model: Any,
    value: Any,
    plane: Plane,
    scale: NDArray[np.float64],
    lower: NDArray[np.float64],
) -> None:
    """Add a constraint in units of its smallest step: whole numbers where all steps are alike."""
    slopes = plane.row * scale / plane.step
    total = (plane.total - float(plane.row @ lower)) / plane.step
    if plane.slack == 0:
        weighed = (model.constant(np.rint(slopes)) * value).sum()
        model.add_constraint(weighed == model.constant(round(total)))
        return
    weighed = (model.constant(slopes) * value).sum()
    width = plane.slack / plane.step
    model.add_constraint(weighed <= model.constant(total + width))
    model.add_constraint(model.constant(total - width) <= weighed)


def _feasible(problem: DualProblem, x: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows keep all constraints, shape (n_rows,)."""
    keep = np.ones(len(x), dtype=bool)
    for plane in planes(problem):
        keep &= np.abs(x @ plane.row - plane.total) <= plane.slack + 1e-6 * plane.step + 1e-12
    return keep


def read_states(data: bytes, problem: DualProblem) -> NDArray[np.intp]:
    """Return the levels of a file of states, shape (n_states, n).

    Raises
    ------
    ValueError
        If it holds no states of the problem's model.
    """
    from dwave.optimization import Model

    # the decision comes first in its model, so a model of nothing else reads the same file
    model = Model()
    top = len(lattice(problem).values) - 1
    level = model.integer(problem.n_coefficients, lower_bound=0, upper_bound=top)
    try:
        model.states.from_file(io.BytesIO(data), check_header=False)
        rows = [level.state(index) for index in range(model.states.size())]
    except (ValueError, zipfile.BadZipFile, LookupError, RuntimeError, OSError) as error:
        raise ValueError(f"the answer holds no states of the problem ({error})") from error
    if not rows:
        raise ValueError("the answer holds no states of the problem")
    return np.rint(rows).astype(np.intp)
