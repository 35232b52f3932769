"""Where a model may be believed: the area of applicability.

The dissimilarity index of a pixel is its distance to the nearest training sample in the scaled (and
weighted) feature space, divided by the mean distance between training samples. That of a training
sample is the same to the nearest sample of *another* fold, so it tells how unlike test samples were
in the cross-validation whose score is reported. The threshold is the largest of these but for
outliers, Q75 + 1.5 (Q75 − Q25); beyond it, the score says nothing (Meyer and Pebesma 2021 [1]_,
section 2). An rbf kernel with one γ measures the very same distances, so its features need no
weights.

A class that training never saw is recognised only where its values lie away from those of the
others.

References
----------
.. [1] H. Meyer, E. Pebesma, "Predicting into unknown space? Estimating the area of applicability of
   spatial prediction models", Methods in Ecology and Evolution 12 (2021), 1620-1633.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.accuracy.nearest import NearestPoint
from bridges.errors import DataError
from bridges.machine.threads import default_threads, in_chunks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_FOR_MEAN = 10_000
"""Samples whose mean distance is computed; of more, evenly spread ones stand for all."""

STORED = ("samples", "weights", "mean_distance", "threshold", "training")
"""What :meth:`Applicability.state` holds."""


@dataclasses.dataclass(frozen=True, eq=False)
class Applicability:
    """Dissimilarity of pixels to the training samples, and its threshold.

    Make it with :meth:`from_training`; it serves any number of windows and threads.

    Attributes
    ----------
    samples : ndarray of shape (n, d), float64
        Distinct training samples in the scaled feature space, weighted.
    weights : ndarray of shape (d,)
        Weights of the features.
    mean_distance : float
        Mean distance between training samples.
    threshold : float
        Largest dissimilarity inside the area of applicability.
    training : ndarray of shape (n_training,), float32
        Dissimilarity of every training sample to the other folds.
    """

    samples: NDArray[np.float64]
    weights: NDArray[np.float64]
    mean_distance: float
    threshold: float
    training: NDArray[np.float32]
    _tree: NearestPoint

    @classmethod
    def from_training(
        cls,
        X_scaled: ArrayLike,
        weights: ArrayLike | None = None,
        folds: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> Applicability:
        """Learn what is similar from the training samples of a model.

        Parameters
        ----------
        X_scaled : array-like of shape (n, d)
            Training samples as the model sees them: scaled.
        weights : array-like of shape (d,), optional
            Importance of the features, none negative; by default all the same.
        folds : array-like of shape (n,), optional
            Number of the fold in which a sample was tested, for example of its polygon; by default
            every sample is a fold of its own.
        n_jobs : int, optional
            Threads; all cores by default.

        Raises
        ------
        DataError
            If there are fewer than two distinct samples or folds, values that are not finite, or
            weights that do not fit.
        """
        X = np.asarray(X_scaled, dtype=np.float64)
        w = _checked_weights(weights, X)
        X = X * w
        distinct = np.unique(X, axis=0)
        if len(distinct) < 2:
            raise DataError(
                "The training samples are all the same.", "Dissimilarity needs at least two."
            )
        mean = _mean_distance(X, n_jobs)
        number = np.arange(len(X)) if folds is None else np.asarray(folds)
        training = (_to_other_folds(X, number, n_jobs) / mean).astype(np.float32)
        return cls(distinct, w, mean, _threshold(training), training, NearestPoint.of(distinct))

    def dissimilarity(self, rows: ArrayLike, n_jobs: int | None = None) -> NDArray[np.float32]:
        """Return the dissimilarity index of pixels, shape (n,).

        Parameters
        ----------
        rows : array-like of shape (n, d)
            Pixels in the scaled feature space.
        n_jobs : int, optional
            Threads; all cores by default. The result depends neither on them nor on how pixels are
            divided among calls.

        Raises
        ------
        DataError
            If the number of features differs from that of the training samples.
        """
        X = np.asarray(rows, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != len(self.weights):
            raise DataError(
                f"Pixels of shape {X.shape} do not have {len(self.weights)} features.",
                "Give one row per pixel, with the features of the training samples.",
            )
        if np.any(self.weights != 1.0):
            X = X * self.weights
        return self._tree.distances(X, n_jobs) / np.float32(self.mean_distance)

    def inside(self, rows: ArrayLike, n_jobs: int | None = None) -> NDArray[np.bool_]:
        """Return which pixels lie in the area of applicability, shape (n,)."""
        within: NDArray[np.bool_] = self.dissimilarity(rows, n_jobs) <= np.float32(self.threshold)
        return within

    def state(self) -> dict[str, Any]:
        """Return arrays and numbers from which :meth:`from_state` makes it again."""
        return {name: getattr(self, name) for name in STORED}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Applicability:
        """Make it again from :meth:`state`, without the training samples' folds."""
        samples = np.asarray(state["samples"], dtype=np.float64)
        return cls(
            samples,
            np.asarray(state["weights"], dtype=np.float64),
            float(state["mean_distance"]),
            float(state["threshold"]),
            np.asarray(state["training"], dtype=np.float32),
            NearestPoint.of(samples),
        )


def _checked_weights(weights: ArrayLike | None, X: NDArray[np.float64]) -> NDArray[np.float64]:
    if X.ndim != 2 or not np.isfinite(X).all():
        raise DataError(
            "Training samples are not a table of finite numbers.", "Leave masked pixels out."
        )
    w = np.ones(X.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != X.shape[1:] or not np.isfinite(w).all() or np.any(w < 0) or not np.any(w):
        raise DataError(
            f"Weights of shape {w.shape} do not fit {X.shape[1]} features, or are negative.",
            "Give one weight per feature, 0 for one that does not matter.",
        )
    return w


def _mean_distance(X: NDArray[np.float64], n_jobs: int | None) -> float:
    """Return the mean distance between two different samples."""
    from bridges.accuracy.nearest_loops import distance_sums

    chosen = np.ascontiguousarray(X[:: -(-len(X) // MOST_FOR_MEAN)])
    sums = np.zeros(len(chosen))

    def work(part: slice) -> None:
        distance_sums(chosen, part.start, sums[part])

    in_chunks(n_jobs or default_threads())(work, len(chosen))
    return float(sums.sum() / (len(chosen) * (len(chosen) - 1) / 2))


def _to_other_folds(
    X: NDArray[np.float64], folds: NDArray[Any], n_jobs: int | None
) -> NDArray[np.float64]:
    """Return the distance of every sample to the nearest one of another fold."""
    numbers = np.unique(folds)
    if len(folds) != len(X) or len(numbers) < 2:
        raise DataError(
            f"{len(numbers)} folds of {len(folds)} samples do not divide {len(X)} samples.",
            "Give every training sample the number of its fold, at least two different ones.",
        )
    if len(numbers) == len(X):
        return _to_another(X)
    distance = np.empty(len(X))
    for number in numbers:
        own = folds == number
        distance[own] = NearestPoint.of(X[~own]).distances(X[own], n_jobs)
    return distance


def _to_another(X: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    nearest: NDArray[np.float64] = cKDTree(X).query(X, k=2)[0][:, 1]
    return nearest


def _threshold(training: NDArray[np.float32]) -> float:
    """Return the largest dissimilarity that is no outlier of the training samples."""
    low, high = np.percentile(training, [25, 75])
    return float(training[training <= high + 1.5 * (high - low)].max())
