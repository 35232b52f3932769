r"""Further formulations as problems on a lattice: all classes at once, and regression.

They are plain :class:`~qsvm.problem.DualProblem` objects, so every sampler, the refinement and the
exact optimum take them as they are. The binary dual is :func:`qsvm.formulations.binary.svm_dual`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qsvm.formulations.combination import AT_BOUND
from qsvm.problem.dual_problem import DualProblem, bit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


def crammer_singer(
    kernel_matrix: NDArray[Any],
    codes: NDArray[np.intp],
    n_classes: int,
    *,
    beta: float = 1.0,
    mu: float = 1.0,
    base: float = 2,
    n_bits: int = 2,
    label: str = "crammer-singer",
) -> DualProblem:
    r"""Return one problem for all classes with coefficients of fixed sign.

    .. math:: \tfrac12 \sum_{nmc} k(x_n, x_m) \tau_{nc} \tau_{mc}
              - \beta \sum_n \tau_{n, y_n} + \mu \sum_n \Big(\sum_c \tau_{nc}\Big)^2

    with τ of a sample's own class in [0, 1] and of the others in [-1, 0]. The published encoding
    τ = -1 + 2 / (2^K - 1) Σ 2^k a_k [1]_ cannot represent τ = 0, so every sample is a support
    vector of every class, and for an odd number of classes no sample can balance its τ.

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
    own = np.zeros((n, n_classes))
    own[np.arange(n), codes] = 1.0
    hessian = np.kron(kernel_matrix, np.eye(n_classes))
    hessian += np.kron(np.eye(n), np.full((n_classes, n_classes), 2.0 * mu))
    flat = own.ravel()
    return DualProblem(
        hessian,
        -beta * flat,
        flat - 1.0,
        np.ones(n * n_classes),
        bit_weights(base, n_bits),
        None,
        label,
    )


def epsilon_regression(
    kernel_matrix: NDArray[Any],
    y: NDArray[np.float64],
    *,
    C: float = 1.0,
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
    C : float
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
    bounds = np.full(2 * n, float(C))
    weights = bit_weights(base, n_bits)
    return DualProblem(hessian, linear, np.zeros(2 * n), bounds, weights, signs, label)


def regression_coefficients(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return α - α* of shape (n,) from coefficients of shape (2n,): f(x) = Σ (α - α*) k + b."""
    n = len(x) // 2
    return x[:n] - x[n:]


def regression_bias(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    outputs: NDArray[np.float64],
    *,
    C: float,
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
    C, epsilon : float
        As for :func:`epsilon_regression`.
    """
    n = len(y)
    above, below = x > AT_BOUND * C, x < (1 - AT_BOUND) * C
    free = np.where(above & below, x * (C - x), 0.0)
    error = np.concatenate([y - epsilon - outputs, y + epsilon - outputs])
    if free.sum() > 0:
        return float(free @ error / free.sum())
    first = np.arange(2 * n) < n
    at_least = error[np.where(first, below, above)]
    at_most = error[np.where(first, above, below)]
    low = at_least.max() if len(at_least) else at_most.min()
    high = at_most.min() if len(at_most) else low
    return 0.5 * float(low + high)
