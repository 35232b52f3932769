"""Calibrations learnt from raw outputs of samples that the model has not seen."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from bridges.svm.multiclass import class_pairs
from bridges.svm.probabilities import Calibration, Outputs, identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

Method = Literal["sigmoid", "isotonic", "temperature"]
METHODS: tuple[Method, ...] = ("sigmoid", "isotonic", "temperature")

COLUMNS = 257
"""Of the table that stands for an isotonic regression."""

PRIOR = 3.0
"""Weight of the last correction's ridge, by which it corrects nothing without evidence.

Chosen, as was the correction itself, by the log loss of cross-validation within the training
samples of Statlog and of four random halves of the Raleigh scene, for an exact SVM and an annealed
ensemble each (mean with 3: .470, with 10: .471, with a power and shifts instead of a matrix: .479).
Coupled isotonic regressions gained nothing from any correction; those of one class against the rest
do, because their sum is divided out.
"""

STEEPEST = 12.0
"""Largest |ln slope| of a temperature."""


def learn(
    method: Method,
    values: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    outputs: Outputs,
    n_classes: int,
) -> Calibration:
    """Return the calibration of raw outputs.

    Parameters
    ----------
    method : {"sigmoid", "isotonic", "temperature"}
        ``sigmoid``: a sigmoid per output [1]_, [2]_. ``isotonic``: a step function that only rises,
        per output. ``temperature``: one slope for all outputs, which changes no ranking between two
        classes. Sigmoids, and isotonic regressions of one class against the rest, are followed by a
        correction of all classes together: a matrix and shifts for the logarithms of the
        probabilities, held near the identity [3]_.
    values : ndarray of shape (n, n_outputs)
        Raw outputs of samples that the model has not seen.
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Sample weights, positive.
    outputs : {"sign", "pairs", "classes"}
        What the outputs stand for.
    n_classes : int
        Number of classes; each has samples.

    References
    ----------
    .. [1] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
       Classifiers (2000), 61-74.
    .. [2] H.-T. Lin, C.-J. Lin, R. C. Weng, "A note on Platt's probabilistic outputs for support
       vector machines", Machine Learning 68 (2007), 267-276.
    .. [3] M. Kull et al., "Beyond temperature scaling: obtaining well-calibrated multiclass
       probabilities with Dirichlet calibration", NeurIPS 2019.
    """
    if method == "temperature":
        shared: Outputs = "scores" if outputs == "classes" else outputs
        start = identity(shared, n_classes, np.ones(values.shape[1]))
        return _tempered(start, values, codes, weights)
    start = identity(outputs, n_classes, np.ones(values.shape[1]))
    cases = [_case(o, values, codes, weights, outputs, n_classes) for o in range(values.shape[1])]
    if method == "sigmoid":
        slopes, offsets = np.array([fit_sigmoid(*case) for case in cases]).T
        linked = dataclasses.replace(start, slopes=slopes, offsets=offsets)
        return linked if outputs == "sign" else _corrected(linked, values, codes, weights)
    tables = [fit_table(*case) for case in cases]
    low, cells = np.array([(first, per) for first, per, _ in tables]).T
    held = np.array([table for *_, table in tables])
    linked = dataclasses.replace(start, low=low, cells=cells, tables=held)
    return _corrected(linked, values, codes, weights) if outputs == "classes" else linked


Case = tuple["NDArray[np.float64]", "NDArray[np.bool_]", "NDArray[np.float64]"]
"""Values, whether a positive value would be right, and weights of the samples of one output."""


def _case(
    output: int,
    values: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    outputs: Outputs,
    n_classes: int,
) -> Case:
    """Return what one output is to tell apart, and from which samples."""
    if outputs == "pairs":
        i, j = class_pairs(n_classes)[output]
        own = (codes == i) | (codes == j)
        return values[own, output], codes[own] == i, weights[own]
    return values[:, output], codes == (1 if outputs == "sign" else output), weights


def fit_sigmoid(
    values: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return slope and offset of P = 1 / (1 + exp(-(slope · value + offset))).

    Newton's method with step halving on the penalised likelihood of Lin, Lin and Weng (2007), whose
    targets keep off 0 and 1 by one sample.
    """
    n_yes, n_no = weights[positive].sum(), weights[~positive].sum()
    target = np.where(positive, (n_yes + 1) / (n_yes + 2), 1 / (n_no + 2))
    scale = max(float(np.sqrt(np.average(values**2, weights=weights))), 1e-12)
    f = np.column_stack([values / scale, np.ones(len(values))])
    x = np.array([0.0, np.log((n_yes + 1) / (n_no + 1))])

    def loss(x: NDArray[np.float64]) -> float:
        z = f @ x
        return float(weights @ (np.logaddexp(0, -z) + (1 - target) * z))

    now = loss(x)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(f @ x, -700, 700)))
        gradient = f.T @ (weights * (p - target))
        curvature = (f * (weights * p * (1 - p))[:, None]).T @ f + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while length > 1e-10 and loss(x - length * step) > now - 1e-4 * length * gradient @ step:
            length /= 2
        x = x - length * step
        before, now = now, loss(x)
        if before - now < 1e-10 * max(1.0, now):
            break
    return float(x[0] / scale), float(x[1])


