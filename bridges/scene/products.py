"""Products: what data centres deliver of a scene, several files in a folder or an archive.

A product says whether it knows a path, and which bands and masks it finds there; bits and scale
factors are data. It is found by an entry point of the group ``bridges.products``, so another
package adds one without a change here::

    class Hls:
        name = "HLS"
        looks_for = "*.B02.tif and *.Fmask.tif"
        quality = {"FMASK": (1, 2, 3)}  # bits of a raster called …Fmask… that hide a pixel

        def knows(self, path):
            return any(file.name.endswith(".B02.tif") for file in listing(path))

        def read(self, path):
            ...
            return Contents(path, bands, masks)
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bridges import registry
from bridges.errors import DataError, SolverError, UsageError
from bridges.scene.scene import Band, Mask

PRODUCTS = "bridges.products"
"""Entry points that name products."""

_IN_ARCHIVE = re.compile(r"^/vsitar/\{(.*?)\}/(.*)$")


@dataclass(frozen=True)
class Contents:
    """What a product holds.

    Attributes
    ----------
    path : Path
        The folder or archive; a ``scene.json`` is looked for there.
    bands : sequence of Band
        All bands, on one grid.
    masks : sequence of Mask
        Rasters of the same grid that hide pixels.
    acquired : str
        Date of acquisition, "" if unknown.
    features : sequence of str
        Names of the bands that are used where nobody chooses; all by default.
    """

    path: Path
    bands: Sequence[Band]
    masks: Sequence[Mask] = ()
    acquired: str = ""
    features: Sequence[str] = ()


@runtime_checkable
class Product(Protocol):
    """A kind of product; made without arguments.

    Attributes
    ----------
    name : str
        What errors call it.
    looks_for : str
        The files that it is told by, for errors.
    quality : mapping of str to tuple of int
        Bits that hide a pixel in a raster whose file name holds the word (capital letters).
    """

    name: str
    looks_for: str
    quality: Mapping[str, tuple[int, ...]]

    def knows(self, path: Path) -> bool:
        """Tell whether a folder, an archive or a file of it is such a product."""
        ...

    def read(self, path: Path) -> Contents:
        """Return what is there; raise a DataError if it is incomplete or ambiguous."""
        ...


def products() -> Iterator[Product]:
    """Yield one of every registered kind of product that is installed with all it needs.

    Raises
    ------
    UsageError
        If something is registered that is no product.
    """
    for name in registry.names(PRODUCTS):
        product = _product(name)
        if product is not None:
            yield product


@cache
def _product(name: str) -> Product | None:
    try:
        made: Any = registry.load(name, PRODUCTS)()
    except SolverError:  # a package that it needs is missing: no other scene minds
        return None
    if not isinstance(made, Product):
        raise UsageError(
            f"'{name}' is registered as a product and is none: {made!r}.",
            "It needs name, looks_for, quality, knows(path) and read(path).",
        )
    return made


def find_product(path: Path) -> Contents | None:
    """Return what the product at a path holds, None if it is a file that no product knows.

    Raises
    ------
    DataError
        If a folder or archive holds no known product, or several kinds, or is damaged.
    """
    known = [product for product in products() if product.knows(path)]
    if len(known) > 1:
        names = ", ".join(product.name for product in known)
        raise DataError(
            f"{path} looks like several products: {names}.", "Move the files of one elsewhere."
        )
    if known:
        return known[0].read(path)
    if not path.is_dir() and not is_archive(path):
        return None
    wanted = " nor ".join(f"{product.name} ({product.looks_for})" for product in products())
    images = [str(f) for f in listing(path) if f.suffix.lower() in (".tif", ".tiff")]
    example = f", for example {images[0]}" if images and path.is_dir() else ""
    raise DataError(
        f"{path} holds no {wanted}.",
        f"Name one GeoTIFF with all bands{example}, or the folder or .tar of a product.",
    )


def masked_file(path: Path) -> Mask:
    """Return the mask that a raster is by its name: by a product's bits, else wherever not zero."""
    name = path.name.upper()
    for product in products():
        for word, bits in product.quality.items():
            if word in name:
                return Mask(path, "bits", bits)
    return Mask(path, "nonzero")


def is_archive(path: Path) -> bool:
    """Tell whether a path is a .tar."""
    return path.suffix.lower() == ".tar" and path.is_file()


def listing(path: Path) -> list[Path]:
    """Return the files of a folder or a .tar, sorted, as paths that GDAL reads; else nothing.

    Raises
    ------
    DataError
        If the archive is damaged.
    """
    if path.is_dir():
        return sorted(path.iterdir())
    if not is_archive(path):
        return []
    try:
        with tarfile.open(path) as tar:
            names = sorted(tar.getnames())
    except (tarfile.TarError, OSError) as error:
        raise DataError(
            f"Cannot read the archive {path}: {error}.", f"Check it with: tar -tf {path}"
        ) from error
    # In braces, because a path cannot keep the two slashes of /vsitar//absolute.tar.
    return [Path(f"/vsitar/{{{path.resolve()}}}") / name for name in names]


def read_bytes(file: Path) -> bytes:
    """Return the content of a file of :func:`listing`, also inside an archive."""
    packed = _IN_ARCHIVE.match(str(file))
    if packed is None:
        return file.read_bytes()
    with tarfile.open(packed[1]) as tar:
        stream = tar.extractfile(packed[2])
        return stream.read() if stream else b""
