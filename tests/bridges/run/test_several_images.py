"""Several images with their labels are trained on as one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.run.load import scenes_of
from classical.train import main

NAMES = ["red", "nir", "swir16"]


@pytest.fixture
def files(make_raster):
    """Two images of one landscape, the second with its bands in another order and one more."""
    truth = np.arange(60) // 20
    means = np.array([[0.1, 0.1, 0.05], [0.08, 0.4, 0.2], [0.2, 0.25, 0.35]])
    found = []
    for number, order in enumerate(([0, 1, 2], [2, 0, 0, 1])):
        stack = means[truth][None].repeat(30 + number, axis=0).transpose(2, 0, 1)
        noise = np.random.default_rng(number).normal(scale=0.03, size=stack.shape)
        names = [NAMES[i] for i in order]
        if len(order) > 3:
            names[2] = "spare"
        image = make_raster(f"i{number}.tif", (stack + noise)[order], names=names)
        known = np.where(np.arange(30 + number)[:, None] % 3, 0, truth + 1).astype(np.uint8)
        if number:
            known[known == 1] = 0  # this image has one class less
        found.append((str(image), str(make_raster(f"l{number}.tif", known, nodata=0))))
    return found


def words(files):
    return [w for image, labels in files for w in ("--image", image, "--labels", labels)]


@pytest.mark.parametrize("split", ["random", "regions", "blocks"])
def test_one_model_and_a_map_of_each(files, tmp_path, split):
    out = tmp_path / "run"
    more = ["--block-size", "10"] if split == "blocks" else []
    assert main([*words(files), "--split", split, *more, "--quiet", "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.9
    assert metrics["n_train"] + metrics["n_test"] == 10 * 60 + 11 * 40
    assert any("Image 2: The bands are taken" in note for note in metrics["notes"])
    files_there = {path.name for path in out.iterdir()}
    assert {"map.tif", "map.png", "map-2.tif", "map-2.png"} <= files_there
    assert len(metrics["further_maps"]) == 1
    again = tmp_path / "again"
    assert main(["--config", str(out / "run.json"), "--quiet", "--out", str(again)]) == 0
    assert (again / "map-2.tif").read_bytes() == (out / "map-2.tif").read_bytes()
    overwritten = ["--quiet", "--overwrite", "--out", str(out), "--split", "random"]
    assert main([*words(files[:1]), *overwritten]) == 0
    assert not (out / "map-2.tif").exists()


def test_what_does_not_pair_or_match(files, make_raster, tmp_path, capsys):
    (image, labels), (other, _) = files
    out = ["--quiet", "--out", str(tmp_path / "run")]
    assert main(["--image", image, "--image", other, "--labels", labels, *out]) == 2
    assert "do not pair" in capsys.readouterr().err
    poor = str(
        make_raster(
            "poor.tif", np.ones((30, 60, 3)).transpose(2, 0, 1), names=["red", "nir", "blue"]
        )
    )
    assert main([*words([files[0], (poor, labels)]), *out]) == 3
    assert "without swir16" in capsys.readouterr().err
    assert main([*words(files), "--split", "knndm", *out]) == 2
    assert scenes_of(None, None, None) == [(None, None, None)]
