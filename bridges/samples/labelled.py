"""Labelled samples, and the choice of classes among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledData:
    """Samples with their classes.

    Attributes
    ----------
    X : ndarray of shape (n, d), float64
        Features: band values in physical units, or a table's columns.
    y : ndarray of shape (n,), int64
        Class codes.
    class_names : dict of int to str
        Name of every code in ``y``, ordered by code.
    feature_names : list of str
        Name of every column of ``X``.
    groups : ndarray of shape (n,), int64, or None
        Which polygon (or other group) a sample comes from, from 1; 0 for none. Samples of one
        group resemble each other more than their class does.
    rows, cols : ndarray of shape (n,), int64, or None
        Position in the scene.
    coordinates : ndarray of shape (n, 2), float64, or None
        Position of a table's samples, x and y in whatever system the table has.
    regions : ndarray of shape (n,), int64, or None
        Which region a sample comes from, from 1; 0 for none.
    n_masked : int
        Labelled samples that were dropped: nodata, NaN, or hidden by a mask.
    source : str
        Where the labels come from.
    fixed_split : Split or None
        The split that a table prescribes.
    notes : tuple of str
        What the reader decided and the user should know, a sentence each.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    class_names: dict[int, str]
    feature_names: list[str]
    groups: NDArray[np.int64] | None = None
    rows: NDArray[np.int64] | None = None
    cols: NDArray[np.int64] | None = None
    coordinates: NDArray[np.float64] | None = None
    regions: NDArray[np.int64] | None = None
    n_masked: int = 0
    source: str = ""
    fixed_split: Split | None = None
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[int, int]:
        """Return the number of samples of every class code."""
        return {code: int(np.sum(self.y == code)) for code in self.class_names}

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> LabelledData:
        """Return the samples of an index or a mask, without a prescribed split."""
        present = set(np.unique(self.y[index]).tolist())
        return replace(
            self,
            X=self.X[index],
            y=self.y[index],
            class_names={c: name for c, name in self.class_names.items() if c in present},
            groups=None if self.groups is None else self.groups[index],
            rows=None if self.rows is None else self.rows[index],
            cols=None if self.cols is None else self.cols[index],
            coordinates=None if self.coordinates is None else self.coordinates[index],
            regions=None if self.regions is None else self.regions[index],
            fixed_split=None,
        )


def class_name(names: Mapping[int, str], code: int) -> str:
    """Return a class's name, ``class 3`` for one without."""
    return names.get(code) or f"class {code}"


def named(names: Mapping[int, str], code: int) -> str:
    """Return name and code for messages: ``'water' (6)``."""
    return f"'{class_name(names, code)}' ({code})"


def parse_classes(
    wanted: Sequence[str | int], names: Mapping[int, str], present: Sequence[int]
) -> list[int]:
    """Turn class names and codes into codes, ascending and without repetition.

    Parameters
    ----------
    wanted : sequence of str or int
        Names or codes; a number may be text.
    names : mapping of int to str
        The known classes.
    present : sequence of int
        Codes that occur, known by name or not.

    Raises
    ------
    DataError
        If there is no such class, or a name stands for several codes.
    """
    known = {code: class_name(names, code) for code in sorted({*names, *present})}
    return sorted({_parse_class(str(entry).strip(), known) for entry in wanted})


def _parse_class(entry: str, known: Mapping[int, str]) -> int:
    codes = [code for code, name in known.items() if name == entry]
    codes = codes or [code for code, name in known.items() if name.lower() == entry.lower()]
    if len(codes) > 1:
        raise DataError(
            f"The name '{entry}' stands for the classes {', '.join(map(str, codes))}.",
            "Name them by code.",
        )
    if codes:
        return codes[0]
    if entry.lstrip("-").isdigit() and int(entry) in known:
        return int(entry)
    guess = did_you_mean(entry, known.values())
    listed = ", ".join(f"{code} {name}" for code, name in known.items()) or "none"
    raise DataError(f"There is no class '{entry}'.", f"{guess}Classes: {listed}.")


def require_samples(
    codes: Sequence[int],
    names: Mapping[int, str],
    labelled: Mapping[int, int],
    usable: Mapping[int, int],
    source: str,
    least: int = 2,
) -> None:
    """Refuse classes without a usable sample, and too few classes.

    Parameters
    ----------
    codes : sequence of int
        The classes asked for.
    names : mapping of int to str
        Their names.
    labelled, usable : mapping of int to int
        Number of labelled samples per code, before and after masking.
    source : str
        Where the labels come from.
    least : int
        Number of classes that are needed; 1 for a part of the samples.

    Raises
    ------
    DataError
        Naming the first class without samples.
    """
    for code in codes:
        if usable.get(code, 0) > 0:
            continue
        if n := labelled.get(code, 0):
            raise DataError(
                f"All {n} labelled pixels of class {named(names, code)} in {source} are masked "
                "(nodata, NaN or cloud).",
                "Leave the class out with --classes, or use another image or mask.",
            )
        found = ", ".join(named(names, c) for c in sorted(labelled)) or "none"
        raise DataError(
            f"There is no labelled pixel of class {named(names, code)} in {source}.",
            f"Classes with labelled pixels: {found}.",
        )
    if not codes and any(labelled.values()):
        raise DataError(
            f"All {sum(labelled.values())} labelled pixels in {source} are masked "
            "(nodata, NaN or cloud).",
            "Check --nodata and --mask, or use another image.",
        )
    if not codes:
        raise DataError(
            f"There is no labelled pixel in {source} on the image.",
            "Check that the labels lie on the image and which value means unlabelled "
            "(the raster's nodata value, else 0).",
        )
    if len(codes) < least:
        raise DataError(
            f"A classifier needs two classes; {source} gives one only: {named(names, codes[0])}.",
            "Add labels of another class, or name two or more with --classes.",
        )


@dataclass(frozen=True)
class Split:
    """Indices of training and test samples.

    Attributes
    ----------
    train, test : ndarray of int
        Disjoint, ascending.
    kind : str
        How they were told apart, a name of :data:`bridges.samples.splits.SPLITS`.
    note : str
        One sentence for the report.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    kind: str
    note: str
