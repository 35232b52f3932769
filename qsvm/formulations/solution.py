"""From samples of one dual to its coefficients and bias."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from qsvm.formulations.bias import bias
from qsvm.formulations.combination import combine, training_accuracies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.formulations.binary import BinaryDual
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """Coefficients of one dual.

    Attributes
    ----------
    alpha : ndarray of shape (n,)
        Combined coefficients, 0 ≤ α_n ≤ C_n.
    bias : float
        Bias b of f(x) = Σ α_n y_n k(x_n, x) + b.
    energy : float
        Energy of ``alpha`` on the full problem.
    kept_energies : ndarray
        Energies of the samples that were combined, ascending.
    """

    alpha: NDArray[np.float64]
    bias: float
    energy: float
    kept_energies: NDArray[np.float64]


def kept(problem: DualProblem, batch: SampleBatch, n_keep: int, *, selective: bool) -> SampleBatch:
    """Return the batch reduced to the samples that are combined.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    batch : SampleBatch
        Its samples, sorted by energy.
    n_keep : int
        How many of the lowest to keep.
    selective : bool
        True: samples above the energy of all-zero coefficients are worse than no training at all
        and are left out, unless all are (then all of the lowest stay and the diagnostics show it).
        False for null controls, in which nothing is selected.
    """
    count = min(n_keep, len(batch.energies))
    if selective:
        zero = problem.energies(problem.lower)[0]
        below = int(np.searchsorted(batch.energies, zero, side="right"))
        count = min(count, below) if below else count
    return dataclasses.replace(
        batch,
        x=batch.x[:count],
        energies=batch.energies[:count],
        occurrences=batch.occurrences[:count],
    )


def decode(
    dual: BinaryDual,
    batch: SampleBatch,
    *,
    penalty: float,
    n_keep: int,
    combination: str,
    bias_rule: str,
    selective: bool,
) -> Solution:
    """Combine samples of a binary dual into coefficients; compute the bias once from them.

    Parameters
    ----------
    dual : BinaryDual
        The dual and its signs y.
    batch : SampleBatch
        Samples, sorted by energy.
    penalty : float
        ξ, which the Hessian holds beside the kernel.
    n_keep : int
        How many of the lowest distinct samples to combine.
    combination, bias_rule : str
        Rules of :mod:`qsvm.formulations.combination`.
    selective : bool
        See :func:`kept`.
    """
    problem, y = dual.problem, dual.signs
    chosen = kept(problem, batch, n_keep, selective=selective)
    rows = chosen.x

    def outputs(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return y * problem.fields(x) - penalty * (x @ y)[..., None]

    accuracies = None
    if combination == "accuracy":
        accuracies = training_accuracies(rows, y, problem.upper, outputs(rows), bias_rule)
    weights = combine(chosen.energies, combination, accuracies)
    alpha = np.clip(weights @ rows, problem.lower, problem.upper)
    b = bias(alpha, y, problem.upper, outputs(alpha), bias_rule)
    return Solution(alpha, b, float(problem.energies(alpha)[0]), chosen.energies)
