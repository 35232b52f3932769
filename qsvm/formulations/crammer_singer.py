"""All classes in one problem (Crammer and Singer)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.svm.multiclass import MultiClass
from qsvm.formulations.base import Coefficients, Task
from qsvm.formulations.solution import Rules, solution
from qsvm.problem.dual_problem import GROUPS, DualProblem, bit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.samplers.base import SampleBatch


def crammer_singer(
    kernel_matrix: NDArray[Any],
    codes: NDArray[np.intp],
    n_classes: int,
    *,
    beta: float = 1.0,
    mu: float = 1.0,
    base: float = 2,
    n_bits: int = 2,
    upper: NDArray[np.float64] | None = None,
    label: str = "crammer-singer",
) -> DualProblem:
    r"""Return one problem for all classes with coefficients of fixed sign.

    .. math:: \tfrac12 \sum_{nmc} k(x_n, x_m) \tau_{nc} \tau_{mc}
              - \beta \sum_n \tau_{n, y_n} + \mu \sum_n \Big(\sum_c \tau_{nc}\Big)^2

    with τ of a sample's own class in [0, C_n] and of the others in [-C_n, 0]. The published
    encoding τ = -1 + 2 / (2^K - 1) Σ 2^k a_k [1]_ cannot represent τ = 0, so every sample is a
    support vector of every class, and for an odd number of classes no sample can balance its τ.

    Parameters
    ----------
    kernel_matrix : ndarray of shape (n, n)
        Kernel values.
    codes : ndarray of shape (n,)
        Class indices 0 … n_classes - 1.
    n_classes : int
        Number of classes.
    beta, mu : float
        Reward of the own class, and weight of the penalty for Σ_c τ_nc = 0.
    base, n_bits : float, int
        Encoding.
    upper : ndarray of shape (n,), optional
        Largest τ of every sample; one by default.
    label : str
        Name of the problem.

    Returns
    -------
    DualProblem
        Coefficient ``n * n_classes + c`` is τ_nc; predict with argmax_c Σ_n τ_nc k(x_n, x).

    References
    ----------
    .. [1] A. Delilbasic, B. Le Saux, M. Riedel, K. Michielsen, G. Cavallaro, "A single-step
       multiclass SVM based on quantum annealing for remote sensing data classification",
       IEEE JSTARS 17 (2024).
    """
    n = len(codes)
    bounds = np.ones(n) if upper is None else upper
    own = np.zeros((n, n_classes))
    own[np.arange(n), codes] = 1.0
    hessian = np.kron(kernel_matrix, np.eye(n_classes))
    hessian += np.kron(np.eye(n), np.full((n_classes, n_classes), 2.0 * mu))
    flat, width = own.ravel(), np.repeat(bounds, n_classes)
    return DualProblem(
        hessian,
        -beta * flat,
        (flat - 1.0) * width,
        width,
        bit_weights(base, n_bits),
        equality=np.ones(n * n_classes),
        label=label,
        groups=np.repeat(np.arange(n), n_classes),
        penalty=2.0 * mu,
    )


class CrammerSinger:
    """One problem for all classes, with coefficients of fixed sign.

    Parameters
    ----------
    beta : float
        Reward of the own class.
    """

    summary = "one problem for all classes (Crammer and Singer)"
    outputs: MultiClass = "ovr"
    needs: ClassVar[frozenset[str]] = frozenset({GROUPS})

    def __init__(self, *, beta: float = 1.0) -> None:
        self.beta = beta

    def problems(self, task: Task) -> list[DualProblem]:
        """Return the one problem; see :class:`qsvm.formulations.base.Formulation`."""
        encoding = task.encoding
        return [
            crammer_singer(
                task.kernel_matrix,
                task.targets,
                task.n_classes,
                beta=self.beta,
                mu=0.5 * encoding.penalty,
                base=encoding.base,
                n_bits=encoding.n_bits,
                upper=task.upper,
                label=task.label,
            )
        ]

    def finish(
        self,
        task: Task,
        problems: Sequence[DualProblem],
        batches: Sequence[SampleBatch],
        rules: Rules,
    ) -> Coefficients:
        """Return τ of every class; the formulation has no biases."""
        found = solution(problems[0], batches[0], rules)
        coef = found.alpha.reshape(-1, task.n_classes).T
        if task.n_classes == 2:
            coef = coef[1:] - coef[:1]
        return Coefficients(np.ascontiguousarray(coef), np.zeros(len(coef)), [found])
