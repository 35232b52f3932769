"""What the command line and the configuration file mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.compare.command import make_parser
from bridges.compare.options import make_settings
from bridges.compare.specs import Settings, parse_classifier, parse_curve, split_outside_brackets
from bridges.errors import UsageError
from bridges.run import config


def settings(*argv: str) -> Settings:
    return make_settings(config.parse(make_parser(), argv))


def test_a_classifier_with_typed_parameters() -> None:
    spec = parse_classifier(
        "sklearn-svc:C=16,gamma=scale,class_weight={1: 2.0, 2: 1.0},n_jobs=none,tol=1e-4"
    )
    assert spec.name == "sklearn-svc"
    assert spec.params == {
        "C": 16,
        "gamma": "scale",
        "class_weight": {1: 2.0, 2: 1.0},
        "n_jobs": None,
        "tol": 1e-4,
    }
    assert parse_classifier("sklearn-svc").params == {}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("sklearn-svc:C", "Cannot read 'C'"),
        ("sklearn-svc:", "Cannot read ''"),
        ("sklearn-svc:C=1,C=2", "given twice"),
        ("sklearn-svd:C=1", "Unknown classifier"),
    ],
)
def test_a_classifier_that_cannot_be_read(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match) as raised:
        parse_classifier(text)
    assert raised.value.hint


@given(st.lists(st.text("ab(){}[]\"'=", max_size=6), min_size=1, max_size=5))
def test_splitting_loses_nothing(parts: list[str]) -> None:
    text = ",".join(parts)
    assert ",".join(split_outside_brackets(text)) == text


def test_curves() -> None:
    assert parse_curve("train=100,200") == ("train", (100, 200))
    assert parse_curve("ranks") == ("ranks", ())
    with pytest.raises(UsageError, match="curve"):
        parse_curve("train")


def test_flags_pair_images_with_labels() -> None:
    found = settings(
        "--image", "a/image.tif", "--labels", "a/labels.tif",
        "--image", "b/other.tif", "--labels", "b/labels.tif", "--table", "t.npz",
        "--classes", "water, forest", "--split", "random",
    )  # fmt: skip
    assert [spec.name for spec in found.data] == ["t", "a", "other"]
    assert found.data[1].labels == Path("a/labels.tif")
    assert {spec.classes for spec in found.data} == {("water", "forest")}
    assert {spec.split for spec in found.data} == {"random"}
    with pytest.raises(UsageError, match="do not pair"):
        settings("--image", "a.tif")


def test_without_arguments_the_built_in_scene_is_compared() -> None:
    found = settings()
    assert [spec.synthetic for spec in found.data] == [True]
    assert [spec.name for spec in found.classifiers] == ["qubo-ensemble", "mpi-svc", "sklearn-svc"]


CONFIG = """
repeats = 3
scale = "minmax"
split = "blocks"
classifier = ["sklearn-svc:C=2"]
curve = {train = [50, 100], C = [1, "scale"]}
[[data]]
table = "x/one.npz"
classes = [1, 3]
[[data]]
table = "y/one.npz"
split = "random"
"""


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "compare.toml"
    path.write_text(CONFIG)
    found = settings("--config", str(path), "--repeats", "4")
    assert (found.repeats, found.scale) == (4, "minmax")
    assert [spec.name for spec in found.data] == ["one", "one (2)"]
    assert [spec.split for spec in found.data] == ["blocks", "random"]
    assert found.data[0].classes == ("1", "3")
    assert found.curves == {"train": (50, 100), "C": (1, "scale")}
    again = settings("--config", str(path), "--classifier", "sklearn-svc", "--table", "z.npz")
    assert [spec.label for spec in again.classifiers] == ["sklearn-svc"]
    assert [spec.name for spec in again.data] == ["z"]


def test_classifiers_of_the_file_may_have_labels(tmp_path: Path) -> None:
    path = tmp_path / "compare.toml"
    path.write_text(
        '[[classifier]]\nname = "sklearn-svc"\nlabel = "exact"\nparams = {C = 3}\n'
        '[[classifier]]\nname = "sklearn-svc"\n'
    )
    found = settings("--config", str(path))
    assert [(s.label, dict(s.params)) for s in found.classifiers] == [
        ("exact", {"C": 3}),
        ("sklearn-svc", {}),
    ]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("repeat = 3", "Unknown key 'repeat'"),
        ("repeats = 0", "repeats is 0"),
        ('repeats = "3"', "repeats is '3'"),
        ("test_size = 1.5", "test_size"),
        ('scale = "max"', "scale"),
        ('score = "f2"', "score"),
        ('split = "half"', "split"),
        ('[[classifier]]\nlabel = "x"', "no name"),
        ('[[data]]\ntables = "x"', "Unknown key 'tables'"),
        ("repeats = ", "no TOML"),
        ('classifier = ["sklearn-svc", "sklearn-svc"]', "Two classifiers"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str, match: str) -> None:
    path = tmp_path / "compare.toml"
    path.write_text(content)
    with pytest.raises(UsageError, match=match) as raised:
        settings("--config", str(path))
    assert raised.value.hint


def test_a_missing_file() -> None:
    with pytest.raises(UsageError, match="no configuration file"):
        settings("--config", "nowhere.toml")
