"""Ranks compare themselves before they compute: one hash each, in one message."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, UsageError

if TYPE_CHECKING:
    from bridges.machine.comm import Communicator

PLAIN = (str, int, float, bool, type(None), np.generic)


def require_same_rows(comm: Communicator, parts: Sequence[Any], hint: str) -> None:
    """Refuse ranks that were given different training data.

    Parameters
    ----------
    comm : Communicator
        The ranks that are to make one model together.
    parts : sequence of array-like or None
        Samples, labels, weights, as given on this rank.
    hint : str
        What to do if every rank holds rows of its own.

    Raises
    ------
    DataError
        On every rank, telling which ranks differ.
    """
    if comm.size == 1:
        return
    told = comm.allgather((_digest(parts), _rows(parts)))
    odd = [rank for rank, (digest, _) in enumerate(told) if digest != told[0][0]]
    if odd:
        counts = ", ".join(f"rank {r}: {told[r][1]}" for r in [0, *odd][:4])
        raise DataError(f"The ranks were given different training data (rows of {counts}).", hint)


def require_same_parameters(comm: Communicator, name: str, params: Mapping[str, Any]) -> None:
    """Refuse ranks whose estimators have different parameters.

    Parameters
    ----------
    comm : Communicator
        The ranks.
    name : str
        Name of the estimator.
    params : mapping
        Its parameters; objects are compared by their type.

    Raises
    ------
    UsageError
        On every rank, naming the first parameter that differs.
    """
    if comm.size == 1:
        return
    mine = {key: _plain(value) for key, value in params.items()}
    told = comm.allgather(mine)
    for key in mine:
        values = [other.get(key) for other in told]
        if any(value != values[0] for value in values):
            shown = ", ".join(f"rank {rank}: {value}" for rank, value in enumerate(values[:4]))
            raise UsageError(
                f"The ranks have {name} with different {key} ({shown}).",
                "Give every rank the same parameters; read them on one rank and broadcast them.",
            )


def _digest(parts: Sequence[Any]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        array = np.asarray(part)
        digest.update(repr((array.shape, array.dtype.str)).encode())
        if array.dtype == object:
            digest.update(repr(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def _rows(parts: Sequence[Any]) -> int:
    shape = np.shape(parts[0])
    return int(shape[0]) if shape else 0


def _plain(value: Any) -> str:
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, dict):
        return repr(sorted((str(key), _plain(v)) for key, v in value.items()))
    if isinstance(value, list | tuple):
        return repr([_plain(v) for v in value])
    return type(value).__name__
