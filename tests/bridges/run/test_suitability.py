"""Units and values of an image against those that a model was trained on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.run.suitability import share_outside, suited
from bridges.scene.matching import told_features
from bridges.scene.opening import open_scene

NAMES = ["red", "nir"]


@pytest.fixture
def reflectance():
    rng = np.random.default_rng(0)
    return rng.uniform(0.02, 0.4, (2, 40, 30)).astype(np.float32)


def meta_of(scene):
    values = scene.read()[0].reshape(-1, scene.n_bands)
    return {
        "feature_names": scene.band_names,
        "features": told_features(scene.band_names, scene),
        "feature_range": [values.min(axis=0).tolist(), values.max(axis=0).tolist()],
        "sensor": scene.sensor,
    }


def suit(scene, meta, **options):
    return suited(scene, meta, scene.bands, chosen=False, **options)


@pytest.fixture
def trained(make_raster, reflectance):
    return meta_of(open_scene(make_raster("trained.tif", reflectance, names=NAMES)))


def test_the_same_unit_says_nothing(make_raster, reflectance, trained):
    scene = open_scene(make_raster("a.tif", reflectance[:, ::-1], names=NAMES))
    assert suit(scene, trained) == (scene, [], [])


@pytest.mark.parametrize(
    ("store", "unit"),
    [
        (lambda r: np.rint(r * 1e4).astype(np.int16), "reflectance × 10 000"),
        (lambda r: np.rint((r + 0.2) / 2.75e-5).astype(np.uint16), "Landsat Collection 2"),
    ],
)
def test_another_form_of_reflectance_is_converted_and_told(
    make_raster, reflectance, trained, store, unit
):
    scene = open_scene(make_raster("a.tif", store(reflectance), names=NAMES))
    ready, notes, warnings = suit(scene, trained)
    assert unit in notes[0]
    assert not warnings
    np.testing.assert_allclose(ready.read()[0], reflectance.transpose(1, 2, 0), atol=6e-5)


def test_a_unit_that_nobody_knows_is_refused_unless_wanted(make_raster, reflectance, trained):
    digital = np.rint(reflectance * 400 + 5).astype(np.uint8)
    scene = open_scene(make_raster("a.tif", digital, names=NAMES))
    with pytest.raises(DataError, match=r"100% of the pixels lie far outside.*trained on"):
        suit(scene, trained)
    _, notes, warnings = suit(scene, trained, any_values=True)
    assert not notes
    assert "same unit" in warnings[0]


def test_stated_units_that_differ_are_refused(make_raster, make_sidecar, reflectance, trained):
    for feature in trained["features"]:
        feature["unit"] = "reflectance"
    make_sidecar(image="a.tif", unit="kelvin")
    scene = open_scene(make_raster("a.tif", reflectance, names=NAMES))
    with pytest.raises(DataError, match=r"takes red in reflectance; the image gives red in kelvin"):
        suit(scene, trained)


def test_pixels_are_looked_at_all_over_the_scene(make_raster, trained):
    values = np.full((2, 300, 40), 0.2, np.float32)
    values[:, :60] = values[:, -120:] = 3000  # not in the middle
    scene = open_scene(make_raster("a.tif", values, names=NAMES))
    _, _, warnings = suit(scene, trained)
    assert "6" in warnings[0].split("%")[0]


def test_another_sensor_is_a_note(make_raster, reflectance, trained):
    scene = open_scene(make_raster("a.tif", reflectance, names=NAMES))
    scene = dataclasses.replace(scene, sensor="OLI")
    _, notes, _ = suit(scene, {**trained, "sensor": "ETM+"})
    assert "trained on ETM+, the image is of OLI" in notes[0]
    assert "Not all units are stated" in notes[0]


def test_a_model_of_an_older_version(make_raster, reflectance, trained):
    scene = open_scene(make_raster("a.tif", reflectance[::-1], names=NAMES[::-1]))
    old = {key: trained[key] for key in ("feature_names", "feature_range")}
    ready, notes, _ = suit(scene, old)
    assert ready.band_names == NAMES
    assert "in the model's order" in notes[0]
    assert suit(scene, {"kind": "sklearn-svc"}) == (scene, [], [])
    assert share_outside(np.array([[0.5, 9.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])) == 1.0


def test_level_1_is_no_level_2(make_raster, reflectance):
    """Their stored numbers overlap, and their band numbers are the same."""
    name = "LC08_{0}_016035_20200101_20200823_02_T1"
    stored = np.rint((reflectance + 0.2) / 2.75e-5).astype(np.uint16)
    for number, values in zip((4, 5), stored, strict=True):
        make_raster(f"l2/{name.format('L2SP')}_SR_B{number}.TIF", values, nodata=0)
        make_raster(f"l1/{name.format('L1TP')}_B{number}.TIF", values)
    folder = make_raster("x.tif", stored).parent
    meta = meta_of(open_scene(folder / "l2"))
    with pytest.raises(DataError, match="in reflectance; the image gives B4 in digital numbers"):
        suit(open_scene(folder / "l1"), meta)
