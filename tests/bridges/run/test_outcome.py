"""What a run has computed is not lost to a picture, nor to a pixel that cannot be read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from small_scene import QUICK, scene_options, write_scene

from bridges.maps import companions
from bridges.report import map_plots, page
from bridges.run import outcome
from bridges.run.model_file import load_model
from qsvm.train import main


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


def run(scene, out, *words):
    return main([*scene_options(scene), *QUICK, "--quiet", "--out", str(out), *words])


def fail(*args, **kwargs):
    raise RuntimeError("no such colour")


@pytest.mark.parametrize("broken", ["map", "report", "card", "style"])
def test_a_picture_that_fails_is_a_note(scene, tmp_path, monkeypatch, broken):
    if broken == "map":
        monkeypatch.setattr(map_plots, "map_figure", fail)
    elif broken == "report":
        monkeypatch.setattr(page, "save_figure", fail)
    elif broken == "card":
        monkeypatch.setattr(outcome, "model_card", fail)
    else:
        monkeypatch.setattr(companions, "write_companions", fail)
    assert run(scene, tmp_path / "out") == 0
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"metrics.json", "model.skops", "map.tif", "report.html", "run.json"} <= files
    assert ("map.png" in files) == (broken != "map")
    notes = json.loads((tmp_path / "out" / "metrics.json").read_text())["notes"]
    assert any("could not be drawn (RuntimeError: no such colour)" in note for note in notes)


def test_an_image_that_breaks_off_below_its_labels_leaves_model_and_scores(tmp_path, capsys):
    rows, width = 1100, 16
    labels = np.zeros((rows, width), np.uint8)
    labels[:20, ::2], labels[20:40, ::2] = 1, 2
    values = np.random.default_rng(0).integers(1, 100, (2, rows, width)).astype(np.uint8)
    values[:, 20:40] += 100
    shape = {"height": rows, "width": width, "dtype": "uint8", "crs": "EPSG:32617"}
    place = rasterio.Affine(30, 0, 500_000, 0, -30, 4_000_000)
    for name, array in (("image", values), ("labels", labels[None])):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", count=len(array), transform=place,
            blockysize=16, interleave="pixel", **shape,
        ) as file:  # fmt: skip
            file.write(array)
    image = tmp_path / "image.tif"
    image.write_bytes(image.read_bytes()[: int(image.stat().st_size * 0.7)])
    words = ["--image", str(image), "--labels", str(tmp_path / "labels.tif"), "--split", "random"]
    out = tmp_path / "out"
    code = main([*words, *QUICK, "--quiet", "--out", str(out)])
    said = capsys.readouterr().err
    assert code == 3
    assert f"kept in {out}" in said
    assert load_model(out / "model.skops")[1]["feature_names"] == ["band 1", "band 2"]
    assert json.loads((out / "metrics.json").read_text())["accuracy"] > 0.8


def test_nan_as_nodata_is_recorded_and_repeated(scene, tmp_path):
    assert run(scene, tmp_path / "a", "--nodata", "nan") == 0
    record = tmp_path / "a" / "run.json"
    assert json.loads(record.read_text())["arguments"]["nodata"] == "nan"
    assert main(["--config", str(record), "--quiet", "--out", str(tmp_path / "b")]) == 0
    one, two = (json.loads((tmp_path / f / "metrics.json").read_text()) for f in "ab")
    assert one["accuracy"] == two["accuracy"]
