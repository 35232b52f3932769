"""What falls out between features and labelled pixels: counted, and told why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.labelled import named

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from bridges.samples.polygons import VectorLabels

OUTSIDE = "they lie outside the image"
SMALL = "they cover no pixel's centre (--all-touched labels every pixel that they touch)"
CONTRADICTED = "features of other classes claim the same pixels"
COVERED = "other features of their class cover the same pixels"
MASKED = "all their pixels are masked (nodata, NaN or cloud)"


@dataclass(frozen=True)
class Fallout:
    """Features that give no sample.

    Attributes
    ----------
    counts : dict of str to dict of int to int
        Why, to number of features per class code.
    """

    counts: dict[str, dict[int, int]]

    def notes(self, names: Mapping[int, str]) -> list[str]:
        """Return a sentence for every reason."""
        return [
            f"{_features(classes, names)} label no pixel: {why}."
            for why, classes in self.counts.items()
        ]

    def of_class(self, code: int, names: Mapping[int, str]) -> str:
        """Return why a class has no sample, "" if nothing is known."""
        told = [
            f"{_features({code: classes[code]}, names)} label no pixel: {why}."
            for why, classes in self.counts.items()
            if code in classes
        ]
        return " ".join(told)


def _features(classes: Mapping[int, int], names: Mapping[int, str]) -> str:
    n = sum(classes.values())
    noun = "feature" if n == 1 else "features"
    if len(classes) == 1:
        return f"{n} {noun} of class {named(names, next(iter(classes)))}"
    listed = ", ".join(f"{m} of {named(names, code)}" for code, m in sorted(classes.items()))
    return f"{n} {noun} ({listed})"


def no_fallout() -> Fallout:
    """Return that nothing is lost, or that labels are no features."""
    return Fallout({})


def features_without_samples(
    labels: VectorLabels,
    windows: list[Window],
    labelled: NDArray[np.bool_],
    usable: NDArray[np.bool_],
) -> Fallout:
    """Find out why features give no sample.

    Parameters
    ----------
    labels : VectorLabels
        The features.
    windows : list of Window
        That cover the image.
    labelled, usable : ndarray of bool
        By feature number: whether it labels a pixel, and one that is not masked.
    """
    reasons = np.full(len(labels.numbers), "", dtype=object)
    lost = ~labelled[labels.numbers]
    reasons[~lost & ~usable[labels.numbers]] = MASKED
    reasons[lost & ~_on_image(labels)] = OUTSIDE
    inside = lost & (reasons == "")
    reasons[inside] = SMALL
    if inside.any():
        _look_again(labels, windows, inside, reasons)
    counts: dict[str, dict[int, int]] = {}
    for why in (OUTSIDE, SMALL, CONTRADICTED, COVERED, MASKED):
        codes, n = np.unique(labels.codes[reasons == why], return_counts=True)
        if len(codes):
            counts[why] = dict(zip(codes.tolist(), n.tolist(), strict=True))
    return Fallout(counts)


def _on_image(labels: VectorLabels) -> NDArray[np.bool_]:
    import shapely
    from rasterio.windows import Window

    grid, t = labels.grid, labels.grid.transform
    corners = [(0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height)]
    ring = [(t.c + t.a * c + t.b * r, t.f + t.d * c + t.e * r) for c, r in corners]
    found: NDArray[np.bool_] = labels.near(Window(0, 0, grid.width, grid.height))
    near = labels.shapes[found]
    sound = np.where(shapely.is_valid(near), near, shapely.make_valid(near))
    found[found] = shapely.intersects(sound, shapely.polygons(ring))
    return found


def _look_again(
    labels: VectorLabels,
    windows: list[Window],
    inside: NDArray[np.bool_],
    reasons: NDArray[np.object_],
) -> None:
    """Burn the lost features by themselves: those that show have lost their pixels to others."""
    place = np.zeros(int(labels.numbers.max()) + 1, dtype=np.intp)
    place[labels.numbers] = np.arange(len(labels.numbers))
    left = inside.copy()
    while left.any():
        shown = np.zeros(len(left), dtype=bool)
        for window in windows:
            near = left & labels.near(window)
            if not near.any():
                continue
            burnt = labels.burn(near, window)
            there = burnt > 0
            owners = place[burnt[there]]
            claimed = labels.read(window)[0][there] == -1
            shown[owners] = True
            reasons[owners[~claimed]] = COVERED
            reasons[owners[claimed]] = CONTRADICTED
        left &= ~shown
        if not shown.any():  # what is left shows nowhere even by itself
            return


def require_all_classes(
    declared: Sequence[int],
    usable: Mapping[int, int],
    names: Mapping[int, str],
    why: Callable[[int], str],
    source: str,
) -> None:
    """Refuse labels of which a whole class gives no sample.

    Parameters
    ----------
    declared : sequence of int
        Codes that the labels hold.
    usable : mapping of int to int
        Number of samples per code.
    names : mapping of int to str
        Of the codes.
    why : callable
        Returns what is known of a code without samples.
    source : str
        Where the labels come from.

    Raises
    ------
    DataError
        Naming all such classes.
    """
    lost = [code for code in declared if not usable.get(code)]
    if not lost:
        return
    listed = ", ".join(named(names, code) for code in lost)
    reasons = " ".join(dict.fromkeys(why(code) for code in lost))
    kept = ",".join(str(code) for code in sorted(usable) if usable[code])
    raise DataError(
        f"{'Classes' if len(lost) > 1 else 'Class'} {listed} of {source} would vanish: {reasons}",
        f"Mend the labels, or go on without: --allow-missing-classes, or --classes {kept}",
    )
