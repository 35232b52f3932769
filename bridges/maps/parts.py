"""Finished windows of a map, kept on disk until all are there and are joined.

Every process appends to a file of its own; a window counts once its record is complete, so what a
killed run has finished is found again, whoever finished it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import struct
import threading
import uuid
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MARK = b"map part"
RECORD = struct.Struct("<8sQIQI")
"""Mark, number of the window, bytes of the description, bytes of the content, checksum."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a finished window lies.

    Attributes
    ----------
    path : Path
        File.
    start : int
        Where its content begins.
    about : dict
        What was told about it, plain JSON values.
    """

    path: Path
    start: int
    about: Mapping[str, Any]


def folder_of(target: Path) -> Path:
    """Return the folder that holds the parts of a file while it is made."""
    return target.with_name(f".{target.name}.parts")


def begin(folder: Path, key: str, *, resume: bool) -> dict[int, Place]:
    """Make the folder of a map's parts; return what is finished, nothing unless resumed."""
    if not resume:
        discard(folder)
    folder.mkdir(exist_ok=True)
    return finished(folder, key) if resume else {}


def discard(folder: Path) -> None:
    """Remove all parts."""
    shutil.rmtree(folder, ignore_errors=True)


class PartFile:
    """Appends finished windows to a new file, from any thread.

    Parameters
    ----------
    folder : Path
        An existing folder.
    key : str
        What the parts depend on; parts of another key are not taken for these.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._file = self.path.open("xb", buffering=0)  # nothing is left to write at its end
        self._lock = threading.Lock()

    def add(self, window: int, about: Mapping[str, Any], content: Sequence[bytes]) -> Place:
        """Append a window; ``about`` are plain JSON values."""
        told = json.dumps(about, allow_nan=False).encode()
        length = sum(map(len, content))
        with self._lock:
            check = _checksum([told, *content])
            header = RECORD.pack(MARK, window, len(told), length, check)
            start = self._file.tell() + len(header) + len(told)
            left = memoryview(b"".join([header, told, *content]))
            while left:
                left = left[self._file.write(left) :]
        return Place(self.path, start, about)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def finished(folder: Path, key: str) -> dict[int, Place]:
    """Return the windows that earlier runs of this key have finished, by number."""
    found: dict[int, Place] = {}
    for path in sorted(folder.glob(f"{key}-*")):
        found.update(_read(path))
    return found


def _read(path: Path) -> dict[int, Place]:
    """Return the complete records of a file; the first damaged one ends it."""
    found: dict[int, Place] = {}
    with path.open("rb") as file:
        while len(header := file.read(RECORD.size)) == RECORD.size:
            mark, window, told, length, check = RECORD.unpack(header)
            if mark != MARK:
                break
            about, start = file.read(told), file.tell()
            if _checksum([about, file.read(length)]) != check:
                break
            found[window] = Place(path, start, json.loads(about))
    return found


def _checksum(pieces: Sequence[bytes]) -> int:
    value = 0
    for piece in pieces:
        value = zlib.crc32(piece, value)
    return value
