"""One loader and one default split, whatever command asks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_scene import scene_options, write_scene

from bridges.compare.command import make_parser as compare_parser
from bridges.compare.options import make_settings
from bridges.compare.sources import load_source
from bridges.errors import UsageError
from bridges.run import config
from bridges.run.load import DataSpec, load_inputs
from bridges.run.training import data_spec
from classical.train import make_parser as train_parser


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"))


def trained(words):
    args = config.parse(train_parser(), words)
    return load_inputs(data_spec(args), test_size=args.test_size, seed=args.seed)


def compared(words):
    settings = make_settings(config.parse(compare_parser(), words))
    return load_source(settings.data[0], settings)


@pytest.mark.parametrize("more", [{}, {"bands": "2,1"}, {"classes": "forest,3"}, {"nodata": 40}])
@pytest.mark.parametrize("grouped", [False, True])
def test_train_and_compare_see_the_same_samples_and_choose_the_same_split(scene, more, grouped):
    groups = {"groups": scene / "groups.tif"} if grouped else {}
    words = scene_options(scene, **groups, **more)
    ours, theirs = trained(words), compared(words)
    np.testing.assert_array_equal(ours.data.X, theirs.data.X)
    np.testing.assert_array_equal(ours.data.y, theirs.data.y)
    assert ours.split.kind == theirs.splits[0].kind == ("polygons" if grouped else "random")
    assert ours.notes == theirs.notes
    assert any("whole groups" in note for note in ours.notes) == grouped


@pytest.mark.parametrize("prescribed", [False, True])
def test_a_table_with_groups(tmp_path, prescribed):
    y = np.arange(60) % 2
    X = np.random.default_rng(0).normal(size=(60, 3)) + y[:, None]
    train = {"X_train": X[:40], "y_train": y[:40], "X_test": X[40:], "y_test": y[40:]}
    arrays = train if prescribed else {"X": X, "y": y}
    np.savez(tmp_path / "t.npz", **arrays, groups=np.arange(60) // 4)
    words = ["--table", str(tmp_path / "t.npz")]
    ours, theirs = trained(words), compared(words)
    assert ours.split.kind == theirs.splits[0].kind == ("fixed" if prescribed else "polygons")
    assert trained([*words, "--split", "random"]).split.kind == "random"


def test_blocks_have_the_size_that_is_asked_for_in_both(scene):
    words = [*scene_options(scene), "--split", "blocks", "--block-size", "5"]
    assert "5 × 5 pixels" in trained(words).split.note
    assert "5 × 5 pixels" in compared(words).splits[0].note


def test_a_record_of_an_earlier_version_keeps_its_default_split(scene, tmp_path):
    words = scene_options(scene, groups=scene / "groups.tif")
    earlier = config.recorded(config.parse(train_parser(), words))
    record = {"arguments": {**earlier, "split": None, "list_samplers": False}, "seed": 0}
    record["arguments"].pop("list_samplers")
    (tmp_path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    again = trained(["--config", str(tmp_path / "run.json")])
    assert again.split.kind == "random"
    assert again.notes == again.data.notes


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (DataSpec(table="t.npz", image="i.tif"), "exclude each other"),
        (DataSpec(image="i.tif"), "needs labels"),
        (DataSpec(bands=("1",)), "--bands needs an image"),
        (DataSpec("mine"), "'mine' has neither"),
    ],
)
def test_a_data_set_that_contradicts_itself(spec, said):
    with pytest.raises(UsageError, match=said) as caught:
        spec.check()
    assert caught.value.hint


def test_options_of_scenes_are_refused_where_only_tables_are_compared():
    parser = compare_parser()
    with pytest.raises(UsageError, match="--bands is for scenes"):
        make_settings(config.parse(parser, ["--table", "t.npz", "--bands", "1,2"]))
    mixed = ["--table", "t.npz", "--synthetic", "--bands", "1,2", "--mask", "m.tif"]
    table, built_in = make_settings(config.parse(compare_parser(), mixed)).data
    assert (table.bands, built_in.bands, built_in.mask) == (None, ("1", "2"), "m.tif")


def test_data_sets_of_a_file_have_options_of_their_own(tmp_path):
    def asked(text, *words):
        (tmp_path / "c.toml").write_text(text, encoding="utf-8")
        words = ["--config", str(tmp_path / "c.toml"), *words]
        return make_settings(config.parse(compare_parser(), words)).data

    table, scene = asked(
        '[[data]]\ntable = "t.csv"\nlabel_column = "kind"\nmissing = "-,?"\n'
        '[[data]]\nimage = "i.tif"\nlabels = "l.tif"\nbands = ["red", 2]\nsplit = "blocks"\n',
        "--block-size", "7",
    )  # fmt: skip
    assert (table.roles.label_column, table.roles.missing) == ("kind", ("-", "?"))
    assert (scene.bands, scene.split, scene.block_size) == (("red", "2"), "blocks", 7)
    assert scene.roles is None
    for text, said in [
        ('table = "t.csv"\nbands = "1,2"', "is a table and sets bands"),
        ('table = "t.csv"\nimage = "i.tif"', "is a table and sets image"),
        ('image = "i.tif"\nlabels = "l"\nlabel_column = "a"', "is a scene and sets label_column"),
        ('table = "t.csv"\nblock_size = 0', "block_size is 0"),
        ('name = "mine"', "'mine' has neither"),
        ('labels = "l.tif"', "--labels needs an image"),
    ]:
        with pytest.raises(UsageError, match=said):
            asked(f"[[data]]\n{text}\n")


def test_a_search_is_repeated_from_its_record(tmp_path):
    args = config.parse(train_parser(), ["--grid", "C=1,10;gamma=0.5"])
    record = tmp_path / "run.json"
    record.write_text(json.dumps({"arguments": config.recorded(args)}), encoding="utf-8")
    again = config.parse(train_parser(), ["--config", str(record)])
    assert again.grid == args.grid == {"C": [1.0, 10.0], "gamma": [0.5]}
    record.write_text('{"grid": 3}', encoding="utf-8")
    with pytest.raises(UsageError, match="grid is 3"):
        config.parse(train_parser(), ["--config", str(record)])
