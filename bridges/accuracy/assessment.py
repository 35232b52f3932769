"""An assessed map: estimates with intervals as plain numbers, and as text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.accuracy.class_map import UNCLASSIFIED
from bridges.accuracy.estimators import Estimate, Estimates, Z, estimate

if TYPE_CHECKING:
    from bridges.accuracy.design import Design
    from bridges.accuracy.reference import ReferenceSample

HECTARE_M2 = 10_000.0
QUANTITIES = ("users_accuracy", "producers_accuracy", "f1", "area_share")
"""Estimated quantities of a class, in the order of every table."""

Number = dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What a labelled probability sample says about a map.

    Attributes
    ----------
    sample : ReferenceSample
        The counts.
    estimates : Estimates
        Accuracies and areas.
    area_ha : float or None
        Area of the population; None where pixels have no area in m².
    z : float
        Half-width of intervals in standard errors.
    notes : tuple of str
        What limits the estimates.
    """

    sample: ReferenceSample
    estimates: Estimates
    area_ha: float | None
    z: float
    notes: tuple[str, ...]

    def content(self) -> dict[str, Any]:
        """Return the entries of ``metrics.json``; what is undefined is None."""
        e = self.estimates
        return {
            "z": self.z,
            "overall_accuracy": numbers(e.overall, self.z)[0],
            "quantity_disagreement": float(e.quantity),
            "allocation_disagreement": float(e.allocation),
            "classes": self.classes(),
            "error_matrix": self.sample.counts.sum(axis=0).tolist(),
            "error_matrix_shares": e.proportions.tolist(),
            "error_matrix_classes": list(self.sample.class_names),
            "strata": [
                {"name": name, "pixels": int(size), "points": int(n)}
                for name, size, n in zip(
                    self.sample.strata,
                    self.sample.sizes,
                    self.sample.counts.sum(axis=(1, 2)),
                    strict=True,
                )
            ],
            "area_ha": self.area_ha,
            "notes": list(self.notes),
        }

    def classes(self) -> list[dict[str, Any]]:
        """Return name, code, accuracies, shares and areas of every class.

        An entry of a quantity has ``value``, ``se``, ``low`` and ``high``. ``mapped_share`` is the
        share of the area that the map gives to the class.
        """
        e, z = self.estimates, self.z
        columns = [numbers(x, z) for x in (e.users, e.producers, e.f1, e.area)]
        mapped, counts = e.proportions.sum(axis=1), self.sample.counts.sum(axis=0)
        rows = []
        for k, (code, name) in enumerate(
            zip(self.sample.classes, self.sample.class_names, strict=True)
        ):
            if code == UNCLASSIFIED:
                continue  # no class: what the map leaves open is a row of the error matrix only
            own = dict(zip(QUANTITIES, (column[k] for column in columns), strict=True))
            rows.append(
                {
                    "name": name,
                    "code": code,
                    **own,
                    "area_ha": self._hectares(own["area_share"]),
                    "mapped_share": float(mapped[k]),
                    "points_mapped": int(counts[k].sum()),
                    "points_reference": int(counts[:, k].sum()),
                }
            )
        return rows

    def _hectares(self, share: Number) -> Number | None:
        if self.area_ha is None:
            return None
        return {k: None if v is None else v * self.area_ha for k, v in share.items()}


def numbers(estimates: Estimate, z: float) -> list[Number]:
    """Return value, standard error and limits of every entry; None for what is undefined."""
    low, high = estimates.interval(z)
    columns = (estimates.value, estimates.se, low, high)
    stacked = np.stack([np.atleast_1d(c) for c in columns], axis=1)
    names = ("value", "se", "low", "high")
    return [
        dict(zip(names, (float(v) if np.isfinite(v) else None for v in row), strict=True))
        for row in stacked
    ]


def assess(sample: ReferenceSample, design: Design, notes: list[str], z: float = Z) -> Assessment:
    """Estimate accuracies and areas of a map from a labelled probability sample.

    Parameters
    ----------
    sample : ReferenceSample
        Counts, from :func:`bridges.accuracy.reference.join`.
    design : Design
        Tells the area of a pixel.
    notes : list of str
        What else limits the estimates.
    z : float
        Half-width of intervals in standard errors; 1.96 for 95 %.
    """
    estimates = estimate(sample.sizes, sample.counts, sample.groups)
    area = None
    if design.pixel_area_m2 is not None:
        area = int(sample.sizes.sum()) * design.pixel_area_m2 / HECTARE_M2
    zero = [
        name
        for code, name, n in zip(
            sample.classes,
            sample.class_names,
            sample.counts.sum(axis=0).diagonal(),
            strict=True,
        )
        if n == 0 and code != UNCLASSIFIED
    ]
    said = [f"No point of {', '.join(zero)} is mapped right: see its interval."] if zero else []
    return Assessment(sample, estimates, area, z, (*sample.notes, *notes, *said))


def plain_text(assessment: Assessment) -> str:
    """Return the result for a terminal."""
    content = assessment.content()
    overall = content["overall_accuracy"]
    lines = [
        f"overall accuracy {interval(overall)}; quantity disagreement "
        f"{content['quantity_disagreement']:.4f}, allocation disagreement "
        f"{content['allocation_disagreement']:.4f}",
        f"limits are ± {assessment.z:g} standard errors",
        "",
    ]
    classes = content["classes"]
    width = max(5, *(len(c["name"]) for c in classes))
    area = "area [ha]" if assessment.area_ha is not None else "area [share]"
    lines.append(
        f"{'class':{width}}  {'user’s accuracy':>22}  {'producer’s accuracy':>22}  {area:>32}"
    )
    for c in classes:
        size = c["area_ha"] or c["area_share"]
        digits = 1 if assessment.area_ha is not None else 4
        lines.append(
            f"{c['name']:{width}}  {interval(c['users_accuracy']):>22}  "
            f"{interval(c['producers_accuracy']):>22}  {interval(size, digits):>32}"
        )
    return "\n".join([*lines, "", *(f"note: {note}" for note in content["notes"])])


def interval(number: Number | None, digits: int = 4) -> str:
    """Return ``0.9444 (0.9221–0.9667)``, – for what is undefined."""
    if number is None or number["value"] is None:
        return "–"
    value, low, high = number["value"], number["low"], number["high"]
    if low is None or high is None:
        return f"{value:,.{digits}f}"
    return f"{value:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"
