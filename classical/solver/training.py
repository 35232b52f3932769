"""What a fit hands to its solver: one record instead of its parts one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from classical.solver.checkpoint import fingerprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.fused import Precision
    from bridges.svm.kernels import Kernel
    from classical.solver.dual import BinarySolution, BinaryTask, Settings
    from classical.solver.kernel import KernelSource
    from classical.solver.rows import TrainingRows


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """The binary duals of a fit and what they share, the same on every rank.

    Attributes
    ----------
    n_samples : int
        Training samples of all ranks, before equal ones were merged.
    rows : TrainingRows
        Distinct samples, in canonical order.
    kernel : Kernel
        The kernel, γ resolved.
    precision : {"auto", "single", "double"}
        Type of kernel values.
    source : KernelSource
        Where kernel values come from.
    tasks : list of BinaryTask
        The duals.
    settings : Settings
        Tolerance, limits and inner solver.
    """

    n_samples: int
    rows: TrainingRows
    kernel: Kernel
    precision: Precision
    source: KernelSource
    tasks: list[BinaryTask]
    settings: Settings

    def fingerprint(self) -> str:
        """Return what the solutions depend on, as 16 hexadecimal digits."""
        rows = self.rows
        arrays = (rows.X, rows.codes, rows.weights, *(task.bound for task in self.tasks))
        return fingerprint(arrays, self.kernel, self.precision, self.settings)

    def coefficients(self, solutions: Sequence[BinarySolution]) -> NDArray[np.float64]:
        """Return the signed coefficients of all duals, shape (n_tasks, len(rows))."""
        coef = np.zeros((len(self.tasks), len(self.rows.codes)))
        for p, (task, solution) in enumerate(zip(self.tasks, solutions, strict=True)):
            coef[p, task.rows] = solution.beta
        return coef
