"""From labelled samples to the binary duals of a kernel SVM, ready for a sampler."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.duplicates import MergedRows, merge_rows
from bridges.svm.kernels import Kernel, resolve_gamma
from bridges.svm.multiclass import MultiClass, binary_tasks
from qsvm.problem.dual_problem import DualProblem, bit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How coefficients and the penalty become a QUBO.

    Attributes
    ----------
    C : float
        Upper bound of a coefficient of weight one.
    base : float
        Base B of the encoding α = C / S · Σ_k B^k a_k with S = Σ_k B^k.
    n_bits : int
        Bits K per coefficient.
    penalty : float
        ξ of the penalty (ξ/2)(Σ α_n y_n)² that stands for Σ α_n y_n = 0.
    precision : {"double", "single"}
        float64 or float32 for kernel matrices.
    """

    C: float
    base: float
    n_bits: int
    penalty: float
    precision: str = "double"

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """Element type of kernel matrices."""
        return np.float32 if self.precision == "single" else np.float64


def svm_dual(
    kernel_matrix: NDArray[Any],
    signs: NDArray[np.float64],
    upper: NDArray[np.float64],
    encoding: Encoding,
    label: str = "dual",
) -> DualProblem:
    """Return the binary SVM dual min ½ αᵀ(yyᵀ∘(K+ξ))α − Σα, 0 ≤ α ≤ C_n, on a lattice.

    Parameters
    ----------
    kernel_matrix : ndarray of shape (n, n)
        K. Overwritten: it becomes the Hessian.
    signs : ndarray of shape (n,)
        Labels y in {-1, +1}.
    upper : ndarray of shape (n,)
        Bounds C_n.
    encoding : Encoding
        Base, bits and penalty.
    label : str
        Name of the problem.
    """
    hessian = kernel_matrix
    y = signs.astype(hessian.dtype)
    hessian += hessian.dtype.type(encoding.penalty)
    hessian *= y[:, None]
    hessian *= y[None, :]
    n = len(signs)
    weights = bit_weights(encoding.base, encoding.n_bits)
    return DualProblem(hessian, np.full(n, -1.0), np.zeros(n), upper, weights, signs, label)


@dataclasses.dataclass(frozen=True, eq=False)
class BinaryDual:
    """One binary problem of a model.

    Attributes
    ----------
    rows : ndarray of shape (n,), intp
        Rows of the merged training set that take part.
    problem : DualProblem
        Its dual; ``problem.equality`` holds the signs.
    """

    rows: NDArray[np.intp]
    problem: DualProblem

    @property
    def signs(self) -> NDArray[np.float64]:
        """Labels y in {-1, +1}, shape (n,)."""
        if self.problem.equality is None:
            raise TypeError("A binary dual has signs.")
        return self.problem.equality


@dataclasses.dataclass(frozen=True, eq=False)
class ModelDuals:
    """Everything that a model's samples are decoded with.

    Attributes
    ----------
    kernel : Kernel
        With γ as a number.
    merged : MergedRows
        The distinct training samples.
    vectors : ndarray of shape (m, d)
        Their features (shape (m, 0) for a precomputed kernel).
    duals : list of BinaryDual
        One per pair of classes, or per class.
    n_samples : int
        Samples given, before merging.
    kernel_s, build_s : float
        Seconds spent on kernel matrices and on the rest.
    """

    kernel: Kernel
    merged: MergedRows
    vectors: NDArray[np.float64]
    duals: list[BinaryDual]
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
    multiclass: MultiClass,
    encoding: Encoding,
    label: str,
) -> ModelDuals:
    """Build all binary duals of one training set.

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
    multiclass : {"ovo", "ovr"}
        How to split several classes.
    encoding : Encoding
        Bits, base, C, penalty and precision.
    label : str
        Prefix of the problems' names.
    """
    started = time.perf_counter()
    precomputed = kernel.name == "precomputed"
    merged = merge_rows(X, codes, weights, compare=not precomputed)
    vectors = X[merged.rows]
    if not precomputed and not callable(kernel.name):
        kernel = dataclasses.replace(kernel, gamma=resolve_gamma(gamma, vectors, merged.weights))
    upper = encoding.C * merged.weights * bounds[merged.codes]
    tasks = binary_tasks(merged.codes, len(bounds), multiclass)
    kernel_started = time.perf_counter()
    if precomputed:
        full = np.ascontiguousarray(X[np.ix_(merged.rows, merged.rows)], dtype=encoding.dtype)
        vectors = np.empty((len(merged.rows), 0))
    else:
        full = kernel.matrix(vectors.astype(encoding.dtype)).astype(encoding.dtype, copy=False)
    kernel_s = time.perf_counter() - kernel_started
    duals = []
    for number, (rows, signs) in enumerate(tasks):
        block = full if len(tasks) == 1 else full[np.ix_(rows, rows)]
        name = f"{label}/{number}" if len(tasks) > 1 else label
        duals.append(BinaryDual(rows, svm_dual(block, signs, upper[rows], encoding, name)))
    build_s = time.perf_counter() - started - kernel_s
    return ModelDuals(kernel, merged, vectors, duals, len(X), kernel_s, build_s)
