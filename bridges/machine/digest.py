"""One way to tell by a few digits whether arrays are those of another time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def array_digest(label: object, arrays: Iterable[NDArray[Any]]) -> str:
    """Return the SHA-256 of something printable and of the bytes of arrays, as hexadecimal digits.

    Shapes and types are not part of it: a caller to whom they matter puts them into the label.

    Parameters
    ----------
    label : object
        Its ``repr`` is hashed first: settings, sizes, names.
    arrays : iterable of ndarray
        Hashed in their order, row by row.
    """
    digest = hashlib.sha256(repr(label).encode())
    for part in arrays:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
