"""Names of data sets: files, files in archives, addresses on the web, variables of containers.

GDAL opens far more than files, by names such as ``/vsizip//data/a.zip/b.tif``,
``zip://a.zip!b.tif``, ``https://…/b.tif`` or ``NETCDF:"a.nc":red``. A path object drops one of two
slashes, so such names are brought into a form of GDAL's that has none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

ARCHIVES = {"zip": "vsizip", "tar": "vsitar", "gzip": "vsigzip", "7z": "vsi7z", "rar": "vsirar"}
STORES = {
    "s3": "vsis3", "gs": "vsigs", "az": "vsiaz", "abfs": "vsiadls", "adl": "vsiadls",
    "oss": "vsioss", "swift": "vsiswift", "hdfs": "vsihdfs",
}  # fmt: skip
WEB = ("http", "https", "ftp")

_PACKED = re.compile(
    r"(?P<archive>.*?\.(?:zip|kmz|shz|tar\.gz|tgz|tar|7z|rar|gz|ods|xlsx))(?:/(?P<inside>.*))?$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"/vsicurl\?empty_dir=yes&url=([^}/]*)")
_NEXT = re.compile(r",(?=\s*(?:[a-z0-9]+(?:\+[a-z0-9]+)?://|/vsi))", re.IGNORECASE)
_VARIABLE = re.compile(r"^[A-Za-z][A-Za-z0-9_]+:(?!//|\\)")
"""``NETCDF:…``, ``HDF5:…``, ``GTIFF_DIR:1:…``; a drive of Windows has one letter."""


def as_path(name: str | Path) -> Path:
    """Return the name of a data set as a path that GDAL understands.

    Examples
    --------
    >>> as_path("zip:///data/all.zip!scene/b.tif").as_posix()
    '/vsizip/{/data/all.zip}/scene/b.tif'
    >>> as_path("s3://bucket/b.tif").as_posix()
    '/vsis3/bucket/b.tif'
    """
    text = str(name)
    if isinstance(name, Path) or not ("://" in text or text.startswith("/vsi")):
        return Path(name)
    if len(parts := _NEXT.split(text)) > 1:
        return Path(",".join(str(as_path(part.strip())) for part in parts))
    return Path(_without_double_slashes(text))


def _without_double_slashes(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if not found or text.startswith("/vsi"):
        return _virtual(text) if text.startswith("/vsi") else text
    first, plus, others = scheme.partition("+")
    if first in ARCHIVES:
        inner = f"{others}://{rest}" if plus else rest
        archive, mark, inside = inner.partition("!")
        if not mark and (match := _PACKED.match(inner)):
            archive, inside = match["archive"], match["inside"] or ""
        return _in_archive(ARCHIVES[first], archive, inside.lstrip("/"))
    if scheme in WEB:
        return _on_the_web(text)
    if scheme in STORES:
        return f"/{STORES[scheme]}/{rest}"
    return rest if scheme == "file" else text


def _virtual(text: str) -> str:
    """Return one of GDAL's own names without double slashes."""
    system, _, rest = text[1:].partition("/")
    if system == "vsicurl" and "://" in rest:
        return _on_the_web(rest)
    if system in ARCHIVES.values() and not rest.startswith("{"):
        match = _PACKED.match(rest)
        if match:
            return _in_archive(system, match["archive"], match["inside"] or "")
    return text


def _in_archive(system: str, archive: str, inside: str) -> str:
    inner = _without_double_slashes(archive)
    if system == "vsigzip":  # knows no braces, so an absolute name would need two slashes
        inner = inner if inner.startswith("/vsi") else os.path.relpath(inner)
        return f"/{system}/{inner}"
    inner = inner if inner.startswith("/vsi") else os.path.abspath(inner)
    return f"/{system}/{{{inner}}}" + (f"/{inside}" if inside else "")


def _on_the_web(address: str) -> str:
    # neither the folder nor its siblings are asked for: many servers list nothing
    return f"/vsicurl?empty_dir=yes&url={quote(address, safe='')}"


def named_files(name: str | Path) -> list[Path]:
    """Return the files of a list that is separated by commas; a file whose name has some is one.

    Examples
    --------
    >>> [path.name for path in named_files("scene/B4.tif, scene/B3.tif")]
    ['B4.tif', 'B3.tif']
    """
    text = str(name)
    if "," not in text or os.path.exists(text):
        return [as_path(name)]
    parts = _NEXT.split(text) if "://" in text else text.split(",")
    return [as_path(part.strip()) for part in parts if part.strip()]


def as_typed(path: str | Path) -> str:
    """Return a name as a user may have written it: addresses of the web as such.

    Examples
    --------
    >>> as_typed(as_path("https://host.org/a.tif"))
    'https://host.org/a.tif'
    """
    return _ADDRESS.sub(lambda match: unquote(match[1]), str(path))


def is_file_name(path: str | Path) -> bool:
    """Tell whether a path names a file or folder, not something inside or elsewhere."""
    text = str(path)
    return not text.startswith("/vsi") and (not _VARIABLE.match(text) or os.path.exists(text))
