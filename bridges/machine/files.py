"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bridges.errors import ToldWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kept = TypeVar("Kept")


@contextlib.contextmanager
def atomic_target(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the same folder, renamed to ``path`` if the block succeeds.

    Parameters
    ----------
    path : path-like
        The file to make; its folder must exist. Missing or half-written content never appears
        under this name, and nothing is left if the block raises.

    Yields
    ------
    Path
        A path with the same suffix (GDAL chooses formats by it), in the same folder, that does not
        exist yet.
    """
    final = Path(path)
    own = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"  # threads of a process may write the same file
    temporary = final.with_name(f".{final.stem}.partial-{own}{final.suffix}")
    try:
        yield temporary
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def told_damaged(path: str | os.PathLike[str], error: BaseException) -> None:
    """Remove a damaged file of a cache and say that its content is computed again."""
    warnings.warn(
        f"{path} is damaged ({error or type(error).__name__}); what it kept is computed again.",
        ToldWarning,
        stacklevel=2,
    )
    with contextlib.suppress(OSError):
        Path(path).unlink()


def from_cache(path: Path, read: Callable[[Path], Kept]) -> Kept | None:
    """Return what ``read`` makes of a file of a cache; None where it is missing or damaged.

    A damaged one is removed, with a warning that commands keep as a note.
    """
    try:
        return read(path)
    except (FileNotFoundError, PermissionError):
        return None
    except Exception as error:  # damaged bytes fail in zipfile, zlib, json, numpy or the reader
        told_damaged(path, error)
        return None


def read_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file; the file is closed even if it is damaged."""
    import numpy as np

    with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with atomic_target(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write an indented JSON file whole or not at all; NaN raises, since JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, default=plain) + "\n")


def plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does: paths, NumPy scalars and arrays."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
