"""What counts as a number in a text file, and what as missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN"),
    *("null", "NULL", "None", "none", "-", "--", "?"),
)
"""Cells that stand for a missing value in the files of R, pandas, spreadsheets and databases."""

NUMBER = r"[+-]?(?:[0-9]+{p}?[0-9]*|{p}[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A decimal number with the decimal mark p: no underscores, no thousands, no other scripts."""

INFINITE = r"[+-]?(?:inf|Inf|INF|infinity|Infinity)"


def number_pattern(decimal: str = ".") -> str:
    """Return the regular expression that a whole cell must match to be a number."""
    return f"(?:{NUMBER.replace('{p}', re.escape(decimal))}|{INFINITE})"


def are_missing(cells: pd.Series, more: Sequence[str] = ()) -> NDArray[np.bool_]:
    """Return which cells are missing, shape (n,).

    Parameters
    ----------
    cells : Series of str
        Cells without white space around them.
    more : sequence of str
        Cells that are missing beside :data:`MISSING`; a number means all its spellings.
    """
    found = cells.isin([*MISSING, *more]).to_numpy(dtype=bool, copy=True)
    for value in [float(word) for word in more if re.fullmatch(number_pattern(), word)]:
        numbers = cells.where(cells.str.fullmatch(number_pattern()), "nan").astype(float)
        found |= (numbers == value).to_numpy(dtype=bool)
    return found


def are_numbers(cells: pd.Series, decimal: str = ".") -> NDArray[np.bool_]:
    """Return which cells are numbers, shape (n,)."""
    matched: NDArray[np.bool_] = cells.str.fullmatch(number_pattern(decimal)).to_numpy(dtype=bool)
    return matched


def as_numbers(
    cells: pd.Series, missing: NDArray[np.bool_], decimal: str = "."
) -> NDArray[np.float64]:
    """Return the cells as float64, NaN where missing; all others must be numbers."""
    text = cells.mask(missing, "nan")
    if decimal != ".":
        text = text.str.replace(decimal, ".", regex=False)
    values: NDArray[np.float64] = text.astype(np.float64).to_numpy()
    return values
