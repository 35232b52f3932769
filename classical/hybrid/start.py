"""A descent begun from the coefficients of another classifier, such as an annealed ensemble."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges import registry
from bridges.classifier import HasExpansion
from bridges.errors import UsageError
from classical.solver.warm import feasible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.expansion import KernelExpansion
    from classical.solver.training import Training


def started(
    training: Training,
    classes: NDArray[Any],
    C: float,
    name: str,
    params: Mapping[str, Any] | None,
) -> Training:
    """Return the duals with the coefficients of a fitted classifier as their start.

    Parameters
    ----------
    training : Training
        The duals.
    classes : ndarray of shape (n_classes,)
        Their labels.
    C : float
        Their bound before any weights.
    name : str
        Registered name of a one-vs-one kernel classifier; it is fitted on the same samples.
    params : mapping, optional
        Its parameters; C and kernel are those of the duals unless given.

    Raises
    ------
    UsageError
        If what is registered is no kernel expansion of pairs of classes.
    """
    rows, kernel = training.rows, training.kernel
    shared = {
        "C": C, "kernel": kernel.name, "gamma": kernel.gamma, "degree": kernel.degree,
        "coef0": kernel.coef0,
    }  # fmt: skip
    model = registry.make(name, **{**shared, **(params or {})})
    weights = None if (rows.weights == 1).all() else rows.weights
    model.fit(rows.X, classes[rows.codes], sample_weight=weights)
    pairs = len(classes) == 2 or getattr(model, "outputs", "") == "ovo"
    if not isinstance(model, HasExpansion) or not pairs:
        raise UsageError(
            f"'{name}' cannot start a descent: it has no coefficients for pairs of classes.",
            "Use 'qubo-ensemble', 'qubo-svc' or 'mpi-svc'.",
        )
    return with_coefficients(training, model.expansion())


def with_coefficients(training: Training, expansion: KernelExpansion) -> Training:
    """Return the duals with the coefficients of an expansion over the same rows as their start."""
    coef = np.zeros((len(training.tasks), len(training.rows.codes)))
    np.add.at(coef.T, expansion.support, expansion.coef.T)
    tasks = [
        dataclasses.replace(task, start=feasible(_on_side(coef[p, task.rows], task.y), task.bound))
        for p, task in enumerate(training.tasks)
    ]
    return dataclasses.replace(training, tasks=tasks)


def _on_side(beta: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return signed coefficients, zero where the sign is not that of the sample."""
    return np.where(beta * y > 0, beta, 0.0)
