"""Training and test sets: random, by whole polygons, by spatial blocks, or as prescribed.

Neighbouring pixels resemble each other more than their classes do, so a random split flatters
every classifier; leaving out whole polygons or blocks shows what it does elsewhere (Roberts et al.
2017, Ecography 40:913-929).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from bridges.errors import DataError, UsageError
from bridges.samples.labelled import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.labelled import LabelledData

Kind = Literal["random", "polygons", "blocks", "fixed"]
KINDS: tuple[str, ...] = get_args(Kind)
AUTO = "auto"
CHOICES = (AUTO, *KINDS)
"""What may be asked for: a kind, or the one that fits the data."""

BLOCKS_ALONG_AN_EDGE = 8


def split_kind(data: LabelledData, wanted: str | None = AUTO) -> tuple[str, tuple[str, ...]]:
    """Return the kind of split that is meant, and what the user should know about the choice.

    Parameters
    ----------
    data : LabelledData
        The samples.
    wanted : str or None
        A kind, or ``auto``: the split that a table prescribes; else whole groups, where it is known
        which samples belong together, since scores on neighbours of training pixels say nothing
        about places without any; else random samples. None is the rule of records of version 0.1:
        prescribed, else random.

    Returns
    -------
    kind : str
        One of :data:`KINDS`.
    notes : tuple of str
        A sentence where ``auto`` decided for whole groups, empty otherwise.
    """
    if wanted is not None and wanted != AUTO:
        return wanted, ()
    if data.fixed_split is not None:
        return "fixed", ()
    if data.groups is None or wanted is None:
        return "random", ()
    note = (
        "The samples come in groups, so whole groups are left out for testing; "
        "--split random would mix their samples and score higher."
    )
    return "polygons", (note,)


def make_split(
    data: LabelledData,
    kind: str,
    *,
    test_size: float = 0.5,
    seed: int = 0,
    block_size: int | None = None,
) -> Split:
    """Divide samples into a training and a test set.

    Parameters
    ----------
    data : LabelledData
        The samples.
    kind : {"random", "polygons", "blocks", "fixed"}
        ``random``: pixels at random, stratified by class. ``polygons``: whole polygons (groups)
        left out; a class of one polygon stays in the training set. ``blocks``: whole square
        blocks of the scene left out. ``fixed``: as the table prescribes.
    test_size : float
        Share of the samples to test on, 0 < test_size < 1; kept class by class as closely as
        whole groups allow. A fixed split has its own.
    seed : int
        Of the random choice.
    block_size : int, optional
        Edge of a block in pixels; by default an eighth of the labelled area's longer edge.

    Raises
    ------
    UsageError
        If there is no such kind, or ``test_size`` is not a share.
    DataError
        If the data lack what the kind needs (polygons, positions, a prescribed split), or a set
        would be empty.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no split '{kind}'.", f"Choose one of: {', '.join(KINDS)}.")
    if not 0 < test_size < 1:
        raise UsageError(
            f"test_size is {test_size}; it is the share of test samples.", "Say 0.5 or 0.3."
        )
    if block_size is not None and (kind != "blocks" or block_size < 1):
        raise UsageError(
            f"block_size {block_size} does not fit the split '{kind}'.",
            "It is a number of pixels, 1 or more, for --split blocks.",
        )
    if kind == "fixed":
        return _fixed(data)
    rng = np.random.default_rng(seed)
    if kind == "random":
        return _random(data, test_size, rng)
    if kind == "polygons":
        return _polygons(data, test_size, rng)
    return _blocks(data, test_size, rng, block_size)


def repeated_splits(
    data: LabelledData,
    kind: str,
    n: int,
    *,
    test_size: float = 0.5,
    seed: int = 0,
    block_size: int | None = None,
) -> list[Split]:
    """Divide samples ``n`` times with seeds drawn from one.

    The prescribed split of a table is always the same one, so ``kind="fixed"`` gives it ``n``
    times. Parameters and errors are those of :func:`make_split`.
    """
    seeds = np.random.default_rng(seed).integers(2**31, size=n)
    return [
        make_split(data, kind, test_size=test_size, seed=int(s), block_size=block_size)
        for s in seeds
    ]


def _fixed(data: LabelledData) -> Split:
    if data.fixed_split is None:
        raise DataError(
            f"{data.source or 'The data'} prescribes no split.",
            "Use --split random, polygons or blocks, or a table with X_train and X_test.",
        )
    return data.fixed_split


