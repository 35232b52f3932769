"""Probabilities in a run: learnt on folds of the kind of the split, scored, drawn and saved."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.predict import main as predict
from bridges.run.calibrating import groups_of
from bridges.run.model_file import load_model
from bridges.samples.labelled import LabelledData
from bridges.scene.raster import opened
from classical.train import main


@pytest.fixture
def table(tmp_path):
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(1, 31), 8)
    y = groups % 3
    X = np.random.default_rng(7).normal(size=(3, 4))[y] + random.normal(size=(240, 4))
    path = tmp_path / "table.npz"
    np.savez(path, X=X, y=y, groups=groups)
    return str(path)


@pytest.fixture
def small_scene(make_raster):
    """Return options for an image of 60 × 60 pixels of three classes, a third of it labelled."""
    random = np.random.default_rng(0)
    truth = np.arange(60) // 20 + 1
    means = np.array([[0, 0], [100, 300], [200, 250], [320, 120]])
    stack = means[truth][None].repeat(60, axis=0).transpose(2, 0, 1)
    stack = stack + random.normal(scale=40, size=(2, 60, 60))
    image = make_raster("image.tif", np.clip(stack, 1, 900).astype(np.uint16), nodata=0)
    known = np.where(np.arange(60)[:, None] % 3, 0, truth).astype(np.uint8)
    return ["--image", str(image), "--labels", str(make_raster("labels.tif", known, nodata=0))]


@pytest.mark.parametrize(
    ("split", "learnt_on"),
    [("random", "10 folds"), ("polygons", "10 folds that keep groups whole")],
)
def test_a_run_learns_scores_draws_and_saves_probabilities(
    table, split, learnt_on, tmp_path, capsys
):
    out = tmp_path / "run"
    options = ["--split", split, "--calibrate", "sigmoid", "--json", "--quiet", "--out", str(out)]
    assert main(["--table", table, *options]) == 0
    found = json.loads(capsys.readouterr().out)["calibration"]
    assert found["learnt_on"] == learnt_on
    assert found["method"] == "sigmoid"
    assert 0 < found["ece"] < 0.3
    assert 0 < found["brier"] < 1
    assert 0 < found["log_loss"] < 1.1
    assert "Probabilities" in (out / "report.html").read_text()
    model, _ = load_model(out / "model.skops")
    with np.load(table) as data:
        p = model.predict_proba(data["X"])
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert np.mean(p.argmax(axis=1) == data["y"]) > 0.5


def test_without_being_asked_nothing_has_probabilities(table, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["--table", table, "--json", "--quiet", "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["calibration"] is None
    model, _ = load_model(out / "model.skops")
    assert not hasattr(model, "predict_proba")


def test_a_map_is_smoothed_and_sieved_as_asked(small_scene, tmp_path):
    out, again = tmp_path / "run", tmp_path / "map.tif"
    wishes = ["--smooth", "3", "--sieve", "4", "--quiet"]
    assert main([*small_scene, "--split", "random", *wishes, "--out", str(out)]) == 0
    asked = [str(out / "model.skops"), "--image", small_scene[1], "--out", str(again)]
    assert predict([*asked, *wishes]) == 0
    assert again.read_bytes() == (out / "map.tif").read_bytes()
    with opened(again) as dataset:
        assert {"SMOOTHED", "SIEVED"} < set(dataset.tags())
    assert not (out / "confidence.tif").exists()


def samples(groups, n=8):
    place = np.arange(n)
    return LabelledData(
        np.zeros((n, 2)), place % 2, {0: "a", 1: "b"}, ["x", "y"],
        groups=groups, rows=place, cols=place,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["polygons", "regions", "knndm"])
def test_too_few_groups_are_told(kind):
    found, told = groups_of(samples(np.ones(8, dtype=np.int64)), kind, None)
    assert found is None
    assert "random folds" in told


def test_groups_are_what_the_split_leaves_out():
    polygons = np.array([0, 1, 1, 2, 2, 2, 3, 0])
    assert groups_of(samples(polygons), "random", None) == (None, "")
    found, told = groups_of(samples(polygons), "polygons", None)
    assert told == ""
    assert [len(set(found[polygons == p])) for p in (1, 2, 3, 0)] == [1, 1, 1, 2]
    assert len(set(found)) == 5
    blocks, _ = groups_of(samples(polygons), "blocks", 4)
    assert blocks.tolist() == [0] * 4 + [1] * 4
    without, _ = groups_of(samples(None), "buffered", 4)
    assert without.tolist() == blocks.tolist()


def test_a_scene_gets_layers_in_training_and_in_prediction(small_scene, tmp_path, capsys):
    out = tmp_path / "run"
    options = [*small_scene, "--split", "random", "--layers", "confidence", "--json", "--quiet"]
    assert main([*options, "--out", str(out)]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["calibration"]["method"] == "sigmoid"
    assert 0 < metrics["map"]["inside_aoa"] <= 1
    shares = [of["share"] for of in metrics["map"]["classes"].values()]
    assert sum(shares) == pytest.approx(1)
    report = (out / "report.html").read_text()
    assert "area of applicability" in report
    assert "hectares" in report
    card = (out / "model_card.md").read_text()
    for word in ("sigmoid", "area of applicability", "SHA-256", "random", "log loss"):
        assert word in card
    item = json.loads((out / "map.json").read_text())
    assert [b["name"] for b in item["assets"]["confidence"]["bands"]][:2] == ["p_max", "margin"]
    assert (out / "map.qml").exists()
    again = tmp_path / "other" / "map.tif"
    again.parent.mkdir()
    image = options[options.index("--image") + 1]
    asked = [str(out / "model.skops"), "--image", image, "--out", str(again), "--quiet", "--json"]
    assert predict([*asked, "--layers", "confidence"]) == 0
    assert json.loads(capsys.readouterr().out)["inside_aoa"] == metrics["map"]["inside_aoa"]
    for name in ("map.tif", "confidence.tif"):
        assert (again.parent / name).read_bytes() == (out / name).read_bytes()
    assert predict([*asked, "--layers", "confidence"]) == 2
    assert "exists" in capsys.readouterr().err
