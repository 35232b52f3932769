"""Scenes opened from files and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene import landsat
from bridges.scene.raster import Grid, opened, require_same_grid
from bridges.scene.scene import Band, Mask, Scene
from bridges.scene.sidecar import Sidecar, read_sidecar

if TYPE_CHECKING:
    pass


def open_scene(
    path: str | Path,
    *,
    bands: Sequence[str | int] | None = None,
    nodata: float | None = None,
    mask: str | Path | None = None,
) -> Scene:
    """Open a GeoTIFF, or the folder or .tar of a Landsat Collection 2 Level-2 product.

    A ``scene.json`` in the same folder gives names of bands and classes, nodata, scale and mask
    (see :class:`bridges.scene.sidecar.Sidecar`). A product's surface reflectance is scaled to
    reflectance and masked by its QA_PIXEL; a GeoTIFF's own scale and offset are applied too.

    Parameters
    ----------
    path : path
        Image, folder or .tar of a product, or its ``_MTL.txt``.
    bands : sequence of str or int, optional
        Bands to use: names (``SR_B4``), common names (``red``), or numbers from 1.
        By default all; of a product, the surface reflectance.
    nodata : float, optional
        Value of missing pixels, instead of what the file says.
    mask : path, optional
        Raster on the same grid that hides pixels: those of the values named after a colon
        (``fmask.tif:2,4,255``); without any, by its bits if it is called …QA_PIXEL… and otherwise
        wherever it is not zero.

    Raises
    ------
    DataError
        If a file cannot be read, has no such band, or the mask has another grid.
    """
    path = Path(path)
    if path.name.upper().endswith("_MTL.TXT"):
        path = path.parent
    packed = path.suffix.lower() == ".tar" and path.is_file()
    scene = _open_product(path) if path.is_dir() or packed else _open_image(path)
    chosen = _choose_bands(scene, bands)
    if nodata is not None:
        chosen = tuple(replace(band, nodata=nodata) for band in chosen)
    masks = scene.masks if mask is None else (*scene.masks, _mask(str(mask), Path()))
    for each in masks:
        _require_grid(scene.grid, each.path, path)
    return Scene(path, scene.grid, chosen, masks, scene.sidecar, scene.acquired)


def _require_grid(grid: Grid, path: Path, image: Path) -> None:
    with opened(path) as dataset:
        require_same_grid(grid, path, Grid.of(dataset), image)


def _open_product(source: Path) -> Scene:
    product = landsat.find_product(source)
    bands = []
    for name, path in product.bands.items():
        scale, offset = landsat.scaling(name)
        common = product.common_name(name)
        bands.append(Band(path, 1, name, common, landsat.FILL, scale, offset))
    with opened(bands[0].path) as dataset:
        grid = Grid.of(dataset)
    for band in bands[1:]:
        _require_grid(grid, band.path, bands[0].path)
    masks: tuple[Mask, ...] = (Mask(product.quality, "qa_pixel"),) if product.quality else ()
    sidecar = read_sidecar(source if source.is_dir() else source.parent)
    return Scene(source, grid, tuple(bands), masks, sidecar, product.acquired or sidecar.acquired)


def _open_image(path: Path) -> Scene:
    from rasterio.enums import ColorInterp

    with opened(path) as dataset:
        sidecar = read_sidecar(path.parent)
        indexes = [
            i
            for i, c in zip(dataset.indexes, dataset.colorinterp, strict=True)
            if c is not ColorInterp.alpha
        ]
        if any(np.dtype(t).kind not in "uif" for t in dataset.dtypes):
            raise DataError(
                f"{path} holds values of type {dataset.dtypes[0]}.",
                "Images of integers and floating-point numbers can be classified.",
            )
        bands = tuple(_image_band(dataset, path, i, sidecar, len(indexes)) for i in indexes)
        grid = Grid.of(dataset)
    masks: tuple[Mask, ...] = ()
    if sidecar.mask and sidecar.describes(path.name):
        masks = (_mask(sidecar.mask, path.parent),)
    return Scene(path, grid, bands, masks, sidecar, sidecar.acquired)


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


def _mask(text: str, folder: Path) -> Mask:
    """Read ``file``, or ``file:2,4,255``."""
    name, colon, numbers = text.rpartition(":")
    if colon and re.fullmatch(r"\d+(,\d+)*", numbers):
        return Mask(folder / name, "values", tuple(int(v) for v in numbers.split(",")))
    return Mask(folder / text, "qa_pixel" if "QA_PIXEL" in Path(text).name.upper() else "nonzero")


def _choose_bands(scene: Scene, wanted: Sequence[str | int] | None) -> tuple[Band, ...]:
    if wanted is None:
        reflectance = tuple(b for b in scene.bands if not b.name.startswith("ST_"))
        return reflectance or scene.bands
    return tuple(_find_band(scene, str(entry).strip()) for entry in wanted)


def _find_band(scene: Scene, wanted: str) -> Band:
    for key in ("name", "common_name"):
        for band in scene.bands:
            if getattr(band, key).lower() == wanted.lower():
                return band
    if wanted.isdigit() and 1 <= int(wanted) <= scene.n_bands:
        return scene.bands[int(wanted) - 1]
    named = [f"{b.name} ({b.common_name})" if b.common_name else b.name for b in scene.bands]
    raise DataError(f"{scene.path} has no band '{wanted}'.", f"It has: {', '.join(named)}.")
