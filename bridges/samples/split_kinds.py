"""The kinds of splits: each tests another thing.

**A kind of split** is one :class:`Kind` in :data:`SPLITS`: its name, the question that its test
answers, and two functions: one split, and the fold of every sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.buffered import DEFAULT_BUFFER, with_dead_zone
from bridges.samples.folds import group_folds, random_folds
from bridges.samples.labelled import Split
from bridges.samples.whole_groups import (
    Groups,
    blocks_of,
    finished,
    leave_out,
    polygons_of,
    regions_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.domain import Domain
    from bridges.samples.knndm import MatchedFolds
    from bridges.samples.labelled import LabelledData


@dataclass(frozen=True)
class Wanted:
    """How samples are to be divided.

    Attributes
    ----------
    test_size : float
        Share of the samples to test on, 0 < test_size < 1; kept class by class as closely as
        whole groups allow.
    seed : int
        Of the random choice.
    block_size : int or None
        Edge of a block in pixels; by default an eighth of the labelled area's longer edge.
    buffer : float or None
        Width of the dead zone of ``buffered`` in pixels; by default 10.
    space : str
        Where ``knndm`` matches distances, ``geographic`` or ``feature``.
    domain : Domain or None
        Pixels of the map, for ``knndm``.
    """

    test_size: float = 0.5
    seed: int = 0
    block_size: int | None = None
    buffer: float | None = None
    space: str = "geographic"
    domain: Domain | None = None

    @property
    def width(self) -> float:
        """Width of the dead zone."""
        return DEFAULT_BUFFER if self.buffer is None else self.buffer

    def rng(self) -> np.random.Generator:
        """Return a generator from the seed."""
        return np.random.default_rng(self.seed)


def _fixed(data: LabelledData) -> Split:
    if data.fixed_split is None:
        raise DataError(
            f"{data.source or 'The data'} prescribes no split.",
            "Use --split random, polygons or blocks, or a table with X_train and X_test.",
        )
    return data.fixed_split


def _random(data: LabelledData, wanted: Wanted) -> Split:
    test = np.zeros(len(data.y), dtype=bool)
    rng, single = wanted.rng(), []
    for code in data.class_names:
        members = rng.permutation(np.flatnonzero(data.y == code))
        if len(members) < 2:
            single.append(code)
            continue
        n_test = min(max(round(wanted.test_size * len(members)), 1), len(members) - 1)
        test[members[:n_test]] = True
    note = f"random pixels, {wanted.test_size:.0%} of every class for testing"
    if data.rows is not None:
        note += "; neighbours of test pixels are in the training set, so scores are optimistic"
    return finished(data, test, "random", note, single, "pixel")


def _random_folds(data: LabelledData, k: int, wanted: Wanted) -> NDArray[np.int64]:
    return random_folds(data.y, k, wanted.seed)


def _around(data: LabelledData, wanted: Wanted) -> Groups:
    """Return what ``buffered`` leaves out: polygons where they are known, else blocks."""
    return blocks_of(data, wanted.block_size) if data.groups is None else polygons_of(data)


def _buffered(data: LabelledData, wanted: Wanted) -> Split:
    split = leave_out(data, _around(data, wanted), wanted.test_size, wanted.rng())
    return with_dead_zone(data, split, wanted.width)


def _matched(data: LabelledData, k: int, wanted: Wanted) -> tuple[MatchedFolds, str]:
    from bridges.samples.distances import points_of
    from bridges.samples.knndm import matched_folds

    if wanted.domain is None:
        raise DataError(
            "Matching distances needs the pixels of the map, and there is no scene.",
            "Use --split random, polygons or fixed for a table.",
        )
    points, pixels, unit = points_of(data, wanted.domain, wanted.space)
    return matched_folds(points, pixels, k, wanted.seed), unit


def _knndm(data: LabelledData, wanted: Wanted) -> Split:
    k = max(2, round(1 / wanted.test_size))
    found, unit = _matched(data, k, wanted)
    if found.folds is None:
        note = (
            "distances matched by random pixels: samples are no denser than the map's pixels "
            f"find them (W = {found.mismatch:.3g} {unit})"
        )
        return replace(_random(data, wanted), kind="knndm", note=note)
    filled = np.bincount(found.folds, minlength=k)
    large = np.flatnonzero(filled >= 0.5 * len(data.y) / k)
    test = found.folds == wanted.rng().choice(large)
    lost = sorted(set(data.y[test].tolist()) - set(data.y[~test].tolist()))
    note = (
        f"one of {k} folds of {found.n_clusters} clusters, distances matched to the map's (W = "
        f"{found.mismatch:.3g} {unit}, random folds {found.random_mismatch:.3g})"
    )
    if lost:
        note += "; not trained on: " + ", ".join(data.class_names[code] for code in lost)
    return finished(data, test, "knndm", note, [], "cluster")


def _knndm_folds(data: LabelledData, k: int, wanted: Wanted) -> NDArray[np.int64]:
    found, _ = _matched(data, k, wanted)
    return random_folds(data.y, k, wanted.seed) if found.folds is None else found.folds


@dataclass(frozen=True)
class Kind:
    """A kind of split.

    Attributes
    ----------
    name : str
        What ``--split`` calls it.
    question : str
        What a score on its test samples answers.
    make : callable
        ``make(data, wanted)`` returns the split.
    folds : callable or None
        ``folds(data, k, wanted)`` returns the fold of every sample, -1 for none; None for a kind
        that has no folds.
    options : tuple of str
        Attributes of :class:`Wanted` that are for this kind alone.
    """

    name: str
    question: str
    make: Callable[[LabelledData, Wanted], Split]
    folds: Callable[[LabelledData, int, Wanted], NDArray[np.int64]] | None = None
    options: tuple[str, ...] = ()


def _of_groups(
    name: str,
    question: str,
    groups: Callable[[LabelledData, Wanted], Groups],
    options: tuple[str, ...] = (),
) -> Kind:
    return Kind(
        name,
        question,
        lambda data, w: leave_out(data, groups(data, w), w.test_size, w.rng()),
        lambda data, k, w: group_folds(data.y, groups(data, w), k, w.seed),
        options,
    )


SPLITS = {
    kind.name: kind
    for kind in (
        Kind(
            "random",
            "How well are pixels mapped that lie between the training pixels?",
            _random,
            _random_folds,
        ),
        _of_groups(
            "polygons",
            "How well are other places of the same kind mapped in this landscape?",
            lambda data, w: polygons_of(data),
        ),
        _of_groups(
            "blocks",
            "How well are parts of this scene mapped from which there are no training pixels?",
            lambda data, w: blocks_of(data, w.block_size),
            ("block_size",),
        ),
        Kind(
            "fixed",
            "How does the classifier compare with published ones on the same test samples?",
            lambda data, w: _fixed(data),
        ),
        _of_groups(
            "regions",
            "How well are regions mapped that training never saw?",
            lambda data, w: regions_of(data),
        ),
        Kind(
            "buffered",
            "How well are pixels mapped that are at least the buffer away from training pixels?",
            _buffered,
            lambda data, k, w: group_folds(data.y, _around(data, w), k, w.seed),
            ("block_size", "buffer"),
        ),
        Kind(
            "knndm",
            "How well is this map made, whose pixels lie as far from the samples as they do?",
            _knndm,
            _knndm_folds,
            ("space",),
        ),
    )
}
"""Every kind of split by its name."""
