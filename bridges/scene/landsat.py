"""Landsat Collection 2 Level-2 products: a folder, or a .tar, of one GeoTIFF per band.

Scale factors and bit positions are those of the USGS Landsat 8-9 Collection 2 Level 2 Science
Product Guide (LSDS-1619) and its sibling for Landsat 4-7 (LSDS-1618).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bridges.errors import DataError
from bridges.scene.products import Contents, home_of, listing, read_bytes
from bridges.scene.scene import Band, Mask
from bridges.scene.sensors import meaning_of, sensor_of

REFLECTANCE_SCALE, REFLECTANCE_OFFSET = 0.0000275, -0.2
TEMPERATURE_SCALE, TEMPERATURE_OFFSET = 0.00341802, 149.0
FILL = 0

QA_BITS = {"fill": 0, "dilated cloud": 1, "cirrus": 2, "cloud": 3, "cloud shadow": 4}
"""Bits of QA_PIXEL that mask a pixel; snow (5), clear (6) and water (7) do not."""

_BAND = re.compile(r"_(SR_B\d+|ST_B\d+)\.TIF$", re.IGNORECASE)
_QUALITY = re.compile(r"_QA_PIXEL\.TIF$", re.IGNORECASE)
_METADATA = ("_MTL.TXT", "_MTL.JSON", "_MTL.XML")
_ACQUIRED = re.compile(rb"DATE_ACQUIRED\W{1,6}(\d{4}-\d\d-\d\d)")


class LandsatCollection2:
    """Surface reflectance (SR) and surface temperature (ST) of Landsat 4 to 9, with QA_PIXEL."""

    name = "Landsat Collection 2 surface reflectance"
    looks_for = "*_SR_B*.TIF"
    quality: Mapping[str, tuple[int, ...]] = {"QA_PIXEL": tuple(QA_BITS.values())}

    def knows(self, path: Path) -> bool:
        """Tell whether a path is a product's folder, its archive, or its ``_MTL`` file."""
        return any(name.startswith("SR_") for name, _ in _bands(home_of(path)))

    def read(self, path: Path) -> Contents:
        """Return the bands, ``SR_B1`` … and ``ST_B10`` (or ``ST_B6``), in the bands' order.

        Raises
        ------
        DataError
            If there are files of several products.
        """
        home = home_of(path)
        found = _bands(home)
        scenes = sorted({_BAND.sub("", file.name) for _, file in found})
        if len(scenes) > 1:
            raise DataError(
                f"{home} holds {len(scenes)} products: {', '.join(scenes[:3])} ….",
                "Move each into its own folder.",
            )
        sensor = sensor_of(f"{scenes[0]}_")
        bands = [_band(name, file, sensor) for name, file in found]
        files = listing(home)
        masks = [
            Mask(file, "bits", self.quality["QA_PIXEL"])
            for file in files
            if _QUALITY.search(file.name)
        ]
        reflectance = [band.name for band in bands if band.name.startswith("SR_")]
        return Contents(home, bands, masks[:1], _acquired(files), reflectance, sensor=sensor)


def _bands(home: Path) -> list[tuple[str, Path]]:
    named = [(match[1].upper(), f) for f in listing(home) if (match := _BAND.search(f.name))]
    return sorted(named, key=lambda item: (item[0][:2], int(item[0][4:])))


def _band(name: str, file: Path, sensor: str) -> Band:
    """Return a band with STAC's common name (``red``, ``nir08``, …) and its physical unit."""
    known = meaning_of(sensor, name[3:])
    if name.startswith("ST_"):
        scale, offset, unit = TEMPERATURE_SCALE, TEMPERATURE_OFFSET, "kelvin"
        return Band(file, 1, name, "lwir", FILL, scale, offset, known.wavelength_um, unit)
    scale, offset, unit = REFLECTANCE_SCALE, REFLECTANCE_OFFSET, "reflectance"
    return Band(file, 1, name, known.common_name, FILL, scale, offset, known.wavelength_um, unit)


def _acquired(files: list[Path]) -> str:
    """Return the date of the MTL file, "" where it is missing."""
    metadata = next((f for f in files if f.name.upper().endswith(_METADATA)), None)
    match = _ACQUIRED.search(read_bytes(metadata)) if metadata else None
    return match[1].decode() if match else ""
