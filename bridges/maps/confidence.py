"""How sure a map is, pixel by pixel: the layers of ``confidence.tif``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.accuracy.nearest import NearestPoint
from bridges.maps.cog import Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
    from bridges.svm.labels import Labeller

NODATA = 255
SHARES = ("p_max", "margin", "entropy")
"""Largest probability, its margin over the second largest, and the entropy of the probabilities as
a share of that of no knowledge."""
DISTANCES = ("dissimilarity", "outside")
"""Distance to the nearest training pixel in units of the mean distance between training pixels, and
1 where it is beyond the area of applicability."""

OUTSIDE = len(SHARES) + DISTANCES.index("outside")
"""Place of the layer that tells what is beyond."""

SHARE_STEPS, DISTANCE_STEPS = 250, 100
"""Stored steps per unit; values that would be larger than 254 are stored as that."""


@dataclasses.dataclass(frozen=True, eq=False)
class Dissimilarity:
    """The dissimilarity index of samples as a labeller prepares them.

    Preparing scales all distances alike, so the nearest training pixel is the same.

    Attributes
    ----------
    nearest : NearestPoint
        Over the prepared training pixels.
    unit : float
        Prepared distance of dissimilarity 1.
    threshold : float
        Largest dissimilarity inside the area of applicability.
    """

    nearest: NearestPoint
    unit: float
    threshold: float

    @classmethod
    def of(cls, applicability: Applicability, labeller: Labeller | None) -> Dissimilarity:
        """Return that of samples which ``labeller`` prepares, or of scaled features if None."""
        if labeller is None:
            points, scale = applicability.samples, 1.0
        else:
            points = labeller.prepare(applicability.samples).astype(np.float64)
            scale = labeller.scale
        unit = scale * applicability.mean_distance
        return cls(NearestPoint.of(points), unit, applicability.threshold)

    def layers(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the dissimilarity and whether it is beyond the threshold, shape (2, n)."""
        index = self.nearest.distances(samples, n_jobs=1) / np.float32(self.unit)
        stored = np.empty((2, len(samples)), dtype=np.uint8)
        stored[0] = np.minimum(np.rint(index * DISTANCE_STEPS), NODATA - 1)
        stored[1] = index > np.float32(self.threshold)
        return stored


def share_layers(probabilities: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the layers of class probabilities (n, n_classes), shape (3, n)."""
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    logs = np.log(np.maximum(probabilities, 1e-30))
    entropy = -np.sum(probabilities * logs, axis=1) / np.log(probabilities.shape[1])
    shares = np.stack([top[:, 1], top[:, 1] - top[:, 0], np.clip(entropy, 0, 1)])
    return (shares * SHARE_STEPS + 0.5).astype(np.uint8)


def confidence_raster(applicability: Applicability | None) -> Raster:
    """Return what ``confidence.tif`` is."""
    bands: tuple[str, ...] = SHARES
    about: dict[str, str] = {}
    if applicability is not None:
        bands = SHARES + DISTANCES
        about = {"AOA_THRESHOLD": f"{applicability.threshold:.6g}"}
    scales = dict.fromkeys(SHARES, 1 / SHARE_STEPS)
    scales |= {"dissimilarity": 1 / DISTANCE_STEPS, "outside": 1.0}
    return Raster("uint8", NODATA, bands, about, scales=tuple(scales[name] for name in bands))
