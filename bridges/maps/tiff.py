"""TIFF files by their entries: what GDAL writes as a description is read, and laid out as a COG.

A cloud-optimised GeoTIFF has everything that describes it before its pixels, then the overviews
from the smallest on, then the image, each tile between its size and a copy of its last four bytes.
GDAL writes the entries (coordinates, colours, names); here they are put before tiles that were
compressed elsewhere, at places that are known once all sizes are.

References
----------
TIFF revision 6.0 (1992); the BigTIFF design; "Cloud Optimized GeoTIFF", OGC 21-026; GDAL's page on
its COG driver, on leaders, trailers and the text before the first directory.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT = 256, 257, 322, 323
SUBFILE, OFFSETS, SIZES = 254, 324, 325
GEOGRAPHIC = (33550, 33922, 34264, 34735, 34736, 34737, 42112)
"""Entries that the image has and its overviews have not: coordinates and GDAL's tags."""

BYTE, SHORT, LONG, LONG8 = 1, 3, 4, 16
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
"""Bytes of one value of each type."""

LEADER = 4
"""Bytes before a tile, its size, and behind it, a copy of its end."""

LARGEST_CLASSIC = 2**32 - 2**20
"""Bytes from which on a file is a BigTIFF: places are 64 bits long."""

ORDER = "BLOCK_ORDER=ROW_MAJOR\n"
STRUCTURE = (
    "LAYOUT=IFDS_BEFORE_DATA\n{order}BLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a directory.

    Attributes
    ----------
    kind : int
        Type of the values, as TIFF numbers them.
    data : bytes
        The values, little-endian.
    """

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.data) // BYTES[self.kind]


def numbers(kind: int, values: Sequence[int] | NDArray[Any]) -> Entry:
    """Return an entry of SHORT, LONG or LONG8 values."""
    dtype = {SHORT: "<u2", LONG: "<u4", LONG8: "<u8"}[kind]
    return Entry(kind, np.asarray(values).astype(dtype).tobytes())


def read_entries(tiff: bytes) -> dict[int, Entry]:
    """Return the entries of the first directory of a little-endian classic TIFF."""
    (start,) = struct.unpack_from("<I", tiff, 4)
    (n,) = struct.unpack_from("<H", tiff, start)
    entries = {}
    for i in range(n):
        place = start + 2 + 12 * i
        tag, kind, count = struct.unpack_from("<HHI", tiff, place)
        size = BYTES[kind] * count
        (at,) = struct.unpack_from("<I", tiff, place + 8) if size > 4 else (place + 8,)
        entries[tag] = Entry(kind, tiff[at : at + size])
    return entries


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """The image or one of its overviews.

    Attributes
    ----------
    height, width : int
        Pixels.
    sizes : ndarray of shape (n_bands, n_tile_rows, n_tile_columns)
        Bytes of every compressed tile, without leader and trailer.
    """

    height: int
    width: int
    sizes: NDArray[np.int64]

    @property
    def n_bytes(self) -> int:
        """Bytes of all tiles with leaders and trailers."""
        return int(self.sizes.sum()) + 2 * LEADER * self.sizes.size

    def offsets(self, start: int) -> NDArray[np.int64]:
        """Return where the tiles begin if the first leader stands at ``start``."""
        framed = self.sizes.ravel() + 2 * LEADER
        return start + LEADER + np.cumsum(framed) - framed


def head(entries: Mapping[int, Entry], levels: Sequence[Level], tile: int) -> bytes:
    """Return all that stands before the tiles of a COG.

    Parameters
    ----------
    entries : mapping of int to Entry
        What describes the image; its height, width and tiles are those of ``levels``.
    levels : sequence of Level
        The image, then its overviews by falling size. Their tiles follow in reverse order, those of
        a level band by band and row by row.
    tile : int
        Pixels along an edge of a tile.
    """
    lengths = sum(len(entry.data) + 20 for entry in entries.values()) + 1024
    largest = sum(level.n_bytes + lengths + 16 * level.sizes.size for level in levels)
    big = largest > LARGEST_CLASSIC
    structure = STRUCTURE.format(order=ORDER if len(levels[0].sizes) == 1 else "").encode()
    structure = f"GDAL_STRUCTURAL_METADATA_SIZE={len(structure):06d} bytes\n".encode() + structure
    start = _even((16 if big else 8) + len(structure))
    described = [_described(entries, level, tile, big, k > 0) for k, level in enumerate(levels)]
    places = [start]
    for each in described:
        places.append(_even(places[-1] + len(_directory(each, 0, 0, big))))
    at = places[-1]
    for each, level in reversed(list(zip(described, levels, strict=True))):
        each[OFFSETS] = numbers(LONG8 if big else LONG, level.offsets(at))
        at += level.n_bytes
    following = [*places[1:-1], 0]
    parts = [struct.pack("<2sHHHQ", b"II", 43, 8, 0, start)] if big else []
    parts = parts or [struct.pack("<2sHI", b"II", 42, start)]
    parts.append(structure)
    for place, each, after in zip(places, described, following, strict=False):
        parts.append(bytes(place - sum(map(len, parts))))
        parts.append(_directory(each, place, after, big))
    parts.append(bytes(places[-1] - sum(map(len, parts))))
    return b"".join(parts)


def _even(place: int) -> int:
    """Return the next place at which a directory may begin: a multiple of eight bytes."""
    return -(-place // 8) * 8


def _described(
    entries: Mapping[int, Entry], level: Level, tile: int, big: bool, overview: bool
) -> dict[int, Entry]:
    """Return the entries of the image or of an overview, the places of its tiles left open."""
    own = {tag: e for tag, e in entries.items() if not (overview and tag in GEOGRAPHIC)}
    own[SUBFILE] = numbers(LONG, [1 if overview else 0])
    own[WIDTH], own[HEIGHT] = numbers(LONG, [level.width]), numbers(LONG, [level.height])
    own[TILE_WIDTH] = own[TILE_HEIGHT] = numbers(SHORT, [tile])
    own[SIZES] = numbers(LONG, level.sizes.ravel())
    own[OFFSETS] = numbers(LONG8 if big else LONG, np.zeros(level.sizes.size, dtype=np.uint64))
    return own


def _directory(entries: Mapping[int, Entry], place: int, following: int, big: bool) -> bytes:
    """Return a directory that stands at a place of the file, its longer values behind it."""
    inline, number = (8, "<Q") if big else (4, "<I")
    head = struct.pack("<Q" if big else "<H", len(entries))
    values_at = place + len(head) + len(entries) * (4 + 2 * inline) + inline
    table, values = [head], b""
    for tag in sorted(entries):
        entry = entries[tag]
        table.append(struct.pack("<HH", tag, entry.kind) + struct.pack(number, entry.count))
        if len(entry.data) <= inline:
            table.append(entry.data.ljust(inline, b"\0"))
        else:
            table.append(struct.pack(number, values_at + len(values)))
            values += entry.data.ljust(_even(len(entry.data)), b"\0")
    return b"".join([*table, struct.pack(number, following), values])


def framed(tile: bytes) -> bytes:
    """Return a compressed tile between its size and a copy of its last four bytes."""
    return struct.pack("<I", len(tile)) + tile + tile[-LEADER:]
