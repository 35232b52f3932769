"""Landsat Collection 2 Level-2 products: a folder of one GeoTIFF per band.

Scale factors and bit positions are those of the USGS Landsat 8-9 Collection 2 Level 2 Science
Product Guide (LSDS-1619) and its sibling for Landsat 4-7 (LSDS-1618).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFLECTANCE_SCALE, REFLECTANCE_OFFSET = 0.0000275, -0.2
TEMPERATURE_SCALE, TEMPERATURE_OFFSET = 0.00341802, 149.0
FILL = 0

QA_BITS = {"fill": 0, "dilated cloud": 1, "cirrus": 2, "cloud": 3, "cloud shadow": 4}
"""Bits of QA_PIXEL that mask a pixel; snow (5), clear (6) and water (7) do not."""

_BAND = re.compile(r"_(SR_B\d+|ST_B\d+)\.TIF$", re.IGNORECASE)
_QUALITY = re.compile(r"_QA_PIXEL\.TIF$", re.IGNORECASE)

_OLI = ["coastal", "blue", "green", "red", "nir08", "swir16", "swir22"]
_TM = {1: "blue", 2: "green", 3: "red", 4: "nir08", 5: "swir16", 7: "swir22"}


@dataclass(frozen=True)
class Product:
    """The files of a Collection 2 Level-2 product.

    Attributes
    ----------
    bands : dict of str to Path
        ``SR_B1`` … and ``ST_B10`` (or ``ST_B6``) to their files, in the bands' order.
    quality : Path or None
        QA_PIXEL.
    acquired : str
        Date from the MTL file, "" where it is missing.
    """

    bands: dict[str, Path]
    quality: Path | None
    acquired: str

    def common_name(self, band: str) -> str:
        """Return STAC's common name of a band (``red``, ``nir08``, …), "" if it has none."""
        kind, number = band[:2], int(band[4:])
        if kind == "ST":
            return "lwir"
        if self.is_oli:
            return _OLI[number - 1] if number <= len(_OLI) else ""
        return _TM.get(number, "")

    @property
    def is_oli(self) -> bool:
        """Whether the bands are those of Landsat 8 and 9."""
        return any(path.name[:4].upper() in ("LC08", "LC09") for path in self.bands.values())


def find_product(folder: Path) -> Product:
    """Find the bands of a Collection 2 Level-2 product in a folder.

    Raises
    ------
    DataError
        If the folder has no surface reflectance, or those of several products.
    """
    files = sorted(folder.iterdir())
    named = [(match[1].upper(), f) for f in files if (match := _BAND.search(f.name))]
    if not any(name.startswith("SR_") for name, _ in named):
        raise DataError(
            f"The folder {folder} holds no Landsat Collection 2 surface reflectance (*_SR_B*.TIF).",
            "Name one GeoTIFF with all bands, or unpack a Level-2 product (L2SP) into the folder.",
        )
    products = sorted({_BAND.sub("", f.name) for _, f in named})
    if len(products) > 1:
        raise DataError(
            f"The folder {folder} holds {len(products)} products: {', '.join(products[:3])} ….",
            "Move each into its own folder.",
        )
    quality = next((f for f in files if _QUALITY.search(f.name)), None)
    return Product(dict(sorted(named, key=_order)), quality, _acquired(files))


def _order(item: tuple[str, Path]) -> tuple[str, int]:
    return item[0][:2], int(item[0][4:])


def _acquired(files: list[Path]) -> str:
    for file in files:
        if file.name.upper().endswith("_MTL.TXT"):
            match = re.search(r"DATE_ACQUIRED = (\S+)", file.read_text(errors="replace"))
            return match[1] if match else ""
    return ""


def scaling(band: str) -> tuple[float, float]:
    """Return (scale, offset) of a band: to reflectance for SR, to kelvin for ST."""
    if band.startswith("ST_"):
        return TEMPERATURE_SCALE, TEMPERATURE_OFFSET
    return REFLECTANCE_SCALE, REFLECTANCE_OFFSET


def masked_by_quality(quality: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which pixels QA_PIXEL calls fill, cloud, dilated cloud, cirrus or cloud shadow."""
    bits = sum(1 << bit for bit in QA_BITS.values())
    return (quality.astype(np.uint16) & np.uint16(bits)) != 0
