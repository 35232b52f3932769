"""The door for xarray: a classifier over a ``DataArray``, dask-backed or not.

Whoever has a Dask cluster and cubes in it lets that do the work: blocks go through
``xarray.apply_ufunc``, coordinates and attributes stay. Files, tiles, ranks and layers of
confidence are the business of :func:`bridges.maps.classify.predict_map`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, SolverError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def classify_array(
    classifier: Any, image: Any, *, band: str = "band", nodata: int = 0, mask: Any = None
) -> Any:
    """Return class codes of a ``DataArray``, without its bands.

    Parameters
    ----------
    classifier : estimator
        Fitted on the bands in their order, with whole numbers as classes.
    image : xarray.DataArray
        Bands and any other dimensions (y, x, time, …), in the units of the training.
    band : str
        Dimension of the bands; a dask array has it in one chunk then.
    nodata : int
        Code of pixels of which a band is NaN or infinite, or that are masked; no class.
    mask : xarray.DataArray of bool, optional
        True where a pixel is hidden.

    Returns
    -------
    xarray.DataArray
        Of the smallest unsigned type that holds all codes.

    Raises
    ------
    UsageError
        If ``nodata`` is a class, or classes are no whole numbers from 0 to 65535.
    DataError
        If there is no such dimension, or another number of bands than was trained on.
    """
    classes = np.asarray(classifier.classes_)
    if classes.dtype.kind not in "ui" or classes.min() < 0 or classes.max() > 65535:
        raise UsageError(
            f"Classes {classes.tolist()} are no codes from 0 to 65535.", "Train on whole numbers."
        )
    if nodata in classes:
        raise UsageError(f"The code {nodata} is a class.", "Give another nodata.")
    dtype = np.dtype("uint8" if max(nodata, int(classes.max())) <= 255 else "uint16")
    work = partial(_codes, classifier.predict, dtype, nodata)
    return _applied(classifier, work, _hidden(image, mask), band, dtype)


def probabilities_array(
    classifier: Any, image: Any, *, band: str = "band", mask: Any = None
) -> Any:
    """Return class probabilities of a ``DataArray``: a dimension ``class`` for its bands.

    Parameters
    ----------
    classifier : estimator
        With ``predict_proba``, for example :class:`bridges.calibration.Calibrated`.
    image, band, mask
        See :func:`classify_array`; NaN where a pixel has no class.

    Raises
    ------
    UsageError
        If the classifier has no probabilities.
    DataError
        As :func:`classify_array`.
    """
    if not hasattr(classifier, "predict_proba"):
        raise UsageError(
            "The model has no probabilities.", "Train it with --calibrate sigmoid, or wrap it."
        )
    k = len(classifier.classes_)
    work = partial(_shares, classifier.predict_proba, k)
    found = _applied(
        classifier, work, _hidden(image, mask), band, np.dtype(np.float32), {"class": k}
    )
    return found.assign_coords({"class": np.asarray(classifier.classes_)})


def _hidden(image: Any, mask: Any) -> Any:
    return image if mask is None else image.where(~mask)


def _applied(
    classifier: Any,
    work: Callable[[NDArray[Any]], NDArray[Any]],
    image: Any,
    band: str,
    dtype: np.dtype[Any],
    added: dict[str, int] | None = None,
) -> Any:
    try:
        import xarray
    except ImportError as error:
        raise SolverError(
            "Arrays need the package 'xarray'.", "pip install annealsvm[xarray]"
        ) from error
    if band not in image.dims:
        raise DataError(
            f"The array has no dimension '{band}' but {', '.join(map(str, image.dims))}.",
            "Name the dimension of the bands: band=…",
        )
    expected = getattr(classifier, "n_features_in_", image.sizes[band])
    if image.sizes[band] != expected:
        raise DataError(
            f"The array has {image.sizes[band]} bands; the classifier was trained on {expected}.",
            "Select bands in the order of the training.",
        )
    return xarray.apply_ufunc(
        work,
        image,
        input_core_dims=[[band]],
        output_core_dims=[list(added or {})],
        dask="parallelized",
        output_dtypes=[dtype],
        keep_attrs=True,
        dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": added or {}},
    )


def _codes(
    predict: Callable[[NDArray[Any]], NDArray[Any]],
    dtype: np.dtype[Any],
    nodata: int,
    block: NDArray[Any],
) -> NDArray[Any]:
    """Return codes of a block (…, n_bands)."""
    valid = np.isfinite(block).all(axis=-1)
    found = np.full(valid.shape, nodata, dtype=dtype)
    if valid.any():
        found[valid] = predict(block[valid].astype(np.float64))
    return found


def _shares(
    predict_proba: Callable[[NDArray[Any]], NDArray[Any]], k: int, block: NDArray[Any]
) -> NDArray[Any]:
    """Return probabilities of a block (…, n_bands), shape (…, n_classes)."""
    valid = np.isfinite(block).all(axis=-1)
    found = np.full((*valid.shape, k), np.nan, dtype=np.float32)
    if valid.any():
        found[valid] = predict_proba(block[valid].astype(np.float64))
    return found
