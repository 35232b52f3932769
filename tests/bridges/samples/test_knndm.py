"""Folds by matched distances: clusters where samples are clustered, random where they are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bridges.errors import DataError, UsageError
from bridges.samples.distances import (
    distance_profile,
    nearest_in_other_folds,
    nearest_other,
    nearest_to,
    points_of,
    some,
    wasserstein,
)
from bridges.samples.domain import Domain, draw_domain
from bridges.samples.knndm import matched_folds
from bridges.samples.labelled import LabelledData
from bridges.samples.splits import make_folds, make_split, repeated_splits
from bridges.scene.built_in import write_scene
from bridges.scene.opening import open_scene

EDGE = 1000


def map_pixels(n=800):
    return np.random.default_rng(99).uniform(0, EDGE, size=(n, 2))


def clustered(seed, n_clusters, spread=12.0, n=300):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, EDGE, size=(n_clusters, 2))
    return (centres[:, None] + rng.normal(size=(n_clusters, n // n_clusters, 2)) * spread).reshape(
        -1, 2
    )


@pytest.mark.parametrize("k", [2, 5, 10])
@pytest.mark.parametrize("n_clusters", [15, 50])
def test_clustered_samples_are_matched(k, n_clusters) -> None:
    points, pixels = clustered(n_clusters, n_clusters), map_pixels()
    found = matched_folds(points, pixels, k)
    assert found.folds is not None
    assert sorted(set(found.folds.tolist())) == list(range(k))
    # Held against its definition by full matrices of distances.
    distance = cdist(points, points)
    distance[found.folds[:, None] == found.folds] = np.inf
    wanted = cdist(pixels, points).min(axis=1)
    assert wasserstein(distance.min(axis=1), wanted) == pytest.approx(found.mismatch)
    at_random = np.random.default_rng(5).permutation(len(points)) % k
    distance = cdist(points, points)
    distance[at_random[:, None] == at_random] = np.inf
    assert found.mismatch <= 0.5 * wasserstein(distance.min(axis=1), wanted)
    assert found.mismatch <= 0.5 * found.random_mismatch


@pytest.mark.parametrize("seed", range(4))
def test_a_random_sample_gets_random_folds(seed) -> None:
    points = np.random.default_rng(seed).uniform(0, EDGE, size=(300, 2))
    found = matched_folds(points, map_pixels(), 5, seed)
    assert found.folds is None
    assert found.mismatch == found.random_mismatch


def test_many_samples_are_clustered_by_cells() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, EDGE, size=(40, 2))
    field = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2)
    points = (corners[:, None] + field).reshape(-1, 2).astype(float)
    found = matched_folds(points, map_pixels(), 3)
    assert found.mismatch <= 0.5 * found.random_mismatch


def test_seed_decides() -> None:
    points, pixels = clustered(3, 30), map_pixels()
    first, again = (matched_folds(points, pixels, 4, 8) for _ in range(2))
    assert np.array_equal(first.folds, again.folds)


def test_folds_need_samples() -> None:
    with pytest.raises(DataError, match="cannot be dealt"):
        matched_folds(np.zeros((3, 2)), map_pixels(), 4)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_distances_are_those_of_full_matrices(seed, k) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 30, size=(60, 2)).astype(float)
    folds = np.append(np.arange(k), rng.integers(0, k, size=60 - k))
    queries = rng.permutation(60)[:25]
    full = cdist(points, points)
    other = np.where(folds[:, None] == folds, np.inf, full)
    assert np.allclose(nearest_in_other_folds(points, folds, queries), other[queries].min(axis=1))
    np.fill_diagonal(full, np.inf)
    assert np.allclose(nearest_other(points, queries), full[queries].min(axis=1))
    assert np.allclose(nearest_to(points + 0.3, points), cdist(points + 0.3, points).min(axis=1))
    assert len(set(some(5000, seed).tolist())) == 3000


def pixels_in_clusters():
    """Labelled pixels of two classes in 24 fields, and a domain over the whole scene."""
    rng = np.random.default_rng(1)
    field = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2)
    places = (rng.integers(0, 300, size=(24, 1, 2)) + field).reshape(-1, 2)
    y = np.repeat(np.arange(24) % 2 + 1, 25)
    data = LabelledData(
        X=rng.normal(size=(len(y), 3)) + y[:, None],
        y=y,
        class_names={1: "a", 2: "b"},
        feature_names=["u", "v", "w"],
        groups=np.repeat(np.arange(1, 25), 25),
        rows=places[:, 0],
        cols=places[:, 1],
    )
    where = rng.integers(0, 305, size=(500, 2))
    domain = Domain(where[:, 0], where[:, 1], rng.normal(size=(500, 3)) + 1.5)
    return data, domain


def test_split_by_matched_distances() -> None:
    data, domain = pixels_in_clusters()
    split = make_split(data, "knndm", test_size=0.25, domain=domain)
    assert split.kind == "knndm"
    assert "W = " in split.note
    assert sorted([*split.train, *split.test]) == list(range(len(data.y)))
    matched = distance_profile(data, split.train, split.test, domain).mismatch
    loose = make_split(data, "random", test_size=0.25)
    assert matched <= 0.5 * distance_profile(data, loose.train, loose.test, domain).mismatch
    folds = make_folds(data, "knndm", 4, domain=domain)
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(data.y)))
    assert len({tuple(s.test) for s in repeated_splits(data, "knndm", 6, domain=domain)}) > 1


def test_a_random_sample_is_split_at_random() -> None:
    rng = np.random.default_rng(3)
    data, domain = pixels_in_clusters()
    spread = np.stack([rng.permutation(305 * 305)[: len(data.y)]])
    data = replace(data, rows=spread[0] // 305, cols=spread[0] % 305, groups=None)
    split = make_split(data, "knndm", domain=domain)
    assert split.kind == "knndm"
    assert "matched by random pixels" in split.note
    assert len(make_folds(data, "knndm", 5, domain=domain)) == 5


def test_feature_space() -> None:
    data, domain = pixels_in_clusters()
    points, pixels, unit = points_of(data, domain, "feature")
    assert points.std(axis=0) == pytest.approx(np.ones(3))
    assert pixels.shape == domain.X.shape
    assert unit == "standard deviations"
    assert make_split(data, "knndm", domain=domain, space="feature").kind == "knndm"
    with pytest.raises(UsageError, match="no space"):
        points_of(data, domain, "time")


def test_without_a_map_nothing_is_matched() -> None:
    data, _ = pixels_in_clusters()
    with pytest.raises(DataError, match="there is no scene"):
        make_split(data, "knndm")


@pytest.mark.parametrize("small", [True, False])
def test_the_domain_are_valid_pixels(tmp_path, monkeypatch, small) -> None:
    from bridges.samples import domain as drawing

    if not small:
        monkeypatch.setattr(drawing, "SMALL", 1)
    scene = open_scene(write_scene(tmp_path, height=150, width=130).image)
    found = draw_domain(scene, 800, seed=2)
    values, valid = scene.read()
    assert valid[found.rows, found.cols].all()
    assert np.array_equal(values[found.rows, found.cols], found.X)
    assert len(found.rows) == (800 if small else pytest.approx(800 * valid.mean(), rel=0.2))
    middle = np.array([np.mean(found.rows), np.mean(found.cols)])
    assert middle == pytest.approx(np.argwhere(valid).mean(axis=0), rel=0.12)
    again = draw_domain(scene, 800, seed=2)
    assert np.array_equal(again.rows, found.rows)


def test_a_scene_without_valid_pixels_has_no_domain(make_raster) -> None:
    empty = make_raster("empty.tif", np.zeros((2, 20, 20), np.uint16), nodata=0)
    with pytest.raises(DataError, match="No pixel"):
        draw_domain(open_scene(empty))
