"""From labelled samples to the problems of a model, ready for a sampler."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np

from bridges.svm.duplicates import MergedRows, merge_rows
from bridges.svm.kernels import Kernel, resolve_gamma
from qsvm.fitting.penalty import AUTO, SMALL, SMALLEST, on_the_plane, unit
from qsvm.formulations.base import Encoding, Formulation, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem


@dataclasses.dataclass(frozen=True, eq=False)
class ModelDuals:
    """Everything that a model's samples are decoded with.

    Attributes
    ----------
    formulation : Formulation
        What the problems were made by.
    task : Task
        What it was asked.
    problems : list of DualProblem
        What is to be sampled.
    kernel : Kernel
        With γ as a number.
    merged : MergedRows
        The distinct training samples.
    vectors : ndarray of shape (m, d)
        Their features (shape (m, 0) for a precomputed kernel).
    n_samples : int
        Samples given, before merging.
    kernel_s, build_s : float
        Seconds spent on kernel matrices and on the rest.
    """

    formulation: Formulation
    task: Task
    problems: list[DualProblem]
    kernel: Kernel
    merged: MergedRows
    vectors: NDArray[np.float64]
    n_samples: int
    kernel_s: float
    build_s: float


def build_duals(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    bounds: NDArray[np.float64],
    kernel: Kernel,
    gamma: float | str,
    formulation: Formulation,
    encoding: Encoding,
    label: str,
    *,
    penalty: float | str,
) -> ModelDuals:
    """Build all problems of one training set.

    Parameters
    ----------
    X : ndarray of shape (n, d), or (n, n) for a precomputed kernel
        Training samples.
    codes : ndarray of shape (n,)
        Class indices; at least two classes.
    weights : ndarray of shape (n,)
        Sample weights.
    bounds : ndarray of shape (n_classes,)
        Weight of each class.
    kernel : Kernel
        Kernel whose γ is replaced by the resolved one.
    gamma : float or str
        As in :func:`bridges.svm.kernels.resolve_gamma`.
    formulation : Formulation
        How classes become problems.
    encoding : Encoding
        Bits, base, C and precision.
    label : str
        Prefix of the problems' names.
    penalty : float, "auto" or "small"
        ξ, or the rule by which it is chosen (:mod:`qsvm.fitting.penalty`); ``auto`` is the mean
        k(x, x).
    """
    started = time.perf_counter()
    precomputed = kernel.name == "precomputed"
    merged = merge_rows(X, codes, weights, compare=not precomputed)
    vectors = X[merged.rows]
    if not precomputed and not callable(kernel.name):
        kernel = dataclasses.replace(kernel, gamma=resolve_gamma(gamma, vectors, merged.weights))
    upper = encoding.C * merged.weights * bounds[merged.codes]
    kernel_started = time.perf_counter()
    if precomputed:
        given = kernel.training_matrix(X[np.ix_(merged.rows, merged.rows)])
        full = np.ascontiguousarray(given, dtype=encoding.dtype)
        vectors = np.empty((len(merged.rows), 0))
    else:
        evaluated = kernel.training_matrix(vectors.astype(encoding.dtype))
        full = evaluated.astype(encoding.dtype, copy=False)
    kernel_s = time.perf_counter() - kernel_started
    share = {AUTO: 1.0, SMALL: SMALLEST}.get(str(penalty))
    xi = float(penalty) if share is None else share * unit(full)
    encoding = dataclasses.replace(encoding, penalty=xi)
    task = Task(full, merged.codes, len(bounds), upper, encoding, label)
    problems = formulation.problems(task)
    if penalty == SMALL:
        problems = [on_the_plane(problem) for problem in problems]
    # the kernel values now live in the problems: a model of 10 000 samples holds them once
    task = dataclasses.replace(task, kernel_matrix=np.empty((0, 0)))
    build_s = time.perf_counter() - started - kernel_s
    return ModelDuals(
        formulation, task, problems, kernel, merged, vectors, len(X), kernel_s, build_s
    )
