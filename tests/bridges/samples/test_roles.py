"""Whose column is it: what a table's columns are taken for, and what is refused."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import DataError, UsageError
from bridges.samples.roles import TableRoles
from bridges.samples.tables import load_table

N = 40
RNG = np.random.default_rng(3)
BANDS = {f"b{i}": [f"{v:.4f}" for v in RNG.normal(size=N)] for i in range(1, 4)}
NAMES = [("forest", "urban", "water")[i % 3] for i in range(N)]


def written(path, columns, delimiter=",", quoting=csv.QUOTE_MINIMAL, decimal=".", header=True):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    if header:
        writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([str(cell).replace(".", decimal) for cell in row])
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path):
    return lambda columns, name="t.csv", **how: written(tmp_path / name, columns, **how)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("", [str(i + 1) for i in range(N)], "has no name"),
        ("Unnamed: 0", [str(i) for i in range(N)], "numbers the samples"),
        ("row", [str(i + 7) for i in RNG.permutation(N)], "consecutive numbers"),
        ("OBJECTID", [str(3 * i) for i in range(N)], "numbers the samples"),
        ("wkt", [f"POINT ({i} {i})" for i in range(N)], "holds geometry"),
        (".geo", [f'{{"type":"Point","coordinates":[{i},1]}}' for i in range(N)], "geometry"),
        ("system:index", [f"2_{i:08x}_0" for i in range(N)], "is text that differs"),
        ("class_id", [str("fuw".index(name[0])) for name in NAMES], "is called like labels"),
        ("code", [str(10 * "fuw".index(name[0])) for name in NAMES], "says the same"),
    ],
)
def test_columns_that_are_no_features_are_left_out_and_told(table, name, values, said):
    data = load_table(table({name: values, **BANDS, "class": NAMES}))
    assert data.feature_names == ["b1", "b2", "b3"]
    assert sorted(data.class_names.values()) == ["forest", "urban", "water"]
    assert any(said in note for note in data.notes)


@pytest.mark.parametrize(
    "names", [("x", "y"), ("lon", "lat"), ("Easting", "Northing"), ("POINT_X", "POINT_Y")]
)
def test_coordinates_are_kept_and_are_neither_features_nor_labels(table, names):
    places = {name: [f"{500000 + 30.5 * v:.1f}" for v in RNG.random(N)] for name in names}
    path = table({**places, **BANDS, "landcover": NAMES})
    data = load_table(path)
    assert data.feature_names == ["b1", "b2", "b3"]
    assert data.coordinates.shape == (N, 2)
    assert f"{data.coordinates[0, 0]:.1f}" == places[names[0]][0]
    assert any("--coordinates none" in note for note in data.notes)
    kept = load_table(path, roles=TableRoles(label_column="landcover", coordinates=()))
    assert kept.feature_names == [*names, "b1", "b2", "b3"]


def test_groups_under_other_names(table):
    polygons = [str(i // 8) for i in range(N)]
    data = load_table(table({"polygon_id": polygons, **BANDS, "class": NAMES}))
    assert data.feature_names == ["b1", "b2", "b3"]
    assert data.groups.tolist() == [i // 8 + 1 for i in range(N)]
    said = TableRoles(group_column="region")
    data = load_table(table({"region": polygons, **BANDS, "class": NAMES}), roles=said)
    assert len(np.unique(data.groups)) == 5


def test_roles_that_are_said(table):
    path = table({"soil": NAMES, "wet": BANDS["b1"], **BANDS})
    roles = TableRoles(label_column="SOIL", ignore_columns=("wet", "b2"))
    data = load_table(path, roles=roles)
    assert data.feature_names == ["b1", "b3"]
    assert not data.notes
    with pytest.raises(DataError, match="no column 'soul'") as error:
        load_table(path, roles=TableRoles(label_column="soul"))
    assert "Did you mean 'soil'" in error.value.hint
    numbered = table({"a": NAMES, **BANDS}, header=False)
    data = load_table(numbered, roles=TableRoles(label_column="1"))
    assert data.feature_names == ["x2", "x3", "x4"]


@pytest.mark.parametrize(
    "columns",
    [
        {**BANDS},
        {**BANDS, "height": [f"{v:.2f}" for v in RNG.random(N)]},
        {**BANDS, "class": [f"plot {i}" for i in range(N)]},
        {"class": [str(i) for i in range(N)], **BANDS},
        {**BANDS, "last": [str(i) for i in range(N)]},
    ],
)
def test_a_reckless_guess_of_the_labels_is_refused(table, columns):
    with pytest.raises(DataError) as error:
        load_table(table(columns))
    assert "--label-column" in error.value.hint


def test_a_last_column_that_may_be_labels_is_told(table):
    data = load_table(table({**BANDS, "cropland": NAMES}))
    assert any("--label-column" in note for note in data.notes)
    assert len(data.class_names) == 3


def test_two_columns_of_one_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("b1,b1,class\n1,2,a\n3,4,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"Two columns of .* are called 'b1'"):
        load_table(path)


@pytest.mark.parametrize("void", ["", "NA", "nan", "null", "None", "#N/A", "--"])
def test_samples_without_a_label_are_left_out_and_counted(table, void):
    labels = [void if i % 10 == 4 else str(i % 3 + 1) for i in range(N)]
    data = load_table(table({**BANDS, "class": labels}))
    assert len(data.y) == N - 4
    assert sorted(data.class_names) == [1, 2, 3]
    assert any("4 of 40 samples" in note for note in data.notes)


def test_missing_labels_of_an_archive(tmp_path):
    y = np.where(np.arange(N) % 10 == 4, np.nan, np.arange(N) % 3)
    np.savez(tmp_path / "t.npz", X=RNG.normal(size=(N, 2)), y=y)
    data = load_table(tmp_path / "t.npz")
    assert len(data.y) == N - 4
    with pytest.raises(UsageError, match="no text table"):
        load_table(tmp_path / "t.npz", roles=TableRoles(label_column="a"))


def test_a_mark_of_missing_values(table):
    marked = [("-9999.0" if i == 5 else v) for i, v in enumerate(BANDS["b1"])]
    path = table({**BANDS, "b1": marked, "class": NAMES})
    data = load_table(path, roles=TableRoles(missing=("-9999",)))
    assert len(data.y) == N - 1
    assert data.n_masked == 1


@pytest.mark.parametrize("cell", ["1_0", "1 000", "1.234,5", "0x1f", "１２", "12abc", "1,5"])
def test_only_plain_decimals_are_numbers(table, cell):
    cells = [cell if i in (3, 4) else v for i, v in enumerate(BANDS["b1"])]
    with pytest.raises(DataError, match=r"Column 'b1' .* no number") as error:
        load_table(table({**BANDS, "b1": cells, "class": NAMES}, delimiter=";"))
    assert "--ignore-columns b1" in error.value.hint or "--decimal" in error.value.hint


def test_codes_with_underscores_are_names(table):
    labels = [("1_10", "11_0", "2_1")[i % 3] for i in range(N)]
    data = load_table(table({**BANDS, "class": labels}))
    assert sorted(data.class_names.values()) == ["11_0", "1_10", "2_1"]


def test_wavelengths_are_a_header(table):
    bands = dict(zip(("443", "560.5", "865"), BANDS.values(), strict=True))
    for labels in (NAMES, [str(i % 3) for i in range(N)]):
        data = load_table(table({**bands, "class": labels}))
        assert data.feature_names == ["443", "560.5", "865"]
        assert len(data.y) == N
        assert len(data.class_names) == 3


def test_decimal_commas_excels_first_line_and_comments(tmp_path, table):
    plain = load_table(table({**BANDS, "class": NAMES}))
    path = table({**BANDS, "class": NAMES}, delimiter=";", decimal=",")
    np.testing.assert_array_equal(load_table(path).X, plain.X)
    text = path.read_text(encoding="utf-8")
    path.write_text("sep=;\n# from the field\n" + text, encoding="utf-8-sig")
    np.testing.assert_array_equal(load_table(path).X, plain.X)
    headless = tmp_path / "headless.csv"
    headless.write_text("\n".join(text.splitlines()[1:]), encoding="utf-16")
    data = load_table(headless)
    np.testing.assert_array_equal(data.X, plain.X)
    named = "# b1 b2 b3 class\n" + text.partition("\n")[2].replace(";", " ").replace(",", ".")
    path.with_suffix(".txt").write_text(named, encoding="utf-8")
    data = load_table(path.with_suffix(".txt"))
    assert data.feature_names == ["b1", "b2", "b3"]
    np.testing.assert_array_equal(data.X, plain.X)


@settings(max_examples=25)
@given(
    order=st.permutations(["b1", "b2", "b3", "class", "group"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ending=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
def test_order_delimiter_and_quoting_change_nothing(
    tmp_path_factory, order, delimiter, quoting, ending, bom
):
    columns = {**BANDS, "class": NAMES, "group": [str(i // 5) for i in range(N)]}
    folder = tmp_path_factory.mktemp("order")
    plain = load_table(written(folder / "plain.csv", columns))
    path = written(folder / "t.csv", {name: columns[name] for name in order}, delimiter, quoting)
    text = path.read_text(encoding="utf-8").replace("\n", ending)
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    data = load_table(path)
    places = [data.feature_names.index(name) for name in plain.feature_names]
    np.testing.assert_array_equal(data.X[:, places], plain.X)
    np.testing.assert_array_equal(data.y, plain.y)
    np.testing.assert_array_equal(data.groups, plain.groups)
    assert data.class_names == plain.class_names
