"""What a run can do without: pictures, cards, styles. Their failure is told and costs no more."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from bridges.run.console import Narrator

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Numbers of errors of a disk that is full or gone."""

T = TypeVar("T")


class Drawer(Protocol):
    """Makes something that is not worth failing for; see :func:`drawn`."""

    def __call__(self, what: str, make: Callable[[], T]) -> T | None:
        """Return what is made, None if that fails."""


def drawn(narrator: Narrator, what: str, make: Callable[[], T]) -> T | None:
    """Return what a drawer makes; None, and a note, if it fails: nothing else is lost by that.

    Raises
    ------
    OSError
        If the disk takes no more: that is no matter of drawing.
    """
    try:
        return make()
    except Exception as error:  # whatever a drawer raises, a picture is worth less than a run
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        narrator.note(f"The {what} could not be drawn ({type(error).__name__}: {error}).")
        return None
