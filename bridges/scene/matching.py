"""Bands of an image matched with the features of a model: by what they measure, else by name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridges.errors import DataError
from bridges.scene.scene import Band, Scene
from bridges.scene.sensors import common_name_of

_NUMBERED = re.compile(r"band \d+")
"""What bands without a name are called."""

NEAR_INFRARED = {"nir", "nir08"}
"""Common names of broad and narrow bands that stand for each other where only one is there."""

TOLERANCE = 0.04
"""Largest distance of two centres, as a share of the wavelength, of bands that measure the same."""


@dataclasses.dataclass(frozen=True)
class Feature:
    """What a column of a model's samples is.

    Attributes
    ----------
    name : str
        As the file called it.
    common_name : str
        What it measures, in STAC's words; "" if unknown.
    wavelength_um : float or None
        Centre of the band.
    unit : str
        Of its values, "" if unknown.
    scale, offset : float
        How the values came from stored ones.
    """

    name: str
    common_name: str = ""
    wavelength_um: float | None = None
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, band: Band) -> Feature:
        """Return what a band gives a model."""
        return cls(
            band.name,
            band.common_name or common_name_of(band.name),
            band.wavelength_um,
            band.unit,
            band.scale,
            band.offset,
        )

    @property
    def is_told(self) -> bool:
        """Whether it is known what it measures."""
        return bool(self.common_name or self.wavelength_um)

    def __str__(self) -> str:
        """Return the name, and what it measures."""
        known = self.common_name or (f"{self.wavelength_um:g} µm" if self.wavelength_um else "")
        return f"{self.name} ({known})" if known and known != self.name else self.name


def features_of(meta: Mapping[str, Any]) -> list[Feature]:
    """Return the features that a model file tells; of an older one, by their names only."""
    told = meta.get("features")
    if told:
        known = {field.name for field in dataclasses.fields(Feature)}
        return [Feature(**{k: v for k, v in each.items() if k in known}) for each in told]
    return [Feature(name, common_name_of(name)) for name in meta.get("feature_names", ())]


def told_features(names: Sequence[str], scene: Scene | None) -> list[dict[str, Any]]:
    """Return what a model file keeps of its features, as plain values."""
    if scene is None:
        return [dataclasses.asdict(Feature(name, common_name_of(name))) for name in names]
    columns = range(len(scene.bands)) if scene.columns is None else scene.columns
    features = [
        Feature.of(scene.bands[column]) if isinstance(column, int) else Feature(column.name)
        for column in columns
    ]
    return [dataclasses.asdict(feature) for feature in features]


def matched(
    features: Sequence[Feature], scene: Scene, usual: Sequence[Band], *, chosen: bool
) -> tuple[tuple[Band, ...], list[str]]:
    """Choose the bands of an image that are a model's features.

    Parameters
    ----------
    features : sequence of Feature
        Of the model, in its order.
    scene : Scene
        The image with all bands that it has, or those that the user has chosen.
    usual : sequence of Band
        Those that are used where nobody chooses; taken as they stand where nothing is known of what
        they measure.
    chosen : bool
        Whether the user has named the bands.

    Returns
    -------
    bands : tuple of Band
        In the order of the features.
    notes : list of str
        How they were found, if not by equal names in equal order.

    Raises
    ------
    DataError
        If a feature is missing, or what bands measure contradicts what the model was trained on.
    """
    bands = scene.bands
    if pairwise(features, [Feature.of(band) for band in usual]):
        return tuple(usual), []
    places = _places(features, [Feature.of(band) for band in bands])
    own = ", ".join(map(str, features))
    if None not in places:
        found = tuple(bands[place] for place in places if place is not None)
        told = ", ".join(str(Feature.of(band)) for band in found)
        return found, [f"The bands are taken in the model's order: {told}, for {own}."]
    if len(usual) != len(features):
        raise DataError(
            f"The image has {len(usual)} bands ({', '.join(b.name for b in usual)}); the model was "
            f"trained on {len(features)} ({own}).",
            "Choose the bands of the image in the model's order: --bands A,B,…",
        )
    here = [Feature.of(band) for band in usual]
    if all(f.is_told for f in features) and all(f.is_told for f in here):
        missing = ", ".join(str(features[i]) for i, place in enumerate(places) if place is None)
        words = ",".join(f.common_name or f.name for f in features)
        raise DataError(
            f"The model was trained on {own}; "
            f"{'the chosen bands are' if chosen else 'the image has'} "
            f"{', '.join(map(str, here))}, without {missing}.",
            f"Name bands that measure the same: --bands {words}"
            if chosen
            else "Use an image with these bands, or train on bands that both have.",
        )
    found = tuple(usual)
    return found, [
        f"The image's bands are called {', '.join(map(str, here))}, the model's {own}; they are "
        "taken in this order (--bands changes it)."
    ]


def pairwise(features: Sequence[Feature], bands: Sequence[Feature]) -> bool:
    """Tell whether bands are the features as they stand."""
    return len(features) == len(bands) and all(
        any(alike(feature, band) for alike in ALIKE)
        for feature, band in zip(features, bands, strict=True)
    )


def _places(features: Sequence[Feature], bands: Sequence[Feature]) -> list[int | None]:
    """Return which band every feature is; None where none or several are, or one twice."""
    places = [_place(feature, bands) for feature in features]
    taken = [place for place in places if place is not None]
    return [None if place is not None and taken.count(place) > 1 else place for place in places]


def _place(feature: Feature, bands: Sequence[Feature]) -> int | None:
    for alike in ALIKE:
        found = [i for i, band in enumerate(bands) if alike(feature, band)]
        if alike is _same_name and _NUMBERED.fullmatch(feature.name):
            found = []  # a number is no name: of more bands, nobody knows which are meant
        if len(found) > 1:  # several of one meaning, as in a series of dates: names decide
            found = [i for i in found if bands[i].name.lower() == feature.name.lower()]
        if len(found) == 1:
            return found[0]
    return None


def _same_word(one: Feature, other: Feature) -> bool:
    return bool(one.common_name) and one.common_name == other.common_name


def _same_infrared(one: Feature, other: Feature) -> bool:
    return {one.common_name, other.common_name} == NEAR_INFRARED


def _same_wavelength(one: Feature, other: Feature) -> bool:
    if one.common_name and other.common_name and one.common_name != other.common_name:
        return False
    if not (one.wavelength_um and other.wavelength_um):
        return False
    return abs(one.wavelength_um - other.wavelength_um) <= TOLERANCE * one.wavelength_um


def _same_name(one: Feature, other: Feature) -> bool:
    """Tell by names alone, where it is not known of both what they measure."""
    if one.is_told and other.is_told:
        return False
    return one.name.lower() == other.name.lower()


ALIKE = (_same_word, _same_infrared, _same_wavelength, _same_name)
"""How a band is told to be a feature; earlier ways win."""
