"""Scenes opened from files and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bridges.errors import DataError
from bridges.scene.index_bands import make_index
from bridges.scene.indices import Index, index_name, suggestion
from bridges.scene.names import as_path, named_files
from bridges.scene.products import (
    Contents,
    find_product,
    home_of,
    images_in,
    is_archive,
    masked_file,
    sole_image,
    unknown_folder,
)
from bridges.scene.raster import Grid, opened, require_same_grid
from bridges.scene.scene import Band, Mask, Scene
from bridges.scene.sensors import common_name_of, meaning_of, sensor_of
from bridges.scene.sidecar import Sidecar, read_sidecar
from bridges.scene.stack import (
    Layer,
    band_of,
    files_of,
    folder_of_bands,
    lie_alike,
    require_bands,
    stacked,
    variables_of,
)
from bridges.scene.validity import alpha_index


def open_scene(
    path: str | Path,
    *,
    bands: Sequence[str | int] | None = None,
    nodata: float | None = None,
    mask: str | Path | None = None,
) -> Scene:
    """Open an image: a file, a product, files of one band each, the variables of a container.

    Products are told by entry points (:mod:`bridges.scene.products`), first of all Landsat
    Collection 2 Level-2. A folder or archive of files that differ in the band only (Landsat
    Level-1, HLS, Sentinel-2) is stacked, and so are files in a list, separated by commas.

    A ``scene.json`` in the same folder gives names of bands and classes, nodata, scale and mask
    (see :class:`bridges.scene.sidecar.Sidecar`). A product's surface reflectance is scaled to
    reflectance and masked by its QA_PIXEL; a GeoTIFF's own scale and offset are applied too.

    Parameters
    ----------
    path : path
        Any raster that GDAL names, a list of them, the folder, .tar or .zip of a product, or its
        ``_MTL`` file.
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
    scene, usual = _all_bands(path, bands)
    chosen, columns = _choose_bands(scene, usual if bands is None else bands)
    return replace(_finished(scene, chosen, nodata, mask), columns=columns)


def _finished(
    scene: Scene, chosen: tuple[Band, ...], nodata: float | None, mask: str | Path | None
) -> Scene:
    """Return a scene with the chosen bands, and all masks."""
    if nodata is not None:
        chosen = tuple(replace(band, nodata=nodata) for band in chosen)
    masks = tuple(each for each in scene.masks if not _is_among(each, chosen))
    masks = masks if mask is None else (*masks, _mask(str(mask), None))
    notes = [note for each in masks for note in _require_mask(scene, each)]
    return replace(scene, bands=chosen, masks=masks, notes=(*scene.notes, *notes))


def every_band(
    path: str | Path, *, nodata: float | None = None, mask: str | Path | None = None
) -> Scene:
    """Open an image as :func:`open_scene` does, with those bands, too, that nobody uses unasked."""
    scene, _ = _all_bands(path, None)
    return _finished(scene, scene.bands, nodata, mask)


def _all_bands(
    name: str | Path, wanted: Sequence[str | int] | None
) -> tuple[Scene, Sequence[str] | None]:
    """Return a scene with all its bands, and the names of those that are used by default."""
    files = named_files(name)
    if len(files) > 1:
        return _of_layers(files[0].parent, files_of(files), wanted), None
    path = home_of(files[0])
    product = find_product(path)
    if product is not None:
        return _of_product(product), product.features or None
    if not (path.is_dir() or is_archive(path)):
        return _open_image(path, wanted), None
    inside = images_in(path)
    found = folder_of_bands(inside)
    if found is not None:
        return _of_layers(path, found[0], wanted, found[1]), None
    if len(inside) == 1:
        return _open_image(inside[0], wanted), None
    raise unknown_folder(path, inside)


def _of_layers(
    path: Path,
    layers: Sequence[Layer],
    wanted: Sequence[str | int] | None,
    masks: Sequence[tuple[Mask, Grid]] = (),
) -> Scene:
    """Return the scene of several data sets on one grid."""
    has = None if wanted is None else partial(_has_all, wanted)
    stack = stacked(layers, path, has)
    first = stack.bands[0].path
    here = [mask for mask, grid in masks if lie_alike(grid, stack.grid)]
    elsewhere = [mask.path.name for mask, grid in masks if not lie_alike(grid, stack.grid)]
    notes = [
        *stack.notes,
        *(f"{name} lies on another grid and hides nothing." for name in elsewhere),
    ]
    sidecar = read_sidecar(path if path.is_dir() else first.parent)
    return Scene(
        path, stack.grid, stack.bands, tuple(here), sidecar, sidecar.acquired, tuple(notes),
        sensor=sensor_of(first.name),
    )  # fmt: skip