def _random(data: LabelledData, test_size: float, rng: np.random.Generator) -> Split:
    test = np.zeros(len(data.y), dtype=bool)
    single = []
    for code in data.class_names:
        members = rng.permutation(np.flatnonzero(data.y == code))
        if len(members) < 2:
            single.append(code)
            continue
        n_test = min(max(round(test_size * len(members)), 1), len(members) - 1)
        test[members[:n_test]] = True
    note = f"random pixels, {test_size:.0%} of every class for testing"
    if data.rows is not None:
        note += "; neighbours of test pixels are in the training set, so scores are optimistic"
    return _split(data, test, "random", note, single, "pixel")


def _polygons(data: LabelledData, test_size: float, rng: np.random.Generator) -> Split:
    if data.groups is None:
        raise DataError(
            "A split by polygons needs to know which polygon each pixel comes from.",
            "Name a raster of polygon numbers with --groups, use a vector file as --labels, "
            "or choose --split blocks.",
        )
    inside = np.flatnonzero(data.groups > 0)
    if not len(inside):
        raise DataError(
            "No labelled pixel belongs to a polygon.",
            "The --groups raster numbers polygons from 1; 0 is outside of all.",
        )
    members = data.take(inside)
    _, group = np.unique(data.groups[inside], return_inverse=True)
    test, single = _whole_groups(members, group, test_size, rng)
    n_test = len(np.unique(group[test]))
    note = f"{n_test} of {group.max() + 1} polygons left out whole for testing"
    if outside := len(data.y) - len(inside):
        note += f"; {outside} pixels outside of all polygons are in neither set"
    split = _split(members, test, "polygons", note, single, "polygon")
    return replace(split, train=inside[split.train], test=inside[split.test])


def _blocks(
    data: LabelledData, test_size: float, rng: np.random.Generator, block_size: int | None
) -> Split:
    if data.rows is None or data.cols is None:
        raise DataError(
            "A split by blocks needs to know where in the scene the samples lie.",
            "Use --split random or fixed for a table.",
        )
    extent = max(int(np.ptp(data.rows)), int(np.ptp(data.cols))) + 1
    size = block_size or max(1, -(-extent // BLOCKS_ALONG_AN_EDGE))
    across = int(data.cols.max()) // size + 1
    _, group = np.unique(data.rows // size * across + data.cols // size, return_inverse=True)
    test, single = _whole_groups(data, group, test_size, rng)
    n_test = len(np.unique(group[test]))
    note = f"{n_test} of {group.max() + 1} blocks of {size} × {size} pixels left out for testing"
    return _split(data, test, "blocks", note, single, "block")


def _whole_groups(
    data: LabelledData, group: NDArray[np.intp], test_size: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], list[int]]:
    """Choose whole groups for testing, close to the wanted share of every class.

    Classes are served from the one with the fewest groups on; every class that has two groups
    gets at least one on either side as far as groups shared with other classes allow.

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
    side = np.full(len(counts), -1)
    for position in np.argsort((counts > 0).sum(axis=0), kind="stable"):
        _assign(counts[:, position], side, test_size, rng)
    single = [
        code
        for position, code in enumerate(codes)
        if len(set(side[counts[:, position] > 0].tolist())) < 2
    ]
    chosen: NDArray[np.bool_] = side[group] == 1
    return chosen, single


def _assign(
    counts: NDArray[np.int64],
    side: NDArray[np.int_],
    test_size: float,
    rng: np.random.Generator,
) -> None:
    """Assign the groups of one class that no class before it has assigned (side -1)."""
    mine = np.flatnonzero(counts)
    free = rng.permutation(mine[side[mine] == -1])
    wanted = test_size * counts.sum()
    tested = counts[mine][side[mine] == 1].sum()
    for g in free:
        side[g] = int(tested + counts[g] / 2 <= wanted)
        tested += counts[g] * side[g]
    if len(mine) == 1:
        side[free] = 0
    for missing in (1, 0):
        # Without this, a large group could leave one side of its class empty.
        if len(mine) > 1 and len(free) and not np.any(side[mine] == missing):
            side[free[np.argmin(counts[free])]] = missing


def _split(
    data: LabelledData,
    test: NDArray[np.bool_],
    kind: str,
    note: str,
    single: list[int],
    unit: str,
) -> Split:
    if not test.any() or test.all():
        raise DataError(
            f"The split '{kind}' leaves nothing to {'test' if not test.any() else 'train'} on.",
            "Use --split random, more polygons, or smaller blocks.",
        )
    if single:
        names = ", ".join(data.class_names[code] for code in single)
        note += f"; only one {unit} of {names}, which therefore is on one side only"
    return Split(np.flatnonzero(~test), np.flatnonzero(test), kind, note)
