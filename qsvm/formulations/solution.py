"""From samples of one problem to its coefficients, whatever the formulation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from qsvm.formulations.combination import AVERAGED, HULL, combine
from qsvm.formulations.mixture import lowest_mixture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch


@dataclasses.dataclass(frozen=True)
class Rules:
    """How samples become coefficients and a bias.

    Attributes
    ----------
    n_keep : int or None
        How many of the lowest distinct samples are combined; None for as many as suit the rule,
        all for ``hull`` and 20 for averages.
    combination : str
        Rule of :mod:`qsvm.formulations.combination`.
    bias : str
        Rule of :mod:`qsvm.formulations.bias`.
    selective : bool
        For averages. True: samples above the energy of all-zero coefficients are worse than no
        training at all and are left out, unless all are (then all of the lowest stay and the
        diagnostics show it). False for null controls, in which nothing is selected.
    """

    n_keep: int | None = None
    combination: str = HULL
    bias: str = "free"
    selective: bool = True

    def averaged(self) -> Rules:
        """Return the rules of the papers' plain average beside these."""
        return dataclasses.replace(self, n_keep=None, combination="mean")


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """Coefficients of one problem.

    Attributes
    ----------
    alpha : ndarray of shape (n,)
        Combined coefficients, within their intervals.
    energy : float
        Energy of ``alpha`` on the full problem.
    kept_energies : ndarray
        Energies of the samples that were combined, ascending; of ``hull`` those with a weight.
    exact : bool
        Whether the constraints are kept exactly (``hull`` where the samples allow it).
    """

    alpha: NDArray[np.float64]
    energy: float
    kept_energies: NDArray[np.float64]
    exact: bool = False


def kept(problem: DualProblem, batch: SampleBatch, rules: Rules) -> SampleBatch:
    """Return the batch reduced to the samples that are combined; see :class:`Rules`."""
    count = len(batch.energies)
    if rules.n_keep is not None or rules.combination != HULL:
        count = min(rules.n_keep or AVERAGED, count)
    if rules.selective and rules.combination != HULL:
        zero = problem.energies(problem.origin)[0]
        below = int(np.searchsorted(batch.energies, zero, side="right"))
        count = min(count, below) if below else count
    return dataclasses.replace(
        batch,
        x=batch.x[:count],
        energies=batch.energies[:count],
        occurrences=batch.occurrences[:count],
    )


def solution(
    problem: DualProblem,
    batch: SampleBatch,
    rules: Rules,
    accuracies: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> Solution:
    """Combine samples of a problem into one vector of coefficients.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    batch : SampleBatch
        Its samples, sorted by energy.
    rules : Rules
        What to keep, and how to combine it.
    accuracies : callable, optional
        From samples of shape (n_samples, n) to their training accuracies, for the rule
        ``accuracy``.

    Raises
    ------
    UsageError
        If the rule is ``accuracy`` and the formulation knows no accuracy of a single sample.
    """
    chosen = kept(problem, batch, rules)
    if rules.combination == HULL:
        mixed = lowest_mixture(problem, chosen.x)
        energy = float(problem.energies(mixed.x)[0])
        return Solution(mixed.x, energy, chosen.energies[mixed.weights > 0], mixed.exact)
    known = accuracies(chosen.x) if accuracies and rules.combination == "accuracy" else None
    weights = combine(chosen.energies, rules.combination, known)
    alpha = np.clip(weights @ chosen.x, problem.lower, problem.upper)
    return Solution(alpha, float(problem.energies(alpha)[0]), chosen.energies)
