"""Wrong labels found by classifier and neighbours, listed, mapped, removed on request only."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import rasterio

from bridges import clean, registry
from bridges.accuracy.suspects import find_suspects, remove
from bridges.errors import DataError
from bridges.samples.labelled import LabelledData
from bridges.samples.pixels import labelled_pixels
from bridges.scene.built_in import write_scene
from bridges.scene.opening import open_scene

make = partial(registry.make, "sklearn-svc")


def fields(seed=0, n_fields=36, wrong=(3, 10, 20)):
    """Fields of three classes around three centres; some with the label of the next class."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(1, n_fields + 1), 12)
    true = groups % 3 + 1
    X = np.eye(3)[true - 1] * 4 + rng.normal(size=(len(true), 3))
    y = np.where(np.isin(groups, wrong), true % 3 + 1, true)
    return LabelledData(X, y, {1: "a", 2: "b", 3: "c"}, ["u", "v", "w"], groups=groups), true


def test_polygons_with_a_wrong_label_are_the_first() -> None:
    data, true = fields()
    found = find_suspects(data, make)
    assert {u.group for u in found.units[:3]} == {3, 10, 20}
    for unit in found.units[:3]:
        assert unit.suspicion > 0.9
        assert unit.margin < 0
        assert unit.suggested == true[unit.members[0]]
        assert set(unit.members) == set(np.flatnonzero(data.groups == unit.group))
    assert found.units[3].suspicion < 0.2
    assert all(u.margin > 0 for u in found.units[3:])
    again = find_suspects(data, make)
    assert [u.suspicion for u in again.units] == [u.suspicion for u in found.units]


def test_single_samples_are_judged_where_no_polygons_are_known() -> None:
    data, true = fields(wrong=())
    wrong = np.array([5, 77, 200])
    y = data.y.copy()
    y[wrong] = true[wrong] % 3 + 1
    found = find_suspects(replace(data, y=y, groups=None), make)
    assert {int(u.members[0]) for u in found.units[:5]} >= set(wrong.tolist())
    assert "every sample is judged for itself" in found.notes[0]


def test_a_class_of_one_polygon_is_not_judged() -> None:
    data, _ = fields(wrong=(7,))
    data = replace(
        data,
        y=np.where(data.groups == 36, 4, data.y),
        class_names={**data.class_names, 4: "rare"},
    )
    found = find_suspects(data, make)
    assert found.units[-1].code == 4
    assert found.units[-1].suspicion is None
    assert "rare" in found.notes[0]
    assert np.isnan(found.per_sample(len(data.y))[data.groups == 36]).all()
    assert remove(data, found, 0.5).keep[data.groups == 36].all()


def test_removal_is_told_and_never_takes_a_class() -> None:
    data, _ = fields()
    found = find_suspects(data, make)
    gone = remove(data, found, 0.9)
    assert np.array_equal(~gone.keep, np.isin(data.groups, (3, 10, 20)))
    assert gone.share == pytest.approx(36 / len(data.y))
    assert "8.3% of the samples are removed" in gone.sentence()
    with pytest.raises(DataError, match="suspicious polygons"):
        remove(data, found, 1e-9)


def test_one_polygon_tells_nothing() -> None:
    data, _ = fields()
    with pytest.raises(DataError, match="single polygon"):
        find_suspects(replace(data, groups=np.ones(len(data.y), dtype=np.int64)), make)


@pytest.fixture
def scene(tmp_path):
    """The built-in scene with six polygons of classes that are easily told given other labels."""
    files = write_scene(tmp_path)
    with rasterio.open(files.labels) as dataset:
        labels, profile = dataset.read(1), dataset.profile
    with rasterio.open(files.groups) as dataset:
        groups = dataset.read(1)
    wrong = []
    for code, other in ((1, 6), (1, 2), (2, 7), (6, 1), (7, 1), (7, 2)):
        free = [int(g) for g in np.unique(groups[labels == code]) if g and g not in wrong]
        wrong.append(free[0])
        labels[groups == free[0]] = other
    with rasterio.open(files.labels, "w", **profile) as target:
        target.write(labels, 1)
    return files, wrong


def test_wrong_polygons_of_a_scene_are_found(scene) -> None:
    files, wrong = scene
    data = labelled_pixels(open_scene(files.image), files.labels, groups_path=files.groups)
    found = find_suspects(data, make)
    assert len({u.group for u in found.units[:12]} & set(wrong)) >= 5
    assert len({u.group for u in found.units[:24]} & set(wrong)) == 6


def test_the_command_writes_a_list_a_layer_and_what_is_kept(scene, tmp_path, capsys) -> None:
    files, _ = scene
    out = tmp_path / "out"
    words = [
        "--image", files.image, "--labels", files.labels, "--groups", files.groups,
        "--classifier", "sklearn-svc", "--remove", 0.9, "--out", out, "--json",
    ]  # fmt: skip
    assert clean.main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert "% of the samples are removed" in said.err
    assert found["removed"]["share"] > 0
    rows = list(csv.DictReader((out / "suspects.csv").read_text().splitlines()))
    assert len(rows) == len(found["polygons"])
    suspicion = [float(row["suspicion"]) for row in rows if row["suspicion"]]
    assert suspicion == sorted(suspicion, reverse=True)
    with rasterio.open(out / "suspects.tif") as dataset:
        layer = dataset.read(1)
        assert dataset.nodata == 255
    data = labelled_pixels(open_scene(files.image), files.labels, groups_path=files.groups)
    first = data.groups == int(rows[0]["group"])
    first &= data.y == next(c for c, n in data.class_names.items() if n == rows[0]["class"])
    at = data.rows[first], data.cols[first]
    assert np.all(layer[at] == round(100 * suspicion[0]))
    with rasterio.open(out / "labels.tif") as dataset:
        kept = dataset.read(1)
        assert dataset.tags()["CLASS_1"] == "water"
    assert np.all(kept[at] == 0)
    left = labelled_pixels(open_scene(files.image), out / "labels.tif")
    assert 1 - len(left.y) / len(data.y) == pytest.approx(found["removed"]["share"])


def test_a_table_is_cleaned_only_on_request(tmp_path, capsys) -> None:
    data, _ = fields()
    np.savez(tmp_path / "t.npz", X=data.X, y=data.y, groups=data.groups)
    words = ["--table", str(tmp_path / "t.npz"), "--classifier", "sklearn-svc"]
    assert clean.main([*words, "--out", str(tmp_path / "a")]) == 0
    assert not (tmp_path / "a" / "clean.npz").exists()
    assert "suspicion" in capsys.readouterr().out
    assert clean.main([*words, "--out", str(tmp_path / "b"), "--remove", "0.9"]) == 0
    with np.load(tmp_path / "b" / "clean.npz") as kept:
        assert len(kept["y"]) == len(data.y) - 36
        assert not np.isin(kept["groups"], (3, 10, 20)).any()
    assert clean.main([*words, "--dry-run"]) == 0
    assert clean.main([*words, "--classifier", "no-such"]) == 2
