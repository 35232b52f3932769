"""Simulated annealing of the bits with D-Wave's own C++ sampler, the former ``neal``."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.errors import UsageError
from qsvm.samplers.base import ALL_CONSTRAINTS, ThreadedSampler, sample_bits

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch

COLD = 30.0
"""Final inverse temperature in units of the energy of one lattice step at the optimum: measured on
Landsat duals, where 10 leaves samples warm and 100 freezes them before they are good."""


def beta_range(problem: DualProblem) -> tuple[float, float]:
    """Return the inverse temperatures at which to start and to stop, from the problem itself.

    The hot end makes the largest possible flip a coin toss. The cold end is measured in the energy
    ½ H_nn (s_n w_0)² that the cheapest lattice step costs at the optimum, not in the smallest
    coefficient, which is what makes the sampler's own choice poor on these problems.

    Parameters
    ----------
    problem : DualProblem
        The problem.

    Returns
    -------
    tuple of float
        (hot, cold) inverse temperatures.
    """
    weight = float(problem.weights.max())
    reach = np.abs(problem.hessian) @ problem.span
    shift = np.abs(problem.hessian @ problem.lower + problem.linear)
    hottest = float(np.max(problem.span * (reach + shift) * weight))
    step = problem.span * problem.weights.min()
    cost = 0.5 * np.abs(np.diag(problem.hessian)) * step**2
    smallest = float(cost[cost > 0].min(initial=hottest))
    hot = 1.0 / hottest if hottest > 0 else 1.0
    return hot, max(COLD / smallest if smallest > 0 else hot, hot)


def _is_range(betas: object) -> bool:
    """Tell whether something is two inverse temperatures, the hotter first."""
    if not isinstance(betas, Sequence) or len(betas) != 2:
        return False
    return all(isinstance(b, Real) for b in betas) and 0 <= betas[0] <= betas[1] < math.inf


class SimulatedAnnealing(ThreadedSampler):
    """Metropolis walk on the bits, with inverse temperatures computed from the problem.

    Parameters
    ----------
    num_reads : int
        Independent walks.
    num_sweeps : int
        Sweeps over all bits in each; 100 for a hull unless given: samples that differ are worth
        more there than samples that are perfect.
    beta_range : tuple of float, optional
        Inverse temperatures (hot, cold); computed by :func:`beta_range` when None.
    beta_schedule : {"geometric", "linear"}
        How to go from hot to cold.
    """

    summary = "simulated annealing of the bits (dwave.samplers, formerly neal)"
    limits = "comfortable up to about 1 000 variables; holds the whole QUBO matrix"
    asks_again = True
    for_hull: ClassVar[Mapping[str, Any]] = {"num_sweeps": 100}
    handles = ALL_CONSTRAINTS

    def __init__(
        self,
        *,
        num_reads: int = 100,
        num_sweeps: int = 300,
        beta_range: tuple[float, float] | None = None,
        beta_schedule: str = "geometric",
    ) -> None:
        for key, value in (("num_reads", num_reads), ("num_sweeps", num_sweeps)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise UsageError(f"{key} is {value!r}.", f"Use a whole {key} of at least 1.")
        if beta_schedule not in ("geometric", "linear"):
            raise UsageError(
                f"Unknown beta_schedule '{beta_schedule}'.", "Use 'geometric' or 'linear'."
            )
        if beta_range is not None and not _is_range(beta_range):
            raise UsageError(
                f"beta_range is {beta_range!r}.",
                "Give the hot and the cold inverse temperature, as in beta_range=(0.1,20).",
            )
        self.num_reads = num_reads
        self.num_sweeps = num_sweeps
        self.beta_range = beta_range
        self.beta_schedule = beta_schedule

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        from dwave.samplers import SimulatedAnnealingSampler

        betas = self.beta_range or beta_range(problem)
        return sample_bits(
            problem,
            SimulatedAnnealingSampler(),
            info={"beta_range": [float(b) for b in betas]},
            num_reads=self.num_reads,
            num_sweeps=self.num_sweeps,
            beta_range=betas,
            beta_schedule_type=self.beta_schedule,
            seed=seed,
            interrupt_function=stop.is_set,
        )
