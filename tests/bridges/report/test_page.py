"""Figures and the page: self-contained, deterministic, apart without colour."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bridges.report import map_plots, plots
from bridges.report.metrics import evaluate
from bridges.report.page import Section, Table, cell, render_report
from bridges.report.sections import (
    classes_section,
    map_section,
    quality_section,
    run_section,
    scores_section,
)
from bridges.run.record import run_record

NAMES = {1: "water", 2: "<b>forest</b>", 3: "urban"}


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, (30, 40))


def greys(n: int) -> np.ndarray:
    return np.array(plots.palette(n)) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("n", [2, 3, 7, 10])
def test_colours_differ_in_a_grey_print(n: int) -> None:
    assert np.diff(greys(n)).min() > 0.3 / n


def test_every_line_of_many_differs_without_colour() -> None:
    styles = [plots.line_style(i, 12) for i in range(12)]
    assert len({(str(s["linestyle"]), s["marker"]) for s in styles}) == 12


def test_thin_keeps_maps_small() -> None:
    assert max(map_plots.thin(np.zeros((4001, 30))).shape) <= map_plots.MAP_PIXELS
    assert map_plots.thin(np.zeros((5, 5))).shape == (5, 5)


def test_the_error_map_counts_labelled_pixels_only() -> None:
    _, ax = plots.new_figure()
    map_plots.plot_error_map(ax, np.array([[1, 2], [-1, 1]]), np.array([[1, 1], [1, -1]]), NAMES)
    assert "50.0%" in ax.get_title()
    image = ax.images[0].get_array()
    assert np.asarray(image)[1].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_equal_figures_give_equal_bytes(tmp_path: Path, codes: np.ndarray) -> None:
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        plots.save_figure(map_plots.map_figure(codes, codes, NAMES), tmp_path / name)
    for kind in ("png", "svg"):
        first, second = ((tmp_path / f"{n}.{kind}").read_bytes() for n in "ab")
        assert first == second


def test_energies_show_the_lines_to_compare_with() -> None:
    _, ax = plots.new_figure()
    plots.plot_energies(ax, [-1.0, 2.0, 3.0], exact=-4.0, used=-3.0)
    assert sorted(line.get_xdata()[0] for line in ax.lines) == [-4.0, -3.0, 0.0]


def full_page(path: Path, codes: np.ndarray) -> str:
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 4, 50)
    metrics = evaluate(truth, truth, None, NAMES)
    metrics["controls"] = {"random_alpha": {**metrics, "accuracy": 0.5}}
    metrics["fit_report"] = {"total_s": 1.0, "n_members": 12}
    metrics["diagnostics"] = {"energy_gap_mean": 0.012, "chain_break_fraction": None}
    sections = [
        scores_section(metrics),
        classes_section(metrics),
        map_section(codes, codes, NAMES),
        quality_section(metrics),
        run_section(run_record({"seed": 0}, 0, {"fit_s": 1.0})),
    ]
    render_report(path, "Run & report", sections, lead="Read this.", footer="End.")
    return path.read_text()


def test_the_page_needs_nothing_from_outside(tmp_path: Path, codes: np.ndarray) -> None:
    page = full_page(tmp_path / "report.html", codes)
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) >= 5
    assert all(source.startswith("data:") for source in sources)
    assert "<script" not in page
    assert "url(" not in re.sub(r'src="[^"]*"', "", page)


def test_the_page_escapes_names_and_says_what_the_controls_say(
    tmp_path: Path, codes: np.ndarray
) -> None:
    page = full_page(tmp_path / "report.html", codes)
    assert "<b>forest" not in page
    assert "&lt;b&gt;forest" in page
    assert "score more than random ones (overall accuracy 1.000 against 0.500)" in page
    assert "nan" not in page.split("<h1>")[1].lower().replace("nanos", "")[:2000]


def test_cells() -> None:
    written = [cell(v) for v in (None, True, 0.5, 12345.678, 0.00001, [1, None], {"a": 0.5}, "x")]
    assert written == ["–", "yes", "0.5000", "12,345.7", "1.00e-05", "1, –", "a=0.5000", "x"]


def test_rows_carry_their_style() -> None:
    table = Table(["a"], [[1], [2], [3]], strong=frozenset({0}), quiet=frozenset({2}))
    assert [table.row_class(i) for i in range(3)] == ["strong", "", "quiet"]


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    class Broken:
        title = "x"

    with pytest.raises(Exception, match="text"):
        render_report(tmp_path / "report.html", "t", [Broken()])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []
    render_report(tmp_path / "report.html", "t", [Section("only text", ["hello"])])
    assert "hello" in (tmp_path / "report.html").read_text()
