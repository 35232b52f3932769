"""Spectral indices travel with the model and are computed from the bands of another image."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.predict import main as predict
from bridges.run.model_file import load_model
from bridges.scene.opening import open_scene
from bridges.scene.raster import opened
from classical.train import main

NAMES = ["green", "red", "nir08", "swir16"]


@pytest.fixture
def files(make_raster):
    """Return an image of floats, one of other bands beside them in another order, and labels."""
    truth = np.arange(60) // 20
    means = np.array([[0.1, 0.1, 0.1, 0.05], [0.1, 0.08, 0.4, 0.2], [0.15, 0.2, 0.25, 0.35]])
    stack = means[truth][None].repeat(40, axis=0).transpose(2, 0, 1)
    stack = np.clip(stack + np.random.default_rng(0).normal(scale=0.03, size=stack.shape), 0.01, 1)
    image = make_raster("image.tif", stack, names=NAMES)
    other = [3, 0, 0, 2, 1]
    names = ["swir16", "green", "extra", "nir08", "red"]
    shuffled = make_raster("other.tif", stack[other], names=names)
    known = np.where(np.arange(40)[:, None] % 3, 0, truth + 1).astype(np.uint8)
    return str(image), str(shuffled), str(make_raster("labels.tif", known, nodata=0))


def test_they_are_computed_again_where_the_model_is_used(files, tmp_path, capsys):
    image, shuffled, labels = files
    out = tmp_path / "run"
    train = ["--image", image, "--labels", labels, "--bands", "red,ndvi,NDBI", "--split", "random"]
    assert main([*train, "--json", "--quiet", "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.9
    model, meta = load_model(out / "model.skops")
    assert meta["feature_names"] == ["red", "NDVI", "NDBI"]
    drawn = tmp_path / "map.tif"
    asked = ["--image", shuffled, "--out", str(drawn), "--quiet"]
    assert predict([str(out / "model.skops"), *asked]) == 0
    assert drawn.read_bytes() == (out / "map.tif").read_bytes()
    values, _ = open_scene(image, bands=["red", "NDVI", "NDBI"]).read()
    with opened(drawn) as dataset:
        expected = model.predict(values.reshape(-1, 3)).reshape(values.shape[:2])
        np.testing.assert_array_equal(dataset.read(1), expected)


def test_an_image_without_their_bands_is_named(files, make_raster, tmp_path, capsys):
    image, _, labels = files
    train = ["--image", image, "--labels", labels, "--bands", "red,NDBI", "--split", "random"]
    assert main([*train, "--quiet", "--out", str(tmp_path / "run")]) == 0
    poor = make_raster("poor.tif", np.ones((2, 9, 9)), names=["red", "nir08"])
    asked = ["--image", str(poor), "--out", str(tmp_path / "map.tif"), "--quiet"]
    assert predict([str(tmp_path / "run" / "model.skops"), *asked]) == 3
    assert "NDBI needs the band swir16" in capsys.readouterr().err
