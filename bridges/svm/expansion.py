"""A trained kernel machine as what it is: support vectors, coefficients, biases, a kernel.

Every classifier of the toolkit predicts through one of these, so one fast pass over the pixels
serves a single SVM, all pairs of a multi-class one, and a whole ensemble.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.svm.fused import accumulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.kernels import Kernel


@dataclasses.dataclass(frozen=True, eq=False)
class KernelExpansion:
    """Outputs f_o(x) = Σ_s coef[o, s] k(x_s, x) + intercept[o].

    Attributes
    ----------
    kernel : Kernel
        The kernel.
    support : ndarray of shape (n_support,), intp
        Rows of the training data.
    support_vectors : ndarray of shape (n_support, n_features)
        Those rows (shape (n_support, 0) for a precomputed kernel).
    coef : ndarray of shape (n_outputs, n_support)
        Signed coefficients.
    intercept : ndarray of shape (n_outputs,)
        Biases.
    """

    kernel: Kernel
    support: NDArray[np.intp]
    support_vectors: NDArray[np.float64]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]

    def decision(self, X: NDArray[np.float64], n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return all outputs, shape (n, n_outputs).

        Parameters
        ----------
        X : ndarray of shape (n, n_features), or (n, n_training samples) if precomputed
            Samples.
        n_jobs : int, optional
            Threads; None for all cores of this process. The result does not depend on it.
        """
        out = np.tile(self.intercept, (len(X), 1))
        if self.kernel.name == "precomputed":
            out += X[:, self.support] @ self.coef.T
        elif len(self.support):
            accumulate(X, self.support_vectors, self.coef.T, out, self.kernel, n_jobs=n_jobs)
        return out


def linear_weights(model: KernelExpansion) -> NDArray[np.float64]:
    """Return w of f_o(x) = w_o · x + intercept_o, shape (n_outputs, n_features), read-only.

    Raises
    ------
    AttributeError
        If the kernel is not linear: ``coef_`` of such a classifier does not exist.
    """
    if model.kernel.name != "linear":
        raise AttributeError("coef_ is only available when using a linear kernel")
    weights: NDArray[np.float64] = model.coef @ model.support_vectors
    weights.flags.writeable = False
    return weights


def stack(
    expansions: Sequence[KernelExpansion], weights: NDArray[np.float64] | None = None
) -> KernelExpansion:
    """Join expansions over one training set and kernel into one over their distinct support.

    Parameters
    ----------
    expansions : sequence of KernelExpansion
        All with the same kernel; ``support`` refers to the same training data.
    weights : ndarray of shape (n_expansions,), optional
        Given: output o is the weighted sum of all o-th outputs. None: all outputs one after the
        other.
    """
    support = np.unique(np.concatenate([e.support for e in expansions]))
    first = expansions[0]
    vectors = np.zeros((len(support), first.support_vectors.shape[1]))
    blocks = []
    for e in expansions:
        place = np.searchsorted(support, e.support)
        vectors[place] = e.support_vectors
        block = np.zeros((len(e.coef), len(support)))
        np.add.at(block.T, place, e.coef.T)  # a bag may hold one row twice
        blocks.append(block)
    intercepts = [e.intercept for e in expansions]
    if weights is None:
        coef, intercept = np.concatenate(blocks), np.concatenate(intercepts)
    else:
        coef = np.tensordot(weights, blocks, axes=1)
        intercept = np.tensordot(weights, intercepts, axes=1)
    return KernelExpansion(first.kernel, support, vectors, coef, intercept)
