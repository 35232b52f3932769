"""Landsat Collection 2 Level-2 products: a folder, or a .tar, of one GeoTIFF per band.

Scale factors and bit positions are those of the USGS Landsat 8-9 Collection 2 Level 2 Science
Product Guide (LSDS-1619) and its sibling for Landsat 4-7 (LSDS-1618).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bridges.errors import DataError
from bridges.scene.products import Contents, listing, read_bytes
from bridges.scene.scene import Band, Mask

REFLECTANCE_SCALE, REFLECTANCE_OFFSET = 0.0000275, -0.2
TEMPERATURE_SCALE, TEMPERATURE_OFFSET = 0.00341802, 149.0
FILL = 0

QA_BITS = {"fill": 0, "dilated cloud": 1, "cirrus": 2, "cloud": 3, "cloud shadow": 4}
"""Bits of QA_PIXEL that mask a pixel; snow (5), clear (6) and water (7) do not."""

_BAND = re.compile(r"_(SR_B\d+|ST_B\d+)\.TIF$", re.IGNORECASE)
_QUALITY = re.compile(r"_QA_PIXEL\.TIF$", re.IGNORECASE)
_METADATA = "_MTL.TXT"

_OLI = {
    1: "coastal", 2: "blue", 3: "green", 4: "red", 5: "nir08", 6: "swir16", 7: "swir22",
}  # fmt: skip
_TM = {1: "blue", 2: "green", 3: "red", 4: "nir08", 5: "swir16", 7: "swir22"}


class LandsatCollection2:
    """Surface reflectance (SR) and surface temperature (ST) of Landsat 4 to 9, with QA_PIXEL."""

    name = "Landsat Collection 2 surface reflectance"
    looks_for = "*_SR_B*.TIF"
    quality: Mapping[str, tuple[int, ...]] = {"QA_PIXEL": tuple(QA_BITS.values())}

    def knows(self, path: Path) -> bool:
        """Tell whether a path is a product's folder, its .tar, or its ``_MTL.txt``."""
        return any(name.startswith("SR_") for name, _ in _bands(_home(path)))

    def read(self, path: Path) -> Contents:
        """Return the bands, ``SR_B1`` … and ``ST_B10`` (or ``ST_B6``), in the bands' order.

        Raises
        ------
        DataError
            If there are files of several products.
        """
        home = _home(path)
        found = _bands(home)
        scenes = sorted({_BAND.sub("", file.name) for _, file in found})
        if len(scenes) > 1:
            raise DataError(
                f"{home} holds {len(scenes)} products: {', '.join(scenes[:3])} ….",
                "Move each into its own folder.",
            )
        oli = scenes[0][:4].upper() in ("LC08", "LC09")
        bands = [_band(name, file, _OLI if oli else _TM) for name, file in found]
        files = listing(home)
        masks = [
            Mask(file, "bits", self.quality["QA_PIXEL"])
            for file in files
            if _QUALITY.search(file.name)
        ]
        reflectance = [band.name for band in bands if band.name.startswith("SR_")]
        return Contents(home, bands, masks[:1], _acquired(files), reflectance)


def _home(path: Path) -> Path:
    return path.parent if path.name.upper().endswith(_METADATA) else path


def _bands(home: Path) -> list[tuple[str, Path]]:
    named = [(match[1].upper(), f) for f in listing(home) if (match := _BAND.search(f.name))]
    return sorted(named, key=lambda item: (item[0][:2], int(item[0][4:])))


def _band(name: str, file: Path, common: Mapping[int, str]) -> Band:
    """Return a band with STAC's common name (``red``, ``nir08``, …) and its physical unit."""
    if name.startswith("ST_"):  # kelvin
        return Band(file, 1, name, "lwir", FILL, TEMPERATURE_SCALE, TEMPERATURE_OFFSET)
    known = common.get(int(name[4:]), "")
    return Band(file, 1, name, known, FILL, REFLECTANCE_SCALE, REFLECTANCE_OFFSET)


def _acquired(files: list[Path]) -> str:
    """Return the date of the MTL file, "" where it is missing."""
    metadata = next((f for f in files if f.name.upper().endswith(_METADATA)), None)
    match = re.search(rb"DATE_ACQUIRED = (\S+)", read_bytes(metadata)) if metadata else None
    return match[1].decode() if match else ""
