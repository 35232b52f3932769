"""Splits: disjoint, complete, stratified, and whole groups kept together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.errors import DataError, UsageError
from bridges.samples.labelled import LabelledData
from bridges.samples.splits import make_split, repeated_splits, split_kind


def make_data(y, groups=None, rows=None, cols=None):
    y = np.asarray(y, dtype=np.int64)
    return LabelledData(
        X=np.zeros((len(y), 2)),
        y=y,
        class_names={int(c): f"c{c}" for c in np.unique(y)},
        feature_names=["a", "b"],
        groups=None if groups is None else np.asarray(groups, dtype=np.int64),
        rows=None if rows is None else np.asarray(rows, dtype=np.int64),
        cols=None if cols is None else np.asarray(cols, dtype=np.int64),
    )


def check_partition(split, n):
    together = np.concatenate([split.train, split.test])
    assert sorted(together.tolist()) == list(range(n))
    assert np.all(np.diff(split.train) > 0)
    assert np.all(np.diff(split.test) > 0)


@given(
    sizes=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    test_size=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_random_split_is_stratified(sizes, test_size, seed):
    y = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    split = make_split(make_data(y), "random", test_size=test_size, seed=seed)
    check_partition(split, len(y))
    for code, size in enumerate(sizes, start=1):
        tested = np.sum(y[split.test] == code)
        assert 1 <= tested <= size - 1
        assert abs(tested - test_size * size) <= 1


polygons = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 40)), min_size=2, max_size=25
).filter(lambda polygons: len({c for c, _ in polygons}) >= 2)


@given(polygons=polygons, test_size=st.floats(0.2, 0.8), seed=st.integers(0, 99))
def test_polygons_stay_whole_and_classes_are_on_both_sides(polygons, test_size, seed):
    y = np.concatenate([np.full(size, code) for code, size in polygons])
    groups = np.concatenate([np.full(size, i + 1) for i, (_, size) in enumerate(polygons)])
    data = make_data(y, groups)
    n_polygons = {c: sum(c == code for code, _ in polygons) for c in data.class_names}
    if max(n_polygons.values()) == 1:
        with pytest.raises(DataError, match="leaves nothing to test"):
            make_split(data, "polygons", test_size=test_size, seed=seed)
        return
    split = make_split(data, "polygons", test_size=test_size, seed=seed)
    check_partition(split, len(y))
    assert not set(groups[split.train]) & set(groups[split.test])
    for code, n in n_polygons.items():
        assert code in y[split.train]
        assert (code in y[split.test]) == (n > 1)
        assert (f"c{code}" in split.note) == (n == 1)


def test_share_of_the_test_set_follows_test_size():
    rng = np.random.default_rng(0)
    sizes = rng.integers(10, 50, size=60)
    groups = np.repeat(np.arange(1, 61), sizes)
    data = make_data(groups % 3 + 1, groups)
    for test_size in (0.2, 0.5, 0.7):
        split = make_split(data, "polygons", test_size=test_size)
        for code in (1, 2, 3):
            share = np.mean(np.isin(np.flatnonzero(data.y == code), split.test))
            assert share == pytest.approx(test_size, abs=0.06)


def test_pixels_outside_of_all_polygons_are_in_neither_set():
    groups = np.array([0, 1, 1, 2, 0, 3, 3, 4])
    split = make_split(make_data([1, 1, 1, 1, 2, 2, 2, 2], groups), "polygons")
    assert sorted([*split.train, *split.test]) == [1, 2, 3, 5, 6, 7]
    assert "2 samples outside of all groups" in split.note
    with pytest.raises(DataError, match="No labelled sample belongs to a group"):
        make_split(make_data([1, 2], [0, 0]), "polygons")


@given(seed=st.integers(0, 30), block_size=st.none() | st.integers(3, 20))
def test_blocks_stay_whole(seed, block_size):
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(5, 60, 300), rng.integers(0, 50, 300)
    data = make_data(rng.integers(1, 4, 300), None, rows, cols)
    split = make_split(data, "blocks", seed=seed, block_size=block_size)
    check_partition(split, 300)
    size = block_size or 7
    blocks = list(zip(rows // size, cols // size, strict=True))
    assert not {blocks[i] for i in split.train} & {blocks[i] for i in split.test}
    assert f"blocks of {size} × {size} pixels" in split.note
    assert set(data.y[split.train]) == set(data.y[split.test]) == {1, 2, 3}


@pytest.mark.parametrize("kind", ["random", "polygons", "blocks"])
def test_seed_decides(kind):
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(1, 21), 10)
    data = make_data(groups % 2 + 1, groups, rng.integers(0, 99, 200), rng.integers(0, 99, 200))
    first, again, other = (make_split(data, kind, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.test, again.test)
    assert first.test.tolist() != other.test.tolist()
    several = repeated_splits(data, kind, 3, seed=3)
    assert len({tuple(split.test.tolist()) for split in several}) == 3
    np.testing.assert_array_equal(several[1].test, repeated_splits(data, kind, 2, seed=3)[1].test)


def test_single_pixel_of_a_class_is_for_training():
    split = make_split(make_data([1, 1, 1, 2]), "random")
    assert 3 in split.train
    assert "only one pixel of c2" in split.note


@pytest.mark.parametrize(
    ("kind", "options", "error", "match"),
    [
        ("polygon", {}, UsageError, "no split 'polygon'"),
        ("random", {"test_size": 1.0}, UsageError, "test_size is 1.0"),
        ("random", {"block_size": 4}, UsageError, "does not fit the split 'random'"),
        ("blocks", {"block_size": 0}, UsageError, "block_size 0"),
        ("polygons", {}, DataError, "which group .* each sample comes from"),
        ("blocks", {}, DataError, "where in the scene"),
        ("fixed", {}, DataError, "prescribes no split"),
    ],
)
def test_what_the_data_lack(kind, options, error, match):
    with pytest.raises(error, match=match) as caught:
        make_split(make_data([1, 1, 2, 2]), kind, **options)
    assert caught.value.hint


def test_raleigh_polygons(shared_data):
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.opening import open_scene

    folder = shared_data("scenes/nc_raleigh_l7_2000")
    data = labelled_pixels(
        open_scene(folder / "image.tif"),
        folder / "labels.tif",
        groups_path=folder / "polygon_id.tif",
    )
    for split in repeated_splits(data, "polygons", 5):
        check_partition(split, len(data.y))
        assert len(set(data.y[split.train])) == 7
        assert set(data.y[split.test]) == {1, 3, 4, 5, 6, 7}
        assert "only one polygon of agriculture" in split.note
        assert 0.35 < len(split.test) / len(data.y) < 0.6


def test_auto_is_random_where_no_class_has_two_groups():
    X, y = np.zeros((8, 1)), np.repeat([1, 2], 4)
    one = LabelledData(X, y, {1: "a", 2: "b"}, ["x"], groups=y)
    kind, notes = split_kind(one)
    assert kind == "random"
    assert "No class has two groups" in notes[0]
    two = LabelledData(X, y, {1: "a", 2: "b"}, ["x"], groups=np.array([1, 1, 2, 2, 3, 3, 3, 3]))
    assert split_kind(two)[0] == "polygons"


def test_groups_are_called_groups():
    data = make_data([1, 2] * 30, np.repeat(np.arange(1, 7), 10))
    split = make_split(data, "polygons")
    assert split.note == "3 of 6 groups left out whole for testing"
    with pytest.raises(DataError) as caught:
        make_split(make_data([1, 2], [1, 1]), "polygons")
    assert "more groups" in caught.value.hint
