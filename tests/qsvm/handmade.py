"""Duals made by hand."""

from __future__ import annotations

import numpy as np

from qsvm.problem.dual_problem import DualProblem, bit_weights


def make_dual(n: int, n_bits: int = 1, seed: int = 0, upper: float = 1.0) -> DualProblem:
    """Return the dual of a small Gaussian-kernel SVM on random data."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3))
    y = np.where(points[:, 0] + 0.3 * rng.normal(size=n) > 0, 1.0, -1.0)
    kernel = np.exp(-0.3 * ((points[:, None] - points) ** 2).sum(axis=-1))
    hessian = y[:, None] * y * (kernel + 1.0)
    return DualProblem(
        hessian,
        -np.ones(n),
        np.zeros(n),
        np.full(n, upper),
        bit_weights(2, n_bits),
        equality=y,
        label=f"m{seed}",
        penalty=1.0,
    )
