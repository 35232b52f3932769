"""One binary dual from start to finish: stored whole when small, decomposed when large."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from bridges.machine.comm import Communicator, block_range, on_root
from bridges.machine.threads import Run
from bridges.svm.signed import bias_of, signed_bounds
from classical.solver.decomposition import Decomposition
from classical.solver.dual import DIRECT_LIMIT, BinarySolution, BinaryTask, Effort, Rows, Settings
from classical.solver.inner import exhaust, make_inner
from classical.solver.smo import violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classical.solver.checkpoint import Journal
    from classical.solver.kernel import KernelSource


def solve_task(
    source: KernelSource,
    task: BinaryTask,
    settings: Settings,
    comm: Communicator,
    run: Run,
    journal: Journal | None = None,
) -> BinarySolution:
    """Solve a binary dual on the ranks of ``comm``; every rank gets the solution.

    Parameters
    ----------
    source : KernelSource
        Kernel of the training rows, the same on every rank.
    task : BinaryTask
        The dual.
    settings : Settings
        Tolerance and limits.
    comm : Communicator
        Ranks that share the task.
    run : callable
        Deals rows to this rank's threads.
    journal : Journal, optional
        Keeps the coefficients of a long fit.
    """
    if source.evaluator is None or source.matrix is not None or len(task.y) <= DIRECT_LIMIT:
        return on_root(comm, lambda: solve_stored(source, task, settings, run))
    assert source.Z is not None
    first, last = block_range(len(task.y), comm.size, comm.rank)
    mine = slice(first, last)
    y = task.y[mine].astype(np.float64)
    numbers = np.arange(first, last, dtype=np.int64)
    rows = Rows(
        source.Z[task.rows[mine]], numbers, y, task.bound[mine], task.start[mine].copy(), -y
    )
    outer = Decomposition(source.evaluator, comm, settings, run, journal)
    outer.solve(rows)
    beta = np.concatenate(comm.allgather(rows.beta))
    f = np.concatenate(comm.allgather(rows.f))
    return conclude(task, beta, f, outer.effort)


def solve_stored(
    source: KernelSource, task: BinaryTask, settings: Settings, run: Run
) -> BinarySolution:
    """Solve a dual whose kernel matrix is stored, on one rank."""
    K = source.block(task.rows, run)
    beta, f = task.start.copy(), -task.y
    used = np.flatnonzero(beta)
    if len(used):
        f += np.einsum("ij,i->j", K[used], beta[used])
    lower, upper = signed_bounds(task.y, task.bound)
    inner = make_inner(settings.inner, settings.inner_params)
    steps = exhaust(inner, K, f, beta, lower, upper, settings.tol, settings.max_steps)
    return conclude(task, beta, f, Effort(outer=1, inner=steps, kernel_values=K.size))


def conclude(
    task: BinaryTask,
    beta: NDArray[np.float64],
    f: NDArray[np.float64],
    effort: Effort,
) -> BinarySolution:
    """Return bias, objective and violation of coefficients and their gradient.

    The bias follows LIBSVM's rule (:func:`bridges.svm.signed.bias_of`).
    """
    lower, upper = signed_bounds(task.y, task.bound)
    high, low = violation(f, beta, lower, upper)
    may_grow, may_shrink = beta < upper, beta > lower
    used = beta != 0
    objective = 0.5 * float(beta[used] @ (f[used] - task.y[used]))
    at_bound = int(np.count_nonzero(used & ~(may_grow & may_shrink)))
    effort = dataclasses.replace(effort, violation=max(high - low, 0.0))
    return BinarySolution(beta, bias_of(-f, may_grow, may_shrink), objective, at_bound, effort)
