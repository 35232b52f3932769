"""Strata: the classes of a map, their combinations over several maps, and regions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bridges.accuracy.class_map import ClassMap, open_map
from bridges.errors import UsageError
from bridges.samples import polygons as vector
from bridges.scene.raster import require_same_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window


class Layer(Protocol):
    """Codes on a grid; :class:`~bridges.accuracy.class_map.ClassMap` is one."""

    def read(self, window: Window) -> NDArray[np.int32]:
        """Return codes of a window, -1 where there is none."""

    def name(self, code: int) -> str:
        """Return the name of a code."""


@dataclasses.dataclass(frozen=True)
class Zones:
    """Polygons whose field names regions, as a layer."""

    labels: vector.VectorLabels

    def read(self, window: Window) -> NDArray[np.int32]:
        """Return the codes of the regions, -1 outside and where regions overlap."""
        codes: NDArray[np.int32] = self.labels.read(window)[0].astype(np.int32)
        return codes

    def name(self, code: int) -> str:
        """Return the name of a region."""
        return self.labels.class_names.get(code) or f"region {code}"


@dataclasses.dataclass(frozen=True)
class Stratum:
    """One stratum.

    Attributes
    ----------
    number : int
        From 1, in the order of the codes.
    name : str
        Names of its codes, joined by " / ".
    codes : tuple of int
        One per layer.
    n_pixels : int
        Pixels, counted.
    """

    number: int
    name: str
    codes: tuple[int, ...]
    n_pixels: int


@dataclasses.dataclass(frozen=True)
class Stratification:
    """What divides a map into strata.

    Attributes
    ----------
    maps : tuple of ClassMap
        Class maps on one grid, the first decides.
    zones : Layer or None
        Regions.
    purity : int
        Edge, in pixels, of the neighbourhood that must be of one stratum; 1 asks for nothing.
    with_unclassified : bool
        Whether pixels without a class belong to the population.
    """

    maps: tuple[ClassMap, ...]
    zones: Layer | None = None
    purity: int = 1
    with_unclassified: bool = False

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Maps, then zones."""
        return self.maps if self.zones is None else (*self.maps, self.zones)

    def codes(self, window: Window) -> NDArray[np.int32]:
        """Return the codes of all layers in a window, shape (n_layers, h, w)."""
        return np.stack([layer.read(window) for layer in self.layers])


def open_stratification(
    maps: Sequence[str | Path],
    zones: str | Path | None = None,
    zone_field: str | None = None,
    *,
    purity: int = 1,
    with_unclassified: bool = False,
) -> Stratification:
    """Open the files that divide a map into strata.

    Parameters
    ----------
    maps : sequence of path
        Class maps on one grid.
    zones : path, optional
        Regions: a raster on the same grid, or a vector file.
    zone_field : str, optional
        Field of the vector file that names the regions.
    purity, with_unclassified
        See :class:`Stratification`.

    Raises
    ------
    DataError
        If a file cannot be read or lies on another grid.
    UsageError
        If the field is missing, or the neighbourhood has no centre.
    """
    if purity < 1 or purity % 2 == 0:
        raise UsageError(
            f"A neighbourhood of {purity} × {purity} pixels has no pixel in its middle.",
            "Say --purity 3 or 5.",
        )
    opened = tuple(open_map(path) for path in maps)
    for other in opened[1:]:
        require_same_grid(opened[0].grid, other.path, other.grid, opened[0].path)
    layer = None if zones is None else _open_zones(opened[0], zones, zone_field)
    return Stratification(opened, layer, purity, with_unclassified)


def _open_zones(first: ClassMap, path: str | Path, field: str | None) -> Layer:
    if not vector.is_vector(path):
        zones = open_map(path)
        require_same_grid(first.grid, path, zones.grid, first.path)
        return zones
    if field is None:
        raise UsageError(
            f"Which field of {path} names the regions?",
            f"Add --zone-field; see: ogrinfo -so {path}",
        )
    return Zones(vector.open_vector(first.grid, path, field, {}))
