"""Maps that were killed go on where they were, and end with the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys

import killed
import numpy as np
import pytest

from bridges.errors import UsageError
from bridges.maps import classify
from bridges.maps.parts import folder_of
from bridges.scene.opening import open_scene


@pytest.fixture
def image(make_raster):
    return make_raster("image.tif", np.random.default_rng(0).integers(1, 9, (2, 600, 600), "u1"))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(classify, "WINDOW_ROWS", 256)
    monkeypatch.setattr(classify, "WINDOW_COLUMNS", 256)


def die(image, target, at):
    """Draw a map in a process that is killed when it labels this window."""
    words = f"import killed; killed.draw({str(image)!r}, {str(target)!r}, resume=False)"
    folder = os.path.dirname(killed.__file__)
    variables = {**os.environ, "DIES_AT": str(at), "PYTHONPATH": folder}
    done = subprocess.run([sys.executable, "-c", words], env=variables, check=False)
    assert done.returncode < 0


def test_a_killed_map_goes_on_and_has_the_same_bytes(image, tmp_path):
    whole, target = tmp_path / "whole.tif", tmp_path / "map.tif"
    assert killed.draw(image, whole, resume=False) == 9
    die(image, target, 7)
    assert not target.exists()
    assert folder_of(target).is_dir()
    left = killed.draw(image, target, resume=True)
    assert 3 <= left <= 6  # windows in work when it was killed are done again
    assert target.read_bytes() == whole.read_bytes()
    assert not folder_of(target).exists()


def test_without_resume_or_on_another_image_all_is_done_again(image, tmp_path):
    target = tmp_path / "map.tif"
    die(image, target, 7)
    assert killed.draw(image, target, resume=False) == 9
    die(image, target, 7)
    os.utime(image, (0, 0))
    assert killed.draw(image, target, resume=True) == 9


def test_a_failed_map_that_may_be_resumed_keeps_what_is_finished(image, tmp_path, monkeypatch):
    target = tmp_path / "map.tif"
    monkeypatch.setenv("FAILS_AT", "7")
    with pytest.raises(ValueError, match="lost"):
        killed.draw(image, target, resume=True)
    assert not target.exists()
    monkeypatch.delenv("FAILS_AT")
    assert 1 <= killed.draw(image, target, resume=True) <= 6
    assert target.exists()
    assert not folder_of(target).exists()


def test_a_callable_cannot_be_resumed(image, tmp_path):
    with pytest.raises(UsageError, match="cannot be gone on with"):
        classify.predict_map(
            lambda values: np.ones(len(values)),
            open_scene(image),
            tmp_path / "map.tif",
            class_names={1: "a"},
            resume=True,
        )