def _has_all(wanted: Sequence[str | int], bands: Sequence[Band]) -> bool:
    """Tell whether bands are among some by name, common name or number."""
    known = {name.lower() for band in bands for name in (band.name, band.common_name)}
    numbers = {str(number) for number in range(1, len(bands) + 1)}
    lacking = {str(entry).strip().lower() for entry in wanted} - known - numbers
    return all(_is_computable(name, bands) for name in lacking)


def _is_computable(name: str, bands: Sequence[Band]) -> bool:
    index = index_name(name)
    if index is None:
        return False
    try:
        make_index(index, bands, "")
    except DataError:
        return False
    return True


def _is_among(mask: Mask, bands: Sequence[Band]) -> bool:
    """Tell whether a band of transparency was asked for as a band."""
    return mask.rule == "zero" and any((b.path, b.index) == (mask.path, mask.index) for b in bands)


def _require_mask(scene: Scene, mask: Mask) -> list[str]:
    with opened(mask.path) as dataset:
        if mask.index == 1 and dataset.count - (alpha_index(dataset)[0] is not None) != 1:
            raise DataError(
                f"The mask {mask.path} has {dataset.count} bands; a mask has one.",
                f"Extract the band: rio stack {mask.path} --bidx 1 -o mask.tif",
            )
        return require_same_grid(scene.grid, mask.path, Grid.of(dataset), scene.bands[0].path)


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
    masks, notes = tuple(product.masks), tuple(product.notes)
    bands = tuple(product.bands)
    return Scene(product.path, grid, bands, masks, sidecar, acquired, notes, sensor=product.sensor)


def _open_image(path: Path, wanted: Sequence[str | int] | None) -> Scene:
    with opened(path) as dataset:
        inside = list(dataset.subdatasets)
        variables = [] if dataset.count else variables_of(inside)
        if variables:
            scene = _of_layers(path, variables, wanted)
            names = ", ".join(scene.band_names[:8]) + (", …" if scene.n_bands > 8 else "")
            return replace(scene, notes=(f"The bands of {path} are: {names}.", *scene.notes))
        require_bands(dataset, path)
        sidecar = read_sidecar(path.parent)
        alpha, note = alpha_index(dataset)
        indexes = [i for i in dataset.indexes if i != alpha]
        bands = tuple(_image_band(dataset, path, i, sidecar, len(indexes)) for i in indexes)
        grid = Grid.of(dataset)
    masks: tuple[Mask, ...] = ()
    if sidecar.mask and sidecar.describes(path.name):
        masks = (_mask(sidecar.mask, path.parent),)
    if alpha is not None:
        masks = (*masks, Mask(path, "zero", index=alpha))
    notes = [note] if note else []
    if inside:
        notes.append(f"{path} holds {len(inside)} more data sets, for example {inside[-1]}.")
    sensor = sidecar.sensor if sidecar.describes(path.name) else ""
    acquired = sidecar.acquired
    return Scene(path, grid, bands, masks, sidecar, acquired, tuple(notes), sensor=sensor)


def _image_band(dataset: Any, path: Path, index: int, sidecar: Sidecar, n_bands: int) -> Band:
    position = index - 1
    name = dataset.descriptions[position] or f"band {index}"
    band = band_of(dataset, path, index, name)
    if not sidecar.describes(path.name):
        return band
    if sidecar.band_names and len(sidecar.band_names) != n_bands:
        raise DataError(
            f"{sidecar.path} names {len(sidecar.band_names)} bands, {path} has {n_bands}.",
            "Mend the list 'bands' in scene.json, or its 'image' if it is about another file.",
        )
    if sidecar.band_names:
        name = sidecar.band_names[position]
        known = meaning_of(sidecar.sensor, name.rpartition("_")[2])
        common = sidecar.common_names[position] or known.common_name or common_name_of(name)
        wavelength = sidecar.wavelengths[position] or known.wavelength_um or band.wavelength_um
        band = replace(band, name=name, common_name=common, wavelength_um=wavelength)
    if (band.scale, band.offset) == (1.0, 0.0):
        band = replace(band, scale=sidecar.scale, offset=sidecar.offset)
    nodata = sidecar.nodata if band.nodata is None else band.nodata
    return replace(band, nodata=nodata, unit=sidecar.unit or band.unit)


_LISTED = re.compile(r"-?\d+(--?\d+)?(,-?\d+(--?\d+)?)*")
_RANGE = re.compile(r"(-?\d+)-(-?\d+)")


def _mask(text: str, folder: Path | None) -> Mask:
    """Read ``file``, or ``file:2,4,255``, ``file:-1``, ``file:1-3,8``."""

    def file(name: str) -> Path:
        return sole_image(as_path(name)) if folder is None else folder / name

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
