"""From several samples to one model: weights of the samples, and the bias.

The decision function is linear in the coefficients, so averaging the decision functions of several
samples is averaging their coefficients; only the bias has to be computed anew, once, from the
averaged coefficients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError
from qsvm.formulations.bias import bias

if TYPE_CHECKING:
    from numpy.typing import NDArray

HULL = "hull"
"""Rule that is no average over a few samples: every one of them is a column."""

AVERAGED = 20
"""Lowest distinct samples that are averaged unless told otherwise, as in the papers."""

AVERAGES = {
    "mean": "plain mean of the kept samples (Willsch et al. 2020)",
    "boltzmann": "weights exp(-(E - E0) / T), T the standard deviation of the kept energies",
    "accuracy": "softmax of ten times the training accuracy of each sample",
    "best": "the sample of lowest energy alone",
}
"""Rules of :func:`combine`, by name."""

COMBINATIONS = {
    HULL: "lowest mixture of all samples and zero, Σ α y = 0 exactly (qsvm.formulations.mixture)",
    **AVERAGES,
}
"""All rules, by name."""

ACCURACY_SHARPNESS = 10.0
"""Factor on the training accuracy in the softmax of ``accuracy``: a sample that is ten points more
accurate weighs e times as much."""


def combine(
    energies: NDArray[np.float64],
    rule: str = "mean",
    accuracies: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the weights with which samples are averaged, shape (n_samples,), summing to one.

    Parameters
    ----------
    energies : ndarray of shape (n_samples,)
        Energies of the kept samples.
    rule : str
        One of :data:`AVERAGES`.
    accuracies : ndarray of shape (n_samples,), optional
        Training accuracy of each sample (:func:`training_accuracies`), for ``accuracy``.

    Raises
    ------
    UsageError
        If the rule is unknown, or lacks the accuracies that it needs.

    Examples
    --------
    >>> combine(np.array([-2.0, -1.0, 0.0]), "best").tolist()
    [1.0, 0.0, 0.0]
    """
    energies = np.asarray(energies, dtype=np.float64)
    if rule == "mean":
        return np.full(len(energies), 1.0 / len(energies))
    if rule == "best":
        return np.where(np.arange(len(energies)) == np.argmin(energies), 1.0, 0.0)
    if rule == "boltzmann":
        spread = float(energies.std())
        return _softmax(-energies / spread if spread > 0 else np.zeros(len(energies)))
    if rule == "accuracy":
        if accuracies is None:
            raise UsageError(
                "The combination 'accuracy' needs the samples' accuracies.",
                "Pass what training_accuracies returns.",
            )
        return _softmax(ACCURACY_SHARPNESS * np.asarray(accuracies, dtype=np.float64))
    raise UsageError(f"Unknown average '{rule}'.", f"Use one of {', '.join(AVERAGES)}.")


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(scores) / Σ exp(scores)."""
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum())


def training_accuracies(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    upper: NDArray[np.float64],
    outputs: NDArray[np.float64],
    rule: str = "free",
) -> NDArray[np.float64]:
    """Return the training accuracy of each sample with its own bias, shape (n_samples,).

    Parameters
    ----------
    x : ndarray of shape (n_samples, n)
        Coefficients.
    y, upper : ndarray of shape (n,)
        Signs and bounds C_n.
    outputs : ndarray of shape (n_samples, n)
        Σ_m α_m y_m k(x_m, x_n) of each sample, without bias.
    rule : str
        Bias rule.
    """
    biases = [bias(alpha, y, upper, f, rule) for alpha, f in zip(x, outputs, strict=True)]
    right = (outputs + np.array(biases)[:, None] > 0) == (y > 0)
    return np.asarray(right.mean(axis=1))
