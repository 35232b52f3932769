"""Features that give no sample are counted, and told why."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.reading import LabelReading
from bridges.scene.opening import open_scene

LEFT, TOP, PIXEL = 500_000.0, 4_000_000.0, 30.0
ALLOWED = LabelReading(allow_missing=True)


def box(top, left, bottom, right):
    x0, x1 = LEFT + left * PIXEL, LEFT + right * PIXEL
    y0, y1 = TOP - top * PIXEL, TOP - bottom * PIXEL
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    return {"type": "Polygon", "coordinates": [ring]}


def point(row, col):
    place = [LEFT + PIXEL * (col + 0.5), TOP - PIXEL * (row + 0.5)]
    return {"type": "Point", "coordinates": place}


@pytest.fixture
def write(tmp_path):
    def make(*features):
        content = {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32617"}},
            "features": [
                {"type": "Feature", "properties": {"class": c, "farm": farm}, "geometry": g}
                for c, g, farm in (f if len(f) == 3 else (*f, "x") for f in features)
            ],
        }
        path = tmp_path / "f.geojson"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return make


PLAIN = [("water", box(0, 0, 4, 4)), ("forest", box(6, 0, 10, 4))]
LOST = {
    "lie outside the image": [("ice", box(0, 400, 2, 402))] * 3,
    "cover no pixel's centre": [("ice", box(1.6, 6.6, 1.9, 6.9))] * 3,
    "claim the same pixels": [("ice", box(1, 1, 2, 2)), ("ice", point(2, 2))] * 2,
    "beside": [("ice", box(-9, -9, -1, -1))],
}


@pytest.mark.parametrize("why", LOST)
def test_a_class_that_vanishes_is_an_error_that_says_why(image, write, why):
    path = write(*PLAIN, *LOST[why])
    n = len(LOST[why])
    noun = "feature" if n == 1 else "features"
    with pytest.raises(DataError, match=rf"would vanish: {n} {noun} of class 'ice' \(2\)") as error:
        labelled_pixels(open_scene(image), path, label_field="class")
    assert (why if why != "beside" else "outside") in str(error.value)
    assert "--allow-missing-classes" in error.value.hint
    data = labelled_pixels(open_scene(image), path, label_field="class", reading=ALLOWED)
    assert list(data.class_names.values()) == ["forest", "water"]
    assert any(f"{n} {noun} of class 'ice'" in note for note in data.notes)
    chosen = labelled_pixels(
        open_scene(image), path, label_field="class", classes=["forest", "water"]
    )
    assert len(chosen.class_names) == 2


def test_counts_of_all_reasons_at_once(image, write):
    path = write(
        *PLAIN,
        ("water", box(0, 600, 1, 601)),
        ("forest", box(0, 600, 1, 601)),
        ("water", box(5.6, 5.6, 5.8, 5.8)),
        ("forest", point(7, 1)),  # burnt after the polygon, so it has its pixel
        ("water", box(1, 1, 3, 3)),
        ("water", box(1, 1, 3, 3)),  # the same once more: the first of both is lost
        ("town", box(0, 3, 1, 6)),
    )
    notes = labelled_pixels(open_scene(image), path, label_field="class").notes
    assert (
        "2 features (1 of 'forest' (1), 1 of 'water' (3)) label no pixel: they lie outside"
        in (notes[0])
    )
    assert notes[1].startswith("1 feature of class 'water' (3) label no pixel: they cover no pixel")
    assert notes[2].startswith("1 feature of class 'water' (3) label no pixel: other features of")
    assert notes[3] == "1 pixels are claimed by several classes and left out."


def test_masked_features(make_raster, write):
    stack = np.ones((1, 12, 10), dtype=np.uint8)
    stack[0, 6:8, 6:8] = 0
    scene = open_scene(make_raster("i.tif", stack, nodata=0))
    path = write(*PLAIN, ("forest", box(6, 6, 8, 8)))
    notes = labelled_pixels(scene, path, label_field="class").notes
    assert notes == (
        "1 feature of class 'forest' (1) label no pixel: all their pixels are masked "
        "(nodata, NaN or cloud).",
    )
    path = write(*PLAIN, ("ice", box(6, 6, 8, 8)))
    with pytest.raises(DataError, match=r"'ice'.* all its pixels are masked \(4 labelled\)"):
        labelled_pixels(scene, path, label_field="class")


def test_touched_pixels_and_groups_of_a_field(image, write):
    path = write(
        ("water", box(0.6, 0.6, 1.4, 1.4), "a"),
        ("water", box(3, 3, 5, 5), "b"),
        ("forest", box(6, 0, 10, 4), "a"),
        ("forest", box(6, 6, 8, 8), None),
    )
    touched = LabelReading(all_touched=True, group_field="farm")
    data = labelled_pixels(open_scene(image), path, label_field="class", reading=touched)
    small = data.take((data.rows < 2) & (data.cols < 2))
    assert len(small.y) == 4
    assert np.unique(small.groups).tolist() == [2]
    assert np.unique(data.groups[data.y == 1]).tolist() == [0, 2]
    assert np.unique(data.groups[(data.rows > 2) & (data.y == 2)]).tolist() == [3]
    with pytest.raises(DataError, match="has no field 'farn'") as caught:
        labelled_pixels(
            open_scene(image), path, label_field="class", reading=LabelReading(group_field="farn")
        )
    assert "Did you mean 'farm'?" in caught.value.hint


def test_polygons_that_cross_themselves(image, write):
    bow = {"type": "Polygon", "coordinates": [[[LEFT - 300, TOP], [LEFT - 90, TOP - 300]]]}
    bow["coordinates"][0] += [[LEFT - 300, TOP - 300], [LEFT - 90, TOP], [LEFT - 300, TOP]]
    inside = box(0, 6, 4, 9)
    ring = inside["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    path = write(*PLAIN, ("water", bow), ("water", inside))
    data = labelled_pixels(open_scene(image), path, label_field="class")
    assert "1 feature of class 'water' (2) label no pixel: they lie outside" in data.notes[0]
    assert 0 < np.sum(data.cols >= 6) < 12
