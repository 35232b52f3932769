"""Names that a raster, or a file beside it, gives to its classes."""

from __future__ import annotations

import contextlib
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VALUE_COLUMNS = ("value", "val", "code", "class_id", "classvalue", "gridcode")
NAME_COLUMNS = ("class_name", "classname", "class_names", "name", "label", "category", "class")
NOTHING = ("", "unclassified", "none", "no data", "nodata", "background", "unlabelled", "unlabeled")
"""What programs call the value 0 where it is no class."""

_ENVI = re.compile(r"^\s*class names\s*=\s*\{([^}]*)\}", re.IGNORECASE | re.MULTILINE)

PIXEL_COUNT, NAME_USAGE, VALUE_USAGES = 1, 2, (5, 3)
"""GDAL's usages of columns of an attribute table: counts, names, values or their smallest."""


def names_of_classes(dataset: Any, path: Path) -> dict[int, str]:
    """Return the names of the class codes of an open raster.

    Looked for in this order: tags ``CLASS_1=water`` as this package's maps have them, categories
    and attribute tables that GDAL knows (ENVI's class names, ``.aux.xml``, Erdas), ArcGIS's table
    beside the file (``.vat.dbf``), QGIS's style beside it (``.qml``).
    """
    tags = _tags(dataset)
    found = {int(k[6:]): tags[k] for k in tags if k.startswith("CLASS_") and k[6:].isdigit()}
    if found:
        return found
    for source in (_of_gdal(dataset), _of_envi(path), _of_vat(path), _of_qml(path)):
        names = {code: name.strip() for code, name in source}
        if names.get(0, "x").lower() in NOTHING:
            del names[0]
        names = {code: name for code, name in names.items() if name}
        if names:
            return names
    return {}


def _tags(dataset: Any) -> dict[str, str]:
    try:
        return dict(dataset.tags())
    except UnicodeDecodeError:  # rasterio takes all text for UTF-8
        return {}


def _of_envi(path: Path) -> Iterator[tuple[int, str]]:
    """Yield class names of an ENVI header, in Latin letters where they are no UTF-8."""
    for file in (path.with_suffix(".hdr"), path.with_name(f"{path.name}.hdr")):
        if file.is_file():
            text = file.read_bytes().decode("cp1252", errors="replace")
            if found := _ENVI.search(text):
                yield from enumerate(found[1].split(","))
            return


def _of_gdal(dataset: Any) -> Iterator[tuple[int, str]]:
    """Yield what GDAL says, by way of a virtual raster: rasterio passes on no categories."""
    import rasterio.shutil
    from rasterio.errors import RasterioError

    name = f"/vsimem/{uuid.uuid4().hex}.vrt"
    try:
        rasterio.shutil.copy(dataset, name, driver="VRT")
        with rasterio.open(name) as copy:
            text = copy.tags(ns="xml:VRT").get("xml:VRT", "")
        rasterio.shutil.delete(name)
        band = ET.fromstring(text).find("VRTRasterBand")
    except (RasterioError, ET.ParseError, UnicodeDecodeError):
        return
    if band is None:
        return
    yield from enumerate(c.text or "" for c in band.iterfind("CategoryNames/Category"))
    table = band.find("GDALRasterAttributeTable")
    if table is not None:
        yield from _of_table(table)


def _of_table(table: ET.Element) -> Iterator[tuple[int, str]]:
    heads = [
        (head.findtext("Name", "").lower(), int(head.findtext("Usage", "0")))
        for head in table.iterfind("FieldDefn")
    ]
    value = _column(heads, VALUE_COLUMNS, VALUE_USAGES)
    name = _column(heads, NAME_COLUMNS, (NAME_USAGE,))
    if name is None:
        return
    for number, row in enumerate(table.iterfind("Row")):
        cells = [cell.text or "" for cell in row.iterfind("F")]
        with contextlib.suppress(ValueError, IndexError):
            yield (number if value is None else int(float(cells[value]))), cells[name]


def _column(
    heads: list[tuple[str, int]], words: tuple[str, ...], usages: tuple[int, ...]
) -> int | None:
    by_usage = [i for i, (_, usage) in enumerate(heads) if usage in usages]
    by_word = [i for word in words for i, (head, _) in enumerate(heads) if head == word]
    return next(iter([*by_usage, *by_word]), None)


def _of_vat(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the rows of ``labels.tif.vat.dbf``."""
    file = path.with_name(f"{path.name}.vat.dbf")
    if not file.is_file():
        return
    try:
        import pyogrio
    except ModuleNotFoundError:
        return
    try:
        meta, _, _, columns = pyogrio.raw.read(file, read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return
    heads = [(str(field).lower(), 0) for field in meta["fields"]]
    value, name = _column(heads, VALUE_COLUMNS, ()), _column(heads, NAME_COLUMNS, ())
    if value is not None and name is not None:
        for code, text in zip(columns[value], columns[name], strict=True):
            with contextlib.suppress(ValueError, OverflowError):  # NaN, infinite
                yield int(code), str(text or "")


def _of_qml(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the entries of a QGIS style with a palette."""
    file = path.with_suffix(".qml")
    if not file.is_file():
        return
    try:
        root = ET.fromstring(file.read_text(encoding="utf-8"))
    except (ET.ParseError, OSError, UnicodeDecodeError):
        return
    for entry in root.iter("paletteEntry"):
        if re.fullmatch(r"\d+", entry.get("value", "")):
            yield int(entry.get("value", "")), entry.get("label", "")
