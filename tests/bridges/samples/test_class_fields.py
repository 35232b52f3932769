"""Class fields as people fill them in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.errors import DataError
from bridges.samples.class_fields import classes_of


def texts(*values):
    return np.array(values, dtype=object)


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        (np.array([1, 2, 6, -1]), "-1"),
        (np.array([1.0, 2.0, 2.5]), "2.5"),
        (np.array([1, 70000]), "70000"),
        (texts("1", "2", "-9999"), "-9999"),
        (texts("1", "2", "9" * 20), "9" * 20),
        (texts("3", "1e9"), "1e9"),
    ],
)
def test_what_is_no_code_is_named(values, odd):
    with pytest.raises(DataError, match=f"no class codes in f: {odd} \\(1 of"):
        classes_of(values, {}, "f")


def test_texts_of_whole_numbers_are_codes():
    found = classes_of(texts("1.0", " 2 ", "+6", None, "", "06"), {}, "f")
    assert found.codes.tolist() == [1, 2, 6, 0, 0, 6]
    assert found.missing.tolist() == [False, False, False, True, True, False]
    assert found.names == {}
    missing = classes_of(np.array([1.0, np.nan, np.inf]), {}, "f").missing
    assert missing.tolist() == [False, True, True]


@given(st.lists(st.sampled_from(["water", "forest", "été", "a b"]), min_size=1), st.data())
def test_blanks_and_accents_in_pieces_make_no_new_class(names, data):
    import unicodedata

    blank = st.sampled_from(["", " ", "\t", "\n", "\u00a0", "\x01"])
    form = st.sampled_from(["NFC", "NFD"])
    written = [
        data.draw(blank) + unicodedata.normalize(data.draw(form), name) + data.draw(blank)
        for name in names
    ]
    found = classes_of(texts(*written), {}, "f")
    assert [found.names[code] for code in found.codes] == names


def test_odd_names_are_kept_and_told():
    found = classes_of(texts("Water", "water", "1", "2", "²"), {}, "f")
    assert len(found.names) == 5
    assert "differ in capitals" in found.notes[0]
    assert "'²'" in found.notes[1]
    assert classes_of(texts("a", "b"), {7: "a", 9: "b", 1: "c"}, "f").codes.tolist() == [7, 9]
