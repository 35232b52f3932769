"""How a sample was drawn: the record without which no estimate is made.

``design.json`` is written by ``python -m bridges.design``. For a sample drawn with other software
it may be written by hand; then it needs ``kind`` and, if that is ``stratified``, ``strata`` with
``number``, ``name`` and ``n_pixels`` of each, and the reference file needs a field ``stratum``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.accuracy.drawing import KINDS
from bridges.accuracy.strata import Stratum
from bridges.errors import DataError
from bridges.scene.raster import require_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
FILE = "design.json"
MINIMAL = (
    "It needs "
    '{"kind": "stratified", "strata": [{"number": 1, "name": "water", "n_pixels": 22353}, …]}; '
    "python -m bridges.design writes it."
)


@dataclasses.dataclass(frozen=True)
class MapRecord:
    """A map that made strata.

    Attributes
    ----------
    path : str
        Its name when the sample was drawn.
    fingerprint : str
        Of its pixels and place (:func:`bridges.accuracy.class_map.survey`).
    """

    path: str
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class Design:
    """How a sample was drawn.

    Attributes
    ----------
    kind : str
        ``stratified``, ``simple`` or ``systematic``.
    strata : tuple of Stratum
        With their sizes; for simple and systematic samples those that were noted.
    points : ndarray of shape (n, 4), int64, or None
        Number, row, column and stratum of every sample pixel, in random order; None for a design
        written by hand.
    maps : tuple of MapRecord
        The maps that made the strata.
    grid : tuple of float
        Height, width and transform (a, b, c, d, e, f) of the maps; empty if unknown.
    seed : int or None
        Seed of the draw.
    zones : str or None
        File of the regions.
    purity : int
        Edge of the neighbourhood that had to be of one stratum; 1: no condition.
    with_unclassified : bool
        Whether pixels without a class are in the population.
    left_out : dict of str to int
        Pixels outside the population, by the reason.
    allocation : dict of str to object
        Rule, minimum, expected accuracies and standard error.
    pixel_area_m2 : float or None
        Area of a pixel.
    notes : tuple of str
        What limits the estimates, a sentence each.
    """

    kind: str
    strata: tuple[Stratum, ...]
    points: NDArray[np.int64] | None = None
    maps: tuple[MapRecord, ...] = ()
    grid: tuple[float, ...] = ()
    seed: int | None = None
    zones: str | None = None
    purity: int = 1
    with_unclassified: bool = False
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    allocation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pixel_area_m2: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_pixels(self) -> int:
        """Pixels of the population."""
        return sum(stratum.n_pixels for stratum in self.strata)

    @property
    def n_sample(self) -> dict[int, int]:
        """Drawn pixels of every stratum, by its number."""
        if self.points is None:
            return {}
        drawn = self.points[:, 3]
        return {s.number: int(np.sum(drawn == s.number)) for s in self.strata}

    def content(self) -> dict[str, Any]:
        """Return what ``design.json`` holds."""
        drawn = self.n_sample
        strata = [
            {**dataclasses.asdict(s), "codes": list(s.codes), "n_sample": drawn.get(s.number)}
            for s in self.strata
        ]
        points = None if self.points is None else self.points.tolist()
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("strata", "points", "maps")
        }
        return {
            "format": FORMAT,
            **plain,
            "maps": [dataclasses.asdict(m) for m in self.maps],
            "strata": strata,
            "points (number, row, column, stratum)": points,
        }


def read_design(path: str | Path) -> Design:
    """Read a ``design.json``.

    Raises
    ------
    DataError
        If the file is missing or damaged, or does not say how the sample was drawn.
    """
    file = require_file(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        design = _design(content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} is no design of a sample ({error!r}).", MINIMAL) from error
    if design.kind not in KINDS:
        raise DataError(
            f"{path} says that the sample is '{design.kind}'.", f"It may be {', '.join(KINDS)}."
        )
    if design.kind == "stratified" and not design.strata:
        raise DataError(f"{path} tells no strata.", MINIMAL)
    numbers = [s.number for s in design.strata]
    if len(set(numbers)) < len(numbers) or any(s.n_pixels < 1 for s in design.strata):
        raise DataError(f"{path} has strata without pixels, or twice the same number.", MINIMAL)
    return design


def _design(content: Mapping[str, Any]) -> Design:
    strata = tuple(
        Stratum(int(s["number"]), str(s["name"]), tuple(s.get("codes", ())), int(s["n_pixels"]))
        for s in content.get("strata", ())
    )
    listed = content.get("points (number, row, column, stratum)")
    points = None if listed is None else np.asarray(listed, dtype=np.int64).reshape(-1, 4)
    known = {field.name for field in dataclasses.fields(Design)} - {"strata", "points", "maps"}
    rest = {key: value for key, value in content.items() if key in known}
    rest |= {key: tuple(rest.get(key, ())) for key in ("notes", "grid")}
    maps = tuple(MapRecord(m["path"], m["fingerprint"]) for m in content.get("maps", ()))
    return Design(strata=strata, points=points, maps=maps, **rest)
