"""Change between two maps: pairs by name, the matrix counted by hand, one error otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.change import main
from bridges.errors import DataError
from bridges.maps import change as module
from bridges.maps.change import map_change
from bridges.scene.raster import opened

BEFORE, AFTER = {1: "water", 2: "forest", 3: "urban"}, {10: "forest", 20: "urban", 30: "water"}
SAME = {2: 10, 3: 20, 1: 30}


@pytest.fixture
def maps(make_raster):
    random = np.random.default_rng(0)
    before = random.integers(1, 4, (300, 40)).astype(np.uint8)
    after = np.vectorize(SAME.get)(before).astype(np.uint8)
    after[:100] = random.choice([10, 20, 30], (100, 40))
    before[5, 5] = after[6, 6] = 0

    def tags(names):
        return {f"CLASS_{code}": name for code, name in names.items()}

    first = make_raster("before.tif", before, nodata=0, tags=tags(BEFORE))
    second = make_raster("after.tif", after, nodata=0, tags=tags(AFTER))
    return first, second, before, after


def test_the_matrix_and_the_map(maps, tmp_path, monkeypatch):
    first, second, before, after = maps
    out = tmp_path / "change.tif"
    found = map_change(first, second, out)
    assert found.classes == ["water", "forest", "urban"]
    names_before = np.vectorize({**BEFORE, 0: ""}.get)(before)
    names_after = np.vectorize({**AFTER, 0: ""}.get)(after)
    for i, a in enumerate(found.classes):
        for j, b in enumerate(found.classes):
            assert found.pixels[i, j] == np.sum((names_before == a) & (names_after == b))
    assert found.n_unknown == 2
    known = (before > 0) & (after > 0)
    assert found.n_changed == np.sum((names_before != names_after) & known)
    assert found.pixel_area_m2 == pytest.approx(900)
    with opened(out) as dataset:
        codes, tags = dataset.read(1), dataset.tags()
        assert (dataset.nodata, dataset.descriptions) == (0, ("change",))
    assert codes[5, 5] == codes[6, 6] == 0
    for code in np.unique(codes[codes > 0]).tolist():
        own = codes == code
        (a,), (b,) = set(names_before[own]), set(names_after[own])
        assert tags[f"CLASS_{code}"] == (a if a == b else f"{a} -> {b}")
    monkeypatch.setattr(module, "STRIP_PIXELS", 256 * 40)
    again = tmp_path / "again.tif"
    map_change(first, second, again)
    assert again.read_bytes() == out.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_map_has_not_changed_from_itself(maps, tmp_path):
    found = map_change(maps[0], maps[0], tmp_path / "c.tif")
    assert found.n_changed == 0


def test_other_grids_are_refused(maps, make_raster, tmp_path):
    other = make_raster("other.tif", np.ones((300, 41), dtype=np.uint8), nodata=0)
    with pytest.raises(DataError):
        map_change(maps[0], other, tmp_path / "c.tif")
    assert not (tmp_path / "c.tif").exists()


def test_the_command(maps, tmp_path, capsys):
    out = tmp_path / "change.tif"
    asked = [str(maps[0]), str(maps[1]), "--out", str(out), "--quiet"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changed_pixels"] == map_change(maps[0], maps[1], tmp_path / "x.tif").n_changed
    assert np.sum(told["hectares"]) == pytest.approx(np.sum(told["pixels"]) * 0.09)
    assert main(asked) == 2
    assert "exists" in capsys.readouterr().err
    assert main([*asked, "--overwrite"]) == 0
    assert "columns after" in capsys.readouterr().out
