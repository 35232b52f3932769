"""How good probabilities are: calibration error, Brier score, log loss, reliability by bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Bins of equal width (Guo et al. 2017)."""

SMALLEST = 1e-15
"""Smallest probability that log loss counts, so that one sure error is not infinite."""


def calibration_scores(
    probabilities: NDArray[np.float64], codes: NDArray[np.intp], bins: int = BINS
) -> dict[str, Any]:
    """Return scores of probabilities and what a reliability diagram shows.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Rows sum to one.
    codes : ndarray of shape (n,)
        True class indices.
    bins : int
        Bins of equal width of the largest probability.

    Returns
    -------
    dict
        ``ece``: expected calibration error, Σ_b n_b / n |share of hits - mean largest probability|
        [1]_. ``brier``: mean of Σ_c (p_c - [c is true])², between 0 and 2 [2]_. ``log_loss``: mean
        of -ln p of the true class. ``bins``: per bin that is not empty, its limits, samples, mean
        largest probability (``confidence``) and share of hits (``accuracy``).

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks",
       ICML 2017, section 2.
    .. [2] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
       Weather Review 78 (1950), 1-3.
    """
    rows = np.arange(len(codes))
    top, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    place = np.minimum((top * bins).astype(int), bins - 1)
    table = []
    for b in np.unique(place).tolist():
        own = place == b
        table.append(
            {
                "low": b / bins,
                "high": (b + 1) / bins,
                "samples": int(own.sum()),
                "confidence": float(top[own].mean()),
                "accuracy": float(hit[own].mean()),
            }
        )
    apart = sum(t["samples"] * abs(t["accuracy"] - t["confidence"]) for t in table)
    squares = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, codes] + 1
    logs = np.log(np.maximum(probabilities[rows, codes], SMALLEST))
    return {
        "ece": float(apart / len(codes)),
        "brier": float(squares.mean()),
        "log_loss": float(-logs.mean()),
        "bins": table,
    }
