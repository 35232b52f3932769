"""All classes in one problem (Crammer and Singer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
