"""Distances to the nearest sample: among samples, from test to training samples, from the map.

A score tells how well pixels are mapped that lie as far from the training samples as the test
samples do. So the distances of the test samples should be distributed as those of the map's pixels
(Milà et al. 2022, Methods in Ecology and Evolution 13:1304-1316).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from bridges.errors import DataError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.domain import Domain
    from bridges.samples.labelled import LabelledData

Space = Literal["geographic", "feature"]
SPACES: tuple[str, ...] = get_args(Space)

MOST_QUERIES = 3000
"""Samples whose nearest neighbour is looked for; of more, a random choice."""


@dataclass(frozen=True)
class DistanceProfile:
    """Three distributions of distances to the nearest sample.

    Attributes
    ----------
    samples : ndarray
        From samples to the nearest other sample.
    folds : ndarray
        From test samples to the nearest training sample.
    domain : ndarray
        From pixels of the map to the nearest sample.
    unit : str
        Of the distances.
    """

    samples: NDArray[np.float64]
    folds: NDArray[np.float64]
    domain: NDArray[np.float64]
    unit: str

    @property
    def mismatch(self) -> float:
        """Wasserstein distance between ``folds`` and ``domain``; 0 for folds that match."""
        return wasserstein(self.folds, self.domain)


def wasserstein(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the area between two distribution functions."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(first, second))


def places_of(data: LabelledData) -> NDArray[np.float64]:
    """Return where samples lie, shape (n, 2): in pixels, or in a table's coordinates.

    Raises
    ------
    DataError
        If it is not known.
    """
    if data.rows is not None and data.cols is not None:
        return np.column_stack([data.rows, data.cols]).astype(np.float64)
    if data.coordinates is not None:
        return data.coordinates
    raise DataError(
        "This split needs to know where the samples lie.",
        "Use --split random or fixed, or a table with coordinates (--coordinates X,Y).",
    )


def points_of(
    data: LabelledData, domain: Domain, space: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Return samples and pixels of the map in a space, and the unit of distances there.

    Parameters
    ----------
    data : LabelledData
        The samples.
    domain : Domain
        Pixels of the map.
    space : {"geographic", "feature"}
        Rows and columns, or features divided by their standard deviation over the samples.

    Raises
    ------
    UsageError
        If there is no such space.
    DataError
        If the samples have no place in the scene.
    """
    if space not in SPACES:
        raise UsageError(f"There is no space '{space}'.", f"Choose one of: {', '.join(SPACES)}.")
    if space == "feature":
        spread = data.X.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        return data.X / scale, domain.X / scale, "standard deviations"
    if data.rows is None:
        raise DataError(
            "The samples have no place in the scene.", "Use --space feature, or a scene's labels."
        )
    return places_of(data), np.column_stack([domain.rows, domain.cols]).astype(float), "pixels"


def nearest_to(queries: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of every query to its nearest point."""
    from scipy.spatial import cKDTree

    found: NDArray[np.float64] = cKDTree(points).query(queries)[0]
    return found


def nearest_other(points: NDArray[np.float64], queries: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the distance of some points to the nearest other point."""
    from scipy.spatial import cKDTree

    found: NDArray[np.float64] = cKDTree(points).query(points[queries], k=2)[0][:, 1]
    return found


def nearest_in_other_folds(
    points: NDArray[np.float64], folds: NDArray[np.int64], queries: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the distance of some points to the nearest point of another fold."""
    from scipy.spatial import cKDTree

    distance = np.full(len(queries), np.inf)
    own = folds[queries]
    for fold in np.unique(folds):
        other = np.flatnonzero(own != fold)
        found = cKDTree(points[folds == fold]).query(points[queries[other]])[0]
        distance[other] = np.minimum(distance[other], found)
    return distance


def some(n: int, seed: int = 0, most: int = MOST_QUERIES) -> NDArray[np.intp]:
    """Return all of n numbers, or a random choice of ``most``."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, size=most, replace=False))


def distance_profile(
    data: LabelledData,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    domain: Domain,
    space: str = "geographic",
) -> DistanceProfile:
    """Return the three distributions of distances for one split.

    Parameters
    ----------
    data : LabelledData
        The samples.
    train, test : ndarray of int
        Indices of the training and the test samples.
    domain : Domain
        Pixels of the map.
    space : {"geographic", "feature"}
        See :func:`points_of`.
    """
    points, pixels, unit = points_of(data, domain, space)
    return DistanceProfile(
        samples=nearest_other(points, some(len(points))),
        folds=nearest_to(points[test[some(len(test))]], points[train]),
        domain=nearest_to(pixels, points),
        unit=unit,
    )
