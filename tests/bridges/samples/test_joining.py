"""Samples of several images as one data set."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.samples.joining import APART, joined
from bridges.samples.labelled import LabelledData


def part(y, names, groups=None, regions=None, notes=()):
    y = np.asarray(y, dtype=np.int64)
    n = np.arange(len(y))
    return LabelledData(
        X=np.stack([n, y], axis=1).astype(float),
        y=y,
        class_names=names,
        feature_names=["a", "b"],
        groups=None if groups is None else np.asarray(groups),
        rows=n,
        cols=n,
        regions=None if regions is None else np.asarray(regions),
        n_masked=1,
        source="f",
        notes=notes,
    )


def test_equal_codes_stay_and_places_and_groups_are_kept_apart():
    one = part([1, 1, 2], {1: "a", 2: "b"}, groups=[1, 2, 0], notes=("odd.",))
    two = part([2, 3], {2: "b", 3: "c"}, groups=[1, 1])
    whole = joined([one, two], [50, 60])
    assert whole.y.tolist() == [1, 1, 2, 2, 3]
    assert whole.class_names == {1: "a", 2: "b", 3: "c"}
    assert whole.groups.tolist() == [1, 2, 0, 3, 3]
    assert whole.rows.tolist() == [0, 1, 2, 50 + APART, 51 + APART]
    assert whole.regions.tolist() == [1, 1, 1, 2, 2]
    assert (whole.n_masked, whole.notes) == (2, ("Image 1: odd.",))


def test_names_decide_where_images_number_their_classes_differently():
    one, two = part([1, 2], {1: "forest", 2: "water"}), part([1, 2], {1: "urban", 2: "water"})
    whole = joined([one, two], [5, 5])
    assert [whole.class_names[c] for c in whole.y] == ["forest", "water", "urban", "water"]
    one, two = part([1, 2], {1: "forest", 2: "water"}), part([7], {7: "water"})
    assert set(joined([one, two], [5, 5]).class_names.values()) == {"forest", "water"}
    nameless = part([1, 9], {1: "class 1", 9: "class 9"})
    assert joined([one, nameless], [5, 5]).class_names == {1: "forest", 2: "water", 9: "class 9"}
    with pytest.raises(DataError, match="class 1 of f has no name"):
        joined([one, part([1], {1: "urban"}), nameless], [5, 5, 5])


def test_classes_that_are_kept():
    one, two = part([1], {1: "a"}), part([2, 3], {2: "b", 3: "c"})
    assert joined([one, two], [5, 5], ["a", "c"]).y.tolist() == [1, 3]
    with pytest.raises(DataError, match="no class 'd'"):
        joined([one, two], [5, 5], ["a", "d"])
    with pytest.raises(DataError, match="one only"):
        joined([one, one], [5, 5])


def test_groups_and_regions_that_not_all_images_know():
    one = part([1, 2], {1: "a", 2: "b"}, groups=[1, 2], regions=[4, 0])
    two = part([1, 2], {1: "a", 2: "b"}, regions=[4, 9])
    whole = joined([one, two], [5, 5])
    assert whole.groups is None
    assert "not known of all" in whole.notes[0]
    assert whole.regions.tolist() == [4, 0, 8, 13]
