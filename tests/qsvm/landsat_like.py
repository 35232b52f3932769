"""Small training sets that look like Landsat pixels: few bands, overlapping classes, copies."""

from __future__ import annotations

import numpy as np


def landsat_like(n_per_class=20, n_classes=2, seed=0, overlap=1.0):
    """Return standardised pixels (n, 7) and class codes 1, 2, …; spectra differ by brightness."""
    rng = np.random.default_rng(seed)
    spectra = np.cumsum(rng.normal(size=(n_classes, 7)), axis=1)
    codes = np.repeat(np.arange(1, n_classes + 1), n_per_class)
    brightness = rng.normal(size=(len(codes), 1))
    X = spectra[codes - 1] + overlap * (0.7 * brightness + 0.5 * rng.normal(size=(len(codes), 7)))
    return (X - X.mean(axis=0)) / X.std(axis=0), codes
