"""One BLAS thread for steps made of many small products, which more threads only slow down."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_open: list[Any] = []
"""The limits in force: the first block inside sets them, the last one out lifts them."""
_inside = [0]


@functools.cache
def _libraries() -> Any:
    """Return the loaded BLAS libraries; looking for them takes milliseconds."""
    import scipy.linalg  # noqa: F401  (brings a BLAS of its own, which has to be found as well)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run a block with single-threaded BLAS, in this and every other thread of the process.

    For products of a hundred rows, waking threads takes longer than the work, and on a machine that
    others use as well a thousand times longer.
    """
    with _lock:
        if not _inside[0]:
            _open.append(_libraries().limit(limits=1, user_api="blas"))
            _open[0].__enter__()
        _inside[0] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[0] -= 1
            if not _inside[0]:
                _open.pop().__exit__(None, None, None)
