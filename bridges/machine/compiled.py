"""Compilation of hot loops: few signatures, no GIL, machine code kept on disk."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

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
    index = dispatcher._cache._cache_file  # type: ignore[attr-defined]
    index._source_stamp = (index._source_stamp, digest.hexdigest())
    return dispatcher


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
