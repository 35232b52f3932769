"""Style and catalogue item of a map: what QGIS and STAC's schemas ask for."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from bridges.maps.classify import predict_map
from bridges.maps.companions import write_companions
from bridges.maps.style import class_style
from bridges.scene.opening import open_scene
from bridges.scene.palette import class_palette

NAMES = {1: "water", 2: "mixed forest & <scrub>", 7: "urban"}


@pytest.fixture
def drawn(make_raster, make_sidecar, tmp_path):
    """Draw a map with its companions; return its folder."""

    def draw(crs="EPSG:32617", acquired="2001-03-04"):
        make_sidecar(acquired=acquired)
        stack = np.arange(2 * 40 * 30).reshape(2, 40, 30) % 200 + 1
        scene = open_scene(make_raster("image.tif", stack.astype(np.uint8), crs=crs))
        out = tmp_path / "map.tif"
        predict_map(lambda X: np.array([1, 2, 7])[X[:, 0].astype(int) % 3], scene, out,
                    class_names=NAMES)  # fmt: skip
        write_companions(out, scene, NAMES)
        return json.loads((tmp_path / "map.json").read_text())

    return draw


def test_the_style_holds_every_class_with_its_colour():
    colors = class_palette(NAMES)
    root = ElementTree.fromstring(class_style(NAMES, colors))
    entries = [entry.attrib for entry in root.iter("paletteEntry")]
    assert [(int(e["value"]), e["label"]) for e in entries] == sorted(NAMES.items())
    shown = [tuple(int(e["color"][k : k + 2], 16) for k in (1, 3, 5)) for e in entries]
    assert shown == [colors[code] for code in sorted(NAMES)]
    assert next(root.iter("rasterrenderer")).attrib["type"] == "paletted"


def test_the_item_is_valid_and_tells_classes_grid_and_place(drawn, tmp_path):
    pystac = pytest.importorskip("pystac")
    pytest.importorskip("jsonschema")
    item = drawn()
    checked = pystac.Item.from_dict(dict(item, stac_extensions=[]))
    assert checked.validate()
    assert checked.datetime.isoformat() == "2001-03-04T00:00:00+00:00"
    told = item["properties"]
    assert told["proj:code"] == "EPSG:32617"
    assert told["proj:shape"] == [40, 30]
    assert told["proj:transform"] == [30, 0, 500_000, 0, -30, 4_000_000]
    west, south, east, north = item["bbox"]
    assert -81.001 < west < east < -80.98
    assert 36.13 < south < north < 36.15
    classes = item["assets"]["map"]["classification:classes"]
    assert [c["value"] for c in classes] == [1, 2, 7]
    assert classes[1]["title"] == NAMES[2]
    assert all(c["name"].replace("_", "").isalnum() for c in classes)
    assert all(len(c["color_hint"]) == 6 for c in classes)
    band = item["assets"]["map"]["bands"][0]
    assert band["statistics"]["maximum"] == 7
    assert (tmp_path / item["assets"]["map"]["href"]).exists()


def test_an_unknown_date_or_place_is_said(drawn):
    item = drawn(crs=None, acquired="")
    assert item["geometry"] is None
    assert "bbox" not in item
    assert "not known" in item["properties"]["description"]
    assert item["properties"]["datetime"] == item["properties"]["created"]
