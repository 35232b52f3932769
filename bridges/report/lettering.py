r"""Users' words in pictures: drawn as they are, in a font that has their letters.

matplotlib reads ``$…$`` as a formula, leaves legends without names that begin with ``_``, and draws
boxes for letters that its own font has not.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator

BOXES = "Last Resort"
"""Fonts called so have a box for every letter there is."""

OWN_FONT = "DejaVu Sans"
"""matplotlib's."""


def plain(text: str) -> str:
    r"""Return text so that matplotlib draws it as it is, on one line.

    Examples
    --------
    >>> plain("$10 to $20")
    '\\$10 to \\$20'
    >>> plain("_other")
    ' _other'
    """
    one_line = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    escaped = one_line.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


@contextlib.contextmanager
def lettering(texts: Iterable[str]) -> Iterator[list[str]]:
    """Draw with fonts that have the letters of some texts; yields what the user should know.

    Parameters
    ----------
    texts : iterable of str
        What is going to be drawn beside this package's own words.
    """
    import matplotlib

    families, lacking = fonts_for(texts)
    notes = []
    if lacking:
        notes.append(
            f"No installed font has the letters {lacking[:12]}: pictures show boxes, the tables of "
            "the report the names. A font that has them helps, such as Noto Sans CJK."
        )
    with matplotlib.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing", category=UserWarning)
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield notes


def fonts_for(texts: Iterable[str]) -> tuple[list[str], str]:
    """Return matplotlib's font and those needed beside it, and the letters that none has."""
    from matplotlib import font_manager

    letters = {letter for text in texts for letter in text if letter.isprintable()}
    lacking = letters - _letters_of(font_manager.findfont(OWN_FONT))
    families = [OWN_FONT]
    for entry in font_manager.fontManager.ttflist if lacking else ():
        if BOXES in entry.name:
            continue
        found = lacking & _letters_of(entry.fname)
        if found and entry.name not in families:
            families.append(entry.name)
            lacking -= found
    return families, "".join(sorted(lacking))


def _letters_of(file: str) -> set[str]:
    from matplotlib import font_manager

    try:
        return {chr(code) for code in font_manager.get_font(file).get_charmap()}
    except (OSError, RuntimeError):  # a damaged font, or one of a kind that is not drawn
        return set()
