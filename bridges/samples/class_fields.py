"""Classes from the values of a field: codes, or names that get codes; as people fill them in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.numbers import NUMBER

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_CODE = 65535
"""Codes are written into maps of at most 16 bits."""

_NUMBER = re.compile(NUMBER.replace("{p}", r"\."))


@dataclass(frozen=True)
class Classes:
    """What a field says.

    Attributes
    ----------
    codes : ndarray of shape (n,), int64
        Class code of every feature, 0 where there is none.
    names : dict of int to str
        Name of every code that has one.
    missing : ndarray of shape (n,)
        Which features have no class.
    notes : list of str
        What looked odd.
    """

    codes: NDArray[np.int64]
    names: dict[int, str]
    missing: NDArray[np.bool_]
    notes: list[str]


def classes_of(values: NDArray[Any], known: Mapping[int, str], file: str) -> Classes:
    """Return the classes that the values of a field mean.

    Numbers, and texts that all are whole numbers (``"1"``, ``"1.0"``), are codes; other texts are
    names, without blanks at the ends. Empty values, None and NaN are no class.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of the field.
    known : mapping of int to str
        Names of the scene's classes; if it knows all names, it gives the codes.
    file : str
        Whose field it is.

    Raises
    ------
    DataError
        If a number is no class code; the message names it.
    """
    if values.dtype.kind in "iuf":
        missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        shown = [f"{value:g}" if values.dtype.kind == "f" else str(value) for value in values]
        return Classes(_codes(values, missing, shown, file), dict(known), missing, [])
    texts = [_text(value) for value in values]
    missing = np.array([not text for text in texts], dtype=bool)
    numeric = [bool(_NUMBER.fullmatch(text)) for text in texts if text]
    if numeric and all(numeric):
        numbers = np.array([float(text) if text else 0.0 for text in texts])
        return Classes(_codes(numbers, missing, texts, file), dict(known), missing, [])
    return _named(texts, missing, known, sum(numeric), file)


def _text(value: Any) -> str:
    """Return a value as text on one line, trimmed and composed; "" for none."""
    if value is None or value != value:
        return ""
    composed = unicodedata.normalize("NFC", str(value))
    return "".join(letter if letter.isprintable() else " " for letter in composed).strip()


def _codes(
    values: NDArray[Any], missing: NDArray[np.bool_], shown: Sequence[str], file: str
) -> NDArray[np.int64]:
    with np.errstate(invalid="ignore"):
        fits = (values == np.floor(values)) & (values >= 0) & (values <= LARGEST_CODE)
        wrong = ~missing & ~fits
    if wrong.any():
        odd = sorted({shown[i] for i in np.flatnonzero(wrong).tolist()})
        listed = ", ".join(odd[:5]) + (", …" if len(odd) > 5 else "")
        raise DataError(
            f"The field holds numbers that are no class codes in {file}: {listed} "
            f"({int(wrong.sum())} of {len(values)} features).",
            f"Class codes are whole numbers from 0 to {LARGEST_CODE}. Empty the field where the "
            "class is unknown, leave such features out (ogr2ogr -where …), or name another "
            "--label-field.",
        )
    return np.where(missing, 0, values).astype(np.int64)


def _named(
    texts: Sequence[str],
    missing: NDArray[np.bool_],
    known: Mapping[int, str],
    n_numbers: int,
    file: str,
) -> Classes:
    names = sorted({text for text in texts if text})
    by_name = {name: code for code, name in known.items()}
    if not set(names) <= set(by_name):
        by_name = {name: code for code, name in enumerate(names, start=1)}
    codes = np.array([by_name.get(text, 0) for text in texts], dtype=np.int64)
    named = {code: name for name, code in sorted(by_name.items(), key=lambda item: item[1])}
    notes = _alike(names, file)
    if n_numbers:
        words = [name for name in names if not _NUMBER.fullmatch(name)]
        notes.append(
            f"The classes in {file} are numbers and texts ({', '.join(map(repr, words[:3]))}): all "
            "are taken for names, and numbered anew."
        )
    return Classes(codes, named, missing, notes)


def _alike(names: Sequence[str], file: str) -> list[str]:
    """Say which names differ in capital letters and blanks only."""
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault(" ".join(name.casefold().split()), []).append(name)
    return [
        f"Classes of {file} differ in capitals or blanks only, and are kept apart: "
        f"{', '.join(map(repr, group))}."
        for group in same.values()
        if len(group) > 1
    ]
