"""Scenes: a stack of bands with a mask, read window by window.

A scene is a GeoTIFF (any raster GDAL reads), or a Landsat Collection 2 Level-2 product. Files are
opened for each read only, so a scene can be pickled, sent to other ranks and kept for long.

A pixel is valid if no band is nodata there, no band is NaN or infinite, and no mask hides it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.errors import DataError
from bridges.scene import landsat
from bridges.scene.raster import Grid, opened, require_same_grid
from bridges.scene.sidecar import Sidecar, read_sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.scene.palette import Color


@dataclass(frozen=True)
class Band:
    """One band: where it is stored and what its numbers mean.

    Attributes
    ----------
    path : Path
        File.
    index : int
        Band number in the file, from 1.
    name, common_name : str
        For example ``SR_B5`` and ``nir08``.
    nodata : float or None
        Stored value of missing pixels.
    scale, offset : float
        Physical value = stored value × scale + offset.
    """

    path: Path
    index: int
    name: str
    common_name: str = ""
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Mask:
    """A raster that hides pixels.

    Attributes
    ----------
    path : Path
        Raster of one band on the image's grid.
    rule : {"qa_pixel", "nonzero", "values"}
        Which of its values hide a pixel: by the bits of QA_PIXEL, any but zero, or those listed.
    values : tuple of int
        The list.
    """

    path: Path
    rule: Literal["qa_pixel", "nonzero", "values"]
    values: tuple[int, ...] = ()

    def hides(self, window: Window | None) -> NDArray[np.bool_]:
        """Return which pixels of a window are hidden, shape (h, w)."""
        with opened(self.path) as dataset:
            stored = dataset.read(1, window=window)
        if self.rule == "qa_pixel":
            return landsat.masked_by_quality(stored)
        return np.isin(stored, self.values) if self.rule == "values" else stored != 0


@dataclass(frozen=True)
class Scene:
    """A stack of bands on one grid; open it with :func:`open_scene`.

    Attributes
    ----------
    path : Path
        The image or the product's folder.
    grid : Grid
        Shape, coordinate system and transform.
    bands : tuple of Band
        In the order of the values that :meth:`read` returns.
    masks : tuple of Mask
        Rasters that hide pixels (clouds, …).
    sidecar : Sidecar
        What scene.json says.
    acquired : str
        Date of acquisition, "" if unknown.
    """

    path: Path
    grid: Grid
    bands: tuple[Band, ...]
    masks: tuple[Mask, ...] = ()
    sidecar: Sidecar = field(default_factory=Sidecar)
    acquired: str = ""

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return len(self.bands)

    @property
    def height(self) -> int:
        """Rows."""
        return self.grid.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.grid.width

    @property
    def crs(self) -> Any:
        """Coordinate reference system (rasterio's CRS) or None."""
        return self.grid.crs

    @property
    def transform(self) -> Any:
        """Transform from (column, row) to coordinates (affine.Affine)."""
        return self.grid.transform

    @property
    def band_names(self) -> list[str]:
        """Names of the bands, as features of a model are called."""
        return [band.name for band in self.bands]

    @property
    def class_names(self) -> dict[int, str]:
        """Name of every class code that scene.json knows."""
        return self.sidecar.class_names

    def colors_for(self, class_names: Mapping[int, str]) -> dict[int, Color]:
        """Return the colours that scene.json gives to classes of these codes *and* names.

        A model or a vector file may number its classes otherwise than scene.json does.
        """
        own = self.sidecar
        return {
            code: rgb
            for code, rgb in own.class_colors.items()
            if code in class_names and own.class_names.get(code) == class_names[code]
        }

    @property
    def licence(self) -> str:
        """Terms of the image, "" if unknown."""
        return self.sidecar.licence

    def windows(self, rows: int = 512, columns: int | None = None) -> list[Window]:
        """Cut the scene into windows that cover every pixel exactly once, from the top left.

        Parameters
        ----------
        rows, columns : int
            Largest height and width of a window; by default windows are as wide as the scene.
        """
        from rasterio.windows import Window

        columns = columns or self.width
        return [
            Window(left, top, min(columns, self.width - left), min(rows, self.height - top))
            for top in range(0, self.height, rows)
            for left in range(0, self.width, columns)
        ]

    def read(self, window: Window | None = None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read pixels in physical units.

        Parameters
        ----------
        window : rasterio.windows.Window, optional
            Part to read; everything by default.

        Returns
        -------
        values : ndarray of shape (h, w, n_bands)
            Invalid pixels hold whatever the file holds there.
        valid : ndarray of shape (h, w)
            False where any band is nodata, NaN or infinite, or a mask hides the pixel.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        shape = (int(window.height), int(window.width)) if window else (self.height, self.width)
        values = np.empty((*shape, self.n_bands))
        valid = np.ones(shape, dtype=bool)
        for path in dict.fromkeys(band.path for band in self.bands):
            self._read_file(path, window, values, valid)
        for mask in self.masks:
            valid &= ~mask.hides(window)
        return values, valid

    def _read_file(
        self,
        path: Path,
        window: Window | None,
        values: NDArray[np.float64],
        valid: NDArray[np.bool_],
    ) -> None:
        from rasterio.enums import MaskFlags

        with opened(path) as dataset:
            for position, band in enumerate(self.bands):
                if band.path != path:
                    continue
                stored = dataset.read(band.index, window=window)
                if band.nodata is not None:
                    valid &= stored != band.nodata
                if stored.dtype.kind == "f":
                    valid &= np.isfinite(stored)
                values[..., position] = stored * band.scale + band.offset
            if MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
                valid &= dataset.dataset_mask(window=window) != 0


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
