"""The scene.json beside an image: what a GeoTIFF cannot say about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridges.errors import DataError

NAME = "scene.json"


@dataclass(frozen=True)
class Sidecar:
    """What a scene.json says; everything is optional.

    Attributes
    ----------
    path : Path or None
        The file, None where there is none.
    image : str
        File name of the image that bands, nodata, scale and mask belong to ("" for any).
    band_names, common_names : list of str
        For example ``B4`` and ``nir08`` (STAC's common names).
    wavelengths : list of (float or None)
        Centre of every band in µm.
    sensor, unit : str
        What measured the image, and the unit of its physical values.
    class_names : dict of int to str
        Name of every class code.
    class_colors : dict of int to (red, green, blue)
        0 … 255 each.
    nodata : float or None
        Value of missing pixels.
    unlabelled : int or None
        Value of unlabelled pixels in label rasters.
    scale, offset : float
        Physical value = stored value × scale + offset.
    mask : str or None
        Quality raster, relative to the folder, as ``open_scene(mask=…)`` takes it.
    acquired, licence, source : str
        Date, terms and origin of the image.
    """

    path: Path | None = None
    image: str = ""
    band_names: list[str] = field(default_factory=list)
    common_names: list[str] = field(default_factory=list)
    wavelengths: list[float | None] = field(default_factory=list)
    class_names: dict[int, str] = field(default_factory=dict)
    class_colors: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    nodata: float | None = None
    unlabelled: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    mask: str | None = None
    acquired: str = ""
    licence: str = ""
    source: str = ""
    sensor: str = ""
    unit: str = ""

    def describes(self, image: str) -> bool:
        """Return whether the words about bands and values are about this file."""
        return self.path is not None and self.image in ("", image)


def read_sidecar(folder: Path) -> Sidecar:
    """Read the scene.json of a folder; an empty one where there is none.

    Raises
    ------
    DataError
        If the file is not JSON or an entry has another form than described here.
    """
    path = folder / NAME
    if not path.is_file():
        return Sidecar()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _sidecar(path, content)
    except (ValueError, TypeError, AttributeError, KeyError, OSError) as error:
        raise DataError(
            f"Cannot use {path}: {error}.",
            'It should look like {"bands": ["B1", …], "classes": {"1": "water", …}, "nodata": 0}; '
            "mend it or move it away.",
        ) from error


def _sidecar(path: Path, content: dict[str, Any]) -> Sidecar:
    bands = [{"name": b} if isinstance(b, str) else b for b in content.get("bands") or []]
    nodata, unlabelled = content.get("nodata"), content.get("unlabelled")
    return Sidecar(
        path=path,
        image=str(content.get("image") or ""),
        band_names=[str(b["name"]) for b in bands],
        common_names=[str(b.get("common_name", "")) for b in bands],
        wavelengths=[_number(b.get("wavelength_um")) for b in bands],
        class_names={int(c): str(name) for c, name in (content.get("classes") or {}).items()},
        class_colors={
            int(c): (int(rgb[0]), int(rgb[1]), int(rgb[2]))
            for c, rgb in (content.get("colors") or {}).items()
        },
        nodata=None if nodata is None else float(nodata),
        unlabelled=None if unlabelled is None else int(unlabelled),
        scale=float(content.get("scale", 1.0)),
        offset=float(content.get("offset", 0.0)),
        mask=content.get("mask"),
        acquired=str(content.get("acquired", "")),
        licence=str(content.get("licence", "")),
        source=str(content.get("source", "")),
        sensor=str(content.get("sensor", "")),
        unit=str(content.get("unit", "")),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
