"""From several samples to one model: weights of the samples, and the bias.

The decision function is linear in the coefficients, so averaging the decision functions of several
samples is averaging their coefficients; only the bias has to be computed anew, once, from the
averaged coefficients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMBINATIONS = {
    "mean": "plain mean of the kept samples (Willsch et al. 2020)",
    "boltzmann": "weights exp(-(E - E0) / T), T the standard deviation of the kept energies",
    "accuracy": "softmax of ten times the training accuracy of each sample",
    "best": "the sample of lowest energy alone",
}
"""Rules of :func:`combine`, by name."""

BIAS_RULES = {
    "free": "mean of y - f weighted by α(C - α); the KKT midpoint where no α is free",
    "mean-free": "plain mean of y - f over 0 < α < C; the KKT midpoint where there is none",
    "mean-sv": "plain mean of y - f over α > 0; the KKT midpoint where there is none",
    "midpoint": "middle of the interval that the optimality conditions leave to the bias",
    "zero": "no bias",
}
"""Rules of :func:`bias`, by name."""

ACCURACY_SHARPNESS = 10.0
"""Factor on the training accuracy in the softmax of ``accuracy``: a sample that is ten points more
accurate weighs e times as much."""

AT_BOUND = 1e-9
"""Distance, as a share of the interval, within which a coefficient counts as at its bound."""


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
        One of :data:`COMBINATIONS`.
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
    raise UsageError(f"Unknown combination '{rule}'.", f"Use one of {', '.join(COMBINATIONS)}.")


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


def bias(
    alpha: NDArray[np.float64],
    y: NDArray[np.float64],
    upper: NDArray[np.float64],
    outputs: NDArray[np.float64],
    rule: str = "free",
) -> float:
    """Return the bias b of f(x) = Σ α_n y_n k(x_n, x) + b.

    Parameters
    ----------
    alpha, y, upper : ndarray of shape (n,)
        Coefficients, signs and bounds C_n.
    outputs : ndarray of shape (n,)
        Σ_m α_m y_m k(x_m, x_n), without bias.
    rule : str
        One of :data:`BIAS_RULES`.

    Raises
    ------
    UsageError
        If the rule is unknown.
    """
    if rule not in BIAS_RULES:
        raise UsageError(f"Unknown bias rule '{rule}'.", f"Use one of {', '.join(BIAS_RULES)}.")
    if rule == "zero":
        return 0.0
    above, below = alpha > AT_BOUND * upper, alpha < (1 - AT_BOUND) * upper
    weights = {
        "free": np.where(above & below, alpha * (upper - alpha), 0.0),
        "mean-free": (above & below).astype(np.float64),
        "mean-sv": above.astype(np.float64),
        "midpoint": np.zeros(len(alpha)),
    }[rule]
    total = float(weights.sum())
    if total > 0:
        return float(weights @ (y - outputs)) / total
    return kkt_midpoint(above, below, y, outputs)


def kkt_midpoint(
    above: NDArray[np.bool_],
    below: NDArray[np.bool_],
    y: NDArray[np.float64],
    outputs: NDArray[np.float64],
) -> float:
    """Return the middle of the interval that the optimality conditions leave to the bias.

    Parameters
    ----------
    above, below : ndarray of shape (n,), bool
        Whether a coefficient is above 0 and below its upper bound; one that is neither (an
        interval of zero width) says nothing.
    y, outputs : ndarray of shape (n,)
        Signs, and outputs without bias.
    """
    error = y - outputs
    at_least = error[np.where(y > 0, below, above)]
    at_most = error[np.where(y > 0, above, below)]
    low = at_least.max() if len(at_least) else at_most.min(initial=0.0)
    high = at_most.min() if len(at_most) else low
    return 0.5 * float(low + high)
