"""Sensors: what their band numbers mean, and by which names of files they are told.

Centre wavelengths in µm, from the agencies' handbooks: Landsat 8-9 (LSDS-1574), Landsat 7
(LSDS-1927), Landsat 4-5 TM, and the Sentinel-2 MSI spectral responses (S2A). Common names are
STAC's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

IMAGES = {".tif", ".tiff", ".jp2", ".img", ".vrt", ".dat", ".bil", ".bsq"}
"""Suffixes of images in folders and archives, in small letters."""


@dataclass(frozen=True)
class Meaning:
    """What a band measures.

    Attributes
    ----------
    common_name : str
        STAC's common name, "" if it has none.
    wavelength_um : float or None
        Centre of the band.
    """

    common_name: str = ""
    wavelength_um: float | None = None


UNKNOWN = Meaning()

_TM = {
    "1": Meaning("blue", 0.485), "2": Meaning("green", 0.56), "3": Meaning("red", 0.66),
    "4": Meaning("nir08", 0.83), "5": Meaning("swir16", 1.65), "6": Meaning("lwir", 11.45),
    "7": Meaning("swir22", 2.215),
}  # fmt: skip
_ETM = _TM | {
    "2": Meaning("green", 0.565), "4": Meaning("nir08", 0.835), "7": Meaning("swir22", 2.22),
    "8": Meaning("pan", 0.71),
}  # fmt: skip
_OLI = {
    "1": Meaning("coastal", 0.443), "2": Meaning("blue", 0.482), "3": Meaning("green", 0.561),
    "4": Meaning("red", 0.655), "5": Meaning("nir08", 0.865), "6": Meaning("swir16", 1.609),
    "7": Meaning("swir22", 2.201), "8": Meaning("pan", 0.59), "9": Meaning("cirrus", 1.373),
    "10": Meaning("lwir11", 10.9), "11": Meaning("lwir12", 12.0),
}  # fmt: skip
_MSI = {
    "1": Meaning("coastal", 0.443), "2": Meaning("blue", 0.493), "3": Meaning("green", 0.56),
    "4": Meaning("red", 0.665), "5": Meaning("rededge071", 0.704),
    "6": Meaning("rededge075", 0.741), "7": Meaning("rededge078", 0.783),
    "8": Meaning("nir", 0.833), "8A": Meaning("nir08", 0.865), "9": Meaning("nir09", 0.945),
    "10": Meaning("cirrus", 1.374), "11": Meaning("swir16", 1.614), "12": Meaning("swir22", 2.202),
}  # fmt: skip

SENSORS = {"TM": _TM, "ETM+": _ETM, "OLI": _OLI, "MSI": _MSI}
"""Meaning of the bands of each sensor, by their numbers."""

_FILES = (
    (re.compile(r"^L[TM]0[45]_", re.I), "TM"),
    (re.compile(r"^LE07_", re.I), "ETM+"),
    (re.compile(r"^L[CO]0[89]_", re.I), "OLI"),
    (re.compile(r"^HLS\.L30\.", re.I), "OLI"),
    (re.compile(r"^HLS\.S30\.", re.I), "MSI"),
    (re.compile(r"^(L[12][AC]_)?T\d{2}[A-Z]{3}_\d{8}T\d{6}", re.I), "MSI"),
    (re.compile(r"^S2[A-D]_", re.I), "MSI"),
)

COMMON = {
    "coastal": "coastal", "coastal aerosol": "coastal", "blue": "blue", "green": "green",
    "red": "red", "nir": "nir", "near infrared": "nir", "nir08": "nir08", "nir09": "nir09",
    "swir16": "swir16", "swir1": "swir16", "swir 1": "swir16", "swir22": "swir22",
    "swir2": "swir22", "swir 2": "swir22", "pan": "pan", "panchromatic": "pan",
    "cirrus": "cirrus", "lwir": "lwir", "lwir11": "lwir11", "lwir12": "lwir12",
    "rededge071": "rededge071", "rededge075": "rededge075", "rededge078": "rededge078",
}  # fmt: skip
"""Words for bands that mean the same everywhere, in small letters."""


def sensor_of(file_name: str) -> str:
    """Return the sensor whose products have such names, "" if none is known."""
    return next((sensor for pattern, sensor in _FILES if pattern.match(file_name)), "")


_LEVEL_1 = re.compile(r"^L[COTEM]0[4-9]_L1", re.IGNORECASE)


def unit_of(file_name: str) -> str:
    """Return the unit of stored values that the name of a file tells, "" if it tells none.

    Values of Landsat's Level-1 are no reflectance, though they look like those of Level-2.
    """
    return "digital numbers of Level-1" if _LEVEL_1.match(file_name) else ""


def meaning_of(sensor: str, number: str) -> Meaning:
    """Return what a band of a sensor measures.

    Examples
    --------
    >>> meaning_of("OLI", "04").common_name, meaning_of("ETM+", "B4").common_name
    ('red', 'nir08')
    """
    key = number.upper().lstrip("B").lstrip("0")
    return SENSORS.get(sensor, {}).get(key, UNKNOWN)


def common_name_of(word: str) -> str:
    """Return the common name that a band's own name is, "" if it is none."""
    return COMMON.get(word.strip().lower().replace("_", " "), "")
