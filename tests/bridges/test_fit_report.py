"""Numbers of a fit: each says itself what it is called, how it is merged and where it is shown."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from bridges.compare import cell, summary
from bridges.ensemble.fusion import merge_diagnostics, merge_reports
from bridges.fit_report import Diagnostics, FitReport, Merge, Place, merged, shown, told
from bridges.report.sections import quality_section

FIELDS = [
    pytest.param(kind, field, id=f"{kind.__name__}.{field.name}")
    for kind in (FitReport, Diagnostics)
    for field in dataclasses.fields(kind)
]


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_number_says_what_it_is(kind, field):
    assert field.metadata["merge"] in typing.get_args(Merge)
    assert set(field.metadata["shown_in"]) <= set(typing.get_args(Place))
    assert field.metadata["label"]
    assert field.name in kind.__doc__
    assert field.name.endswith("_s") == ("times" in field.metadata["shown_in"])


@pytest.mark.parametrize("place", typing.get_args(Place))
def test_nothing_is_called_the_same_in_one_place(place):
    called = [*shown(FitReport, place).values(), *shown(Diagnostics, place).values()]
    assert len(called) == len(set(called))


def test_parts_merge_as_their_fields_say():
    parts = [
        Diagnostics(energy_gap_mean=0.1, energy_gap_max=0.4, couplers_dropped=2),
        Diagnostics(energy_gap_mean=0.3, energy_gap_max=0.3, couplers_dropped=1),
        Diagnostics(chain_break_fraction=0.5),
    ]
    one = merged(Diagnostics, parts)
    assert one == Diagnostics(
        energy_gap_mean=pytest.approx(0.2),
        energy_gap_max=0.4,
        couplers_dropped=3,
        chain_break_fraction=0.5,
    )
    assert merged(Diagnostics, []) == Diagnostics()


def test_an_ensemble_counts_its_own_samples_and_sums_its_members_seconds():
    class Reported:
        fit_report_ = FitReport(total_s=9.0, solve_s=1.5, queue_s=2.0, n_samples=5, objective=-1.0)
        diagnostics_ = Diagnostics(kkt_violation_max=1e-3)

    members = [Reported(), Reported(), object()]
    report = merge_reports(members, total_s=4.0, n=20, n_support=7)
    assert report == FitReport(
        total_s=4.0, solve_s=3.0, queue_s=2.0, n_samples=20, n_support=7, n_problems=3,
        n_members=3, objective=-2.0,
    )  # fmt: skip
    assert merge_diagnostics(members).kkt_violation_max == 1e-3


def test_a_number_that_the_caller_has_to_know_is_asked_for():
    with pytest.raises(TypeError, match="n_samples"):
        merged(FitReport, [FitReport()], total_s=1.0, n_support=3, n_members=1)


def test_a_new_number_needs_one_field(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class More(Diagnostics):
        hull_gap_mean: float | None = dataclasses.field(
            default=None, metadata=told("gap of the hull", "mean", "hull gap")
        )

    monkeypatch.setattr("bridges.report.sections.Diagnostics", More)
    section = quality_section({"diagnostics": {"hull_gap_mean": 0.25}})
    assert section.facts["gap of the hull"] == 0.25
    assert shown(More, "rows").keys() - shown(Diagnostics, "rows").keys() == {"hull_gap_mean"}
    assert merged(More, [More(hull_gap_mean=0.5), More(hull_gap_mean=1.0)]).hull_gap_mean == 0.75


def test_tables_of_a_comparison_follow_the_fields():
    assert set(summary.COSTS) - {"peak_memory_mib"} <= set(cell.COLUMNS)
    assert {"kernel_s", "qpu_s", "rounded_gap_mean", "objective"} <= set(summary.COSTS)
    assert summary.COSTS["qpu_s"] == "QPU [s]"
    assert "at_zero_fraction" not in cell.COLUMNS
