"""The machine code behind :mod:`bridges.svm.likeliest`: probabilities, and how sure they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridges.machine.compiled import compiled
from bridges.svm.fused_loops import GROUP, TILE, expand_tile, load_tile
from bridges.svm.label_loops import largest_row
from bridges.svm.probability_loops import logarithm, probability_tile

STEPS = 250
"""Steps between 0 and 1 of a stored share; 255 is left for pixels without any."""


@compiled
def confidence_tile(x: Any, n: int, first: int, layers: Any) -> None:
    """Write how sure the probabilities ``x`` (n_classes, TILE) of the first n samples are.

    Rows of ``layers``: the largest probability, its distance to the second largest, and the entropy
    as a share of that of no knowledge; all in steps of 1 / STEPS.
    """
    shares = np.empty((3, TILE))
    for p in range(TILE):
        shares[0, p] = 0.0
        shares[1, p] = 0.0
        shares[2, p] = 0.0
    for c in range(len(x)):
        x_c = x[c]
        for p in range(TILE):
            value = x_c[p]
            top, second = shares[0, p], shares[1, p]
            shares[1, p] = max(second, min(top, value))
            shares[0, p] = max(top, value)
        for p in range(TILE):
            shares[2, p] -= x_c[p] * logarithm(np.float32(max(x_c[p], 1e-30)))
    whole = np.log2(len(x))
    for p in range(n):
        top, second = shares[0, p], shares[1, p]
        layers[0, first + p] = np.uint8(top * STEPS + 0.5)
        layers[1, first + p] = np.uint8((top - second) * STEPS + 0.5)
        layers[2, first + p] = np.uint8(min(max(shares[2, p] / whole, 0.0), 1.0) * STEPS + 0.5)


@compiled
def likeliest_rows(
    Z: Any,
    S: Any,
    starts: Any,
    outputs: Any,
    coef: Any,
    kernel: Any,
    intercept: Any,
    calibration: Any,
    labels: Any,
    layers: Any,
    shares: Any,
) -> None:
    """Set ``labels`` to the likeliest class of every row of ``Z``.

    Parameters
    ----------
    Z, S, starts, outputs, coef
        Prepared samples and expansion, as :func:`bridges.svm.label_loops.label_rows` takes them.
    kernel : tuple
        Kind, degree and coef0 of the kernel.
    intercept : ndarray of shape (n_outputs,)
        Biases.
    calibration : tuple
        As :meth:`bridges.svm.probabilities.Calibration.formula` returns it.
    labels : ndarray of shape (n,), uint16
        Written to.
    layers : ndarray of shape (3, n) or (3, 0), uint8
        Written to, if it has room: see :func:`confidence_tile`.
    shares : ndarray of shape (n_classes, n) or (n_classes, 0), float32
        The probabilities, written to if it has room.
    """
    outputs_kind, slopes, offsets, low, cells, tables, mixing, shifts = calibration
    tile, k = np.empty((Z.shape[1], TILE), Z.dtype), np.empty((GROUP, TILE), Z.dtype)
    n_outputs, n_classes = len(intercept), len(shifts)
    part, values = np.empty((n_outputs, TILE), coef.dtype), np.empty((n_outputs, TILE))
    r, Q = np.empty((n_outputs, TILE)), np.empty((n_classes, n_classes, TILE))
    x, total = np.empty((n_classes, TILE)), np.empty(TILE)
    best, place = np.empty(TILE), np.empty(TILE, np.int64)
    kind, degree, coef0 = kernel
    for first in range(0, len(Z), TILE):
        load_tile(Z, first, tile)
        expand_tile(tile, S, starts, outputs, coef, k, part, values, kind, degree, coef0)
        for o in range(n_outputs):
            for p in range(TILE):
                values[o, p] += intercept[o]
        probability_tile(
            values,
            outputs_kind,
            slopes,
            offsets,
            low,
            cells,
            tables,
            mixing,
            shifts,
            r,
            Q,
            total,
            x,
        )
        largest_row(x, best, place)
        n = min(TILE, len(Z) - first)
        for p in range(n):
            labels[first + p] = place[p]
        if layers.shape[1] > 0:
            confidence_tile(x, n, first, layers)
        if shares.shape[1] > 0:
            for c in range(n_classes):
                for p in range(n):
                    shares[c, first + p] = x[c, p]
