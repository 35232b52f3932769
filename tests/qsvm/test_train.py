"""The main command: its files, its answers, and that it repeats itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio
from small_scene import QUICK, scene_options, write_scene

from bridges.run.model_file import load_model
from qsvm.train import main

MAP = {"map.tif", "map.qml", "map.json", "map.png"}
FILES = {"metrics.json", "model.skops", "model_card.md", "report.html", "run.json"} | MAP
SCORES = {"accuracy", "balanced_accuracy", "kappa", "macro_f1", "auroc", "auprc"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def first_run(scene, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    assert main([*scene_options(scene), *QUICK, "--quiet", "--out", str(out)]) == 0
    return out


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_run_leaves_its_files_and_no_others(first_run):
    assert {p.name for p in first_run.iterdir()} == FILES
    assert [p.name for p in first_run.parent.iterdir()] == ["first"]


def test_metrics_have_what_is_promised(first_run):
    metrics = read(first_run / "metrics.json")
    assert metrics.keys() >= SCORES | {
        "classes", "n_train", "n_test", "split", "seed", "sampler", "fit_report", "diagnostics",
        "controls", "n_masked", "confusion", "oob_score",
    }  # fmt: skip
    assert metrics["auroc"] is metrics["auprc"] is None
    assert metrics["sampler"] == "neal"
    assert {c["name"] for c in metrics["classes"]} == {"water", "forest", "urban"}
    assert sum(c["support"] for c in metrics["classes"]) == metrics["n_test"]
    assert metrics["n_train"] + metrics["n_test"] == 300
    assert set(metrics["controls"]) == {
        "random_alpha", "random_hull", "constant_alpha", "exact_same_members", "exact_all",
    }  # fmt: skip
    assert all(set(scores) == SCORES for scores in metrics["controls"].values())
    report = metrics["fit_report"]
    assert report["n_members"] == 2
    assert report["n_variables"] == 8
    assert all(
        report[key] >= 0 for key in ("total_s", "kernel_s", "build_s", "solve_s", "decode_s")
    )
    quality = metrics["diagnostics"]
    assert 0 <= quality["energy_gap_mean"] <= quality["energy_gap_max"]
    assert quality["chain_break_fraction"] is None
    assert metrics["accuracy"] > 0.6


def test_two_classes_have_areas_under_curves(scene, tmp_path, capsys):
    out = tmp_path / "two"
    words = scene_options(scene, classes="forest,3", out=out)
    assert main([*words, *QUICK, "--quiet", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics == read(out / "metrics.json")
    assert 0.5 < metrics["auroc"] <= 1
    assert 0.5 < metrics["auprc"] <= 1
    assert metrics["n_train"] + metrics["n_test"] == 180


def test_the_map_has_the_codes_of_the_scene(scene, first_run):
    with rasterio.open(first_run / "map.tif") as got, rasterio.open(scene / "image.tif") as image:
        assert (got.height, got.width) == (image.height, image.width)
        assert got.crs == image.crs
        assert set(np.unique(got.read(1))) <= {1, 2, 3}


def test_the_saved_model_scales_and_classifies_raw_pixels(scene, first_run):
    model, meta = load_model(first_run / "model.skops")
    with rasterio.open(scene / "image.tif") as image, rasterio.open(first_run / "map.tif") as drawn:
        pixels = image.read().reshape(image.count, -1).T
        np.testing.assert_array_equal(model.predict(pixels), drawn.read(1).ravel())
    assert meta["class_names"] == {"1": "water", "2": "forest", "3": "urban"}


def test_the_report_stands_alone_and_names_split_and_controls(first_run):
    page = (first_run / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "data:image/" in page
    for said in ("neighbours of test pixels", "water", "random"):
        assert said in page


def test_the_record_of_a_run_repeats_it(first_run, tmp_path):
    again = tmp_path / "again"
    config = str(first_run / "run.json")
    assert main(["--config", config, "--quiet", "--out", str(again)]) == 0
    assert (again / "map.tif").read_bytes() == (first_run / "map.tif").read_bytes()
    old, new = read(first_run / "metrics.json"), read(again / "metrics.json")
    for timed in (old, new):
        timed.pop("fit_report")
    assert new == old
    other = tmp_path / "other"
    assert main(["--config", config, "--quiet", "--seed", "5", "--out", str(other)]) == 0
    assert read(other / "metrics.json")["confusion"] != old["confusion"]


def test_one_worker_makes_the_map_and_model_of_all(scene, first_run, tmp_path):
    out = tmp_path / "out"
    words = [*scene_options(scene, jobs=1, out=out), *QUICK, "--quiet"]
    assert main(words) == 0
    assert (out / "map.tif").read_bytes() == (first_run / "map.tif").read_bytes()
    ours, _ = load_model(out / "model.skops")
    theirs, _ = load_model(first_run / "model.skops")
    np.testing.assert_array_equal(ours[-1].dual_coef_, theirs[-1].dual_coef_)


def test_whole_polygons_are_left_out_and_the_report_says_so(scene, tmp_path):
    out = tmp_path / "out"
    words = scene_options(scene, groups=scene / "groups.tif", split="polygons", out=out)
    assert main([*words, *QUICK, "--quiet"]) == 0
    metrics = read(out / "metrics.json")
    assert metrics["split"] == "polygons"
    assert "polygons" in metrics["split_note"]
    assert metrics["split_note"] in (out / "report.html").read_text(encoding="utf-8")


def test_tables_need_no_scene(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    np.savez(tmp_path / "t.npz", X=rng.normal(size=(80, 3)) + y[:, None], y=y)
    out = tmp_path / "out"
    words = ["--table", str(tmp_path / "t.npz"), "--out", str(out), "--scale", "none"]
    assert main([*words, *QUICK, "--combine", "oob", "--multiclass", "ovr"]) == 0
    assert {p.name for p in out.iterdir()} == FILES - MAP
    shown = capsys.readouterr()
    assert "this model" in shown.out
    assert "train" in shown.err


def test_masked_pixels_are_counted_and_stay_empty_on_the_map(scene, tmp_path, capsys):
    from small_scene import spectra, write_raster

    image = spectra().astype(np.float32)
    image[2, :2] = np.nan  # two rows, of which a third is labelled
    image[0, 2] = -9999.0
    path = write_raster(tmp_path / "image.tif", image, nodata=-9999.0)
    out = tmp_path / "out"
    assert main([*scene_options(scene, image=path, out=out), *QUICK]) == 0
    assert read(out / "metrics.json")["n_masked"] == 30
    assert "30 more are masked" in capsys.readouterr().err
    with rasterio.open(out / "map.tif") as drawn:
        codes = drawn.read(1)
    assert not codes[:3].any()
    assert codes[3:].all()


def test_a_dry_run_tells_the_sizes_and_writes_nothing(scene, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*scene_options(scene), *QUICK, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "6 QUBOs; the largest has 8 variables and 28 couplers" in shown
    assert list(tmp_path.iterdir()) == []


def test_lists_of_samplers_and_versions(capsys):
    assert main(["--list-samplers"]) == 0
    shown = capsys.readouterr().out
    assert "neal" in shown
    assert "random-alpha" in shown
    assert main(["--show-versions"]) == 0
    assert "numpy" in capsys.readouterr().out


def test_overwriting_replaces_an_earlier_run_only_when_asked(scene, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "map.tif").write_text("old", encoding="utf-8")
    words = [*scene_options(scene, out=out), *QUICK, "--quiet"]
    assert main(words) == 2
    assert {p.name for p in out.iterdir()} == {"notes.txt", "map.tif"}
    assert main([*words, "--overwrite"]) == 0
    assert {p.name for p in out.iterdir()} == FILES | {"notes.txt"}
    assert (out / "map.tif").stat().st_size > 3


def test_help_is_quick():
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "qsvm.train", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--member-size" in done.stdout
    assert time.perf_counter() - started < 30
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    slow = ("sklearn", "numba", "rasterio", "matplotlib", "dimod", "dwave.samplers", "scipy")
    assert not loaded & set(slow)
