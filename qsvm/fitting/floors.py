"""The lowest point of each dual's lattice, proven where that is cheap: what no sampler can beat.

A gap is the lattice's and the sampler's: with few bits even the best lattice point lies above the
continuous optimum. Both are told for the duals whose optimum is proven within a budget. It is given
in seconds and spent in nodes at a nominal speed: what is proven depends on no machine and no load.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from bridges.machine.threads import usable_cores
from qsvm.problem.lattice import lattice
from qsvm.samplers.proof.levels import MAX_BITS
from qsvm.samplers.proof.search import prove

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch

START_S, CUBE_S = 0.005, 5e-8
"""Nominal seconds before the first branching: constant, and per cubed number of coefficients."""

NODE_S, SQUARE_S = 1e-6, 2.5e-9
"""Nominal seconds of a node: constant, and per squared number of coefficients."""

OFF = 1e-9
"""Distance from a level, as a share of the interval, at which a coefficient is on no lattice."""


@dataclasses.dataclass(frozen=True)
class Floor:
    """What is known of the lowest point of a dual's lattice.

    Attributes
    ----------
    energy : float or None
        Its energy, None where it is not proven.
    """

    energy: float | None = None


def floors_of(
    models: Sequence[tuple[Sequence[DualProblem], Sequence[SampleBatch]]],
    seconds: float,
    n_jobs: int | None = None,
) -> list[list[Floor | None]]:
    """Prove the lowest lattice points of the duals of some models, as far as the seconds reach.

    Parameters
    ----------
    models : sequence of (problems, batches)
        The duals of each model and their samples.
    seconds : float
        Nominal seconds of one thread for each model, whatever the others: if they do not reach for
        all of its duals, some are taken, evenly spread; 0 for none.
    n_jobs : int, optional
        Threads; all cores by default.

    Returns
    -------
    list of list of (Floor or None)
        None where the samples are on no lattice that could be searched: refined samples, those of
        null controls that draw from the box, more than 10 bits; and everywhere for 0 seconds.
    """
    floors: list[list[Floor | None]] = [[None] * len(problems) for problems, _ in models]
    jobs: list[tuple[int, int, int]] = []
    for row, (problems, batches) in enumerate(models):
        if seconds <= 0:
            continue
        asked = []
        for k, (problem, batch) in enumerate(zip(problems, batches, strict=True)):
            if "proven" in batch.info:  # the sampler has searched already
                floors[row][k] = Floor(float(batch.energies[0]) if batch.info["proven"] else None)
            elif searchable(problem, batch):
                floors[row][k] = Floor()
                asked.append(k)
        sizes = [problems[k].n_coefficients for k in asked]
        jobs += [(row, asked[place], nodes) for place, nodes in share(sizes, seconds).items()]

    def one(job: tuple[int, int, int]) -> Floor:
        row, k, nodes = job
        problem, batch = models[row][0][k], models[row][1][k]
        proof = prove(problem, batch.x[:1], max_nodes=nodes)
        return Floor(proof.energy if proof.proven else None)

    workers = usable_cores() if n_jobs is None or n_jobs < 0 else max(1, n_jobs)
    with ThreadPoolExecutor(workers) as pool:
        for (row, k, _), floor in zip(jobs, pool.map(one, jobs), strict=True):
            floors[row][k] = floor
    return floors


def searchable(problem: DualProblem, batch: SampleBatch) -> bool:
    """Tell whether the best sample of a problem is on its lattice, and that small enough."""
    if problem.n_bits > MAX_BITS or batch.rounds:
        return False
    grid = lattice(problem)
    shares = (batch.x[0] - problem.lower) / np.where(problem.span > 0, problem.span, 1.0)
    return bool(np.abs(grid.values[grid.nearest(shares)] - shares).max(initial=0.0) <= OFF)


def share(sizes: Sequence[int], seconds: float) -> dict[int, int]:
    """Return how many nodes each of some duals may take, by place; those left out are missing.

    Parameters
    ----------
    sizes : sequence of int
        Coefficients of each.
    seconds : float
        Nominal seconds for all of them.
    """
    roots = [START_S + CUBE_S * n**3 for n in sizes]
    part = min(1.0, seconds / sum(roots)) if sizes else 0.0
    taken, credit = [], 0.0
    for place, root in enumerate(roots):
        credit += part * root
        if credit >= root * (1.0 - OFF):
            credit -= root
            taken.append(place)
    rest = max(seconds - sum(roots[place] for place in taken), 0.0) / max(len(taken), 1)
    return {place: 1 + int(rest / (NODE_S + SQUARE_S * sizes[place] ** 2)) for place in taken}
