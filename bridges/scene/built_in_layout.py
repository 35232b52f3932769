"""The layout of the built-in scene: which class lies where, at a third of the pixel size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINE = 3
"""Fine cells along the edge of a pixel."""

CLASSES = ["water", "forest", "shrubland", "herbaceous", "agriculture", "developed", "barren"]
WATER, FOREST, SHRUB, HERB, AGRI, DEVELOPED, BARREN = range(len(CLASSES))


@dataclass(frozen=True)
class Landscape:
    """A layout of classes.

    Attributes
    ----------
    fine : ndarray of shape (3 h, 3 w), int
        Class index of every fine cell.
    majority : ndarray of shape (h, w), int
        Class code (index + 1) that covers most of each pixel.
    crop : ndarray of shape (6, h, w)
        What the state of a field adds to the logarithm of the endmembers' fractions.
    """

    fine: NDArray[np.int64]
    majority: NDArray[np.int64]
    crop: NDArray[np.float64]


def smooth_field(
    rng: np.random.Generator, height: int, width: int, length: float
) -> NDArray[np.float64]:
    """Draw a smooth random field of mean 0 and variance 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    height, width : int
        Shape.
    length : float
        Distance, in cells, over which the field forgets itself.
    """
    from scipy.ndimage import zoom

    knots = (max(int(height / length), 2) + 3, max(int(width / length), 2) + 3)
    coarse = rng.standard_normal(knots)
    field = zoom(coarse, (height / (knots[0] - 2), width / (knots[1] - 2)), order=3)
    field = field[:height, :width]
    return (field - field.mean()) / field.std()


def draw_landscape(rng: np.random.Generator, height: int, width: int) -> Landscape:
    """Lay out a lake, a river, towns, roads, fields, woods, scrub, grass and bare ground."""
    h, w = height * FINE, width * FINE
    size = max(h, w)
    wild = _vegetation(rng, h, w, size)
    fields, crop = _fields(rng, height, width)
    wild[np.kron(fields, np.ones((FINE, FINE), dtype=bool))] = AGRI
    built = _towns(rng, h, w, size)
    wild[built] = DEVELOPED
    wild[_water(rng, h, w, size)] = WATER
    share = np.stack(
        [
            (wild == c).reshape(height, FINE, width, FINE).sum(axis=(1, 3))
            for c in range(len(CLASSES))
        ]
    )
    return Landscape(wild, share.argmax(axis=0) + 1, crop)


def _vegetation(rng: np.random.Generator, h: int, w: int, size: int) -> NDArray[np.int64]:
    """Return forest, scrub, grass and bare ground along a gradient of moisture."""
    moisture = smooth_field(rng, h, w, size / 7) + 0.35 * smooth_field(rng, h, w, size / 40)
    edges = np.quantile(moisture, [0.12, 0.38, 0.62])
    dry_to_wet = np.array([BARREN, HERB, SHRUB, FOREST])
    return dry_to_wet[np.searchsorted(edges, moisture.ravel())].reshape(h, w)


def _fields(
    rng: np.random.Generator, height: int, width: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Cut suitable land into rectangular fields, each at a stage between fallow and full crop."""
    edge = max(6, min(height, width) // 20)
    across = width // edge + 1
    plot = (np.arange(height) // edge)[:, np.newaxis] * across + np.arange(width) // (2 * edge)
    n_plots = int(plot.max()) + 1
    suitable = smooth_field(rng, height, width, max(height, width) / 4)
    mean = np.bincount(plot.ravel(), suitable.ravel(), n_plots) / np.maximum(
        np.bincount(plot.ravel(), minlength=n_plots), 1
    )
    used = (mean > np.quantile(mean[np.unique(plot)], 0.72))[plot]
    stage = rng.normal(0.6, 0.45, n_plots)[plot] * used
    crop = np.zeros((6, height, width))
    crop[0], crop[2] = stage, -stage
    return used, crop


def _towns(rng: np.random.Generator, h: int, w: int, size: int) -> NDArray[np.bool_]:
    """Return two towns with ragged edges and the roads that leave them."""
    rows, cols = np.ogrid[:h, :w]
    ragged = smooth_field(rng, h, w, size / 30)
    built = np.zeros((h, w), dtype=bool)
    for radius in (0.13, 0.09):
        row, col = rng.uniform(0.15, 0.85, 2) * (h, w)
        distance = np.hypot(rows - row, cols - col) / size
        built |= distance < radius * (1 + 0.35 * ragged)
        built |= np.abs(rows - row - 0.2 * (cols - col)) < 2
        built |= np.abs(cols - col + 0.3 * (rows - row)) < 2
    return built


def _water(rng: np.random.Generator, h: int, w: int, size: int) -> NDArray[np.bool_]:
    """Return a river across the scene and a lake."""
    rows, cols = np.ogrid[:h, :w]
    phase, row, col = rng.uniform(0, 2 * np.pi), *rng.uniform(0.2, 0.8, 2)
    bed = h * (0.5 + 0.22 * np.sin(2 * np.pi * cols / w * 1.3 + phase))
    river = np.abs(rows - bed) < 0.012 * size
    shore = 0.1 * (1 + 0.3 * smooth_field(rng, h, w, size / 15))
    lake = np.hypot(rows - row * h, cols - col * w) / size < shore
    water: NDArray[np.bool_] = river | lake
    return water
