"""Damaged caches are told of, and what they kept is computed again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges import make
from bridges.errors import ToldWarning
from bridges.machine.files import from_cache, write_json
from bridges.run.training import as_notes
from classical import GridSearch
from classical.solver.checkpoint import write_arrays
from qsvm.samplers.chip.chips import named_chip
from qsvm.samplers.chip.cliques import CliqueFinder


def data():
    random = np.random.default_rng(0)
    y = np.arange(60) % 3
    return random.normal(size=(60, 3)) + y[:, None], y


def damage(path, at=0.5):
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x55
    path.write_bytes(content)


def test_a_missing_file_is_nothing_to_tell(tmp_path):
    assert from_cache(tmp_path / "none.npz", np.load) is None


def test_a_damaged_file_is_removed_and_told(tmp_path):
    path = tmp_path / "one.json"
    write_json(path, [1])
    assert from_cache(path, lambda p: json.loads(p.read_text())) == [1]
    path.write_text("[1")
    with pytest.warns(ToldWarning, match="damaged.*computed again"):
        assert from_cache(path, lambda p: json.loads(p.read_text())) is None
    assert not path.exists()


@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_duals_of_a_damaged_checkpoint_are_solved_again(tmp_path, how):
    X, y = data()
    whole = make("mpi-svc", checkpoint=tmp_path).fit(X, y)
    path = sorted(tmp_path.glob("*.npz"))[1]
    if how == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        damage(path)
    with pytest.warns(ToldWarning, match=path.name):
        again = make("mpi-svc", checkpoint=tmp_path).fit(X, y)
    np.testing.assert_array_equal(again.dual_coef_, whole.dual_coef_)


def test_tasks_of_a_damaged_search_are_done_again(tmp_path):
    X, y = data()

    def search():
        grid = {"C": [1.0, 10.0], "gamma": [0.1, 1.0]}
        return GridSearch(make("mpi-svc"), grid, cv=3, checkpoint=tmp_path).fit(X, y)

    whole = search()
    damage(sorted(tmp_path.glob("*.npz"))[0])
    with pytest.warns(ToldWarning):
        again = search()
    assert again.cv_results_["mean_test_score"] == pytest.approx(
        whole.cv_results_["mean_test_score"]
    )
    assert again.n_resumed_ == len(list(tmp_path.glob("*.npz"))) - 1


def test_a_damaged_cache_of_cliques_is_searched_again(tmp_path):
    chip = named_chip("zephyr:2")
    found = CliqueFinder(chip, tmp_path).fill([10, 10])
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    at = text.index("[[") + 3
    path.write_text(text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :])
    with pytest.warns(ToldWarning, match="checksum"):
        assert CliqueFinder(chip, tmp_path).fill([10, 10]) == found
    assert CliqueFinder(chip, tmp_path).fill([10, 10]) == found  # kept anew, without a word


def test_warnings_become_notes(tmp_path):
    told = []
    path = tmp_path / "a.npz"
    write_arrays(path, a=np.arange(3))
    damage(path)
    with as_notes(told):
        from_cache(path, lambda p: dict(np.load(p)))
    assert len(told) == 1
    assert str(path) in told[0]
