"""ε-insensitive regression as one problem on a lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.svm.signed import bias_of
from qsvm.formulations.base import Coefficients, Outputs, Task
from qsvm.formulations.solution import Rules, solution
from qsvm.problem.dual_problem import AT_BOUND, DualProblem, bit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.samplers.base import SampleBatch


def epsilon_regression(
    kernel_matrix: NDArray[Any],
    y: NDArray[np.float64],
    *,
    C: float | NDArray[np.float64] = 1.0,
    epsilon: float = 0.1,
    penalty: float = 1.0,
    base: float = 2,
    n_bits: int = 2,
    label: str = "regression",
) -> DualProblem:
    r"""Return the dual of ε-insensitive regression, with α first and α* second.

    .. math:: \tfrac12 (\alpha - \alpha^*)^T K (\alpha - \alpha^*)
              + \epsilon \sum (\alpha + \alpha^*) - y^T (\alpha - \alpha^*)
              + \tfrac{\xi}{2} \Big(\sum (\alpha - \alpha^*)\Big)^2

    Parameters
    ----------
    kernel_matrix : ndarray of shape (n, n)
        K.
    y : ndarray of shape (n,)
        Targets.
    C : float or ndarray of shape (n,)
        Upper bound of α and α*.
    epsilon : float
        Half width of the tube without loss, in units of y.
    penalty : float
        ξ.
    base, n_bits : float, int
        Encoding.
    label : str
        Name of the problem.

    Returns
    -------
    DualProblem
        2n coefficients; predict with :func:`regression_coefficients` and
        :func:`regression_bias`.
    """
    n = len(y)
    signs = np.concatenate([np.ones(n), -np.ones(n)])
    hessian = np.tile(kernel_matrix + penalty, (2, 2)) * np.outer(signs, signs)
    linear = epsilon - signs * np.tile(y, 2)
    bounds = np.tile(np.broadcast_to(np.asarray(C, dtype=np.float64), n), 2)
    weights = bit_weights(base, n_bits)
    return DualProblem(
        hessian,
        linear,
        np.zeros(2 * n),
        bounds,
        weights,
        equality=signs,
        penalty=penalty,
        label=label,
    )


class EpsilonRegression:
    """ε-insensitive regression: α and α* in one problem.

    Parameters
    ----------
    epsilon : float
        Half width of the tube without loss, in units of the targets.
    """

    summary = "ε-insensitive regression in one problem"
    outputs: Outputs = "number"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *, epsilon: float = 0.1) -> None:
        self.epsilon = epsilon

    def problems(self, task: Task) -> list[DualProblem]:
        """Return the one problem; see :class:`qsvm.formulations.base.Formulation`."""
        encoding = task.encoding
        return [
            epsilon_regression(
                task.kernel_matrix,
                task.targets,
                C=task.upper,
                epsilon=self.epsilon,
                penalty=encoding.penalty,
                base=encoding.base,
                n_bits=encoding.n_bits,
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
        """Return α - α* and the bias."""
        found = solution(problems[0], batches[0], rules)
        n = len(task.targets)
        outputs = problems[0].free_fields(found.alpha)[:n]
        b = regression_bias(
            found.alpha, task.targets, outputs, C=np.tile(task.upper, 2), epsilon=self.epsilon
        )
        return Coefficients(regression_coefficients(found.alpha)[None], np.array([b]), [found])


def regression_coefficients(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return α - α* of shape (n,) from coefficients of shape (2n,): f(x) = Σ (α - α*) k + b."""
    n = len(x) // 2
    return x[:n] - x[n:]


def regression_bias(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    outputs: NDArray[np.float64],
    *,
    C: float | NDArray[np.float64],
    epsilon: float,
) -> float:
    """Return the bias of ε-insensitive regression.

    The mean over both kinds of free coefficients, weighted by α(C - α): b = y - ε - f where α is
    free, b = y + ε - f where α* is (circulated code has y - ε there). Without any, the middle of
    the interval that the optimality conditions leave.

    Parameters
    ----------
    x : ndarray of shape (2n,)
        α, then α*.
    y, outputs : ndarray of shape (n,)
        Targets, and Σ_m (α_m - α*_m) k(x_m, x_n).
    C : float or ndarray of shape (2n,)
        Upper bounds.
    epsilon : float
        As for :func:`epsilon_regression`.
    """
    n = len(y)
    above, below = x > AT_BOUND * C, x < (1 - AT_BOUND) * C
    free = np.where(above & below, x * (C - x), 0.0)
    errors = np.concatenate([y - epsilon - outputs, y + epsilon - outputs])
    first = np.arange(2 * n) < n
    return bias_of(errors, np.where(first, below, above), np.where(first, above, below), free)
