"""Landsat Collection 2 Level-2 products: a folder, or a .tar, of one GeoTIFF per band.

Scale factors and bit positions are those of the USGS Landsat 8-9 Collection 2 Level 2 Science
Product Guide (LSDS-1619) and its sibling for Landsat 4-7 (LSDS-1618).
"""

from __future__ import annotations

import re
import tarfile
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


def find_product(path: Path) -> Product:
    """Find the bands of a Collection 2 Level-2 product in a folder or in the .tar it comes as.

    Raises
    ------
    DataError
        If there is no surface reflectance, or that of several products, or the archive is damaged.
    """
    files = _members(path) if path.is_file() else sorted(path.iterdir())
    named = [(match[1].upper(), f) for f in files if (match := _BAND.search(f.name))]
    if not any(name.startswith("SR_") for name, _ in named):
        images = [str(f) for f in files if f.suffix.lower() in (".tif", ".tiff")]
        example = f", for example {images[0]}" if images and path.is_dir() else ""
        raise DataError(
            f"{path} holds no Landsat Collection 2 surface reflectance (*_SR_B*.TIF).",
            f"Name one GeoTIFF with all bands{example}, or the folder or .tar of a Level-2 "
            "product (L2SP).",
        )
    products = sorted({_BAND.sub("", f.name) for _, f in named})
    if len(products) > 1:
        raise DataError(
            f"{path} holds {len(products)} products: {', '.join(products[:3])} ….",
            "Move each into its own folder.",
        )
    quality = next((f for f in files if _QUALITY.search(f.name)), None)
    return Product(dict(sorted(named, key=_order)), quality, _acquired(path, files))


def _members(archive: Path) -> list[Path]:
    """Return the files of a .tar as the paths under which GDAL reads them."""
    try:
        with tarfile.open(archive) as tar:
            names = sorted(tar.getnames())
    except (tarfile.TarError, OSError) as error:
        raise DataError(
            f"Cannot read the archive {archive}: {error}.", f"Check it with: tar -tf {archive}"
        ) from error
    # In braces, because a path cannot keep the two slashes of /vsitar//absolute.tar.
    return [Path(f"/vsitar/{{{archive.resolve()}}}") / name for name in names]


def _order(item: tuple[str, Path]) -> tuple[str, int]:
    return item[0][:2], int(item[0][4:])


def _acquired(path: Path, files: list[Path]) -> str:
    mtl = next((f.name for f in files if f.name.upper().endswith("_MTL.TXT")), None)
    if mtl is None:
        return ""
    if path.is_dir():
        text = (path / mtl).read_bytes()
    else:
        with tarfile.open(path) as tar:
            member = next(m for m in tar if m.name.endswith(mtl))
            stream = tar.extractfile(member)
            text = stream.read() if stream else b""
    match = re.search(rb"DATE_ACQUIRED = (\S+)", text)
    return match[1].decode() if match else ""


def scaling(band: str) -> tuple[float, float]:
    """Return (scale, offset) of a band: to reflectance for SR, to kelvin for ST."""
    if band.startswith("ST_"):
        return TEMPERATURE_SCALE, TEMPERATURE_OFFSET
    return REFLECTANCE_SCALE, REFLECTANCE_OFFSET


def masked_by_quality(quality: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which pixels QA_PIXEL calls fill, cloud, dilated cloud, cirrus or cloud shadow."""
    bits = sum(1 << bit for bit in QA_BITS.values())
    return (quality.astype(np.uint16) & np.uint16(bits)) != 0
