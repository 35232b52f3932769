"""Scenes: a stack of bands with a mask, read window by window.

A scene is a GeoTIFF (any raster GDAL reads), or a Landsat Collection 2 Level-2 product. Files are
opened for each read only, so a scene can be pickled, sent to other ranks and kept for long.

A pixel is valid if no band is nodata there, no band is NaN or infinite, no mask hides it, and every
spectral index that was asked for has a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.scene.indices import Index
from bridges.scene.raster import Grid, opened
from bridges.scene.sidecar import Sidecar
from bridges.scene.validity import are_known, has_own_mask, read_known

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
    wavelength_um : float or None
        Centre of what it measures.
    unit : str
        Of physical values (``reflectance``, ``kelvin``, …), "" if nobody says.
    """

    path: Path
    index: int
    name: str
    common_name: str = ""
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    wavelength_um: float | None = None
    unit: str = ""

    def is_known(self, stored: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which stored values mean something: neither nodata nor NaN nor infinite."""
        return are_known(stored, self.nodata)

    def physical(self, stored: NDArray[Any]) -> NDArray[np.float64]:
        """Return what stored values mean."""
        return stored * np.float64(self.scale) + np.float64(self.offset)


@dataclass(frozen=True, eq=False)
class Stored:
    """A window as the files hold it.

    Attributes
    ----------
    numbers : list of ndarray of shape (h, w)
        Stored values, band by band, in the files' types.
    visible : ndarray of shape (h, w)
        False where a mask hides the pixel, whatever the bands hold.
    """

    numbers: list[NDArray[Any]]
    visible: NDArray[np.bool_]


@dataclass(frozen=True)
class Mask:
    """A raster that hides pixels; also where it says nothing (nodata, NaN, its own mask).

    Attributes
    ----------
    path : Path
        Raster on the image's grid.
    rule : {"bits", "nonzero", "values", "zero"}
        Which of its values hide a pixel: those with one of the listed bits, any but zero, those
        listed, or zero.
    values : tuple of int
        The list: values, or positions of bits from 0.
    index : int
        Band of the raster, from 1.
    """

    path: Path
    rule: Literal["bits", "nonzero", "values", "zero"]
    values: tuple[int, ...] = ()
    index: int = 1

    def hides(self, window: Window | None) -> NDArray[np.bool_]:
        """Return which pixels of a window are hidden, shape (h, w)."""
        with opened(self.path) as dataset:
            nodata = dataset.nodatavals[self.index - 1]
            # of a mask that is drawn where clouds are only, everything else is stated as nodata
            stated = None if nodata == 0 and self.rule in ("nonzero", "zero") else nodata
            stored, known = read_known(dataset, self.index, window, stated)
        stored = np.where(known, stored, 0)
        if self.rule == "bits":
            return ~known | has_any_bit(stored, self.values)
        if self.rule == "values":
            return ~known | np.isin(stored, self.values)
        return ~known | ((stored == 0) == (self.rule == "zero"))


def has_any_bit(stored: NDArray[Any], bits: Iterable[int]) -> NDArray[np.bool_]:
    """Return which values of a quality raster have one of the bits (positions from 0) set."""
    wanted = sum(1 << bit for bit in bits)
    return (stored.astype(np.int64) & wanted) != 0


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
        What is read from files.
    columns : tuple of (int or Index), or None
        What :meth:`read` returns: places of bands, and indices computed from them; None for the
        bands as they are.
    masks : tuple of Mask
        Rasters that hide pixels (clouds, …).
    sidecar : Sidecar
        What scene.json says.
    acquired : str
        Date of acquisition, "" if unknown.
    notes : tuple of str
        What was decided on opening and the user should know, a sentence each.
    sensor : str
        What measured it (``OLI``, ``ETM+``, …), "" if unknown.
    """

    path: Path
    grid: Grid
    bands: tuple[Band, ...]
    masks: tuple[Mask, ...] = ()
    sidecar: Sidecar = field(default_factory=Sidecar)
    acquired: str = ""
    notes: tuple[str, ...] = ()
    columns: tuple[int | Index, ...] | None = None
    sensor: str = ""

    @property
    def n_bands(self) -> int:
        """Number of bands, indices among them."""
        return len(self.bands) if self.columns is None else len(self.columns)

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
        """Names of the bands and indices, as features of a model are called."""
        return [c.name if isinstance(c, Index) else self.bands[c].name for c in self._columns()]

    @property
    def common_names(self) -> list[str]:
        """Common names of the bands, names of the indices."""
        found = self._columns()
        return [c.name if isinstance(c, Index) else self.bands[c].common_name for c in found]

    def _columns(self) -> Sequence[int | Index]:
        return range(len(self.bands)) if self.columns is None else self.columns

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
            False where any band is nodata, NaN or infinite, an index has no value, or a mask hides
            the pixel.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        return self.physical(self.read_stored(window))

    def physical(
        self, stored: Stored, rows: slice = slice(None)
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return some rows of a window in physical units and which pixels are valid, as `read`."""
        valid = stored.visible[rows].copy()
        values = np.empty((*valid.shape, len(self.bands)))
        for position, band in enumerate(self.bands):
            numbers = stored.numbers[position][rows]
            valid &= band.is_known(numbers)
            values[..., position] = band.physical(numbers)
        if self.columns is None:
            return values, valid
        found = np.empty((*valid.shape, self.n_bands))
        for place, column in enumerate(self.columns):
            if isinstance(column, Index):
                found[..., place] = column.of(values)
                valid &= np.isfinite(found[..., place])
            else:
                found[..., place] = values[..., column]
        return found, valid

    def read_stored(self, window: Window | None = None) -> Stored:
        """Read pixels as the files store them.

        Parameters
        ----------
        window : rasterio.windows.Window, optional
            Part to read; everything by default.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        shape = (int(window.height), int(window.width)) if window else (self.height, self.width)
        visible = np.ones(shape, dtype=bool)
        numbers: dict[int, NDArray[Any]] = {}
        for path in dict.fromkeys(band.path for band in self.bands):
            own = [k for k, band in enumerate(self.bands) if band.path == path]
            with opened(path) as dataset:
                for position, each in zip(own, self._of(dataset, own, window), strict=True):
                    numbers[position] = each
                if has_own_mask(dataset):
                    visible &= dataset.read_masks(1, window=window) != 0
        for mask in self.masks:
            visible &= ~mask.hides(window)
        return Stored([numbers[k] for k in range(len(self.bands))], visible)

    def stored_types(self) -> list[np.dtype[Any]]:
        """Return the types in which the files store the bands."""
        from rasterio.windows import Window

        return [numbers.dtype for numbers in self.read_stored(Window(0, 0, 1, 1)).numbers]

    def _of(self, dataset: Any, positions: list[int], window: Window | None) -> Any:
        """Read bands of one file, in one call where they are of one type."""
        indexes = [self.bands[k].index for k in positions]
        if len({dataset.dtypes[index - 1] for index in indexes}) == 1:
            return dataset.read(indexes, window=window)
        return [dataset.read(index, window=window) for index in indexes]
