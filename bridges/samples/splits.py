"""Training and test sets, and folds.

Neighbouring pixels resemble each other more than their classes do, so a random split flatters
every classifier; leaving out whole polygons, blocks or regions shows what it does elsewhere
(Roberts et al. 2017, Ecography 40:913-929). The kinds are in :mod:`bridges.samples.split_kinds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import UsageError
from bridges.samples.buffered import with_dead_zone
from bridges.samples.folds import OUT
from bridges.samples.labelled import Split
from bridges.samples.split_kinds import SPLITS, Kind, Wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.domain import Domain
    from bridges.samples.labelled import LabelledData

AUTO = "auto"
KINDS = tuple(SPLITS)
CHOICES = (AUTO, *KINDS)
"""What may be asked for: a kind, or the one that fits the data."""


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
        A sentence where ``auto`` minded groups, empty otherwise.
    """
    if wanted is not None and wanted != AUTO:
        return wanted, ()
    if data.fixed_split is not None:
        return "fixed", ()
    if data.groups is None or wanted is None:
        return "random", ()
    if not _can_leave_out(data.y, data.groups):
        return "random", (
            "No class has two groups, of which one could be left out for testing: the split is "
            "random, so test samples have neighbours among the training samples.",
        )
    note = (
        "The samples come in groups, so whole groups are left out for testing; "
        "--split random would mix their samples and score higher."
    )
    return "polygons", (note,)


def _can_leave_out(y: NDArray[np.int64], groups: NDArray[np.int64]) -> bool:
    """Tell whether some class keeps a group in the training set when another is left out."""
    pairs = np.unique(np.column_stack([y, groups]), axis=0)
    return bool((np.unique(pairs[:, 0], return_counts=True)[1] > 1).any())


def _checked(kind: str, wanted: Wanted) -> Kind:
    if kind not in SPLITS:
        raise UsageError(f"There is no split '{kind}'.", f"Choose one of: {', '.join(KINDS)}.")
    if not 0 < wanted.test_size < 1:
        raise UsageError(
            f"test_size is {wanted.test_size}; it is the share of test samples.",
            "Say 0.5 or 0.3.",
        )
    for name, least in (("block_size", 1), ("buffer", 0)):
        value = getattr(wanted, name)
        if value is not None and (name not in SPLITS[kind].options or value < least):
            users = " or ".join(k.name for k in SPLITS.values() if name in k.options)
            raise UsageError(
                f"{name} {value} does not fit the split '{kind}'.",
                f"It is a number of pixels, {least} or more, for --split {users}.",
            )
    return SPLITS[kind]


def make_split(
    data: LabelledData,
    kind: str,
    *,
    test_size: float = 0.5,
    seed: int = 0,
    block_size: int | None = None,
    buffer: float | None = None,
    space: str = "geographic",
    domain: Domain | None = None,
) -> Split:
    """Divide samples into a training and a test set.

    Parameters
    ----------
    data : LabelledData
        The samples.
    kind : {"random", "polygons", "blocks", "fixed", "regions", "buffered", "knndm"}
        ``random``: pixels at random, stratified by class. ``polygons``: whole polygons (groups)
        left out; a class of one polygon stays in the training set. ``blocks``: whole square
        blocks of the scene left out. ``fixed``: as the table prescribes. ``regions``: whole regions
        left out. ``buffered``: polygons (or blocks) left out, and training samples near them.
        ``knndm``: one of 1 / test_size folds of :func:`bridges.samples.knndm.matched_folds`.
    test_size, seed, block_size, buffer, space, domain
        See :class:`Wanted`. A fixed split has its own share of test samples.

    Raises
    ------
    UsageError
        If there is no such kind, ``test_size`` is not a share, or an option is for another kind.
    DataError
        If the data lack what the kind needs (polygons, positions, a prescribed split, a map), or a
        set would be empty.
    """
    wanted = Wanted(test_size, seed, block_size, buffer, space, domain)
    return _checked(kind, wanted).make(data, wanted)


def repeated_splits(
    data: LabelledData,
    kind: str,
    n: int,
    *,
    test_size: float = 0.5,
    seed: int = 0,
    block_size: int | None = None,
    buffer: float | None = None,
    space: str = "geographic",
    domain: Domain | None = None,
) -> list[Split]:
    """Divide samples ``n`` times with seeds drawn from one.

    The prescribed split of a table is always the same one, so ``kind="fixed"`` gives it ``n``
    times. Parameters and errors are those of :func:`make_split`.
    """
    seeds = np.random.default_rng(seed).integers(2**31, size=n)
    splits = []
    for own in seeds:
        wanted = Wanted(test_size, int(own), block_size, buffer, space, domain)
        splits.append(_checked(kind, wanted).make(data, wanted))
    return splits


def make_folds(
    data: LabelledData,
    kind: str,
    k: int = 5,
    *,
    seed: int = 0,
    block_size: int | None = None,
    buffer: float | None = None,
    space: str = "geographic",
    domain: Domain | None = None,
) -> list[Split]:
    """Divide samples into k folds, and return the k splits that test on one each.

    Parameters
    ----------
    data, kind, seed, block_size, buffer, space, domain
        See :func:`make_split`.
    k : int
        Folds, 2 or more.

    Raises
    ------
    UsageError, DataError
        As :func:`make_split`; also if there are fewer groups or samples than folds.
    """
    wanted = Wanted(1 / max(k, 2), seed, block_size, buffer, space, domain)
    dealer = _checked(kind, wanted).folds
    if k < 2 or dealer is None:
        raise UsageError(
            f"There are no {k} folds of the split '{kind}'.",
            "Use 2 or more; a prescribed split has none.",
        )
    folds = dealer(data, k, wanted)
    splits = []
    for fold in range(k):
        train = np.flatnonzero((folds != fold) & (folds != OUT))
        test = np.flatnonzero(folds == fold)
        split = Split(train, test, kind, f"fold {fold + 1} of {k} ({kind})")
        splits.append(with_dead_zone(data, split, wanted.width) if kind == "buffered" else split)
    return splits
