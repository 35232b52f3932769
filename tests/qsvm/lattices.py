"""Problems of every kind that the proof meets, and their enumerated optima."""

from __future__ import annotations

import numpy as np

from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.samplers.local.bits import lowest_points


def make_dual(n, *, bits=2, base=2.0, C=3.0, penalty=1.0, gamma=1.0, seed=0, **changes):
    """The dual of a Gaussian-kernel SVM; ``weights`` are the intervals' widths in units of C."""
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n)
    points = rng.normal(size=(n, 3)) + 0.5 * y[:, None]
    distances = ((points[:, None] - points[None]) ** 2).sum(-1)
    hessian = np.outer(y, y) * (np.exp(-gamma * distances) + penalty)
    span = C * np.asarray(changes.pop("weights", np.ones(n)))
    lower = changes.pop("lower", np.zeros(n))
    hessian = hessian.astype(changes.pop("dtype", np.float64))
    return DualProblem(hessian, -np.ones(n), lower, span, bit_weights(base, bits), y, **changes)


def make_concave(n, bits, seed=0):
    """A problem with curvatures of both signs, lower bounds off zero, one coefficient fixed."""
    rng = np.random.default_rng(seed)
    square = rng.normal(size=(n, n))
    span = rng.uniform(0.2, 2.0, n)
    span[n // 2] = 0.0
    return DualProblem(
        square + square.T, rng.normal(size=n), rng.normal(size=n), span, bit_weights(2, bits)
    )


def make_flat(n, bits, rank, seed=0):
    """A convex problem of low rank, as a linear kernel gives."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, rank))
    return DualProblem(
        points @ points.T, rng.normal(size=n), np.zeros(n), np.ones(n), bit_weights(2, bits)
    )


def lowest(problem):
    """Energy of the best of all lattice points."""
    return float(problem.energies(lowest_points(problem, 1, lambda: False))[0])


def start(problem):
    """A point to begin a proof with that is nothing special."""
    return problem.lower[None]
