"""The cells of a delimited text file: encoding, delimiter, decimal mark, header."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridges.errors import DataError, UsageError
from bridges.samples.numbers import are_missing, are_numbers

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = ("\t", ";", "|", ",", " ")
"""Delimiters that are looked for; earlier ones win where several fit equally well."""

WORDS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
"""Names that ``--delimiter`` may be called by."""

LOOKED_AT = 200
"""Lines from which delimiter, decimal mark and header are judged."""


@dataclass(frozen=True)
class Cells:
    """A table of text.

    Attributes
    ----------
    frame : DataFrame of str
        The rows below the header, stripped of white space; columns are numbered from 0.
    names : list of str or None
        The header.
    decimal : str
        Mark between whole and fraction.
    """

    frame: pd.DataFrame
    names: list[str] | None
    decimal: str


def read_cells(
    path: Path,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
) -> Cells:
    """Read a delimited text file.

    Lines that begin with ``#`` and Excel's ``sep=`` line are no rows. What is not given is judged
    from the first :data:`LOOKED_AT` lines: the delimiter that gives all of them the same number of
    cells and the most numbers; the decimal comma where cells are numbers with it only; a header
    where the first line is of another kind than the lines below it.

    Parameters
    ----------
    path : Path
        The file: UTF-8, or UTF-16 with a byte order mark.
    delimiter : str, optional
        A character or one of :data:`WORDS`.
    decimal : {".", ","}, optional
        The decimal mark.
    missing : sequence of str
        Cells that mean missing, beside the usual ones.

    Raises
    ------
    DataError
        If the file is empty, not text, or has rows of different length.
    UsageError
        If the delimiter is no single character.
    """
    lines, commented = _lines(path)
    sample = lines[:LOOKED_AT]
    mark = _one_character(delimiter) if delimiter else _delimiter(sample)
    frame = _frame(lines, mark, path)
    point = decimal or _decimal(frame.head(LOOKED_AT), mark)
    names = _header(frame.head(LOOKED_AT), point, missing)
    if names is not None:
        frame = frame.iloc[1:].reset_index(drop=True)
    elif commented is not None:
        named = [cell.strip() for cell in next(csv.reader([commented], delimiter=mark))]
        names = named if len(named) == frame.shape[1] else None
    return Cells(frame, names, point)


def _lines(path: Path) -> tuple[list[str], str | None]:
    """Return the lines that may be rows, and the text of the last comment above them."""
    try:
        data = path.read_bytes()
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"Cannot read {path}: {error}.", "Save it as CSV in UTF-8.") from error
    lines: list[str] = []
    comment: str | None = None
    for line in io.StringIO(text.replace("\x00", ""), newline=None):  # also "\r" alone, of old Macs
        stripped = line.strip()
        if stripped.startswith("#") and not stripped.startswith("#N/A"):
            comment = comment if lines else stripped.lstrip("# ")
        elif stripped and not (not lines and stripped.lower().startswith("sep=")):
            lines.append(line.rstrip("\r\n"))
    if not lines:
        raise DataError(f"{path} is empty.", "Name a table with samples.")
    return lines, comment


def _one_character(word: str) -> str:
    mark = WORDS.get(word.lower(), word.replace("\\t", "\t"))
    if len(mark) != 1:
        raise UsageError(
            f"'{word}' is no delimiter.", f"Give one character, or {', '.join(WORDS)}."
        )
    return mark


def _delimiter(lines: Sequence[str]) -> str:
    import pandas as pd

    best, found = (0, 0), ","
    for mark in DELIMITERS:
        rows = _rows(lines, mark)
        if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
            continue
        cells = pd.Series([cell.strip() for row in rows for cell in row], dtype=str)
        numbers = are_numbers(cells) | (are_numbers(cells, ",") & (mark != ","))
        score = (int(numbers.sum()), len(rows[0]))
        if score > best:
            best, found = score, mark
    return found


def _rows(lines: Sequence[str], mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=mark, skipinitialspace=mark == " "))
    except csv.Error as error:
        raise DataError(
            f"The table cannot be divided into cells ({error}).",
            "Save it as CSV in UTF-8, with quotation marks in pairs.",
        ) from error


def looks_delimited(path: Path) -> bool:
    """Tell whether a text file has rows of equal length with numbers in them."""
    import pandas as pd

    lines = _lines(path)[0][:LOOKED_AT]
    rows = _rows(lines, _delimiter(lines))
    cells = pd.Series([cell.strip() for row in rows for cell in row], dtype=str)
    numbers = are_numbers(cells) | are_numbers(cells, ",")
    return len(rows[0]) > 1 and len({len(row) for row in rows}) == 1 and bool(numbers.any())


def _frame(lines: Sequence[str], delimiter: str, path: Path) -> pd.DataFrame:
    import pandas as pd

    rows = _rows(lines, delimiter)
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise DataError(
                f"Row {number} of {path} has {len(row)} cells, the first has {width}.",
                "Every row needs the same columns; --delimiter names what stands between them.",
            )
    frame = pd.DataFrame(rows, dtype=str)
    return frame.apply(lambda column: column.str.strip())


def _decimal(frame: pd.DataFrame, delimiter: str) -> str:
    """Return a comma where cells are numbers with a decimal comma and none with a point."""
    if delimiter == ",":
        return "."
    cells = frame.stack()
    commas = are_numbers(cells, ",") & cells.str.contains(",", regex=False).to_numpy()
    points = are_numbers(cells, ".") & cells.str.contains(".", regex=False).to_numpy()
    return "," if commas.any() and not points.any() else "."


def _header(frame: pd.DataFrame, decimal: str, missing: Sequence[str]) -> list[str] | None:
    """Return the first row if it is of another kind than the rows below it, else None.

    A number among the names is no sign of data: spectral tables are headed by wavelengths. What
    tells is a column of numbers below a word, or a word that never occurs again in a column whose
    other words do.
    """
    first, below = frame.iloc[0], frame.iloc[1:]
    words = ~(are_numbers(first, decimal) | are_missing(first, missing))
    if words.all() and len(set(first)) == len(first):
        return first.tolist()
    for column in frame.columns[words]:
        cells = below[column]
        void = are_missing(cells, missing)
        known = cells[~void]
        if len(known) and are_numbers(known, decimal).all():
            return first.tolist()
        recurring = known.duplicated(keep=False).mean() > 0.5
        if recurring and first[column] not in set(known):
            return first.tolist()
    return None
