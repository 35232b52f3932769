"""Spectral indices: the catalogue's values, over the right bands, or one error."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.scene.index_formulas import CONSTANTS, FORMULAS, TASSELLED_CAP
from bridges.scene.indices import evaluate, index_name, letters_of, needs_reflectance
from bridges.scene.opening import open_scene

NAMES = ["blue", "green", "red", "nir08", "swir16", "swir22"]


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(0.02, 0.6, (6, 14, 9))


@pytest.fixture
def image(make_raster, values):
    return make_raster("image.tif", values, names=NAMES)


def test_values_are_the_catalogues():
    spyndex = pytest.importorskip("spyndex")
    random = np.random.default_rng(1)
    for name in FORMULAS:
        bands = {letter: random.uniform(0.02, 0.6, 50) for letter in letters_of(name)}
        with np.errstate(invalid="ignore"):
            theirs = spyndex.computeIndex(name, params=bands | CONSTANTS.get(name, {}))
        np.testing.assert_allclose(evaluate(name, bands), theirs, rtol=1e-6, err_msg=name)


def test_by_hand():
    bands = {
        letter: np.array([value]) for letter, value in zip("BRN", (0.1, 0.2, 0.5), strict=True)
    }
    assert evaluate("NDVI", bands)[0] == pytest.approx(3 / 7)
    assert evaluate("EVI", bands)[0] == pytest.approx(2.5 * 0.3 / (0.5 + 1.2 - 0.75 + 1))
    assert evaluate("SAVI", bands)[0] == pytest.approx(1.5 * 0.3 / 1.2)
    assert evaluate("SAVI", bands, L=1.0)[0] == pytest.approx(2 * 0.3 / 1.7)


def test_the_tasselled_cap_is_a_rotation():
    unit = np.eye(6)
    bands = dict(zip(["B", "G", "R", "N", "S1", "S2"], unit, strict=True))
    axes = np.stack([evaluate(name, bands) for name in TASSELLED_CAP])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=2e-4)


def test_every_formula_is_arithmetic_on_known_letters():
    for name in FORMULAS | TASSELLED_CAP:
        letters = letters_of(name)
        assert letters, name
        found = evaluate(
            name, {letter: np.full(2, 0.1 + 0.07 * k) for k, letter in enumerate(letters)}
        )
        assert found.shape == (2,), name


def test_bands_and_indices_in_the_order_asked_for(image, values):
    scene = open_scene(image, bands=["red", "ndvi", "nir08", "NDBI", "TCW"])
    assert scene.band_names == ["red", "NDVI", "nir08", "NDBI", "TCW"]
    assert scene.n_bands == 5
    found, valid = scene.read()
    assert valid.all()
    red, nir, swir = values[2], values[3], values[4]
    expected = [red, (nir - red) / (nir + red), nir, (swir - nir) / (swir + nir)]
    np.testing.assert_allclose(found[..., :4], np.stack(expected, axis=-1))
    wet = np.array([0.0315, 0.2021, 0.3102, 0.1594, -0.6806, -0.6109])
    np.testing.assert_allclose(found[..., 4], np.tensordot(values, wet, (0, 0)))
    assert {band.name for band in scene.bands} == set(NAMES)


def test_only_an_index_reads_only_its_bands(image):
    scene = open_scene(image, bands=["NBR"])
    assert [band.name for band in scene.bands] == ["nir08", "swir22"]


def test_a_pixel_without_a_value_is_not_valid(make_raster, values):
    values[2, 3, 4] = values[3, 3, 4] = 0.0
    scene = open_scene(make_raster("image.tif", values, names=NAMES), bands=["NDVI"])
    _, valid = scene.read()
    assert np.argwhere(~valid).tolist() == [[3, 4]]


def test_the_same_from_integers_with_a_scale_and_from_floats(make_raster, make_sidecar, values):
    stored = np.rint(values * 10_000).astype(np.int16)
    floats = make_raster("floats/image.tif", stored * np.float64(0.0001), names=NAMES)
    plain = make_raster("image.tif", stored, names=NAMES)
    make_sidecar(scale=0.0001)
    asked = ["EVI", "TCB", "red"]
    found = open_scene(plain, bands=asked).read()[0]
    np.testing.assert_array_equal(found, open_scene(floats, bands=asked).read()[0])


def test_integers_without_a_scale_have_ratios_only(make_raster, values):
    image = make_raster("image.tif", np.rint(values * 10_000).astype(np.int16), names=NAMES)
    assert open_scene(image, bands=["NDVI"]).band_names == ["NDVI"]
    with pytest.raises(DataError, match="EVI is for reflectance") as caught:
        open_scene(image, bands=["EVI"])
    assert "scale" in caught.value.hint


def test_what_needs_reflectance():
    assert [needs_reflectance(n) for n in ("NDVI", "TCW", "EVI", "SAVI")] == [
        False,
        False,
        True,
        True,
    ]


def test_missing_bands_and_misspelt_names(make_raster, values):
    image = make_raster("image.tif", values[:4], names=NAMES[:4])
    with pytest.raises(DataError, match="NDBI needs the band swir16"):
        open_scene(image, bands=["NDBI"])
    with pytest.raises(DataError, match="no spectral index") as caught:
        open_scene(image, bands=["NDVIX"])
    assert "NDVI" in caught.value.hint


def test_a_name_in_another_case():
    assert index_name("ndvi") == "NDVI"
    assert index_name("nothing") is None
    assert all(math.isfinite(value) for known in CONSTANTS.values() for value in known.values())
