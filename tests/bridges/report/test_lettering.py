"""Users' words in pictures: as they are, whatever matplotlib makes of them."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text

from bridges.report import plots
from bridges.report.lettering import fonts_for, lettering, plain
from bridges.report.map_plots import map_figure

NAMES = [
    "a$\\frac{$",
    "rent $10 to $20",
    "_other",
    "two\nlines",
    "森林",
    "a^b_{c}",
    "\\alpha",
    "x%&#",
]


@given(st.text(max_size=30))
def test_nothing_is_a_formula(text):
    assert is_math_text(plain(text)) is False
    assert plain(text).strip() == "" or not plain(text).startswith("_")


def legends_of(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.mark.parametrize("n", range(2, len(NAMES) + 1, 3))
def test_odd_names_are_drawn_and_none_is_left_out(n):
    names = dict(enumerate(NAMES[:n], start=1))
    codes = np.arange(16).reshape(4, 4) % (n + 1)
    with lettering(names.values()) as notes:
        figure = map_figure(codes, codes, names)
        plots.save_figure(figure, io.BytesIO(), format="png")
        _, ax = plots.new_figure()
        plots.plot_confusion(ax, np.eye(n), list(names.values()))
        plots.save_figure(ax.figure, io.BytesIO(), format="svg")
    assert len(legends_of(figure)) == n
    assert bool(notes) == bool(fonts_for(names.values())[1])


def test_letters_that_no_font_has_are_told():
    letter = "\U0001378d"  # a hieroglyph
    families, lacking = fonts_for([letter, "wood"])
    assert families[0] == "DejaVu Sans"
    assert not any("Last Resort" in family for family in families)  # boxes are no letters
    if lacking:
        with lettering([letter]) as notes, warnings.catch_warnings():
            assert letter in notes[0]
    assert fonts_for(["Wälder", "forêt", "лес"]) == (["DejaVu Sans"], "")
