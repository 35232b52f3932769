"""Compilation of hot loops: few signatures, no GIL, machine code kept on disk."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import IndexDataCacheFile

from bridges.machine.files import told_damaged

F = TypeVar("F", bound=Callable[..., Any])

MATHS = {"contract", "nnan", "ninf", "nsz"}
"""Fused multiply-add is allowed; reordering of sums is not, so results are reproducible."""


def compiled(function: F) -> F:
    """Compile a function on its first call, and keep the machine code; see :func:`kept`."""
    return kept(function, nogil=True, fastmath=MATHS, error_model="numpy")


def kept(function: F, **options: Any) -> F:
    """Compile a function with numba's options and keep the machine code for other processes.

    The code lies beside the source, in the user's cache folder where that cannot be written
    (``NUMBA_CACHE_DIR`` overrides both), and nowhere if neither can: then every process compiles.
    """
    try:
        return _stamped(numba.njit(function, cache=True, **options))
    except RuntimeError:  # numba found no folder for its cache
        return numba.njit(function, **options)


def _stamped(dispatcher: F) -> F:
    """Make kept machine code depend on every source file that it was compiled from.

    numba looks at the function's own file only, and would go on using code into which an older
    version of another file was compiled. The index has no public door; that numba still
    reads the stamp is held by tests/bridges/machine/test_compiled.py::
    test_a_change_of_a_callee_in_another_file_is_compiled.
    """
    function = dispatcher.py_func  # type: ignore[attr-defined]
    digest = hashlib.sha256()
    for path in sorted(_sources(function.__module__, function.__globals__)):
        digest.update(path.read_bytes())
    cache = dispatcher._cache  # type: ignore[attr-defined]
    index = cache._cache_file
    base = index._index_name.removesuffix(".nbi") + ".checked"
    stamp = (index._source_stamp, digest.hexdigest())
    cache._cache_file = KeptCode(index._cache_path, base, stamp)
    return dispatcher


class KeptCode(IndexDataCacheFile):
    """Machine code on disk with checksums: what is damaged is compiled again, never run.

    numba would unpickle and run whatever the file holds. Like the stamp this leans on names without
    a public door, which tests/bridges/machine/test_compiled.py::test_damaged_code_is_compiled_again
    holds.
    """

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + hashlib.sha256(data).digest()  # pickle reads up to its own end

    def _load_index(self) -> dict[Any, str]:
        path = Path(self._index_path)
        try:
            with path.open("rb") as file:
                pickle.load(file)  # numba's version, a string
                _require_whole(file.read())
            return dict(super()._load_index())
        except FileNotFoundError:
            return {}
        except Exception as error:  # bytes that are no pickle fail anywhere
            told_damaged(path, error)
            return {}

    def _load_data(self, name: str) -> Any:
        path = Path(self._data_path(name))
        try:
            _require_whole(path.read_bytes())
        except ValueError as error:
            told_damaged(path, error)
            raise FileNotFoundError(path) from error  # which numba takes as: compile it
        return super()._load_data(name)


def _require_whole(content: bytes) -> None:
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise ValueError("its checksum is wrong")


def _sources(module: str, names: dict[str, Any], seen: frozenset[str] = frozenset()) -> set[Path]:
    """Return the files of a module and of those whose compiled functions it uses."""
    seen |= {module}
    found = {Path(names["__file__"])}
    for value in list(names.values()):
        origin = getattr(value, "__module__", None)
        if origin in seen or origin not in sys.modules or not _is_compiled(value):
            continue
        found |= _sources(origin, vars(sys.modules[origin]), seen)
    return found


def _is_compiled(value: Any) -> bool:
    """Tell whether a value is a compiled function or an intrinsic of ours."""
    kind = type(value).__module__
    return (
        kind.startswith("numba.") and not inspect.isclass(value) and hasattr(value, "__wrapped__")
    )
