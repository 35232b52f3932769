"""Strata counted and samples drawn: uniform, reproducible, whatever the strips."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.accuracy import class_map as reading
from bridges.accuracy.allocation import allocate
from bridges.accuracy.drawing import draw_simple, draw_stratified, draw_systematic
from bridges.accuracy.partition import partition
from bridges.accuracy.strata import open_stratification
from bridges.errors import DataError, UsageError


def test_strata_are_the_classes_and_their_pixels(class_map, mapped) -> None:
    parts = partition(open_stratification([class_map]))
    found = {s.name: (s.codes, s.n_pixels) for s in parts.strata}
    assert found == {
        name: ((code,), int(np.sum(mapped == code)))
        for code, name in ((1, "water"), (2, "forest"), (3, "crop"))
    }
    assert parts.left_out == {"unclassified": int(np.sum(mapped == 0))}
    assert parts.n_pixels + sum(parts.left_out.values()) == mapped.size


def test_unclassified_pixels_can_be_a_stratum(class_map, mapped) -> None:
    parts = partition(open_stratification([class_map], with_unclassified=True))
    assert [s.name for s in parts.strata] == ["unclassified", "water", "forest", "crop"]
    assert parts.n_pixels == mapped.size
    assert not parts.left_out


def test_combinations_of_maps_and_regions(class_map, mapped, make_raster) -> None:
    later = np.where(mapped == 3, 2, mapped).astype(np.uint8)
    zones = np.zeros(mapped.shape, dtype=np.uint8)
    zones[:, 10:30], zones[:, 30:] = 1, 2
    parts = partition(
        open_stratification(
            [class_map, make_raster("later.tif", later, nodata=0, tags={"CLASS_2": "wood"})],
            make_raster("zones.tif", zones, nodata=0, tags={"CLASS_1": "west", "CLASS_2": "east"}),
        )
    )
    names = {s.name: s for s in parts.strata}
    assert "crop / wood / east" in names
    inside = (mapped == 3) & (later == 2) & (zones == 2)
    assert names["crop / wood / east"].n_pixels == inside.sum()
    assert parts.left_out["outside of the regions"] == np.sum(zones == 0)


def test_regions_from_polygons(class_map, mapped, tmp_path) -> None:
    import pyogrio.raw
    import shapely

    left, top, edge = 500_000, 4_000_000, 30
    boxes = [
        shapely.box(left, top - 60 * edge, left + 20 * edge, top),
        shapely.box(left + 20 * edge, top - 60 * edge, left + 50 * edge, top),
    ]
    path = tmp_path / "regions.gpkg"
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(boxes),
        field_data=[np.array(["west", "east"], dtype=object)],
        fields=["region"],
        geometry_type="Polygon",
        crs="EPSG:32617",
        driver="GPKG",
    )
    parts = partition(open_stratification([class_map], path, "region"))
    sizes = {s.name: s.n_pixels for s in parts.strata}
    assert sizes["forest / west"] == np.sum(mapped[:, :20] == 2)
    with pytest.raises(UsageError, match="names the regions"):
        open_stratification([class_map], path)


def test_purity_draws_from_the_inside_of_patches(class_map, mapped) -> None:
    parts = partition(open_stratification([class_map], purity=3))
    drawn = draw_simple(parts, 100, seed=0)
    for row, col in zip(drawn.rows, drawn.cols, strict=True):
        around = mapped[max(0, row - 1) : row + 2, max(0, col - 1) : col + 2]
        assert len(np.unique(around)) == 1
    assert parts.left_out["mixed neighbourhood"] > 0
    with pytest.raises(UsageError, match="no pixel in its middle"):
        open_stratification([class_map], purity=2)


def samples(class_map, **options):
    parts = partition(open_stratification([class_map], **options))
    given = allocate([s.n_pixels for s in parts.strata], 120, "proportional", minimum=20)
    return parts, [
        draw_stratified(parts, given, 7),
        draw_simple(parts, 120, 7),
        draw_systematic(parts, 120, 7),
    ]


@pytest.mark.parametrize("purity", [1, 5])
def test_strips_do_not_change_the_sample(class_map, monkeypatch, purity) -> None:
    parts, whole = samples(class_map, purity=purity)
    fingerprint = reading.survey(reading.open_map(class_map))
    monkeypatch.setattr(reading, "STRIP_PIXELS", 350)
    assert len(list(reading.open_map(class_map).strips())) > 1
    stripped_parts, stripped = samples(class_map, purity=purity)
    assert stripped_parts.strata == parts.strata
    assert reading.survey(reading.open_map(class_map)) == fingerprint
    for a, b in zip(whole, stripped, strict=True):
        assert np.array_equal(a.rows, b.rows)
        assert np.array_equal(a.cols, b.cols)
        assert np.array_equal(a.stratum, b.stratum)


def test_points_lie_in_their_strata_and_nowhere_twice(class_map, mapped) -> None:
    parts, drawn = samples(class_map)
    for sample in drawn:
        codes = np.array([s.codes[0] for s in parts.strata])[sample.stratum - 1]
        assert np.array_equal(mapped[sample.rows, sample.cols], codes)
        assert len(set(zip(sample.rows, sample.cols, strict=True))) == len(sample.rows)
    assert (
        drawn[0].counts(3).tolist()
        == allocate([s.n_pixels for s in parts.strata], 120, "proportional", minimum=20).tolist()
    )
    assert len(drawn[1].rows) == 120
    assert len(drawn[2].rows) == pytest.approx(120, rel=0.15)


class InMemory:
    """A partition whose strips need no file."""

    def __init__(self, codes, parts):
        self.codes, self.strata, self.n_pixels = codes, parts.strata, parts.n_pixels
        self.cells = parts.cells

    def strips(self):
        yield 0, self.codes[:5]
        yield 5, self.codes[5:]


@pytest.mark.parametrize("draw", [draw_simple, draw_systematic])
def test_every_pixel_is_as_likely_as_another(make_raster, draw) -> None:
    codes = np.ones((12, 10), dtype=np.int64)
    codes[3:6, 4:9] = 0
    file = make_raster("small.tif", codes.astype(np.uint8), nodata=0)
    held = InMemory(codes, partition(open_stratification([file])))
    hits = np.zeros(codes.shape)
    for seed in range(1500):
        sample = draw(held, 20, seed)
        hits[sample.rows, sample.cols] += 1
    chance = hits / 1500
    assert np.all(chance[codes == 0] == 0)
    expected = 20 / np.sum(codes == 1)
    assert chance[codes == 1] == pytest.approx(expected, abs=5 * np.sqrt(expected / 1500))


def test_a_map_without_classes_is_refused(make_raster) -> None:
    with pytest.raises(DataError, match="belongs to the population"):
        partition(open_stratification([make_raster("empty.tif", np.zeros((5, 5), np.uint8))]))


def test_what_is_no_class_map_is_refused(make_raster) -> None:
    with pytest.raises(DataError, match="bands"):
        reading.open_map(make_raster("two.tif", np.zeros((2, 5, 5), np.uint8)))
    fractions = make_raster("half.tif", np.full((5, 5), 0.5, np.float32))
    with pytest.raises(DataError, match="fractions"):
        partition(open_stratification([fractions]))
    negative = make_raster("negative.tif", np.full((5, 5), -3, np.int16))
    with pytest.raises(DataError, match="class code -3"):
        partition(open_stratification([negative]))


def test_degrees_have_no_hectares(make_raster) -> None:
    codes = np.ones((5, 5), np.uint8)
    metres = reading.open_map(make_raster("m.tif", codes)).grid
    assert reading.pixel_area(metres) == pytest.approx(900.0)
    assert not reading.area_notes(metres)
    degrees = reading.open_map(make_raster("d.tif", codes, crs="EPSG:4326")).grid
    assert reading.pixel_area(degrees) is None
    assert "equal-area" in reading.area_notes(degrees)[0]
    mercator = reading.open_map(make_raster("w.tif", codes, crs="EPSG:3857")).grid
    assert "3857" in reading.area_notes(mercator)[0]
    feet = reading.open_map(make_raster("f.tif", codes, crs="EPSG:2264")).grid
    assert reading.pixel_area(feet) == pytest.approx(900 * 0.3048006096**2, rel=1e-6)
