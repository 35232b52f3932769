"""How long work tells its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called as ``progress(items done, items in all)``; may be called from any thread."""


def no_progress(done: int, total: int) -> None:
    """Report nothing."""
