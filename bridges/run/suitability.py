"""Whether an image is what a model was trained on: its bands, its units, its values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.matching import Feature, features_of, matched, pairwise, told_features

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bridges.scene.scene import Band, Scene

FOREIGN = 0.5
"""Share of pixels far outside the training values from which on the user is warned."""

ALIEN = 0.95
"""Share from which on they are in another unit, or of another kind of image."""

AT_HOME = 0.1
"""Largest share outside after a conversion that is believed."""

FILLED = 0.1
"""Least share of the training range that converted values spread over, in the median band."""

CONVERSIONS = {
    "reflectance × 10 000": (1e-4, 0.0),
    "reflectance of 0 to 1": (1e4, 0.0),
    "stored values of Landsat Collection 2": (0.0000275, -0.2),
}
"""Units that reflectance comes in, with factor and offset to the one of the model."""

MARGIN = 0.5
"""Values farther outside than this share of the training range are far outside."""


def suited(
    scene: Scene,
    meta: Mapping[str, Any],
    usual: Sequence[Band],
    *,
    chosen: bool,
    any_values: bool = False,
) -> tuple[Scene, list[str], list[str]]:
    """Return a scene with the bands of a model, in its order and unit.

    Parameters
    ----------
    scene : Scene
        With all bands of the image, or those that the user has chosen.
    meta : mapping
        Of the model file.
    usual : sequence of Band
        Bands that are used where nobody chooses.
    chosen : bool
        Whether the user has chosen.
    any_values : bool
        Whether to go on with values that the model was never trained on.

    Returns
    -------
    scene : Scene
        Ready for the model.
    notes, warnings : list of str
        What was decided, and what looks wrong.

    Raises
    ------
    DataError
        If bands are missing or measure something else, or nearly all pixels are of another unit.
    """
    features = features_of(meta)
    if not features:
        return scene, [], []
    if scene.columns is not None:
        _require_columns(features, scene)
        return _judged(scene, meta, False, any_values)
    bands, said = matched(features, scene, usual, chosen=chosen)
    by_meaning = all(Feature.of(band).is_told for band in bands)
    notes, warnings = (said, []) if by_meaning or _same_set(features, bands) else ([], said)
    stated = _require_units(features, bands)
    trained_on = meta.get("sensor", "")
    if trained_on and scene.sensor and trained_on != scene.sensor:
        notes.append(
            f"The model was trained on {trained_on}, the image is of {scene.sensor}; bands are "
            "matched by what they measure."
            + (
                ""
                if stated
                else " Not all units are stated: values are judged by their range only."
            )
        )
    ready = dataclasses.replace(scene, bands=bands)
    ready, more, doubts = _judged(ready, meta, stated, any_values)
    return ready, [*notes, *more], [*warnings, *doubts]


def computed_features(meta: Mapping[str, Any], image: str | Path) -> list[str] | None:
    """Return what to ask an image for if spectral indices are among the features, else None.

    Bands are asked for by what they measure where the image knows that, else by name.
    """
    from bridges.scene.indices import index_name
    from bridges.scene.opening import every_band

    features = features_of(meta)
    if not any(index_name(feature.name) == feature.name for feature in features):
        return None
    known = {band.common_name for band in every_band(image).bands}
    return [f.common_name if f.common_name in known - {""} else f.name for f in features]


def _require_columns(features: Sequence[Feature], scene: Scene) -> None:
    """Refuse bands and indices that are not the features as they stand."""
    here = features_of({"features": told_features(scene.band_names, scene)})
    if not pairwise(features, here):
        words = ",".join(f.common_name or f.name for f in features)
        raise DataError(
            f"The model was trained on {', '.join(map(str, features))}; the bands and indices of "
            f"the image are {', '.join(map(str, here))}.",
            f"Name them in this order: --bands {words}",
        )


def _judged(
    scene: Scene, meta: Mapping[str, Any], stated: bool, any_values: bool
) -> tuple[Scene, list[str], list[str]]:
    """Return a scene whose values are held against the training range, if the model tells it."""
    if not meta.get("feature_range"):
        return scene, [], []
    limits = np.asarray(meta["feature_range"], dtype=np.float64)
    return _in_range(scene, limits, stated or scene.columns is not None, any_values)


def like(
    first: Scene, name: str | Path, scene: Scene, *, chosen: bool, nodata: float | None
) -> tuple[Scene, list[str]]:
    """Return another image with the bands of a first one, in its order, and notes.

    Parameters
    ----------
    first : Scene
        Whose bands are the features.
    name : path
        What the other was opened by.
    scene : Scene
        The other, with the bands that are used where nobody chooses.
    chosen : bool
        Whether the user has chosen the bands of both.
    nodata : float or None
        Value of missing pixels, as the user says.

    Raises
    ------
    DataError
        If it lacks a band, or gives one in another unit.
    """
    from bridges.scene.opening import every_band

    meta = {"features": told_features(first.band_names, first), "sensor": first.sensor}
    every = scene if chosen else every_band(name, nodata=nodata)
    whole = dataclasses.replace(scene, bands=every.bands)
    ready, notes, warnings = suited(whole, meta, scene.bands, chosen=chosen)
    return ready, [*scene.notes, *notes, *warnings]


def _same_set(features: Sequence[Feature], bands: Sequence[Band]) -> bool:
    return {f.name.lower() for f in features} == {b.name.lower() for b in bands}


def _require_units(features: Sequence[Feature], bands: Sequence[Band]) -> bool:
    """Refuse stated units that differ; return whether all are stated."""
    for feature, band in zip(features, bands, strict=True):
        if feature.unit and band.unit and feature.unit != band.unit:
            raise DataError(
                f"The model takes {feature} in {feature.unit}; the image gives {band.name} in "
                f"{band.unit}.",
                "Use an image in the model's unit, or say scale, offset and unit in scene.json.",
            )
    return all(f.unit and b.unit for f, b in zip(features, bands, strict=True))


def _in_range(
    scene: Scene, limits: NDArray[np.float64], stated: bool, any_values: bool
) -> tuple[Scene, list[str], list[str]]:
    """Judge values by pixels from all over the scene; convert what is in a known other unit."""
    from bridges.samples.domain import draw_domain

    try:
        pixels = draw_domain(scene).X
    except DataError:  # nothing is valid where it was looked: nothing to judge
        return scene, [], []
    outside = share_outside(pixels, limits)
    if outside < FOREIGN:
        return scene, [], []
    if outside >= ALIEN and not stated:
        for unit, (factor, offset) in CONVERSIONS.items():
            moved = factor * pixels + offset
            after = share_outside(moved, limits)
            if after <= AT_HOME and _fills(moved, limits):
                note = (
                    f"The image is in {unit}, not in the model's unit: {outside:.0%} of its pixels "
                    f"lie far outside the training values, {after:.0%} after × {factor:g} "
                    f"{offset:+g}, which is applied. State scale and offset in scene.json."
                )
                return _converted(scene, factor, offset), [note], []
    worst = _worst(pixels, limits, scene.band_names)
    text = (
        f"{outside:.0%} of the pixels lie far outside the values that the model was trained on "
        f"({worst}); are both images in the same unit (digital numbers, reflectance)?"
    )
    if outside >= ALIEN and not any_values:
        raise DataError(
            text,
            "Bring the image into the model's unit (scale and offset in scene.json), or map it all "
            "the same: --any-values",
        )
    return scene, [], [text]


def share_outside(pixels: NDArray[np.float64], limits: NDArray[np.float64]) -> float:
    """Return the share of pixels (n, d) with a value far outside the limits (2, d)."""
    low, high = limits
    margin = MARGIN * (high - low)
    return float(np.mean(np.any((pixels < low - margin) | (pixels > high + margin), axis=1)))


def _fills(pixels: NDArray[np.float64], limits: NDArray[np.float64]) -> bool:
    """Tell whether pixels spread over the limits: bytes × 0.0001 would lie within as well."""
    spread = np.subtract(*np.percentile(pixels, [98, 2], axis=0))
    return bool(np.median(spread / np.maximum(limits[1] - limits[0], 1e-30)) >= FILLED)


def _worst(pixels: NDArray[np.float64], limits: NDArray[np.float64], names: Sequence[str]) -> str:
    """Say of the band that is farthest outside what it holds and what it should."""
    middle = np.median(pixels, axis=0)
    low, high = limits
    beyond = np.maximum(low - middle, middle - high) / np.where(high > low, high - low, 1.0)
    place = int(np.argmax(beyond))
    return (
        f"{names[place]}: median {middle[place]:.4g}, trained on {low[place]:.4g} to "
        f"{high[place]:.4g}"
    )


def _converted(scene: Scene, factor: float, offset: float) -> Scene:
    bands = tuple(
        dataclasses.replace(band, scale=factor * band.scale, offset=factor * band.offset + offset)
        for band in scene.bands
    )
    return dataclasses.replace(scene, bands=bands)
