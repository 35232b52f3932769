"""Names of classes that other programs write into rasters, or beside them."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.samples.pixels import labelled_pixels
from bridges.scene.codes import open_codes
from bridges.scene.opening import open_scene

NAMES = {1: "water", 2: "forest"}
TABLE = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">
<FieldDefn index="0"><Name>{0}</Name><Type>0</Type><Usage>{1}</Usage></FieldDefn>
<FieldDefn index="1"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
<FieldDefn index="2"><Name>{2}</Name><Type>2</Type><Usage>{3}</Usage></FieldDefn>
<Row index="0"><F>1</F><F>70</F><F>water</F></Row>
<Row index="1"><F>2</F><F>50</F><F>forest</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""
CATEGORIES = """<PAMDataset><PAMRasterBand band="1"><CategoryNames><Category>Background</Category>
<Category>water</Category><Category> forest </Category></CategoryNames>
</PAMRasterBand></PAMDataset>"""
STYLE = """<qgis><pipe><rasterrenderer type="paletted"><colorPalette>
<paletteEntry value="1" color="#00f" label="water"/>
<paletteEntry value="2" color="#0f0" label="forest"/>
</colorPalette></rasterrenderer></pipe></qgis>"""


@pytest.fixture
def labels(make_raster):
    codes = np.zeros((12, 10), np.uint8)
    codes[:4], codes[8:] = 1, 2
    return make_raster("labels.tif", codes)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".tif.aux.xml", CATEGORIES),
        (".tif.aux.xml", TABLE.format("Value", 5, "Class_Name", 2)),
        (".tif.aux.xml", TABLE.format("VALUE", 0, "LABEL", 0)),
        (".qml", STYLE),
    ],
)
def test_names_beside_the_raster(labels, image, suffix, text):
    labels.with_suffix(suffix).write_text(text)
    assert open_codes(labels).class_names == NAMES
    data = labelled_pixels(open_scene(image), labels, classes=["water", "forest"])
    assert data.class_names == NAMES


def test_the_attribute_table_of_arcgis(labels):
    import pyogrio.raw

    pyogrio.raw.write(
        f"{labels}.vat.dbf",
        geometry=None,
        field_data=[np.array([1, 2]), np.array(["water", "forest"], dtype=object)],
        fields=["Value", "Class_Name"],
        driver="ESRI Shapefile",
        geometry_type=None,
    )
    assert open_codes(labels).class_names == NAMES


def test_own_tags_win_and_damaged_tables_are_no_names(make_raster, labels):
    labels.with_suffix(".qml").write_text("<qgis><broken")
    assert open_codes(labels).class_names == {}
    tagged = make_raster("t.tif", np.ones((3, 3), np.uint8), tags={"CLASS_1": "ice"})
    tagged.with_suffix(".tif.aux.xml").write_text(CATEGORIES)
    assert open_codes(tagged).class_names == {1: "ice"}


def test_a_header_in_latin_letters(image, tmp_path):
    import rasterio

    path = tmp_path / "classes.img"
    codes = np.zeros((1, 12, 10), np.uint8)
    codes[:, :4], codes[:, 8:] = 1, 2
    with rasterio.open(image) as like:
        profile = {**like.profile, "driver": "ENVI", "count": 1, "dtype": "uint8", "nodata": None}
    for key in ("tiled", "blockysize", "blockxsize", "interleave", "compress"):
        profile.pop(key, None)
    with rasterio.open(path, "w", **profile) as file:
        file.write(codes)
    header = path.with_suffix(".hdr")
    more = "classes = 3\nclass names = {Unclassified, forêt,\n prairie}\n"
    header.write_bytes(header.read_bytes() + more.encode("cp1252"))
    assert open_codes(path).class_names == {1: "forêt", 2: "prairie"}
