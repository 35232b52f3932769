"""Reference points held against the design that drew them and the map that they lie on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridges.accuracy.class_map import ClassMap, Survey, place
from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.design import Design
    from bridges.accuracy.points import ReferencePoints


def layer_of(design: Design, classes: ClassMap, surveyed: Survey, *, other_map: bool) -> int | None:
    """Return which of the design's maps this is; None for another one.

    Raises
    ------
    DataError
        If it is another one and may not be, or lies on another grid.
    """
    fingerprints = [m.fingerprint for m in design.maps]
    if surveyed.fingerprint in fingerprints:
        return fingerprints.index(surveyed.fingerprint)
    if not design.maps:
        return None
    drawn_for = ", ".join(m.path for m in design.maps)
    if not other_map:
        raise DataError(
            f"The sample was drawn for {drawn_for}; {classes.path} has other pixels.",
            "Name that map. If you want to assess another map of the same area with this sample "
            "(Stehman 2014), add --other-map.",
        )
    if design.grid and tuple(place(classes.grid)) != design.grid:
        raise DataError(
            f"{classes.path} has other pixels in other places than {drawn_for}.",
            f"Bring it onto that grid: rio warp {classes.path} same_grid.tif "
            f"--like {design.maps[0].path} --resampling nearest",
        )
    return None


def require_inside(points: ReferencePoints, classes: ClassMap) -> None:
    """Refuse points beside the map.

    Raises
    ------
    DataError
        With their number.
    """
    grid = classes.grid
    outside = (points.rows < 0) | (points.rows >= grid.height)
    outside |= (points.cols < 0) | (points.cols >= grid.width)
    if outside.any():
        raise DataError(
            f"{outside.sum()} of {len(outside)} reference points lie outside of {classes.path}.",
            "Check the coordinate system of the points: ogrinfo -al -so, and rio info of the map.",
        )


def strata_of(design: Design, points: ReferencePoints) -> NDArray[np.int64]:
    """Return the stratum of every reference point, from the design or the field ``stratum``.

    Raises
    ------
    DataError
        If a point was not drawn, lies where another one lies, or its stratum is not known.
    """
    places = list(zip(points.rows.tolist(), points.cols.tolist(), strict=True))
    if len(set(places)) < len(places):
        twice = next(p for p in places if places.count(p) > 1)
        raise DataError(
            f"The pixel in row {twice[0]}, column {twice[1]} has several reference points.",
            "Keep one point per sample pixel.",
        )
    if design.points is not None:
        drawn = {(r, c): s for _, r, c, s in design.points.tolist()}
        strange = [p for p in places if p not in drawn]
        if strange:
            raise DataError(
                f"{len(strange)} reference points were not drawn by the design, the first in row "
                f"{strange[0][0]}, column {strange[0][1]}.",
                "Only drawn points are a probability sample: take added points out, put moved ones "
                "back, or name the design that drew them.",
            )
        return np.array([drawn[p] for p in places], dtype=np.int64)
    if points.stratum is None:
        raise DataError(
            "Neither the design nor the reference points say which stratum a point is from.",
            "Add a field 'stratum' with the numbers of the design's strata.",
        )
    unknown = sorted(set(points.stratum.tolist()) - {s.number for s in design.strata})
    if unknown:
        raise DataError(
            f"Reference points are of the stratum {unknown[0]}, which the design lacks.",
            "Its strata are: " + ", ".join(f"{s.number} {s.name}" for s in design.strata),
        )
    return points.stratum


def require_consistent(
    design: Design, stratum: NDArray[np.int64], mapped: NDArray[np.int64], layer: int
) -> None:
    """Refuse a design whose strata are not what the map that made them holds at the points.

    Raises
    ------
    DataError
        If the design has been changed.
    """
    codes = {s.number: s.codes[layer] for s in design.strata}
    if any(s > 0 and codes[int(s)] != m for s, m in zip(stratum, mapped, strict=True)):
        raise DataError(
            "The design puts points into strata that the map does not have there.",
            "The design file has been changed: draw the sample again with the same seed.",
        )
