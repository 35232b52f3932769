"""How far towards the optimum each step of a run went."""

from __future__ import annotations

import pytest

from bridges.report.attribution import LEAST, attribution, plot_ways, ways
from bridges.report.plots import new_figure

QUALITY = {
    "energy_gap_mean": 0.02,
    "best_sample_gap_mean": 0.12,
    "averaged_gap_mean": 0.09,
    "random_hull_gap_mean": 0.66,
    "rounded_gap_mean": 0.1,
}


def test_gaps_become_shares_of_the_way() -> None:
    steps = dict(ways(QUALITY))
    assert list(steps.values()) == pytest.approx([0.34, 0.88, 0.91, 0.98, 1.0])
    assert steps["all samples combined: this model"] == pytest.approx(0.98)
    proven = ways({**QUALITY, "lattice_gap_mean": 0.11})
    assert proven[2][1] == pytest.approx(0.89)
    assert len(proven) == len(steps) + 1
    assert proven[2][0] == "the best point of the lattice (proven)"
    partly = ways({**QUALITY, "lattice_gap_mean": 0.11, "proven_fraction": 0.25})
    assert partly[2][0] == "the best point of the lattice (proven for 25% of the duals)"


def test_without_a_hull_there_is_no_picture() -> None:
    assert ways({"energy_gap_mean": 0.1, "random_hull_gap_mean": None}) == []
    assert attribution({"energy_gap_mean": 0.1}, "3 duals") is None


def test_bars_end_where_they_should_and_say_when_they_do_not() -> None:
    _, ax = new_figure()
    plot_ways(ax, [("random points", -4.0), ("this model", 0.5), ("optimum", 1.0)])
    assert [bar.get_width() for bar in ax.patches] == [LEAST, 0.5, 1.0]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["-400%, worse than no training", "50.0%", "100.0%"]
    assert ax.yaxis_inverted()


def test_the_picture_says_what_it_is_a_mean_over() -> None:
    picture = attribution(QUALITY, "12 duals")
    assert picture is not None
    assert "12 duals" in picture.caption
