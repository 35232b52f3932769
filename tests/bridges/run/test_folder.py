"""Files are whole or not there; a failed run leaves nothing."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from bridges.errors import UsageError
from bridges.machine.files import atomic_target, write_json
from bridges.run.folder import RunFolder
from bridges.run.record import run_record


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_files_appear_together_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with RunFolder(out) as run:
        run.write_json("metrics.json", {"a": np.float64(1.5), "path": Path("x")})
        with run.target("map.png") as temporary:
            assert temporary.suffix == ".png"
            temporary.write_bytes(b"picture")
        assert not out.exists()
        assert run.file("map.png").read_bytes() == b"picture"
    assert everything(tmp_path) == ["deep", "deep/run", "deep/run/map.png", "deep/run/metrics.json"]
    assert json.loads((out / "metrics.json").read_text()) == {"a": 1.5, "path": "x"}
    assert run.file("map.png") == out / "map.png"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "disk full")])
def test_a_failed_run_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def train() -> None:
        with RunFolder(tmp_path / "deep" / "run") as run:
            run.write_text("metrics.json", "{}")
            with run.target("map.tif") as temporary:
                temporary.write_bytes(b"half")
                raise error

    with pytest.raises(type(error)):
        train()
    assert everything(tmp_path) == []


def test_an_existing_folder_needs_overwrite(tmp_path: Path) -> None:
    (tmp_path / "map.tif").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists") as raised:
        RunFolder(tmp_path)
    assert "--overwrite" in raised.value.hint
    with RunFolder(tmp_path, overwrite=True) as run:
        run.write_text("run.json", "new")
    assert everything(tmp_path) == ["notes.txt", "run.json"]  # the old map was of another model


def test_folders_of_an_earlier_run_give_way(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with RunFolder(tmp_path / "run", overwrite=True) as run:
            (run.subfolder("scene") / f"{text}.tif").write_text(text)
    assert everything(tmp_path / "run") == ["scene", "scene/new.tif"]
    with RunFolder(tmp_path / "run", overwrite=True) as run:
        run.write_text("run.json", "")
    assert everything(tmp_path / "run") == ["run.json"]


def test_overwriting_that_fails_keeps_the_old_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("old")

    def train() -> None:
        with RunFolder(tmp_path, overwrite=True) as run:
            run.write_text("run.json", "new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    assert (tmp_path / "run.json").read_text() == "old"
    assert everything(tmp_path) == ["run.json"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        RunFolder(tmp_path / "x", overwrite=True)


def test_the_default_folder_is_named_after_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with RunFolder() as first:
        first.write_text("run.json", "")
    with RunFolder() as second:
        second.write_text("run.json", "")
    assert first.path.parent == Path("runs")
    assert first.path != second.path


def test_an_atomic_target_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, [1])
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, [float("nan")])

    def break_off() -> None:
        with atomic_target(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "[\n  1\n]\n"
    assert everything(tmp_path) == ["a.json"]


def test_the_record_says_what_repeats_the_run() -> None:
    record = run_record({"sampler": "neal"}, 7, {"fit_s": 0.5})
    json.dumps(record, allow_nan=False)
    assert record["arguments"] == {"sampler": "neal"}
    assert record["seed"] == 7
    assert {"python", "numpy", "scikit-learn"} <= record["versions"].keys()
    assert record["host"]["cores"] >= 1
