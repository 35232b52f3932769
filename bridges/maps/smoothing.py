"""Probabilities of neighbours make a map less noisy: Bayesian smoothing of a neighbourhood.

The log odds x = ln p / (1 - p) of a pixel and class are taken for a measurement of error variance
σ² of a value that in its neighbourhood has mean m and variance s²; its expectation is
(s² x + σ² m) / (s² + σ²), so where neighbours agree they decide, and where they differ, at edges,
the pixel does. Probabilities are 1 / (1 + exp(-x)) again, divided by their sum. The rule is that of
R. Simoes et al., "Satellite image time series analysis for big Earth observation data", Remote
Sensing 13 (2021), 2428, with its σ² = 20 for every class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.maps.confidence import NODATA, share_layers
from bridges.maps.labelling import Labelling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.maps.sources import Source
    from bridges.scene.scene import Stored

STRENGTH = 20.0
"""σ², the error variance of log odds."""

LEAST = 1e-6
"""Smallest probability whose log odds are taken."""


def smoothed(
    probabilities: NDArray[np.float32], valid: NDArray[np.bool_], size: int
) -> NDArray[np.float64]:
    """Return smoothed probabilities, shape (n_classes, h, w).

    A pixel depends on its neighbourhood only, in the same order of sums wherever a window begins.

    Parameters
    ----------
    probabilities : ndarray of shape (n_classes, h, w), float32
        Of valid pixels; anything elsewhere.
    valid : ndarray of shape (h, w)
        Which pixels have probabilities; others are no neighbours.
    size : int
        Edge of the neighbourhood in pixels, odd.
    """
    from bridges.maps.smoothing_loops import neighbourhood

    found = np.empty(probabilities.shape)
    counts = np.empty(valid.shape)
    for c, own in enumerate(probabilities):
        p = np.clip(np.where(valid, own, 0.5).astype(np.float64), LEAST, 1 - LEAST)
        odds = np.log(p / (1 - p))
        mean, variance = np.empty(valid.shape), np.empty(valid.shape)
        neighbourhood(odds, valid, size // 2, counts, mean, variance)
        expected = (variance * odds + STRENGTH * mean) / (variance + STRENGTH)
        found[c] = 1 / (1 + np.exp(-expected))
    found /= found.sum(axis=0)
    return found


class SmoothLabelling(Labelling):
    """Class codes of windows after smoothing, and how sure they are then.

    Parameters
    ----------
    source : Source
        Makes samples.
    probabilities : callable
        From samples (n, d) to class probabilities (n_classes, n).
    codes, nodata, parallel, batch
        See :class:`Labelling`; codes in the order of the probabilities.
    size : int
        Edge of the neighbourhood, odd.
    n_layers : int
        Layers of confidence, none or three and those of ``away``.
    away : callable, optional
        From samples to the two layers of dissimilarity.
    """

    def __init__(
        self,
        source: Source,
        probabilities: Callable[[NDArray[Any]], NDArray[np.float32]],
        codes: NDArray[Any],
        nodata: int,
        size: int,
        *,
        n_layers: int,
        away: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None,
        **options: Any,
    ) -> None:
        def answer(samples: NDArray[Any]) -> Any:
            p = probabilities(samples)
            return np.zeros(len(samples), dtype=np.intp), p

        super().__init__(source, answer, codes, nodata, n_layers=n_layers, **options)
        self.size = size
        self.halo = size // 2
        self.away = away

    def rasters(
        self, stored: Stored, inner: tuple[slice, slice] = (slice(None), slice(None))
    ) -> list[NDArray[Any]]:
        """Return the map of the inner part of a window, and its layers, if any."""
        shape, n = stored.visible.shape, stored.visible.size
        p = np.full((len(self.codes), n), np.nan, dtype=np.float32)
        away = np.full((self.n_layers, n), NODATA, dtype=np.uint8)
        for places, samples in self.source.batches(stored, self.batch_size):
            p[:, places] = self._answers(samples)[1]
            if self.away is not None:
                away[3:, places] = self.away(samples)
        p = p.reshape(-1, *shape)
        valid = ~np.isnan(p[0])
        found = smoothed(p, valid, self.size)[:, inner[0], inner[1]]
        valid = valid[inner]
        classes = np.where(valid, self.codes[found.argmax(axis=0)], self.nodata)
        rasters = [classes.astype(self.codes.dtype)[None]]
        if not self.n_layers:
            return rasters
        layers = np.ascontiguousarray(away.reshape(-1, *shape)[:, inner[0], inner[1]])
        layers[:3, valid] = share_layers(found[:, valid].T)
        return [*rasters, layers]
