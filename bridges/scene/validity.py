"""Which stored values of a raster mean something: one rule for images, labels, masks and groups.

A value means nothing where it is the stated nodata value, NaN, infinite, or so large that nobody
measured it; and where the file has a mask of its own that hides it. An alpha band is such a mask
only if its values are those of one: GDAL calls the fourth of four unnamed bands of bytes alpha,
which in an aerial image is near infrared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

BEYOND = 1e37
"""No measurement: fills of ±3.4e38 and ±1.8e308, which programs leave without stating them."""

LARGE = 1e6
"""Nodata values from this size on may differ from what is stored in the last digits of a text."""

ALPHA_SHARE = 0.98
"""Least share of an alpha band's pixels that are wholly opaque or wholly transparent."""

LOOKED_AT = 2048
"""Pixels along an edge of the view in which an alpha band is judged."""


def are_known(stored: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Return which stored values mean something, in the shape of ``stored``.

    Parameters
    ----------
    stored : ndarray
        Values in the file's type.
    nodata : float or None
        Value of missing pixels; NaN and infinite ones are missing anyway.
    """
    known = np.ones(stored.shape, dtype=bool)
    if stored.dtype.kind == "f":
        known &= np.abs(stored) < BEYOND  # false for NaN, too
    if nodata is None or not abs(nodata) < BEYOND:
        return known
    value = float(nodata)
    if stored.dtype.kind == "f" and abs(value) >= LARGE:
        return known & ~(np.abs(stored - value) <= 1e-6 * abs(value))
    return known & (stored != value)


def read_known(
    dataset: Any, index: int, window: Window | None, nodata: float | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read a band of an open dataset.

    Parameters
    ----------
    dataset : rasterio dataset
        Open for reading.
    index : int
        Band, from 1.
    window : Window or None
        Part to read; None for everything.
    nodata : float or None
        Value of missing pixels.

    Returns
    -------
    stored : ndarray of shape (h, w)
        Values in the file's type.
    known : ndarray of shape (h, w)
        Which of them mean something.
    """
    stored = dataset.read(index, window=window)
    known = are_known(stored, nodata)
    if has_own_mask(dataset, index):
        known &= dataset.read_masks(index, window=window) != 0
    return stored, known


def has_own_mask(dataset: Any, index: int = 1) -> bool:
    """Tell whether a file has a mask inside or beside it (``.msk``), other than an alpha band."""
    from rasterio.enums import MaskFlags

    flags = dataset.mask_flag_enums[index - 1]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def alpha_index(dataset: Any) -> tuple[int | None, str]:
    """Look for a band of transparency.

    Returns
    -------
    index : int or None
        The band that is flagged alpha and holds what such a band holds.
    note : str
        What the user should know, "" if no band is flagged.
    """
    from rasterio.enums import ColorInterp

    flagged = [
        index
        for index, color in zip(dataset.indexes, dataset.colorinterp, strict=True)
        if color is ColorInterp.alpha
    ]
    if not flagged:
        return None, ""
    index = flagged[-1]
    if is_transparency(_view(dataset, index)):
        return index, (
            f"Band {index} of {dataset.name} is transparency (alpha) and hides pixels; naming it "
            "in --bands makes it a band."
        )
    others = ",".join(str(i) for i in dataset.indexes if i != index)
    return None, (
        f"Band {index} of {dataset.name} is flagged alpha, but its values are no transparency: it "
        f"is used as a band (--bands {others} leaves it out)."
    )


def is_transparency(values: NDArray[Any]) -> bool:
    """Tell whether values are those of an alpha band: opaque or transparent, little between.

    Examples
    --------
    >>> is_transparency(np.array([0, 255, 255, 255], dtype=np.uint8))
    True
    >>> is_transparency(np.array([2, 80, 81, 79], dtype=np.uint8))
    False
    """
    if values.dtype.kind == "f":
        tops = [1.0, 255.0]
    else:
        tops = [float(np.iinfo(values.dtype).max), 255.0, 1.0]
    ends = max(float(np.mean((values == 0) | (values == top))) for top in tops)
    return ends >= ALPHA_SHARE


def _view(dataset: Any, index: int) -> NDArray[Any]:
    """Return a band, thinned out to the nearest pixels where it is large."""
    shape = (min(dataset.height, LOOKED_AT), min(dataset.width, LOOKED_AT))
    view: NDArray[Any] = dataset.read(index, out_shape=shape)
    return view
