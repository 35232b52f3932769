"""Folds whose test samples lie as far from the training samples as the map's pixels do.

Clustered samples leave most of a map far from any of them; random folds test close by. Samples are
therefore clustered into q groups, the groups dealt to k folds, and q chosen so that the distances
from test to training samples are distributed as those from the map's pixels to the samples: the
Wasserstein distance W between both is smallest. Samples that are no denser than the map's pixels
find them get random folds (Linnenbrink et al. 2024 [1]_), and so do those for which no clusters do
clearly better.

As in the paper, q runs from k to the number of samples, and clusters are dealt in their order along
an axis, so that neighbouring ones come into different folds: the principal axis, and others drawn
at random. Unlike there, clusters are of cells with several samples where there are very many.

References
----------
.. [1] J. Linnenbrink, C. Milà, M. Ludwig, H. Meyer, "kNNDM CV: k-fold nearest-neighbour distance
   matching cross-validation for map accuracy estimation", Geosci. Model Dev. 17 (2024), 5897-5912.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.distances import (
    nearest_in_other_folds,
    nearest_other,
    nearest_to,
    some,
    wasserstein,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.01
"""Of the test whether samples are denser than the map's pixels find them. The paper has .05, which
7 of 60 random samples failed: distances to neighbours are not independent of each other."""

GAIN = 0.75
"""Folds whose mismatch is not below this share of random folds' match no better than those."""

MOST_CELLS = 2000
"""Cells that are clustered; hierarchical clustering takes the square of their number."""

CANDIDATES = 30
"""Numbers of clusters that are tried, from k on in equal ratios."""

DIRECTIONS = 3
"""Axes along which clusters are dealt: the principal one, and others at random."""

LARGEST_SHARE = 0.7
"""Of all samples that a fold may hold; none is empty."""


@dataclass(frozen=True)
class MatchedFolds:
    """Folds with matched distances.

    Attributes
    ----------
    folds : ndarray of shape (n,), int64, or None
        Fold of every sample, from 0; None where random folds match as well.
    mismatch : float
        Wasserstein distance between fold distances and map distances; of random folds where those
        are advised.
    random_mismatch : float
        That of random folds.
    n_clusters : int
        Clusters that were dealt, 0 for random folds.
    """

    folds: NDArray[np.int64] | None
    mismatch: float
    random_mismatch: float
    n_clusters: int


def matched_folds(
    points: NDArray[np.float64], pixels: NDArray[np.float64], k: int, seed: int = 0
) -> MatchedFolds:
    """Deal samples to k folds whose distances match those of the map's pixels.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Samples in the space in which distances matter.
    pixels : ndarray of shape (m, d)
        Pixels that the map predicts.
    k : int
        Folds, 2 ≤ k ≤ n.
    seed : int
        Of the random axis, of random folds and of the choice among very many samples.

    Raises
    ------
    DataError
        If there are fewer samples than folds.
    """
    from scipy.stats import ks_2samp

    if not 2 <= k <= len(points):
        raise DataError(
            f"{len(points)} samples cannot be dealt to {k} folds.", "Use fewer folds, or more."
        )
    rng = np.random.default_rng([seed, 11])
    queries = some(len(points), seed)
    wanted = nearest_to(pixels, points)
    at_random = rng.permutation(len(points)) % k
    random_mismatch = wasserstein(nearest_in_other_folds(points, at_random, queries), wanted)
    # Are samples nearer to each other than pixels are to samples? If not, they are no clusters.
    own = nearest_other(points, queries)
    denser = ks_2samp(own, wanted, alternative="greater", method="asymp")
    unmatched = MatchedFolds(None, random_mismatch, random_mismatch, 0)
    if denser.pvalue >= LEVEL:
        return unmatched
    best = MatchedFolds(None, GAIN * random_mismatch, random_mismatch, 0)
    for n_clusters, folds in _candidates(points, k, rng):
        found = wasserstein(nearest_in_other_folds(points, folds, queries), wanted)
        if found < best.mismatch:
            best = MatchedFolds(folds, found, random_mismatch, n_clusters)
    return unmatched if best.folds is None else best


def _candidates(
    points: NDArray[np.float64], k: int, rng: np.random.Generator
) -> list[tuple[int, NDArray[np.int64]]]:
    """Return numbers of clusters with the folds that they make, coarse ones first."""
    from scipy.cluster.hierarchy import fcluster, linkage

    cell = _cells(points)
    centres = _means(points, cell)
    if len(centres) < 2:
        return []
    tree = linkage(centres, "average")
    axes = _axes(points, rng)
    counts = np.unique(np.geomspace(min(k, len(centres)), len(centres), CANDIDATES).astype(int))
    found = []
    for q in counts:
        cluster = np.unique(fcluster(tree, int(q), "maxclust"), return_inverse=True)[1][cell]
        middle, size = _means(points, cluster), np.bincount(cluster)
        for axis in axes:
            folds = _dealt(middle @ axis, size, k)[cluster]
            filled = np.bincount(folds, minlength=k) / len(points)
            if filled.max() <= LARGEST_SHARE and filled.min() > 0:
                found.append((int(cluster.max()) + 1, folds))
    return found


def _cells(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the cell of every point: of the finest grid with few enough cells."""
    distinct, cell = np.unique(points, axis=0, return_inverse=True)
    edge = float(np.ptp(points, axis=0).max()) / 2**16 or 1.0
    while len(distinct) > MOST_CELLS:
        edge *= 2
        distinct, cell = np.unique(np.floor(points / edge), axis=0, return_inverse=True)
    return cell.reshape(-1)


def _means(points: NDArray[np.float64], number: NDArray[np.intp]) -> NDArray[np.float64]:
    size = np.bincount(number)
    sums = [np.bincount(number, column) for column in points.T]
    return np.column_stack(sums) / size[:, np.newaxis]


def _axes(points: NDArray[np.float64], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return the principal axis and random ones."""
    shifted = points - points.mean(axis=0)
    principal = np.linalg.eigh(shifted.T @ shifted)[1][:, -1]
    return [principal, *rng.normal(size=(DIRECTIONS - 1, points.shape[1]))]


def _dealt(place: NDArray[np.float64], size: NDArray[np.intp], k: int) -> NDArray[np.int64]:
    """Deal clusters to folds, k at a time along an axis, the largest to the smallest fold."""
    fold = np.empty(len(place), dtype=np.int64)
    filled = np.zeros(k, dtype=np.int64)
    order = np.argsort(place, kind="stable")
    for start in range(0, len(order), k):
        hand = order[start : start + k]
        hand = hand[np.argsort(-size[hand], kind="stable")]
        taken = np.argsort(filled, kind="stable")[: len(hand)]
        fold[hand] = taken
        filled[taken] += size[hand]
    return fold
