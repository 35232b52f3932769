"""The penalty ξ that stands for Σ α y = 0, chosen by the kernel, the problem and the sampler.

A digital sampler minimises whatever it is given, and ξ of the size of a kernel value keeps its
samples on both sides of the plane. On a chip the penalty, which couples all coefficients alike,
takes the dynamic range from the kernel: of what is left, the analogue errors are large. There the
smallest penalty is taken under which the problem's own optimum still lies near the plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

AUTO, SMALL = "auto", "small"
"""Words for ξ: ``small`` as on a chip, ``auto`` small on a chip and k(x, x) elsewhere."""

SMALLEST = 0.1
"""Smallest ξ on a chip, in units of the mean k(x, x). On a rehearsed Advantage at one bit
(svmguide1 and Raleigh, 40 samples, Statlog, 80) .05 to .2 leave gaps within five points of each
other, 1 leaves three times as much; accuracies are best at .05 to .1."""

LADDER = (1.0, 2.0, 4.0, 8.0)
"""Factors on :data:`SMALLEST` that are tried, up to about k(x, x)."""

STEPS = 2.0
"""Lattice steps that the continuous optimum may lie beside the plane: samples, which scatter by
several steps, then fall on both sides, and their mixture can lie in it."""


def unit(kernel_matrix: NDArray[Any]) -> float:
    """Return the mean k(x, x) of a kernel matrix (n, n), 1 where it is not positive."""
    mean = float(np.mean(np.diagonal(kernel_matrix), dtype=np.float64))
    return mean if mean > 0 else 1.0


def on_the_plane(problem: DualProblem) -> DualProblem:
    """Return a problem with the least penalty that keeps its optimum near Σ y x = 0.

    Parameters
    ----------
    problem : DualProblem
        With the first penalty of the ladder.
    """
    from qsvm.problem.exact import solve_box

    first, found = problem.penalty, problem
    allowed = STEPS * float((problem.span.max(initial=0.0)) * problem.weights.min())
    for factor in LADDER:
        found = problem.with_penalty(first * factor)
        optimum, _ = solve_box(found)
        if np.abs(found.balance(optimum)).max(initial=0.0) <= allowed:
            break
    return found
