"""Bands are matched with features by what they measure, in any order and among more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.errors import DataError
from bridges.scene.matching import Feature, features_of, matched, told_features
from bridges.scene.raster import Grid
from bridges.scene.scene import Band, Scene
from bridges.scene.sensors import SENSORS, meaning_of


def bands_of(sensor, *numbers):
    return tuple(
        Band(Path("a.tif"), i, f"SR_B{n}", m.common_name, wavelength_um=m.wavelength_um)
        for i, n in enumerate(numbers, start=1)
        for m in [meaning_of(sensor, str(n))]
    )


def scene_of(bands, sensor=""):
    return Scene(Path("a.tif"), Grid(1, 1, None, None), tuple(bands), sensor=sensor)


def match(features, bands, chosen=False, usual=None):
    scene = scene_of(bands)
    found, notes = matched(features, scene, usual or scene.bands, chosen=chosen)
    return [band.name for band in found], notes


L7 = [Feature.of(band) for band in bands_of("ETM+", 1, 2, 3, 4, 5, 7)]
L8_ORDER = [f"SR_B{n}" for n in (2, 3, 4, 5, 6, 7)]


@given(st.permutations(range(7)))
def test_another_sensor_in_any_order_and_among_more(order):
    bands = bands_of("OLI", *range(1, 8))
    assert match(L7, [bands[i] for i in order])[0] == L8_ORDER


@pytest.mark.parametrize("sensor", ["TM", "ETM+", "OLI", "MSI"])
def test_all_sensors_serve_a_model_of_six_bands(sensor):
    numbers = [n for n in SENSORS[sensor] if n != "8"]  # of MSI, the narrow infrared
    names, _ = match(L7, bands_of(sensor, *numbers))
    common = [meaning_of(sensor, name[4:]).common_name for name in names]
    assert common == ["blue", "green", "red", "nir08", "swir16", "swir22"]


def test_equal_names_of_other_meaning_are_refused_if_chosen():
    with pytest.raises(DataError, match=r"SR_B1 \(coastal\).*without SR_B5 \(swir16\)") as caught:
        match(L7, bands_of("OLI", 1, 2, 3, 4, 5, 7), chosen=True)
    assert "--bands blue,green,red,nir08,swir16,swir22" in caught.value.hint


def test_a_broad_infrared_stands_in_where_there_is_no_narrow_one():
    features = [Feature.of(band) for band in bands_of("OLI", 4, 5)]
    assert match(features, bands_of("MSI", 2, 3, 4, 8))[0] == ["SR_B4", "SR_B8"]
    assert match(features, bands_of("MSI", 2, "8A", 4, 8))[0] == ["SR_B4", "SR_B8A"]


def test_wavelengths_serve_where_words_are_missing():
    def spectral(*centres):
        return [Band(Path("h"), i, f"b{i}", wavelength_um=w) for i, w in enumerate(centres, 1)]

    features = [Feature(f"x{i}", wavelength_um=w) for i, w in enumerate((0.45, 0.65, 0.86))]
    assert match(features, spectral(0.86, 0.452, 0.55, 0.655))[0] == ["b2", "b4", "b1"]
    with pytest.raises(DataError, match="without x1"):
        match(features, spectral(0.86, 0.452, 0.55))
    # neighbours of a spectrometer are taken as they stand, or not at all
    close = [Feature(f"x{i}", wavelength_um=0.5 + 0.005 * i) for i in range(4)]
    assert match(close, spectral(0.501, 0.506, 0.511, 0.516))[1] == []


def named(*names):
    return [Band(Path("a"), i, name) for i, name in enumerate(names, 1)]


def test_names_alone():
    features = [Feature("a"), Feature("b")]
    assert match(features, named("b", "z", "A"))[0] == ["A", "b"]
    assert match(features, named("a", "b")) == (["a", "b"], [])
    found, notes = match(features, named("p", "q"))
    assert found == ["p", "q"]
    assert "taken in this order" in notes[0]
    with pytest.raises(DataError, match="has 3 bands"):
        match(features, named("p", "q", "r"))


def test_numbers_are_no_names():
    features = [Feature("band 1"), Feature("band 2")]
    assert match(features, named("band 1", "band 2"))[1] == []
    with pytest.raises(DataError, match="has 3 bands"):
        match(features, named("band 1", "band 2", "band 3"))
    found, notes = match(features, named("band 2", "band 1"), chosen=True)
    assert found == ["band 2", "band 1"]
    assert "taken in this order" in notes[0]


def test_several_dates_are_told_apart_by_names():
    bands = [dataclasses.replace(band, common_name="red") for band in named("may red", "june red")]
    features = [Feature.of(band) for band in bands]
    assert match(features, bands[::-1])[1] == []  # equal meanings in equal order
    assert match(features, [*bands[::-1], *named("x")])[0] == ["may red", "june red"]


def test_what_a_model_file_keeps_and_what_older_ones_have():
    scene = scene_of(bands_of("OLI", 2, 4))
    told = told_features(scene.band_names, scene)
    later = [{**each, "later": 1} for each in told]
    assert features_of({"features": later})[1].common_name == "red"
    assert features_of({"feature_names": ["Red", "x"]}) == [Feature("Red", "red"), Feature("x")]
    assert features_of({"kind": "old"}) == []
    assert told_features(["nir", "slope"], None)[0]["common_name"] == "nir"
