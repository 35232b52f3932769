"""The machine code behind :mod:`bridges.maps.smoothing`: moments of every pixel's neighbourhood."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.machine.compiled import compiled


@compiled
def neighbourhood(
    values: Any, valid: Any, radius: int, counts: Any, mean: Any, variance: Any
) -> None:
    """Set mean and variance of the valid values of every pixel's square neighbourhood.

    Rows are summed first, then columns of the sums, each from the smallest index on, so a pixel's
    result does not depend on where the array begins.

    Parameters
    ----------
    values, valid : ndarray of shape (h, w)
        Values, and which of them count.
    radius : int
        Pixels to either side.
    counts, mean, variance : ndarray of shape (h, w)
        Written to; zero where there is no valid neighbour.
    """
    h, w = values.shape
    sums, squares, numbers = np.zeros((h, w)), np.zeros((h, w)), np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            for k in range(max(0, x - radius), min(w, x + radius + 1)):
                if valid[y, k]:
                    sums[y, x] += values[y, k]
                    squares[y, x] += values[y, k] * values[y, k]
                    numbers[y, x] += 1.0
    for y in range(h):
        for x in range(w):
            total, square, number = 0.0, 0.0, 0.0
            for k in range(max(0, y - radius), min(h, y + radius + 1)):
                total += sums[k, x]
                square += squares[k, x]
                number += numbers[k, x]
            counts[y, x] = number
            mean[y, x] = total / number if number > 0 else 0.0
            spread = square / number - mean[y, x] * mean[y, x] if number > 0 else 0.0
            variance[y, x] = max(spread, 0.0)
