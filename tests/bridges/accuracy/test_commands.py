"""``bridges.design`` and ``bridges.assess``: from a map to its accuracy, and what they refuse."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from bridges import assess, design
from bridges.accuracy.design import read_design
from bridges.accuracy.points import read_points
from bridges.errors import DataError

NAMED = {1: "water", 2: "forest", 3: "crop"}


@pytest.fixture
def run(capsys):
    """Run a command; return exit code, stdout and stderr."""

    def call(command, *words):
        code = command.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def drawn(class_map, run, tmp_path):
    """A stratified sample of the map."""
    folder = tmp_path / "sample"
    assert run(design, class_map, "--size", 200, "--seed", 1, "--out", folder)[0] == 0
    return folder


@pytest.fixture
def labelled(drawn, label, truth):
    """The same sample with the truth as labels, names and codes mixed."""

    def what(table):
        codes = truth[table["row"], table["col"]]
        return [NAMED[c] if i % 2 else str(c) for i, c in enumerate(codes)]

    return label(drawn / "points.gpkg", what)


def test_a_map_is_assessed(class_map, drawn, labelled, run, tmp_path, truth, mapped) -> None:
    out = tmp_path / "assessed"
    code, said, _ = run(
        assess, class_map, "--reference", labelled, "--design", drawn / "design.json",
        "--out", out, "--json",
    )  # fmt: skip
    assert code == 0
    found = json.loads(said)
    assert json.loads((out / "metrics.json").read_text()) == found
    inside = mapped > 0
    right = np.mean(truth[inside] == mapped[inside])
    overall = found["overall_accuracy"]
    assert overall["low"] < right < overall["high"]
    assert overall["low"] == pytest.approx(overall["value"] - 1.96 * overall["se"])
    for entry in found["classes"]:
        true_ha = np.sum(truth[inside] == entry["code"]) * 0.09
        area = entry["area_ha"]
        assert abs(area["value"] - true_ha) < 4 * area["se"]
        assert entry["mapped_share"] == pytest.approx(np.mean(mapped[inside] == entry["code"]))
    assert np.sum(found["error_matrix_shares"]) == pytest.approx(1.0)
    assert {p.name for p in out.iterdir()} == {
        "metrics.json", "report.html", "run.json", "tables.md", "tables.tex",
    }  # fmt: skip
    assert "Overall accuracy" in (out / "report.html").read_text()
    assert r"\toprule" in (out / "tables.tex").read_text()
    assert "not in the population: unclassified" in " ".join(found["notes"])


def test_the_same_seed_draws_the_same_bytes(class_map, drawn, run, tmp_path) -> None:
    again = tmp_path / "again"
    run(design, class_map, "--size", 200, "--seed", 1, "--out", again)
    for name in ("points.gpkg", "design.json"):
        assert (again / name).read_bytes() == (drawn / name).read_bytes()
    run(design, class_map, "--size", 200, "--seed", 2, "--out", again, "--overwrite")
    assert (again / "design.json").read_bytes() != (drawn / "design.json").read_bytes()


def test_points_stand_for_all_pixels_of_the_population(drawn, mapped) -> None:
    import pyogrio.raw

    record = read_design(drawn / "design.json")
    meta, _, _, columns = pyogrio.raw.read(drawn / "points.gpkg", read_geometry=False)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert table["weight"].sum() == pytest.approx(np.sum(mapped > 0))
    assert record.n_pixels == np.sum(mapped > 0)
    assert sum(record.n_sample.values()) == 200
    assert record.points is not None
    assert np.array_equal(record.points[:, 1], table["row"])


@pytest.mark.parametrize("kind", ["simple", "systematic"])
def test_samples_without_strata(kind, class_map, run, tmp_path, label, truth, mapped) -> None:
    folder = tmp_path / kind
    run(design, class_map, "--kind", kind, "--size", 300, "--out", folder, "--with-unclassified")
    points = label(folder / "points.gpkg", lambda t: truth[t["row"], t["col"]].astype(str))
    code, said, _ = run(
        assess, class_map, "--reference", points, "--design", folder / "design.json",
        "--dry-run", "--json",
    )  # fmt: skip
    found = json.loads(said)
    assert code == 0
    assert "strata after the fact" in " ".join(found["notes"])
    assert found["error_matrix_classes"][0] == "unclassified"
    assert [c["name"] for c in found["classes"]] == ["water", "forest", "crop"]
    for entry in found["classes"]:
        assert abs(entry["area_share"]["value"] - np.mean(truth == entry["code"])) < 0.08


def test_another_map_is_assessed_only_when_asked(drawn, labelled, run, make_raster, truth) -> None:
    other = make_raster("other.tif", truth, nodata=0)
    words = (other, "--reference", labelled, "--design", drawn / "design.json", "--dry-run")
    code, _, said = run(assess, *words)
    assert code == 3
    assert "was drawn for" in said
    assert "--other-map" in said
    code, said, _ = run(assess, *words, "--other-map", "--json")
    assert code == 3  # names are unknown in a map without them
    named = make_raster(
        "named.tif", truth, nodata=0, tags={f"CLASS_{c}": n for c, n in NAMED.items()}
    )
    code, said, _ = run(assess, named, *words[1:], "--other-map", "--json")
    assert code == 0
    assert json.loads(said)["overall_accuracy"]["value"] == 1.0
    smaller = make_raster("smaller.tif", truth[:50], nodata=0)
    code, _, said = run(assess, smaller, *words[1:], "--other-map")
    assert code == 3


def test_no_estimate_without_a_design(class_map, labelled, run) -> None:
    code, _, said = run(assess, class_map, "--reference", labelled)
    assert code == 2
    assert "probability sample" in said
    assert "bridges.design" in said
    assert "bridges.compare" in said


def test_points_left_unlabelled_are_told(class_map, drawn, label, truth, run) -> None:
    def most(table):
        codes = truth[table["row"], table["col"]].astype(str).astype(object)
        codes[:15] = None
        return codes

    points = label(drawn / "points.gpkg", most)
    _, said, _ = run(
        assess, class_map, "--reference", points, "--design", drawn / "design.json", "--dry-run"
    )
    assert "15 drawn points are not labelled" in said


def test_a_stratum_without_labels_is_refused_or_left_out(
    class_map, drawn, label, truth, run, mapped
) -> None:
    def but_water(table):
        codes = truth[table["row"], table["col"]].astype(str).astype(object)
        codes[table["stratum_name"] == "water"] = None
        return codes

    points = label(drawn / "points.gpkg", but_water)
    words = (class_map, "--reference", points, "--design", drawn / "design.json", "--dry-run")
    code, _, said = run(assess, *words)
    assert code == 3
    assert "no labelled point in the stratum 'water'" in said
    assert "--without 'water'" in said
    code, said, _ = run(assess, *words, "--without", "water", "--json")
    assert code == 0
    found = json.loads(said)
    assert found["area_ha"] == pytest.approx(np.sum(mapped > 1) * 0.09)
    code, _, said = run(assess, *words, "--without", "wood")
    assert code == 2


def test_a_single_point_of_a_stratum(class_map, drawn, label, truth, run) -> None:
    def one_of_water(table):
        codes = truth[table["row"], table["col"]].astype(str).astype(object)
        water = np.flatnonzero(table["stratum_name"] == "water")
        codes[water[1:]] = None
        return codes

    points = label(drawn / "points.gpkg", one_of_water)
    words = (class_map, "--reference", points, "--design", drawn / "design.json", "--dry-run")
    code, said, _ = run(assess, *words, "--json")
    found = json.loads(said)
    assert code == 0
    assert found["overall_accuracy"]["se"] > 0
    assert "a single point has none" in " ".join(found["notes"])


def moved(source, target, change):
    """Copy points with other geometries or labels."""
    import pyogrio.raw
    import shapely

    meta, _, wkb, columns = pyogrio.raw.read(source)
    shapes, columns = change(shapely.from_wkb(wkb), list(columns), [str(f) for f in meta["fields"]])
    pyogrio.raw.write(
        target,
        geometry=shapely.to_wkb(shapes),
        field_data=columns,
        fields=list(meta["fields"]),
        geometry_type="Point",
        crs=meta["crs"],
        layer="points",
        driver="GPKG",
    )
    return target


def shift(dx):
    import shapely

    by = np.array([dx, 0.0])
    return lambda shapes, columns, _: (shapely.transform(shapes, lambda xy: xy + by), columns)


def mirrored(shapes, columns, _):
    import shapely

    middle = 500_000 + 25 * 30
    return shapely.transform(shapes, lambda xy: np.abs([[2 * middle, 0]] - xy)), columns


def strange_label(shapes, columns, fields):
    columns[fields.index("reference")][0] = "glacier"
    return shapes, columns


def doubled(shapes, columns, _):
    return np.concatenate([shapes, shapes[:1]]), [np.concatenate([c, c[:1]]) for c in columns]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shift(100_000), "lie outside of"),
        (mirrored, "were not drawn by the design"),
        (strange_label, "no class 'glacier'"),
        (doubled, "several reference points"),
    ],
)
def test_wrong_points_are_refused(change, words, class_map, drawn, labelled, run, tmp_path) -> None:
    points = moved(labelled, tmp_path / "wrong.gpkg", change)
    code, _, said = run(
        assess, class_map, "--reference", points, "--design", drawn / "design.json", "--dry-run"
    )
    assert code == 3
    assert words in said
    assert "hint: " in said


def test_reference_in_other_coordinates(
    class_map, drawn, labelled, run, tmp_path, shared_frame
) -> None:
    words = ("--design", drawn / "design.json", "--dry-run", "--json")
    here = run(assess, class_map, "--reference", labelled, *words)[1]
    there = run(assess, class_map, "--reference", shared_frame(labelled), *words)[1]
    assert json.loads(here)["classes"] == json.loads(there)["classes"]


@pytest.fixture
def shared_frame(tmp_path):
    """Bring points into longitude and latitude."""

    def bring(source):
        import pyogrio.raw
        import shapely
        from rasterio import warp

        meta, _, wkb, columns = pyogrio.raw.read(source)
        xy = shapely.get_coordinates(shapely.from_wkb(wkb))
        lonlat = np.column_stack(warp.transform(meta["crs"], "EPSG:4326", *xy.T))
        target = tmp_path / "lonlat.geojson"
        pyogrio.raw.write(
            target,
            geometry=shapely.to_wkb(shapely.points(lonlat)),
            field_data=columns,
            fields=list(meta["fields"]),
            geometry_type="Point",
            crs="EPSG:4326",
            driver="GeoJSON",
            COORDINATE_PRECISION="9",
        )
        return target

    return bring


def test_a_design_written_by_hand(class_map, labelled, run, tmp_path, mapped) -> None:
    file = tmp_path / "own.json"
    strata = [
        {"number": i, "name": NAMED[i], "n_pixels": int(np.sum(mapped == i))} for i in (1, 2, 3)
    ]
    file.write_text(json.dumps({"kind": "stratified", "strata": strata}))
    words = (class_map, "--reference", labelled, "--design", file, "--dry-run", "--json")
    code, said, _ = run(assess, *words)
    assert code == 0
    assert "written by hand" in " ".join(json.loads(said)["notes"])
    file.write_text(json.dumps({"kind": "simple"}))
    assert run(assess, *words)[0] == 0
    file.write_text(json.dumps({"kind": "stratified", "strata": strata[:2]}))
    code, _, said = run(assess, *words)
    assert code == 3
    assert "which the design lacks" in said


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"kind": "convenience"}', '{"kind": "stratified"}', '{"strata": []}',
     '{"kind": "stratified", "strata": [{"number": 1, "name": "a", "n_pixels": 0}]}'],
)  # fmt: skip
def test_damaged_designs_are_refused(content, tmp_path) -> None:
    file = tmp_path / "design.json"
    file.write_text(content)
    with pytest.raises(DataError) as error:
        read_design(file)
    assert error.value.hint


def test_polygons_are_no_points(class_map, tmp_path) -> None:
    import pyogrio.raw
    import shapely

    from bridges.accuracy.class_map import open_map

    path = tmp_path / "fields.gpkg"
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb([shapely.box(500_000, 3_999_900, 500_100, 4_000_000)]),
        field_data=[np.array(["water"], dtype=object)],
        fields=["reference"],
        geometry_type="Polygon",
        crs="EPSG:32617",
        driver="GPKG",
    )
    with pytest.raises(DataError, match="no points"):
        read_points(path, open_map(class_map).grid)


def test_labels_are_not_overwritten(class_map, drawn, labelled, run) -> None:
    shutil.copy(labelled, drawn / "points.gpkg")
    code, _, said = run(design, class_map, "--out", drawn, "--overwrite")
    assert code == 2
    assert "200 labelled points" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", 100, "--target-se", 0.02), "exclude each other"),
        (("--kind", "simple", "--minimum", 5), "stratified samples"),
        (("--expect", "water"), "no name with an accuracy"),
        (("--expect", "ice=0.9"), "no stratum 'ice'"),
        (("--size", 20, "--minimum", 30), "not enough"),
    ],
)
def test_what_design_refuses(words, said, class_map, run) -> None:
    code, _, error = run(design, class_map, *words, "--dry-run")
    assert code == 2
    assert said in error


def test_a_target_decides_the_size(class_map, run, tmp_path) -> None:
    folder = tmp_path / "target"
    words = ("--target-se", 0.02, "--allocation", "neyman", "--expect", "water=0.95")
    assert run(design, class_map, *words, "--out", folder)[0] == 0
    record = read_design(folder / "design.json")
    assert record.allocation["expected_se"] <= 0.02
    assert record.allocation["size"] == len(record.points)
