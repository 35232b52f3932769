"""Bad input through the command line: one line of error, one of hint, its exit code, no files."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from small_scene import QUICK, SIZE, scene_options, spectra, truth, write_raster, write_scene

from qsvm.predict import main as predict
from qsvm.train import main as train


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def model(scene, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "run"
    assert train([*scene_options(scene), *QUICK, "--quiet", "--out", str(out)]) == 0
    return out / "model.skops"


@pytest.fixture
def refuse(tmp_path, capsys, monkeypatch):
    """Run a command that must fail; check its manners; return (message, hint)."""
    monkeypatch.chdir(tmp_path)

    def run(words, code, main=train):
        before = sorted(tmp_path.rglob("*"))
        assert main([str(word) for word in words]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        lines = err.splitlines()
        message, hint = lines[-2:]
        assert message.startswith("error: ")
        assert hint.startswith("hint: ")
        assert len(hint) > len("hint: ") + 5
        assert sum(line.startswith(("error:", "hint:")) for line in lines) == 2
        assert sorted(tmp_path.rglob("*")) == before, "no partial files"
        return message, hint

    return run


def labels_with(tmp_path, array, **options):
    return write_raster(tmp_path / "given.tif", np.asarray(array, dtype=np.uint8), **options)


def test_labels_of_another_reference_system(scene, tmp_path, refuse):
    labels = labels_with(tmp_path, truth(), crs="EPSG:32633")
    message, _ = refuse(scene_options(scene, labels=labels), 3)
    assert "32633" in message
    assert "32617" in message


def test_labels_of_another_shape(scene, tmp_path, refuse):
    labels = labels_with(tmp_path, truth()[:20])
    message, _ = refuse(scene_options(scene, labels=labels), 3)
    assert "20" in message
    assert str(SIZE) in message


def test_labels_of_another_place(scene, tmp_path, refuse):
    labels = labels_with(tmp_path, truth(), origin=530_000.0)
    refuse(scene_options(scene, labels=labels), 3)


def test_a_class_without_labelled_pixels(scene, tmp_path, refuse):
    labels = labels_with(tmp_path, np.where(truth() == 3, 0, truth()), nodata=0)
    message, _ = refuse(scene_options(scene, labels=labels, classes="1,3"), 3)
    assert "urban" in message or "3" in message
    assert "no labelled pixel" in message


def test_a_class_that_does_not_exist(scene, refuse):
    message, hint = refuse(scene_options(scene, classes="water,forrest"), 3)
    assert "forrest" in message
    assert "forest" in message + hint


@pytest.mark.parametrize("how", ["labels", "classes"])
def test_one_class_only(scene, tmp_path, refuse, how):
    labels = labels_with(tmp_path, np.where(truth() == 1, 1, 0), nodata=0)
    changes = {"labels": labels} if how == "labels" else {"classes": "water"}
    message, _ = refuse(scene_options(scene, **changes), 3)
    assert "class" in message
    assert "water" in message


def test_polygons_without_their_numbers(scene, refuse):
    message, hint = refuse(scene_options(scene, split="polygons"), 3)
    assert "polygons" in message
    assert "--groups" in hint


def test_nothing_but_masked_pixels(scene, tmp_path, refuse):
    image = write_raster(tmp_path / "image.tif", np.full((3, SIZE, SIZE), np.nan, np.float32))
    message, _ = refuse(scene_options(scene, image=image), 3)
    assert "masked" in message


def test_no_labels_at_all(scene, tmp_path, refuse):
    labels = labels_with(tmp_path, np.zeros((SIZE, SIZE)), nodata=0)
    refuse(scene_options(scene, labels=labels), 3)


def test_slices_that_need_more_pixels_than_a_class_has(scene, refuse):
    words = [*scene_options(scene), "--sampling", "slices", "--members", "20"]
    message, hint = refuse([*words, "--member-size", "30", "--quiet"], 3)
    assert "disjoint members need" in message
    assert "--members" in hint


def test_the_class_in_a_message_has_its_name(scene, refuse):
    words = [*scene_options(scene), "--sampling", "slices", "--members", "30"]
    message, _ = refuse([*words, "--member-size", "30", "--quiet"], 3)
    assert any(name in message for name in ("water", "forest", "urban"))


def test_members_smaller_than_the_number_of_classes(scene, refuse):
    message, hint = refuse([*scene_options(scene), "--member-size", "2", "--quiet"], 2)
    assert "cannot hold 3 classes" in message
    assert "--member-size" in hint


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--sampler nael", 2, "neal"),
        ("--sampler-option speed=3", 2, "speed"),
        ("--sampler-option num_reads=abc", 2, "num_reads"),
        ("--sampler-option num_reads", 2, "key=value"),
        ("--sampler round --num-reads 3", 2, "num_reads"),
        ("--member-sise 3", 2, "Did you mean --member-size?"),
        ("--members none", 2, "none"),
        ("--num-reads 0", 2, "num-reads"),
        ("--C -1", 2, "--C"),
        ("--gamma wide", 2, "--gamma"),
        ("--penalty nan", 2, "--penalty"),
        ("--n-bits 0", 2, "--n-bits"),
        ("--base 0.5", 2, "--base"),
        ("--seed -1", 2, "--seed"),
        ("--split half", 2, "polygons"),
        ("--test-size 1.5", 2, "test"),
        ("--config absent.toml", 2, "absent.toml"),
        ("--table absent.npz", 3, "absent.npz"),
        ("--table absent.npz --image a.tif", 2, "--image"),
        ("--image absent.tif", 2, "--labels"),
        ("--labels absent.tif", 2, "--image"),
        ("--image absent.tif --labels absent.tif", 3, "absent.tif"),
        ("--kernel precomputed", 2, "rbf"),
    ],
)
def test_wrong_options(words, code, said, refuse):
    message, hint = refuse([*words.split(), "--quiet"], code)
    assert said in message + hint


def test_files_that_are_something_else(scene, tmp_path, refuse):
    junk = tmp_path / "junk.tif"
    junk.write_bytes(b"not a raster")
    message, _ = refuse(scene_options(scene, image=junk), 3)
    assert "junk.tif" in message
    refuse(scene_options(scene, labels=junk), 3)
    for name in ("junk.npz", "junk.csv", "junk.libsvm"):
        (tmp_path / name).write_bytes(b"\x00\x01 not a table")
        message, _ = refuse(["--table", tmp_path / name], 3)
        assert name in message


def test_tables_with_holes(tmp_path, refuse):
    X = np.random.default_rng(0).normal(size=(20, 3))
    X[3, 1] = np.nan
    np.savez(tmp_path / "one_class.npz", X=np.ones((20, 3)), y=np.ones(20))
    refuse(["--table", tmp_path / "one_class.npz"], 3)
    np.savez(tmp_path / "unequal.npz", X=np.ones((20, 3)), y=np.ones(19))
    refuse(["--table", tmp_path / "unequal.npz"], 3)
    np.savez(tmp_path / "keys.npz", A=np.ones((20, 3)))
    refuse(["--table", tmp_path / "keys.npz"], 3)


def test_an_output_folder_that_exists(scene, tmp_path, refuse):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("{}", encoding="utf-8")
    message, hint = refuse([*scene_options(scene), "--out", tmp_path / "out"], 2)
    assert "out" in message
    assert "--overwrite" in hint
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    refuse([*scene_options(scene), "--out", tmp_path / "file"], 2)


@pytest.mark.parametrize(
    "stage",
    [
        "bridges.run.model_file.save_model",
        "bridges.maps.classify.predict_map",
        "bridges.run.outcome.render_report",
    ],
)
def test_a_full_disk(scene, refuse, monkeypatch, stage):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(stage, full)
    message, hint = refuse([*scene_options(scene), *QUICK, "--quiet", "--out", "out"], 1)
    assert "No space left" in message
    assert "--out" in hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_must_not_be_written(scene, tmp_path, refuse):
    tmp_path.chmod(0o555)
    refuse([*scene_options(scene), "--out", tmp_path / "out"], 1)


def test_a_folder_below_a_file(scene, tmp_path, refuse):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    message, _ = refuse([*scene_options(scene), "--out", tmp_path / "file" / "out"], 1)
    assert "file" in message


class TestPrediction:
    """A saved model applied to another scene."""

    def test_another_number_of_bands(self, model, tmp_path, refuse):
        image = write_raster(tmp_path / "image.tif", spectra(bands=6).astype(np.float32))
        message, hint = refuse([model, "--image", image, "--out", "map.tif"], 3, predict)
        assert "6 bands" in message
        assert "4" in message
        assert "--bands" in hint

    @pytest.mark.parametrize("damage", ["cut", "junk", "zip", "absent"])
    def test_a_damaged_model(self, model, scene, tmp_path, refuse, damage):
        bad = tmp_path / "bad.skops"
        whole = model.read_bytes()
        if damage == "cut":
            bad.write_bytes(whole[: len(whole) // 2])
        elif damage == "junk":
            bad.write_bytes(b"junk")
        elif damage == "zip":
            import zipfile

            with zipfile.ZipFile(bad, "w") as archive:
                archive.writestr("schema.json", json.dumps({"protocol": 1}))
        words = [bad, "--image", scene / "image.tif", "--out", "map.tif"]
        message, _ = refuse(words, 3, predict)
        assert "bad.skops" in message

    def test_a_map_that_exists(self, model, scene, tmp_path, refuse):
        (tmp_path / "map.tif").write_text("mine", encoding="utf-8")
        _, hint = refuse([model, "--image", scene / "image.tif", "--out", "map.tif"], 2, predict)
        assert "--overwrite" in hint

    def test_a_model_without_an_image(self, model, refuse):
        message, _ = refuse([model, "--out", "map.tif"], 2, predict)
        assert "--image" in message

    def test_a_full_disk(self, model, scene, refuse, monkeypatch):
        def full(*args, **kwargs):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("bridges.maps.classify.predict_map", full)
        words = [model, "--image", scene / "image.tif", "--out", "map.tif"]
        message, _ = refuse(words, 1, predict)
        assert "No space left" in message


def test_a_traceback_only_when_asked_for(scene, tmp_path, capsys):
    words = [*scene_options(scene, classes="1,9"), "--out", str(tmp_path / "out")]
    assert train([*words, "-vv"]) == 3
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "\nerror: " in shown
    assert train([*words, "-v"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_interrupting_the_training_leaves_nothing(scene, tmp_path):
    words = [*scene_options(scene), "--members", "300", "--num-reads", "2000", "--sweeps", "2000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "qsvm.train", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        for line in process.stderr:
            if " train, " in line:
                break
        time.sleep(1.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        out, err = process.communicate(timeout=60)
        waited = time.monotonic() - started
    finally:
        process.kill()
    assert process.returncode == 130
    assert waited < 15
    assert out == ""
    assert "Traceback" not in err
    assert "error: Interrupted" in err
    assert "hint: " in err
    assert list(tmp_path.iterdir()) == []
