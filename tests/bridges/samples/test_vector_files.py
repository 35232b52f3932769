"""Whatever pyogrio opens is a vector file; a table of coordinates is points."""

from __future__ import annotations

import zipfile

import numpy as np
import pyogrio.raw
import pytest
import shapely

from bridges.errors import DataError, UsageError
from bridges.samples.pixels import labelled_pixels
from bridges.samples.reading import LabelReading
from bridges.samples.vector_files import is_vector, read_features
from bridges.scene.opening import open_scene

LEFT, TOP, PIXEL = 500_000.0, 4_000_000.0, 30.0
SHAPES = [
    shapely.box(LEFT, TOP - 4 * PIXEL, LEFT + 4 * PIXEL, TOP),
    shapely.box(LEFT, TOP - 10 * PIXEL, LEFT + 4 * PIXEL, TOP - 6 * PIXEL),
]


def write(path, driver, crs="EPSG:32617", shapes=SHAPES, **options):
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array(shapes)),
        field_data=[np.array(["water", "forest"], dtype=object)],
        fields=["kind"],
        geometry_type="Polygon",
        driver=driver,
        crs=crs,
        **options,
    )
    return path


FORMATS = {
    "a.gdb": "OpenFileGDB",
    "a.tab": "MapInfo File",
    "a.mif": "MapInfo File",
    "a.geojsonl": "GeoJSONSeq",
    "a.jsonfg": "GeoJSON",  # an unknown suffix: the content tells
    "a.shp": "ESRI Shapefile",
    "a.gml": "GML",
}


@pytest.mark.parametrize(("name", "driver"), FORMATS.items())
def test_vector_formats(tmp_path, image, name, driver):
    shapes, crs = SHAPES, "EPSG:32617"
    if driver.startswith("GeoJSON"):
        from rasterio import warp

        crs = "EPSG:4326"
        shapes = [
            shapely.transform(
                shape, lambda xy: np.column_stack(warp.transform("EPSG:32617", crs, *xy.T))
            )
            for shape in SHAPES
        ]
    path = write(tmp_path / name, driver, crs, shapes)
    assert is_vector(path)
    data = labelled_pixels(open_scene(image), path, label_field="kind")
    assert data.counts() == {1: 16, 2: 16}


def test_a_zipped_shapefile_and_a_folder_of_them(tmp_path, image):
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "a.shp", "ESRI Shapefile")
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in folder.iterdir():
            archive.write(part, part.name)
    for name in (packed, folder, f"{packed}|layername=a", f"zip://{packed}!a.shp"):
        assert is_vector(name)
        data = labelled_pixels(open_scene(image), name, label_field="kind")
        assert data.counts() == {1: 16, 2: 16}


def test_rasters_are_no_vector_files(tmp_path, image):
    (tmp_path / "text").write_text("no file of anything")
    for name in (image, tmp_path / "text", tmp_path / "absent", "absent.tif"):
        assert not is_vector(name)


def table(path, header, rows, mark=","):
    lines = [mark.join(header), *(mark.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def places(n=6):
    """Pixel centres down a column of pixels, alternating between two classes."""
    return [(LEFT + 45.0, TOP - 30.0 * (i + 0.5), ("a", "b")[i % 2]) for i in range(n)]


@pytest.mark.parametrize(
    ("header", "mark"),
    [
        (("x", "y", "class"), ","),
        (("Easting", "Northing", "class"), ";"),
        (("X", "Y", "class"), "\t"),
    ],
)
def test_points_of_a_table_in_the_images_coordinates(tmp_path, image, header, mark):
    path = table(tmp_path / "p.csv", header, places(), mark)
    data = labelled_pixels(open_scene(image), path, label_field="class")
    assert data.rows.tolist() == list(range(6))
    assert data.counts() == {1: 3, 2: 3}
    assert f"points at {header[0]}, {header[1]}" in " ".join(data.notes)


def test_points_in_degrees_by_name_or_by_word(tmp_path, image):
    from rasterio import warp

    xs, ys, names = zip(*places(), strict=True)
    moved = warp.transform("EPSG:32617", "EPSG:4326", xs, ys)
    rows = [*zip(*moved, names, range(6), strict=True), (-81, "", "a", 6)]
    path = table(tmp_path / "p.csv", ("longitude", "Latitude", "class", "n"), rows)
    data = labelled_pixels(open_scene(image), path, label_field="class")
    assert data.rows.tolist() == list(range(6))
    assert "1 features" in data.notes[0]
    path = table(tmp_path / "q.csv", ("u", "v", "class", "n"), rows)
    with pytest.raises(DataError, match="no two of its columns") as caught:
        labelled_pixels(open_scene(image), path, label_field="class")
    assert "--xy X,Y" in caught.value.hint
    reading = LabelReading(xy=("u", "v"), crs="EPSG:4326")
    data = labelled_pixels(open_scene(image), path, label_field="class", reading=reading)
    assert data.rows.tolist() == list(range(6))
    with pytest.raises(DataError, match="no column 'w'"):
        read_features(path, LabelReading(xy=("u", "w")))
    bad = LabelReading(xy=("u", "v"), crs="EPSG:999999")
    with pytest.raises(DataError, match="not known: 'EPSG:999999'"):
        labelled_pixels(open_scene(image), path, label_field="class", reading=bad)


def test_tables_with_geometry_as_text(tmp_path, image):
    rows = [('"' + shape.wkt + '"', name) for shape, name in zip(SHAPES, "ab", strict=True)]
    path = table(tmp_path / "w.csv", ("WKT", "class"), rows)
    data = labelled_pixels(open_scene(image), path, label_field="class")
    assert data.counts() == {1: 16, 2: 16}


def test_tables_that_hold_no_places(tmp_path, image):
    path = table(tmp_path / "p.csv", ("x", "y", "class"), [("east", 3, "a"), ("west", 4, "b")])
    with pytest.raises(DataError, match="'east', which is no coordinate"):
        labelled_pixels(open_scene(image), path, label_field="class")
    with pytest.raises(UsageError, match="--xy names columns"):
        read_features(write(tmp_path / "a.gpkg", "GPKG"), LabelReading(xy=("x", "y")))
    with pytest.raises(UsageError, match="--all-touched is for vector files"):
        labelled_pixels(open_scene(image), image, reading=LabelReading(all_touched=True))


def test_a_system_that_is_said_wins(tmp_path, image):
    path = write(tmp_path / "a.gpkg", "GPKG", "EPSG:32618")
    with pytest.raises(DataError, match="lies on the image"):
        labelled_pixels(open_scene(image), path, label_field="kind")
    reading = LabelReading(crs="EPSG:32617")
    data = labelled_pixels(open_scene(image), path, label_field="kind", reading=reading)
    assert len(data.y) == 32
    assert "is taken to be in EPSG:32617, not in EPSG:32618" in data.notes[0]


def test_text_in_another_encoding_than_is_stated(tmp_path, image):
    path = write(tmp_path / "a.shp", "ESRI Shapefile", encoding="UTF-8")
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes().replace(b"forest", "forêt ".encode("cp1252")))
    data = labelled_pixels(open_scene(image), path, label_field="kind")
    assert set(data.class_names.values()) == {"forêt", "water"}
    assert "read as cp1252" in " ".join(data.notes)
