"""The grid search against scikit-learn's, its files, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.svm import SVC

from bridges.errors import UsageError
from classical.classifier import MPISVC
from classical.search import folds
from classical.search.grid import GridSearch
from classical.search.report import as_matrix, grid_csv, grid_figure
from classical.solver.assignment import deal

GRID = {"C": [0.5, 5.0, 50.0], "gamma": [0.05, 0.5]}


def blobs(n=300, n_classes=3, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, n_classes, n)
    return np.random.default_rng(7).normal(size=(n_classes, 4))[y] + random.normal(size=(n, 4)), y


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_cell_agrees_with_scikit_learn(n_classes):
    X, y = blobs(400, n_classes)
    own = GridSearch(MPISVC(), GRID, cv=5).fit(X, y)
    peer = GridSearchCV(SVC(), GRID, cv=5).fit(X, y)
    assert own.cv_results_["params"] == peer.cv_results_["params"]
    for key in ("mean_test_score", "split3_test_score"):
        np.testing.assert_allclose(own.cv_results_[key], peer.cv_results_[key], atol=0.004)
    assert own.best_params_ == peer.best_params_
    assert own.predict(X).tolist() == own.best_estimator_.predict(X).tolist()


@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_other_kernels_agree_too(kernel):
    X, y = blobs(150)
    grid = {"C": [0.1, 1.0]}
    own = GridSearch(MPISVC(kernel=kernel, gamma=0.2), grid, cv=3).fit(X, y)
    peer = GridSearchCV(SVC(kernel=kernel, gamma=0.2), grid, cv=3).fit(X, y)
    np.testing.assert_allclose(
        own.cv_results_["mean_test_score"], peer.cv_results_["mean_test_score"], atol=0.007
    )


def test_a_search_goes_on_from_its_checkpoint(tmp_path):
    X, y = blobs()
    first = GridSearch(MPISVC(), GRID, cv=4, checkpoint=tmp_path).fit(X, y)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 6
    files[0].unlink()
    again = GridSearch(MPISVC(), GRID, cv=4, checkpoint=tmp_path).fit(X, y)
    assert (first.n_resumed_, again.n_resumed_) == (0, 5)
    for a, b in zip(first.cv_results_["params"], again.cv_results_["params"], strict=True):
        assert a == b
    scores = (first.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])
    assert scores[0].tobytes() == scores[1].tobytes()
    other = GridSearch(MPISVC(), GRID, cv=3, checkpoint=tmp_path).fit(X, y)
    assert other.n_resumed_ == 0


def test_larger_c_changes_nothing_once_no_coefficient_is_at_its_bound(monkeypatch):
    solved = []
    optimise = folds.optimise
    monkeypatch.setattr(folds, "optimise", lambda *a: (solved.append(a[4].max()), optimise(*a)))
    X, y = blobs(200, 2)
    grid = {"C": [1.0, 1e3, 1e5], "gamma": [20.0]}
    own = GridSearch(MPISVC(), grid, cv=4, refit=False).fit(X, y)
    peer = GridSearchCV(SVC(), grid, cv=4, refit=False).fit(X, y)
    assert [solved.count(cost) for cost in grid["C"]] == [5, 5, 1]
    np.testing.assert_allclose(
        own.cv_results_["mean_test_score"], peer.cv_results_["mean_test_score"], atol=0.006
    )


def test_early_stopping_gives_up_bad_cells_only(tmp_path):
    X, y = blobs(400, 3)
    grid = {"C": [1e-4, 1.0, 10.0], "gamma": [0.1, 0.5, 500.0]}
    full = GridSearch(MPISVC(), grid, cv=6, refit=False).fit(X, y)
    assert not full.cv_results_["stopped"].any()
    race = GridSearch(MPISVC(), grid, cv=6, refit=False, early_stop=True, checkpoint=tmp_path)
    table = race.fit(X, y).cv_results_
    stopped = table["stopped"]
    assert 3 <= stopped.sum() <= 8
    assert race.best_params_ == full.best_params_
    for k in range(6):
        ours, theirs = table[f"split{k}_test_score"], full.cv_results_[f"split{k}_test_score"]
        np.testing.assert_array_equal(np.isnan(ours), stopped & (k >= 2))
        np.testing.assert_allclose(ours[~np.isnan(ours)], theirs[~np.isnan(ours)], atol=0.02)
    assert table["rank_test_score"][stopped].min() > table["rank_test_score"][~stopped].max()
    assert grid_csv(table).splitlines()[1].endswith(",1")
    again = race.fit(X, y)
    assert again.n_resumed_ == len(list(tmp_path.iterdir()))
    assert [shift.tasks for shift in again.shifts_] == [0]
    assert again.cv_results_["mean_test_score"].tobytes() == table["mean_test_score"].tobytes()


def test_table_and_heat_map_show_every_cell():
    X, y = blobs()
    results = GridSearch(MPISVC(), GRID, cv=3, refit=False).fit(X, y).cv_results_
    lines = grid_csv(results).splitlines()
    assert len(lines) == 7
    assert lines[1].startswith("0.5,0.05,")
    matrix, costs, gammas = as_matrix(results, "minutes")
    assert (matrix > 0).all()
    assert (costs, gammas) == (GRID["C"], GRID["gamma"])
    assert len(grid_figure(results).axes) == 4


@pytest.mark.parametrize(
    ("grid", "cv", "message"),
    [
        ({"degree": [2]}, 3, "parameter 'degree'"),
        ({"C": [1]}, ShuffleSplit(2, test_size=0.6, random_state=0), "overlap"),
        ({"C": [1]}, ShuffleSplit(1, random_state=0), "in no fold"),
    ],
)
def test_refuses_what_it_cannot_search(grid, cv, message):
    with pytest.raises(UsageError, match=message):
        GridSearch(MPISVC(), grid, cv=cv).fit(*blobs())


@given(sizes=st.lists(st.integers(10, 50_000), min_size=1, max_size=30), ranks=st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_every_dual_is_dealt_once_and_every_rank_has_a_group(sizes, ranks):
    plan = deal(sizes, ranks)
    assert sorted(t for tasks in plan.tasks_of_group for t in tasks) == list(range(len(sizes)))
    assert sorted(set(plan.group_of_rank)) == list(range(len(plan.tasks_of_group)))
    assert len(plan.group_of_rank) == ranks


def test_one_large_dual_is_shared_and_many_are_dealt():
    assert len(deal([100_000], 4).tasks_of_group) == 1
    assert len(deal([5_000] * 15, 2).tasks_of_group) == 2