def fit_table(
    values: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64]]:
    """Return first value, columns per unit, and probabilities of an isotonic regression.

    It keeps off 0 and 1 by one sample, as the sigmoid's targets do.
    """
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (weights.sum() + 2)
    model = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    model.fit(values, positive.astype(np.float64), sample_weight=weights)
    low, high = float(values.min()), float(values.max())
    table = np.asarray(model.predict(np.linspace(low, high, COLUMNS)))
    return low, (COLUMNS - 1) / (high - low) if high > low else 0.0, table


def _tempered(
    start: Calibration,
    values: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> Calibration:
    """Return the calibration of one slope that gives the samples the largest likelihood."""
    from scipy.optimize import minimize_scalar

    scale = max(float(np.sqrt(np.mean(values**2))), 1e-12)

    def at(log_slope: float) -> Calibration:
        slopes = np.full(values.shape[1], np.exp(log_slope) / scale)
        return dataclasses.replace(start, slopes=slopes)

    def loss(log_slope: float) -> float:
        p = at(log_slope).probabilities(values)[np.arange(len(codes)), codes]
        return float(-(weights @ np.log(np.maximum(p, 1e-12))))

    found = minimize_scalar(
        loss, bounds=(-STEEPEST, STEEPEST), method="bounded", options={"xatol": 1e-3}
    )
    return at(float(found.x))


def _corrected(
    linked: Calibration,
    values: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> Calibration:
    """Return the calibration with the mixing and shifts of the largest penalised likelihood.

    Coupled pairs are too cautious where they agree (a pair says nothing of a third class), and
    their errors add up differently for each class.
    """
    from scipy.optimize import minimize

    logs = np.log(np.maximum(linked.probabilities(values), 1e-12))
    rows, k = np.arange(len(codes)), logs.shape[1]
    start = np.concatenate([np.eye(k).ravel(), np.zeros(k)])

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = logs @ x[: k * k].reshape(k, k).T + x[k * k :]
        z -= z.max(axis=1, keepdims=True)
        total = np.log(np.exp(z).sum(axis=1, keepdims=True))
        apart = np.exp(z - total)
        apart[rows, codes] -= 1
        apart *= weights[:, None]
        away = x - start
        value = weights @ (total[:, 0] - z[rows, codes]) + PRIOR * away @ away
        gradient = np.concatenate([(apart.T @ logs).ravel(), apart.sum(axis=0)])
        return float(value), gradient + 2 * PRIOR * away

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    mixing = np.ascontiguousarray(found[: k * k].reshape(k, k))
    return dataclasses.replace(linked, mixing=mixing, shifts=found[k * k :])
