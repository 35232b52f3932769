"""Regions, dead zones, and folds of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from bridges.errors import DataError, UsageError
from bridges.samples.labelled import LabelledData
from bridges.samples.split_kinds import SPLITS
from bridges.samples.splits import KINDS, make_folds, make_split


def check_partition(split, n):
    together = np.concatenate([split.train, split.test])
    assert sorted(together.tolist()) == list(range(n))


def make_data(y, **columns):
    y = np.asarray(y, dtype=np.int64)
    names = {int(c): f"c{c}" for c in np.unique(y)}
    return LabelledData(np.zeros((len(y), 2)), y, names, ["a", "b"], **columns)


def make_fields(seed=0, n_fields=40):
    """Pixels of 40 fields of 3 × 3 in a scene, three classes, four regions."""
    rng = np.random.default_rng(seed)
    field = np.stack(np.meshgrid(np.arange(3), np.arange(3)), axis=-1).reshape(-1, 2)
    places = (rng.integers(0, 200, size=(n_fields, 1, 2)) + field).reshape(-1, 2)
    groups = np.repeat(np.arange(1, n_fields + 1), 9)
    return make_data(
        groups % 3 + 1,
        groups=groups,
        rows=places[:, 0],
        cols=places[:, 1],
        regions=groups % 4 + 1,
    )


def test_whole_regions_are_left_out() -> None:
    data = make_fields()
    split = make_split(data, "regions", test_size=0.5)
    check_partition(split, len(data.y))
    assert not set(data.regions[split.train]) & set(data.regions[split.test])
    assert "2 of 4 regions left out whole" in split.note


def test_regions_have_to_be_known() -> None:
    with pytest.raises(DataError, match="which region"):
        make_split(make_data([1, 1, 2, 2]), "regions")
    one = replace(make_fields(), regions=np.ones(360, dtype=np.int64))
    with pytest.raises(DataError, match="of 1 region"):
        make_split(one, "regions")


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("buffer", [None, 0, 4.0, 25.0])
def test_a_dead_zone_separates_both_sides(grouped, buffer) -> None:
    data = make_fields()
    if not grouped:
        data = replace(data, groups=None)
    split = make_split(data, "buffered", test_size=0.2, buffer=buffer, seed=1)
    places = np.column_stack([data.rows, data.cols])
    apart = cdist(places[split.train], places[split.test]).min()
    assert apart > (10 if buffer is None else buffer)
    assert split.kind == "buffered"
    assert f"within {10 if buffer is None else buffer:g} pixels" in split.note
    used = np.union1d(split.train, split.test)
    dropped = np.setdiff1d(np.arange(len(data.y)), used)
    assert np.all(cdist(places[dropped], places[split.test]).min(axis=1) <= (buffer or 10))


def test_a_dead_zone_over_everything_is_refused() -> None:
    with pytest.raises(DataError, match="lie within 900 pixels"):
        make_split(make_fields(), "buffered", buffer=900)
    with pytest.raises(UsageError, match="does not fit the split 'polygons'"):
        make_split(make_fields(), "polygons", buffer=5)


@pytest.mark.parametrize("kind", ["random", "polygons", "blocks", "regions"])
def test_folds_test_every_sample_once(kind) -> None:
    data = make_fields()
    folds = make_folds(data, kind, 4, seed=2)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested.tolist()) == list(range(len(data.y)))
    for fold in folds:
        check_partition(fold, len(data.y))
        if kind == "polygons":
            assert not set(data.groups[fold.train]) & set(data.groups[fold.test])
        if kind == "regions":
            assert not set(data.regions[fold.train]) & set(data.regions[fold.test])
    if kind == "random":
        for code in data.class_names:
            shares = [np.sum(data.y[fold.test] == code) for fold in folds]
            assert max(shares) - min(shares) <= 1


def test_buffered_folds_keep_the_dead_zone() -> None:
    data = make_fields()
    places = np.column_stack([data.rows, data.cols])
    for fold in make_folds(data, "buffered", 5, buffer=6):
        assert cdist(places[fold.train], places[fold.test]).min() > 6


def test_what_cannot_be_folded() -> None:
    data = make_fields()
    with pytest.raises(UsageError, match="no 1 folds"):
        make_folds(data, "random", 1)
    with pytest.raises(UsageError, match="no 3 folds"):
        make_folds(data, "fixed", 3)
    with pytest.raises(DataError, match="4 regions cannot be dealt"):
        make_folds(data, "regions", 5)
    with pytest.raises(DataError, match="cannot be dealt"):
        make_folds(make_data([1, 1, 2]), "random", 4)


def test_every_kind_says_which_question_it_answers() -> None:
    assert set(SPLITS) == set(KINDS)
    assert len({kind.question for kind in SPLITS.values()}) == len(KINDS)
    assert all(kind.question.endswith("?") for kind in SPLITS.values())
