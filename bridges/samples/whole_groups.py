"""Whole groups of samples left out: polygons, blocks of the scene, regions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.group_choice import choose_groups
from bridges.samples.labelled import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.labelled import LabelledData

BLOCKS_ALONG_AN_EDGE = 8


@dataclass(frozen=True)
class Groups:
    """Samples that belong together.

    Attributes
    ----------
    inside : ndarray of int
        Indices of the samples that are in a group.
    number : ndarray of int
        Group of each of them, from 0.
    kind : str
        Of the split.
    unit, units : str
        What a group is called, and several of them.
    """

    inside: NDArray[np.intp]
    number: NDArray[np.intp]
    kind: str
    unit: str
    units: str


def polygons_of(data: LabelledData) -> Groups:
    """Return the groups that the data name: polygons, or those of a table's column.

    Raises
    ------
    DataError
        If they are not known.
    """
    if data.groups is None:
        raise DataError(
            "A split by groups (polygons) must know which group of them each sample comes from.",
            "Name a column of the table with --group-column, a raster of group numbers with "
            "--groups, use a vector file as --labels, or choose --split blocks.",
        )
    inside = np.flatnonzero(data.groups > 0)
    if not len(inside):
        raise DataError(
            "No labelled sample belongs to a group.",
            "Groups are numbered from 1; 0 is outside of all.",
        )
    number = np.unique(data.groups[inside], return_inverse=True)[1]
    unit = "group" if data.rows is None else "polygon"  # of a table, it may be anything
    return Groups(inside, number, "polygons", unit, f"{unit}s")


def regions_of(data: LabelledData) -> Groups:
    """Return the regions.

    Raises
    ------
    DataError
        If they are not known, or there is only one.
    """
    if data.regions is None:
        raise DataError(
            "A split by regions needs to know which region each sample is from.",
            "Name them with --regions: a column of the table, a field of the vector labels, or a "
            "raster of region numbers.",
        )
    inside = np.flatnonzero(data.regions > 0)
    number = np.unique(data.regions[inside], return_inverse=True)[1]
    if len(np.unique(number)) < 2:
        raise DataError(
            f"The samples are of {len(np.unique(number))} region.",
            "Leaving a region out takes two; choose another --split.",
        )
    return Groups(inside, number, "regions", "region", "regions")


def blocks_of(data: LabelledData, block_size: int | None) -> Groups:
    """Return square blocks of the scene; by default an eighth of the labelled area's longer edge.

    Raises
    ------
    DataError
        If it is not known where samples lie.
    """
    if data.rows is None or data.cols is None:
        raise DataError(
            "A split by blocks needs to know where in the scene the samples lie.",
            "Use --split random or fixed for a table.",
        )
    extent = max(int(np.ptp(data.rows)), int(np.ptp(data.cols))) + 1
    size = block_size or max(1, -(-extent // BLOCKS_ALONG_AN_EDGE))
    across = int(data.cols.max()) // size + 1
    number = np.unique(data.rows // size * across + data.cols // size, return_inverse=True)[1]
    units = f"blocks of {size} × {size} pixels"
    return Groups(np.arange(len(data.y)), number, "blocks", "block", units)


def leave_out(
    data: LabelledData, groups: Groups, test_size: float, rng: np.random.Generator
) -> Split:
    """Leave whole groups out for testing, close to the wanted share of every class."""
    members = data.take(groups.inside)
    test, single = _chosen(members, groups.number, test_size, rng)
    n_test, n = len(np.unique(groups.number[test])), int(groups.number.max()) + 1
    whole = " whole" if groups.kind != "blocks" else ""
    note = f"{n_test} of {n} {groups.units} left out{whole} for testing"
    if outside := len(data.y) - len(groups.inside):
        what = "samples" if data.rows is None else "pixels"
        note += f"; {outside} {what} outside of all {groups.units} are in neither set"
    split = finished(members, test, groups.kind, note, single, groups.unit)
    return replace(split, train=groups.inside[split.train], test=groups.inside[split.test])


def finished(
    data: LabelledData,
    test: NDArray[np.bool_],
    kind: str,
    note: str,
    single: list[int],
    unit: str,
) -> Split:
    """Return the split of test samples and the others.

    Parameters
    ----------
    data : LabelledData
        The samples.
    test : ndarray of bool
        Which are for testing.
    kind, note : str
        Of the split.
    single : list of int
        Codes of classes that are on one side only, because there is one ``unit`` of them.
    unit : str
        A pixel, a group, ….

    Raises
    ------
    DataError
        If a side is empty.
    """
    if not test.any() or test.all():
        raise DataError(
            f"The split '{kind}' leaves nothing to {'test' if not test.any() else 'train'} on.",
            "Use --split random, more groups, or smaller blocks.",
        )
    if single:
        names = ", ".join(data.class_names[code] for code in single)
        note += f"; only one {unit} of {names}, which therefore is on one side only"
    return Split(np.flatnonzero(~test), np.flatnonzero(test), kind, note)


def _chosen(
    data: LabelledData, group: NDArray[np.intp], test_size: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], list[int]]:
    """Choose whole groups for testing, close to the wanted share of every class.

    Returns
    -------
    test : ndarray of bool
        Which samples are for testing.
    single : list of int
        Codes of the classes that are on one side only.
    """
    codes = list(data.class_names)
    counts = np.zeros((group.max() + 1, len(codes)), dtype=np.int64)
    for position, code in enumerate(codes):
        counts[:, position] = np.bincount(group[data.y == code], minlength=len(counts))
    left_out = choose_groups(counts, test_size, rng)
    single = [
        code
        for position, code in enumerate(codes)
        if len(np.unique(left_out[counts[:, position] > 0])) < 2
    ]
    return left_out[group], single
