"""Whose column is it? Labels, groups, split, coordinates and features of a table.

What is not said is guessed cautiously and told; where a guess would be reckless the table is
refused with the option that decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError, did_you_mean
from bridges.samples.numbers import are_missing, are_numbers, as_numbers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bridges.samples.cells import Cells

LABELS = (
    *("label", "class", "y", "target", "labels", "classes", "class_name", "classname"),
    *("class_id", "landcover", "land_cover", "lulc", "lc", "cover", "category"),
)
"""Names of the column of labels; earlier ones win."""

GROUPS = ("group", "polygon", "polygon_id", "poly_id", "field_id", "plot", "plot_id", "site")
"""Names of the column that tells which samples belong together."""

IDS = (
    *("id", "fid", "ogc_fid", "objectid", "gid", "uid", "index", "idx", "rowid", "row_id"),
    *("sample_id", "sampleid", "pixel_id", "pixelid", "system:index", "unnamed: 0"),
)
"""Names of columns that number the samples; they are taken for that where no value recurs."""

COORDINATES = (
    *(("x", "y"), ("lon", "lat"), ("long", "lat"), ("longitude", "latitude")),
    *(("easting", "northing"), ("utm_x", "utm_y"), ("xcoord", "ycoord"), ("point_x", "point_y")),
    *(("x_coord", "y_coord"), ("coord_x", "coord_y"), ("col", "row"), ("column", "row")),
)
"""Names of pairs of columns that say where a sample lies."""

GEOMETRY = re.compile(
    r"^\s*(?:SRID=\d+;)?(?:MULTI)?(?:POINT|POLYGON|LINESTRING)\b|^\s*\{\s*\"", re.IGNORECASE
)
"""How a geometry in text begins: WKT, EWKT, GeoJSON."""

RUNNING_FROM = 10
"""Rows from which a column of consecutive whole numbers counts as row numbers."""


@dataclass(frozen=True)
class TableRoles:
    """What the user says of a table's columns; what is empty is guessed.

    Attributes
    ----------
    label_column, group_column, region_column : str or None
        Names of columns (or numbers from 1 where there is no header).
    ignore_columns : sequence of str
        Columns that are no features.
    coordinates : tuple of (str, str), or () or None
        Columns of x and y; () for none, whatever they are called; None to guess.
    missing : sequence of str
        Cells that mean missing, beside the usual ones.
    delimiter, decimal : str or None
        See :func:`bridges.samples.cells.read_cells`.
    """

    label_column: str | None = None
    group_column: str | None = None
    ignore_columns: Sequence[str] = ()
    coordinates: tuple[str, str] | tuple[()] | None = None
    missing: Sequence[str] = ()
    delimiter: str | None = None
    decimal: str | None = None
    region_column: str | None = None

    def said(self) -> bool:
        """Tell whether anything was said."""
        return self != TableRoles()


@dataclass(frozen=True)
class Columns:
    """Positions of the columns by role.

    Attributes
    ----------
    label : int
        Of the labels.
    features : list of int
        Of the features.
    group, region, split : int or None
        Of groups, of regions, and of ``train`` and ``test``.
    coordinates : tuple of (int, int) or None
        Of x and y.
    notes : list of str
        What was guessed.
    """

    label: int
    features: list[int]
    group: int | None = None
    region: int | None = None
    split: int | None = None
    coordinates: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)


def assign_roles(cells: Cells, roles: TableRoles, path: Path) -> Columns:
    """Decide what every column is.

    Parameters
    ----------
    cells : Cells
        The table.
    roles : TableRoles
        What the user said.
    path : Path
        For messages.

    Raises
    ------
    DataError
        If a named column does not exist, two have one name, or labels cannot be told safely.
    """
    return _Assignment(cells, roles, path).columns()


class _Assignment:
    def __init__(self, cells: Cells, roles: TableRoles, path: Path) -> None:
        self.cells, self.roles, self.path = cells, roles, path
        width = cells.frame.shape[1]
        self.names = cells.names or [f"x{i + 1}" for i in range(width)]
        self.lower = [name.lower() for name in self.names]
        self.free = list(range(width))
        self.notes: list[str] = []
        self._require_distinct_names()

    def columns(self) -> Columns:
        label = self._take(self.roles.label_column)
        group = self._take(self.roles.group_column)
        region = self._take(self.roles.region_column)
        for name in self.roles.ignore_columns:
            self._take(name)
        split = self._first(("split",))
        coordinates = self._coordinates()
        if label is None:
            label = self._guessed_label()
        if group is None:
            group = self._guessed_group()
        self._drop_no_features(label)
        return Columns(label, self.free, group, region, split, coordinates, self.notes)

    def _require_distinct_names(self) -> None:
        named = [name for name in self.names if name]
        if twice := next((name for name in named if named.count(name) > 1), None):
            raise DataError(
                f"Two columns of {self.path} are called '{twice}'.", "Give every column its name."
            )

    def _take(self, name: str | None) -> int | None:
        """Take a named column away from those that may be features."""
        if name is None:
            return None
        for known in (self.names, self.lower):
            if (wanted := name if known is self.names else name.lower()) in known:
                return self._taken(known.index(wanted))
        if self.cells.names is None and name.isdigit() and 1 <= int(name) <= len(self.names):
            return self._taken(int(name) - 1)
        guess = did_you_mean(name, self.names)
        raise DataError(
            f"{self.path} has no column '{name}'.", f"{guess}Columns: {', '.join(self.names)}."
        )

    def _taken(self, position: int) -> int:
        if position in self.free:
            self.free.remove(position)
        return position

    def _first(self, names: Sequence[str]) -> int | None:
        """Take the first free column with one of some names."""
        places = [self.lower.index(name) for name in names if name in self.lower]
        free = [place for place in places if place in self.free]
        return self._taken(free[0]) if free else None

    def _coordinates(self) -> tuple[int, int] | None:
        said = self.roles.coordinates
        if said is not None:
            x, y = (self._take(name) for name in said) if said else (None, None)
            return None if x is None or y is None else (x, y)
        for pair in COORDINATES:
            places = [self.lower.index(name) for name in pair if name in self.lower]
            if len(places) == 2 and all(self._is_place(place) for place in places):
                x, y = (self._taken(place) for place in places)
                self._note(
                    f"The columns '{self.names[x]}' and '{self.names[y]}' are taken for "
                    "coordinates and are no features (--coordinates none makes them features)."
                )
                return x, y
        return None

    def _is_place(self, place: int) -> bool:
        """Tell whether a column may hold coordinates: free, numbers, hardly any recurring."""
        numbers = self._numbers(place) if place in self.free else None
        return numbers is not None and len(np.unique(numbers)) > 0.05 * len(numbers)

    def _numbers(self, place: int) -> NDArray[np.float64] | None:
        """Return the numbers of a column, None if it holds anything else or nothing."""
        cells = self.cells.frame[place]
        missing = are_missing(cells, self.roles.missing)
        if missing.all() or not (are_numbers(cells, self.cells.decimal) | missing).all():
            return None
        numbers = as_numbers(cells, missing, self.cells.decimal)
        return numbers[np.isfinite(numbers)]

    def _guessed_label(self) -> int:
        named = self._first(LABELS)
        if named is not None:
            self._require_classes(named)
            return named
        last = self.free[-1] if self.free else -1
        if self.cells.names is None and self.free:
            self._taken(last)
            self._require_classes(last)
            return last
        if last < 0 or self._reason(last) or not self._has_classes(last, strictly=True):
            raise DataError(
                f"Which column of {self.path} holds the labels is not clear; none is called "
                f"{', '.join(LABELS[:4])}.",
                f"Say it: --label-column NAME, one of {', '.join(filter(None, self.names))}.",
            )
        self._note(
            f"The last column, '{self.names[last]}', is taken for the labels (--label-column NAME "
            "names another)."
        )
        return self._taken(last)

    def _require_classes(self, place: int) -> None:
        if not self._has_classes(place, strictly=False):
            n = len(self.cells.frame)
            distinct = self.cells.frame[place].nunique()
            raise DataError(
                f"The column '{self.names[place]}' of {self.path} has {distinct} different values "
                f"in {n} samples: those are no classes.",
                "Name the column of labels: --label-column NAME.",
            )

    def _has_classes(self, place: int, *, strictly: bool) -> bool:
        """Tell whether values recur as classes do; strictly: not by chance either."""
        cells = self.cells.frame[place]
        cells = cells[~are_missing(cells, self.roles.missing)]
        n, distinct = len(cells), cells.nunique()
        if n < RUNNING_FROM:
            return True
        if not strictly:
            return distinct <= n // 2
        numbers = self._numbers(place)
        whole = numbers is None or bool(np.all(numbers == np.rint(numbers)))
        return whole and distinct <= max(2, min(n // 3, 100))

    def _guessed_group(self) -> int | None:
        for name in GROUPS:
            if name in self.lower and self.lower.index(name) in self.free:
                place = self.lower.index(name)
                distinct = self.cells.frame[place].nunique()
                if name == "group" or distinct < len(self.cells.frame):
                    if name != "group":
                        self._note(
                            f"The column '{self.names[place]}' tells which samples belong "
                            "together and is no feature (--group-column NAME names another)."
                        )
                    return self._taken(place)
        return None

    def _drop_no_features(self, label: int) -> None:
        for place in list(self.free):
            reason = self._reason(place) or self._repeats_labels(place, label)
            if reason:
                self._taken(place)
                shown = f"'{self.names[place]}'" if self.names[place] else f"number {place + 1}"
                self._note(f"The column {shown} {reason} and is no feature.")

    def _reason(self, place: int) -> str:
        """Return why a column is no feature, or an empty text."""
        cells, name = self.cells.frame[place], self.lower[place]
        if cells.head(20).str.match(GEOMETRY).any():
            return "holds geometry"
        distinct = cells.nunique() == len(cells)
        numbers = self._numbers(place)
        if numbers is None:
            return "is text that differs in every row" if distinct and len(cells) > 2 else ""
        if not name:
            return "has no name"
        if distinct and name in IDS and np.array_equal(numbers, np.rint(numbers)):
            return "numbers the samples"
        long = len(numbers) >= RUNNING_FROM and len(numbers) == len(cells) and distinct
        if long and np.array_equal(np.sort(numbers), numbers.min() + np.arange(len(numbers))):
            return "holds consecutive numbers, one a row,"
        return ""

    def _repeats_labels(self, place: int, label: int) -> str:
        """Tell of a column that gives the class away: one value for each class."""
        if self.lower[place] in LABELS and not (self.lower[place] == "y" and "x" in self.lower):
            return "is called like labels"
        frame: pd.DataFrame = self.cells.frame
        values, labels = frame[place], frame[label]
        if labels.nunique() < 3 or values.nunique() != labels.nunique():
            return ""
        pairs = frame[[place, label]].drop_duplicates()
        return "says the same as the labels" if len(pairs) == labels.nunique() else ""

    def _note(self, text: str) -> None:
        self.notes.append(text)
