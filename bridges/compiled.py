"""Compilation of hot loops: few signatures, no GIL, machine code kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

MATHS = {"contract", "nnan", "ninf", "nsz"}
"""Fused multiply-add is allowed; reordering of sums is not, so results are reproducible."""


def compiled(function: F) -> F:
    """Compile a function on its first call and keep the machine code for other processes.

    The code lies beside the source, in the user's cache folder where that cannot be written
    (``NUMBA_CACHE_DIR`` overrides both), and nowhere if neither can: then every process compiles.
    """
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=MATHS, error_model="numpy")
    except RuntimeError:  # numba found no folder for its cache
        return numba.njit(function, nogil=True, fastmath=MATHS, error_model="numpy")
