"""What a trained model of another library says in our terms: coefficients, objective, values."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np


def same_model_errors(model: Any, T: np.ndarray, gamma: float) -> tuple[float, float]:
    """Predict scikit-learn's model with our code; differences of pairs' values and of classes."""
    from bridges.svm.expansion import KernelExpansion
    from bridges.svm.kernels import Kernel
    from bridges.svm.multiclass import count_votes, predicted_indices

    _, coef = dual_solution(model)
    kernel = Kernel("rbf", gamma)
    expansion = KernelExpansion(
        kernel, model.support_, model.support_vectors_, coef, model.intercept_
    )
    ours, n_classes = expansion.decision(T), len(model.classes_)
    pairs = copy.copy(model)
    pairs.decision_function_shape = "ovo"
    theirs = pairs.decision_function(T).reshape(len(T), -1)
    if n_classes == 2:
        given = predicted_indices(ours[:, 0])
    else:
        given = np.argmax(count_votes(ours, n_classes), axis=1)
    differ = np.mean(model.classes_[given] != model.predict(T))
    return float(np.abs(ours - theirs).max()), float(differ)


def dual_solution(model: Any) -> tuple[Any, Any]:
    """Rows of the support vectors and their coefficients, shape (n_pairs, n_support)."""
    if hasattr(model, "get_sv_indices"):
        support = np.array(model.get_sv_indices()) - 1
        counts = [model.nSV[k] for k in range(model.get_nr_class())]
        return support, by_pairs(np.array(model.get_sv_coef()).T, counts)
    if not hasattr(model, "dual_coef_"):
        return None, None
    if len(model.dual_coef_) == len(model.intercept_):
        return model.support_, np.asarray(model.dual_coef_)
    return model.support_, by_pairs(np.asarray(model.dual_coef_), model.n_support_)


def by_pairs(coef: np.ndarray, counts: Any) -> np.ndarray:
    """LIBSVM's (n_classes - 1, n_support) coefficients as one row per pair of classes."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    rows = []
    for i in range(len(counts)):
        for j in range(i + 1, len(counts)):
            row = np.zeros(coef.shape[1])
            row[starts[i] : starts[i + 1]] = coef[j - 1, starts[i] : starts[i + 1]]
            row[starts[j] : starts[j + 1]] = coef[i, starts[j] : starts[j + 1]]
            rows.append(row)
    return np.array(rows)


def dual_objective(S: np.ndarray, coef: np.ndarray, gamma: float) -> float:
    """Sum over pairs of ½ βᵀKβ - Σ|β|, kernel values in float64."""
    from bridges.svm.fused import accumulate
    from bridges.svm.kernels import Kernel

    products = np.zeros((len(S), len(coef)))
    accumulate(S, S, coef.T, products, Kernel("rbf", gamma), precision="double")
    return float(0.5 * np.sum(coef.T * products) - np.abs(coef).sum())
