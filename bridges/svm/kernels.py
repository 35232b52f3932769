"""Kernels: parameters, kernel matrices, and the bandwidth that ``gamma="scale"`` stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import UsageError
from bridges.svm.gate import checked_values, require_finite, require_symmetric

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURE_KERNELS = ("rbf", "linear", "poly", "sigmoid")
"""Kernels of features, by name."""
NAMES = (*FEATURE_KERNELS, "precomputed")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel with its numbers resolved.

    Attributes
    ----------
    name : str or callable
        ``rbf`` exp(-γ‖x-z‖²), ``linear`` x·z, ``poly`` (γ x·z + coef0)^degree, ``sigmoid``
        tanh(γ x·z + coef0), ``precomputed`` (rows hold kernel values against the training
        samples), or a callable ``k(X, Z) -> (n, m)``.
    gamma, coef0 : float
        γ and coef0 above.
    degree : int
        Degree of ``poly``.
    """

    name: str | Callable[..., Any] = "rbf"
    gamma: float = 1.0
    degree: int = 3
    coef0: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.name) and self.name not in NAMES:
            raise UsageError(
                f"Unknown kernel '{self.name}'.", f"Use one of {', '.join(NAMES)}, or a callable."
            )

    def matrix(
        self, X: NDArray[np.float64], Z: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return k(x, z) for all rows of ``X`` (n, d) and ``Z`` (m, d), shape (n, m).

        Without ``Z``, the symmetric matrix of ``X`` with itself. A precomputed ``X`` is returned
        as it is.
        """
        if self.name == "precomputed":
            return X
        other = X if Z is None else Z
        if callable(self.name):
            return checked_values(self.name(X, other), (len(X), len(other)))
        if self.name == "rbf":
            return rbf_from_distances(squared_distances(X, other), self.gamma)
        products = X @ other.T
        if self.name == "linear":
            return products
        products *= self.gamma
        products += self.coef0
        return np.tanh(products) if self.name == "sigmoid" else products**self.degree

    def training_matrix(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the kernel matrix of training samples: finite, symmetric to the last bit.

        Parameters
        ----------
        X : ndarray of shape (n, d), or (n, n) if precomputed
            Samples.

        Raises
        ------
        DataError
            If values are missing, infinite or of the wrong shape, or the matrix is not symmetric.
        """
        self.require_range(X)
        K = self.matrix(X)
        if self.name == "precomputed":
            checked_values(K, (len(X), len(X)))
        require_finite(K)
        return require_symmetric(K)

    def require_range(self, X: NDArray[np.float64]) -> None:
        """Refuse features so large that values of the kernel overflow.

        Raises
        ------
        DataError
            Telling to scale them.
        """
        if self.name not in ("poly", "linear", "sigmoid") or not len(X):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            largest = np.einsum("ij,ij->i", X, X).max()
            if self.name == "poly":
                largest = (abs(self.gamma) * largest + abs(self.coef0)) ** self.degree
        require_finite(np.atleast_1d(largest))


def squared_distances(X: NDArray[Any], Z: NDArray[Any]) -> NDArray[Any]:
    """Return ‖x - z‖² for all rows, shape (n, m); exactly zero on the diagonal where X is Z."""
    centre = Z.mean(axis=0)  # less cancellation for data far from the origin
    X, Z, same = X - centre, Z - centre, X is Z
    distances = -2.0 * (X @ Z.T)
    distances += np.einsum("ij,ij->i", X, X)[:, None]
    distances += np.einsum("ij,ij->i", Z, Z)[None, :]
    np.maximum(distances, 0.0, out=distances)
    if same:
        np.fill_diagonal(distances, 0.0)
    return distances


def rbf_from_distances(distances: NDArray[Any], gamma: float) -> NDArray[Any]:
    """Turn squared distances into exp(-γ d²), in place."""
    distances *= -gamma
    return np.exp(distances, out=distances)


def resolve_gamma(
    gamma: float | str, X: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> float:
    """Return γ as a number.

    Parameters
    ----------
    gamma : float or {"scale", "auto"}
        ``scale`` is 1 / (d · Var(X)), ``auto`` is 1 / d, as in scikit-learn.
    X : ndarray of shape (n, d)
        Training samples.
    weights : ndarray of shape (n,), optional
        Sample weights, so that a sample of weight 2 counts as two in the variance.
    """
    if not isinstance(gamma, str):
        return float(gamma)
    if gamma == "auto":
        return 1.0 / X.shape[1]
    if gamma != "scale":
        raise UsageError(f"Unknown gamma '{gamma}'.", "Use a number > 0, 'scale' or 'auto'.")
    if weights is None:
        variance = float(X.var())
    else:
        share = weights / weights.sum() / X.shape[1]
        mean = float(share @ X.sum(axis=1))
        variance = float(share @ ((X - mean) ** 2).sum(axis=1))
    return 1.0 / (X.shape[1] * variance) if variance > 0 else 1.0
