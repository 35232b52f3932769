"""What the assertions of the kit say, and names that are nearly those of an ability."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LIKENESS = 0.8
"""From which likeness on (:func:`difflib.get_close_matches`) a name is taken for a slip."""


def require(kept: object, message: str) -> None:
    """Raise an AssertionError unless a promise was kept; unlike ``assert``, under ``-O`` too."""
    if not kept:
        raise AssertionError(message)


def members_of_protocol(protocol: type) -> set[str]:
    """Return the names that a protocol lists."""
    listed = {*vars(protocol), *vars(protocol).get("__annotations__", {})}
    return {name for name in listed if not name.startswith("_")}


def slips(has: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return attributes that are called nearly, but not quite, like an ability.

    Parameters
    ----------
    has : iterable of str
        Public names that something has.
    known : iterable of str
        Names that are asked for.

    Returns
    -------
    dict
        From each slip to what was probably meant, where that is not there.
    """
    present, asked = set(has), set(known)
    found = {}
    for name in sorted(present - asked):
        near = difflib.get_close_matches(name, sorted(asked - present), n=1, cutoff=LIKENESS)
        if near and not name.startswith("_"):
            found[name] = near[0]
    return found


def assert_no_slips(kind: str, has: Iterable[str], known: Iterable[str]) -> None:
    """Assert that nothing is called nearly like an ability."""
    for name, meant in slips(has, known).items():
        raise AssertionError(
            f"{kind} has '{name}', which nobody asks for; did you mean '{meant}'? "
            "An ability under another name is silently not there."
        )


def assert_one_line(kind: str, thing: object, attribute: str) -> None:
    """Assert that an attribute is one line of text, as lists for people show it."""
    text = getattr(thing, attribute, None)
    require(
        isinstance(text, str) and text.strip() and "\n" not in text,
        f"{kind} needs a class attribute '{attribute}', one line of text; it is {text!r}.",
    )
