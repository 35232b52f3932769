"""Types of options."""

from __future__ import annotations

import argparse
import ast
import math
from collections.abc import Callable, Sequence
from typing import Any


def comma_list(text: str) -> list[str]:
    """Split ``a,b`` into its parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


def pair(text: str) -> tuple[str, str]:
    """Split ``a,b``."""
    parts = comma_list(text)
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form A,B")
    return parts[0], parts[1]


def pair_from_file(value: Any) -> tuple[str, str] | None:
    """Return ``["a", "b"]`` or ``"a,b"`` of a file as after the flag."""
    if value is None:
        return None
    try:
        return pair(",".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from error


def at_least(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return the type of an option that is a whole number from ``least`` (to ``most``)."""
    wanted = f"a whole number of at least {least}" + (f" and at most {most}" if most else "")

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
        return value

    return convert


def number(
    what: str,
    *,
    above: float | None = None,
    least: float | None = None,
    names: Sequence[str] = (),
) -> Callable[[str], float | str]:
    """Return the type of an option that is a finite number, or one of some words.

    Parameters
    ----------
    what : str
        Name of the quantity, for the message.
    above, least : float, optional
        Bound that the number must exceed, or at least reach.
    names : sequence of str
        The words.
    """
    bound = f" > {above:g}" if above is not None else f" ≥ {least:g}" if least is not None else ""
    wanted = ", ".join([f"a number{bound}", *names])

    def convert(text: str) -> float | str:
        if text in names:
            return text
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        fits = math.isfinite(value)
        fits = fits and (above is None or value > above) and (least is None or value >= least)
        if not fits:
            raise argparse.ArgumentTypeError(f"'{text}' does not fit {what}: {wanted}")
        return value

    return convert


def any_number(text: str) -> float:
    """Parse a number, NaN and infinite ones among them."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number, nan or inf") from None


def file_number(value: Any) -> float | None:
    """Return a number of a file; ``"nan"`` and ``"inf"`` are texts in JSON, which has neither."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if value is None else float(value)
    if isinstance(value, str) and not math.isfinite(found := any_number(value)):
        return found
    raise ValueError("a number stands without quotes")


def share(text: str) -> float:
    """Parse a number between 0 and 1, both excluded."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def key_value(text: str) -> tuple[str, Any]:
    """Parse ``key=value``; the value is a Python literal, or text."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form key=value")
    try:
        return key.strip().replace("-", "_"), ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key.strip().replace("-", "_"), value
