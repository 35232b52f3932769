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
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bridges import registry
from bridges.errors import DataError, SolverError, UsageError
from bridges.scene.scene import Band, Mask
from bridges.scene.sensors import IMAGES

PRODUCTS = "bridges.products"
"""Entry points that name products."""

MANY = 5000
"""Files of a folder that are looked at."""

_IN_ARCHIVE = re.compile(r"^/vsi(?:tar|zip)/\{(.*?)\}/(.*)$")


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
    notes : sequence of str
        What the user should know.
    sensor : str
        What measured it (:mod:`bridges.scene.sensors`), "" if unknown.
    """

    path: Path
    bands: Sequence[Band]
    masks: Sequence[Mask] = ()
    acquired: str = ""
    features: Sequence[str] = ()
    notes: Sequence[str] = ()
    sensor: str = ""


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
    """Return what the product at a path holds, None if no product knows it.

    Raises
    ------
    DataError
        If a folder or archive holds several kinds of products, or is damaged.
    """
    known = [product for product in products() if product.knows(path)]
    if len(known) > 1:
        names = ", ".join(product.name for product in known)
        raise DataError(
            f"{path} looks like several products: {names}.", "Move the files of one elsewhere."
        )
    return known[0].read(path) if known else None


def unknown_folder(path: Path, images: Sequence[Path]) -> DataError:
    """Return the error of a folder or archive that is neither a product nor bands of one scene."""
    wanted = " nor ".join(f"{product.name} ({product.looks_for})" for product in products())
    example = f", for example {images[0]}" if images else ""
    return DataError(
        f"{path} holds no {wanted}, nor files that differ in the band only (*_B4.tif).",
        f"Name one GeoTIFF with all bands{example}, list files of one band each (--image "
        "A.tif,B.tif), or name the folder, .tar or .zip of a product.",
    )


def home_of(path: Path) -> Path:
    """Return the folder of a product for the name of its metadata file, else the path itself."""
    metadata = path.suffix.lower() in (".txt", ".json", ".xml")
    return path.parent if metadata and path.stem.upper().endswith("_MTL") else path


def images_in(path: Path) -> list[Path]:
    """Return the images of a folder or archive; of a folder without any, those deeper down."""
    found = [file for file in listing(path) if file.suffix.lower() in IMAGES]
    if found or not path.is_dir():
        return found
    deeper = (file for file in path.rglob("*") if file.suffix.lower() in IMAGES)
    return sorted(islice(deeper, MANY))


def masked_file(path: Path) -> Mask:
    """Return the mask that a raster is by its name: by a product's bits, else wherever not zero."""
    name = path.name.upper()
    for product in products():
        for word, bits in product.quality.items():
            if word in name:
                return Mask(path, "bits", bits)
    return Mask(path, "nonzero")


def is_archive(path: Path) -> bool:
    """Tell whether a path is a .tar, packed or not, or a .zip."""
    return path.name.lower().endswith((".tar", ".tar.gz", ".tgz", ".zip")) and path.is_file()


def sole_image(path: Path) -> Path:
    """Return the image of an archive that holds one; any other path as it is.

    Raises
    ------
    DataError
        If an archive holds several images, or none.
    """
    if not is_archive(path):
        return path
    inside = images_in(path)
    if len(inside) == 1:
        return inside[0]
    listed = ", ".join(str(file) for file in inside[:5]) or "none"
    raise DataError(f"{path} holds {len(inside)} images: {listed}.", "Name the one that is meant.")


def listing(path: Path) -> list[Path]:
    """Return the files of a folder or archive, sorted, as paths that GDAL reads; else nothing.

    Raises
    ------
    DataError
        If the archive is damaged.
    """
    if path.is_dir():
        return sorted(path.iterdir())
    if not is_archive(path):
        return []
    zipped = path.suffix.lower() == ".zip"
    try:
        if zipped:
            with zipfile.ZipFile(path) as archive:
                names = sorted(name for name in archive.namelist() if not name.endswith("/"))
        else:
            with tarfile.open(path) as tar:
                names = sorted(tar.getnames())
    except (
        *(tarfile.TarError, zipfile.BadZipFile, OSError, EOFError),
        *(NotImplementedError, RuntimeError, ValueError),  # of zips that are damaged or too new
    ) as error:
        test = "unzip -t" if zipped else "tar -tf"
        raise DataError(
            f"Cannot read the archive {path}: {error}.", f"Check it with: {test} {path}"
        ) from error
    # In braces, because a path cannot keep the two slashes of /vsitar//absolute.tar.
    system = "vsizip" if zipped else "vsitar"
    return [Path(f"/{system}/{{{path.resolve()}}}") / name for name in names]


def read_bytes(file: Path) -> bytes:
    """Return the content of a file of :func:`listing`, also inside an archive."""
    packed = _IN_ARCHIVE.match(str(file))
    if packed is None:
        return file.read_bytes()
    if packed[1].lower().endswith(".zip"):
        with zipfile.ZipFile(packed[1]) as archive:
            return archive.read(packed[2])
    with tarfile.open(packed[1]) as tar:
        stream = tar.extractfile(packed[2])
        return stream.read() if stream else b""
