"""Scenes opened from files and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.index_bands import make_index
from bridges.scene.indices import Index, index_name, suggestion
from bridges.scene.names import as_path
from bridges.scene.products import Contents, find_product, masked_file
from bridges.scene.raster import Grid, opened, require_same_grid
from bridges.scene.scene import Band, Mask, Scene
from bridges.scene.sidecar import Sidecar, read_sidecar
from bridges.scene.validity import alpha_index


def open_scene(
    path: str | Path,
    *,
    bands: Sequence[str | int] | None = None,
    nodata: float | None = None,
    mask: str | Path | None = None,
) -> Scene:
    """Open a GeoTIFF, or a product: the folder or .tar of a Landsat Collection 2 Level-2 scene.

    Other products join by entry points (:mod:`bridges.scene.products`).

    A ``scene.json`` in the same folder gives names of bands and classes, nodata, scale and mask
    (see :class:`bridges.scene.sidecar.Sidecar`). A product's surface reflectance is scaled to
    reflectance and masked by its QA_PIXEL; a GeoTIFF's own scale and offset are applied too.

    Parameters
    ----------
    path : path
        Image, folder or .tar of a product, or its ``_MTL.txt``.
    bands : sequence of str or int, optional
        Bands to use: names (``SR_B4``), common names (``red``), numbers from 1, or spectral indices
        (``NDVI``, :mod:`bridges.scene.indices`). By default all bands; of a product, the surface
        reflectance.
    nodata : float, optional
        Value of missing pixels, instead of what the file says.
    mask : path, optional
        Raster on the same grid that hides pixels: those of the values named after a colon
        (``fmask.tif:2,4,255``); without any, by its bits if it is called as a product's quality
        raster (…QA_PIXEL…) and otherwise wherever it is not zero.

    Raises
    ------
    DataError
        If a file cannot be read, has no such band, or the mask has another grid.
    """
    path = as_path(path)
    product = find_product(path)
    scene = _open_image(path) if product is None else _of_product(product)
    wanted = bands if bands is not None or product is None else product.features
    chosen, columns = _choose_bands(scene, wanted)
    if nodata is not None:
        chosen = tuple(replace(band, nodata=nodata) for band in chosen)
    masks = tuple(each for each in scene.masks if not _is_among(each, chosen))
    masks = masks if mask is None else (*masks, _mask(str(mask), None))
    for each in masks:
        _require_mask(scene.grid, each, path)
    return replace(scene, bands=chosen, masks=masks, columns=columns)


def _is_among(mask: Mask, bands: Sequence[Band]) -> bool:
    """Tell whether a band of transparency was asked for as a band."""
    return mask.rule == "zero" and any((b.path, b.index) == (mask.path, mask.index) for b in bands)


def _require_mask(grid: Grid, mask: Mask, image: Path) -> None:
    with opened(mask.path) as dataset:
        if mask.index == 1 and dataset.count - (alpha_index(dataset)[0] is not None) > 1:
            raise DataError(
                f"The mask {mask.path} has {dataset.count} bands; a mask has one.",
                f"Extract the band: rio stack {mask.path} --bidx 1 -o mask.tif",
            )
        require_same_grid(grid, mask.path, Grid.of(dataset), image)


def _require_grid(grid: Grid, path: Path, image: Path) -> None:
    with opened(path) as dataset:
        require_same_grid(grid, path, Grid.of(dataset), image)


def _of_product(product: Contents) -> Scene:
    first = product.bands[0].path
    with opened(first) as dataset:
        grid = Grid.of(dataset)
    for band in product.bands[1:]:
        _require_grid(grid, band.path, first)
    folder = product.path if product.path.is_dir() else product.path.parent
    sidecar = read_sidecar(folder)
    acquired = product.acquired or sidecar.acquired
    return Scene(product.path, grid, tuple(product.bands), tuple(product.masks), sidecar, acquired)


def _open_image(path: Path) -> Scene:
    with opened(path) as dataset:
        sidecar = read_sidecar(path.parent)
        if any(np.dtype(t).kind not in "uif" for t in dataset.dtypes):
            raise DataError(
                f"{path} holds values of type {dataset.dtypes[0]}.",
                "Images of integers and floating-point numbers can be classified.",
            )
        alpha, note = alpha_index(dataset)
        indexes = [i for i in dataset.indexes if i != alpha]
        bands = tuple(_image_band(dataset, path, i, sidecar, len(indexes)) for i in indexes)
        grid = Grid.of(dataset)
    masks: tuple[Mask, ...] = ()
    if sidecar.mask and sidecar.describes(path.name):
        masks = (_mask(sidecar.mask, path.parent),)
    if alpha is not None:
        masks = (*masks, Mask(path, "zero", index=alpha))
    notes = (note,) if note else ()
    return Scene(path, grid, bands, masks, sidecar, sidecar.acquired, notes)


def _image_band(dataset: Any, path: Path, index: int, sidecar: Sidecar, n_bands: int) -> Band:
    position = index - 1
    name, common = dataset.descriptions[position] or f"band {index}", ""
    nodata = dataset.nodatavals[position]
    scale, offset = dataset.scales[position], dataset.offsets[position]
    if sidecar.describes(path.name):
        if sidecar.band_names and len(sidecar.band_names) != n_bands:
            raise DataError(
                f"{sidecar.path} names {len(sidecar.band_names)} bands, {path} has {n_bands}.",
                "Mend the list 'bands' in scene.json, or its 'image' if it is about another file.",
            )
        if sidecar.band_names:
            name, common = sidecar.band_names[position], sidecar.common_names[position]
        nodata = sidecar.nodata if nodata is None else nodata
        if (scale, offset) == (1.0, 0.0):
            scale, offset = sidecar.scale, sidecar.offset
    return Band(path, index, name, common, nodata, scale, offset)


_LISTED = re.compile(r"-?\d+(--?\d+)?(,-?\d+(--?\d+)?)*")
_RANGE = re.compile(r"(-?\d+)-(-?\d+)")


def _mask(text: str, folder: Path | None) -> Mask:
    """Read ``file``, or ``file:2,4,255``, ``file:-1``, ``file:1-3,8``."""

    def file(name: str) -> Path:
        return as_path(name) if folder is None else folder / name

    name, colon, numbers = text.rpartition(":")
    if not colon or not _LISTED.fullmatch(numbers) or file(text).exists():
        return masked_file(file(text))
    values: list[int] = []
    for part in numbers.split(","):
        ends = _RANGE.fullmatch(part)
        first, last = (int(ends[1]), int(ends[2])) if ends else (int(part), int(part))
        if last < first or last - first > 65535:
            raise DataError(
                f"--mask {text}: {part} is no range of values.", "Write it as in FILE:1-3,255."
            )
        values += range(first, last + 1)
    return Mask(file(name), "values", tuple(values))


def _choose_bands(
    scene: Scene, wanted: Sequence[str | int] | None
) -> tuple[tuple[Band, ...], tuple[int | Index, ...] | None]:
    """Return the bands to read and, where indices are asked for, what is made of them."""
    if not wanted:
        return scene.bands, None
    found = [_find(scene, str(entry).strip()) for entry in wanted]
    if not any(isinstance(each, str) for each in found):
        return tuple(each for each in found if isinstance(each, Band)), None
    read: list[Band] = []

    def place(band: Band) -> int:
        if band not in read:
            read.append(band)
        return read.index(band)

    columns: list[int | Index] = []
    for each in found:
        if isinstance(each, Band):
            columns.append(place(each))
            continue
        index, needed = make_index(each, scene.bands, str(scene.path))
        places = [place(band) for band in needed]
        inputs = tuple((letter, places[k]) for letter, k in index.inputs)
        columns.append(replace(index, inputs=inputs))
    return tuple(read), tuple(columns)


def _find(scene: Scene, wanted: str) -> Band | str:
    """Return a band or the name of an index.

    Raises
    ------
    DataError
        If it is neither.
    """
    band = _find_band(scene, wanted)
    if band is not None:
        return band
    index = index_name(wanted)
    if index is not None:
        return index
    named = [f"{b.name} ({b.common_name})" if b.common_name else b.name for b in scene.bands]
    raise DataError(
        f"{scene.path} has no band '{wanted}', and no spectral index is called so.",
        f"{suggestion(wanted)}It has: {', '.join(named)}.",
    )


def _find_band(scene: Scene, wanted: str) -> Band | None:
    for key in ("name", "common_name"):
        for band in scene.bands:
            if getattr(band, key).lower() == wanted.lower():
                return band
    if wanted.isdigit() and 1 <= int(wanted) <= scene.n_bands:
        return scene.bands[int(wanted) - 1]
    hidden = [mask for mask in scene.masks if mask.rule == "zero"]
    if hidden and wanted.lower() in (str(hidden[0].index), f"band {hidden[0].index}"):
        return Band(hidden[0].path, hidden[0].index, f"band {hidden[0].index}")
    return None
