"""The exact optimum rounded to the lattice: the reference that every sampler is held against."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from qsvm.problem.exact import solve_box
from qsvm.samplers.base import ALL_CONSTRAINTS, SampleBatch, ThreadedSampler, batch_from_rows
from qsvm.samplers.dense.annealer import descent_passes, walk_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem


class RoundedOptimum(ThreadedSampler):
    """No annealing: the exact optimum, rounded to the lattice, then descent on the lattice.

    Deterministic; gives one sample. A sampler that does worse has contributed nothing that a
    quadratic solver would not have given in milliseconds.
    """

    summary = "the exact optimum rounded to the lattice, then descent: the reference"
    limits = "10 000 samples and more; deterministic, one sample"
    handles = ALL_CONSTRAINTS

    def _one(self, problem: DualProblem, seed: int, stop: threading.Event) -> SampleBatch:
        started = time.perf_counter()
        x = rounded_optimum(problem)
        return batch_from_rows(problem, x[None], solve_s=time.perf_counter() - started)


def rounded_optimum(
    problem: DualProblem, optimum: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return a local optimum on the lattice beside the exact optimum, shape (n,).

    Parameters
    ----------
    problem : DualProblem
        Any problem of at most 20 bits per coefficient.
    optimum : ndarray of shape (n,), optional
        The exact optimum, if it is known already.
    """
    from qsvm.samplers.dense.descent import descend_lattice

    data = walk_data(problem)
    if optimum is None:
        optimum, _ = solve_box(problem)
    wide = np.where(problem.span > 0, problem.span, 1.0)
    levels = data.lattice.nearest((optimum - problem.lower) / wide)[None]
    descend_lattice(
        data.hessian,
        data.linear,
        data.table,
        data.lattice.values,
        data.lattice.uniform,
        descent_passes(len(data.linear)),
        levels,
        np.zeros(1, dtype=np.uint8),
    )
    return data.decode(levels)[0]
