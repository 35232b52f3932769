"""The hybrid nonlinear solver: a model of ``dwave.optimization`` in, its states out."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import numpy as np
from dwave.cloud.testing import mocks
from dwave.optimization import Model
from dwave.optimization.symbols import BinaryVariable, Equal, IntegerVariable, LessEqual

from leap_server.solvers import Refusal, charges

STATES = 4
"""States that an answer holds at most."""


def hybrid_nl(
    name: str = "hybrid_nonlinear_program_version1p", version: str = "1.0"
) -> dict[str, Any]:
    """Return SAPI's description of a hybrid nonlinear solver, with the limits of the real one."""
    parameters = {"time_limit": None, "label": None}
    return mocks.hybrid_nl_solver_data(
        name=name,
        version=version,
        avg_load=0.1,
        parameters=parameters,
        maximum_decision_state_size=52_428_800,
        maximum_number_of_nodes=2_000_000,
        maximum_number_of_states=20,
        maximum_state_size=786_432_000,
        maximum_time_limit_hrs=24.0,
        num_nodes_multiplier=8.306792043756981e-05,
        state_size_multiplier=2.8379674360396316e-10,
        num_nodes_state_size_multiplier=2.1097317822863966e-12,
        time_constant=0.012671678446550175,
    )


def solve_nl(payload: bytes, params: dict[str, Any], num_sweeps: int) -> dict[str, Any]:
    """Answer an uploaded model: states in a file, feasible ones first, then by objective.

    Its whole-number decisions are walked at random, one or two entries at a time, with the
    constraints before the objective.
    """
    model = Model.from_file(io.BytesIO(payload))
    decisions = list(model.iter_decisions())
    if not decisions or not all(isinstance(d, IntegerVariable | BinaryVariable) for d in decisions):
        raise Refusal("Invalid problem: this solver takes integer and binary decisions only")
    random = np.random.default_rng(_seed(payload))
    with model.lock():
        model.states.resize(1)
        walk = _Walk(model, decisions)
        found = [walk.run(random, num_sweeps) for _ in range(STATES)]
        found.sort(key=lambda state: state[:2])
        model.states.resize(len(found))
        for index, (_, _, values) in enumerate(found):
            walk.set(values, index)
        with model.states.to_file() as file:
            states = file.read()
    return {
        "format": "binary-ref",
        "auth_method": "sapi-token",
        "timing": charges(params),
        "shape": {},
        "data": states,
    }


def _seed(payload: bytes) -> int:
    """Return a hash of a model's content: the times in its archive change from run to run."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        content = sorted((part.filename, part.CRC) for part in archive.infolist())
    return int.from_bytes(hashlib.sha256(repr(content).encode()).digest()[:4])


class _Walk:
    """A Metropolis walk of the decisions of a locked model, in its state 0."""

    def __init__(self, model: Model, decisions: list[Any]) -> None:
        self.model = model
        self.decisions = decisions
        bounds = [self._bounds(decision) for decision in decisions]
        self.lower = np.concatenate([low for low, _ in bounds])
        self.upper = np.concatenate([high for _, high in bounds])
        self.constraints = list(model.iter_constraints())

    @staticmethod
    def _bounds(decision: Any) -> tuple[np.ndarray, np.ndarray]:
        size = decision.size()
        if isinstance(decision, BinaryVariable):
            return np.zeros(size), np.ones(size)
        low = np.broadcast_to(decision.lower_bound(), decision.shape()).ravel()
        return low, np.broadcast_to(decision.upper_bound(), decision.shape()).ravel()

    def set(self, values: np.ndarray, index: int = 0) -> None:
        """Put values into a state of the model."""
        start = 0
        for decision in self.decisions:
            part = values[start : start + decision.size()]
            decision.set_state(index, part.reshape(decision.shape()))
            start += decision.size()

    def measure(self, values: np.ndarray) -> tuple[float, float]:
        """Return (violation, objective) of values."""
        self.set(values)
        violation = sum(self._violation(constraint) for constraint in self.constraints)
        return violation, float(self.model.objective.state(0))

    @staticmethod
    def _violation(constraint: Any) -> float:
        if isinstance(constraint, Equal | LessEqual):
            left, right = (np.asarray(side.state(0)) for side in constraint.iter_predecessors())
            over = np.abs(left - right) if isinstance(constraint, Equal) else left - right
            return float(np.maximum(over, 0.0).sum())
        return float(np.sum(1.0 - constraint.state(0)))

    def run(self, random: np.random.Generator, sweeps: int) -> tuple[float, float, np.ndarray]:
        """Return the best (violation, objective, values) of one walk from the lower bounds."""
        values = self.lower.copy()
        now = best = self.measure(values)
        kept = values.copy()
        free = np.flatnonzero(self.upper > self.lower)
        heat = 0.1 * max(abs(self.measure(self._moved(values, free, random))[1]) for _ in range(9))
        for temperature in np.geomspace(heat or 1.0, 1e-3 * (heat or 1.0), sweeps * len(free)):
            trial = self._moved(values, free, random)
            then = self.measure(trial)
            uphill = then[1] - now[1]
            better = then[0] < now[0] or (then[0] == now[0] and uphill <= 0)
            if better or (then[0] == now[0] and random.random() < np.exp(-uphill / temperature)):
                values, now = trial, then
            if now < best:
                best, kept = now, values.copy()
        return (*best, kept)

    def _moved(self, values: np.ndarray, free: np.ndarray, random: Any) -> np.ndarray:
        """Return values of which one entry, or two by as much, are changed."""
        trial = values.copy()
        count = min(int(random.integers(1, 3)), len(free))
        if not count:
            return trial
        chosen = random.choice(free, count, replace=False)
        reach = self.upper[chosen[0]] - self.lower[chosen[0]]
        step = random.integers(1, max(2, int(reach) // int(random.integers(1, 9)) + 1))
        trial[chosen] += step * random.choice([-1, 1], count)
        return np.clip(trial, self.lower, self.upper)
