"""Where a map predicts: pixels of a scene drawn at random, against which samples are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene

POINTS = 2000
"""Pixels that stand for the scene."""

SMALL = 4_000_000
"""Pixels of a scene that is read whole."""

TILE, PER_TILE = 64, 8
"""Of a larger scene, this many pixels are drawn from tiles with this edge: two stages, and every
pixel as likely as another but for tiles at the edges."""


@dataclass(frozen=True)
class Domain:
    """Pixels that a map predicts.

    Attributes
    ----------
    rows, cols : ndarray of shape (n,), int64
        Where they lie.
    X : ndarray of shape (n, d), float64
        Their values.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    X: NDArray[np.float64]


def draw_domain(scene: Scene, n: int = POINTS, seed: int = 0) -> Domain:
    """Draw valid pixels of a scene at random.

    Parameters
    ----------
    scene : Scene
        The image.
    n : int
        How many; fewer if there are not so many.
    seed : int
        Of the draw.

    Raises
    ------
    DataError
        If no pixel is valid.
    """
    from rasterio.windows import Window

    rng = np.random.default_rng([seed, 7])
    height, width = scene.height, scene.width
    if height * width <= SMALL:
        found = _drawn(scene, Window(0, 0, width, height), n, rng)
    else:
        parts = [
            _drawn(scene, _random_tile(height, width, rng), PER_TILE, rng)
            for _ in range(-(-n // PER_TILE))
        ]
        found = Domain(
            np.concatenate([p.rows for p in parts]),
            np.concatenate([p.cols for p in parts]),
            np.concatenate([p.X for p in parts]),
        )
    if not len(found.rows):
        raise DataError(
            f"No pixel of {scene.path} is valid among those looked at.",
            "Check --nodata and --mask.",
        )
    return found


def _random_tile(height: int, width: int, rng: np.random.Generator) -> object:
    from rasterio.windows import Window

    top, left = (int(rng.integers(max(edge - TILE, 0) + 1)) for edge in (height, width))
    return Window(left, top, min(TILE, width), min(TILE, height))


def _drawn(scene: Scene, window: object, n: int, rng: np.random.Generator) -> Domain:
    """Draw pixels of a window; of a tile with few valid ones, in proportion."""
    values, valid = scene.read(window)
    places = np.flatnonzero(valid)
    whole = values.shape[0] * values.shape[1] > TILE * TILE
    wanted = n if whole else int(rng.binomial(n, len(places) / valid.size))
    chosen = rng.choice(places, size=min(wanted, len(places)), replace=False)
    rows, cols = np.divmod(chosen, valid.shape[1])
    top, left = int(window.row_off), int(window.col_off)  # type: ignore[attr-defined]
    return Domain(rows + top, cols + left, values[rows, cols])
