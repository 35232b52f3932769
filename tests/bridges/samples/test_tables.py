"""Tables: npz, csv and LIBSVM files."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.samples.pixels import load_table

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 1.0]])
Y = np.array([2, 1, 2, 5, 5])


@pytest.fixture
def savez(tmp_path):
    def save(**arrays):
        path = tmp_path / "table.npz"
        np.savez(path, **arrays)
        return path

    return save


@pytest.fixture
def text(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_npz_with_a_prescribed_split(savez):
    path = savez(X_train=X[:3], y_train=Y[:3], X_test=X[3:], y_test=Y[3:, np.newaxis])
    data = load_table(path)
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)
    assert data.class_names == {1: "class 1", 2: "class 2", 5: "class 5"}
    assert data.fixed_split.train.tolist() == [0, 1, 2]
    assert data.fixed_split.test.tolist() == [3, 4]
    assert data.fixed_split.kind == "fixed"


def test_npz_without_split_and_with_names(savez):
    path = savez(
        X=X,
        y=Y,
        groups=np.array([0, 0, 7, 7, 8]),
        feature_names=np.array(["red", "nir"]),
        class_names=np.array(["a", "b", "c"]),
    )
    data = load_table(path)
    assert data.fixed_split is None
    assert data.feature_names == ["red", "nir"]
    assert data.class_names == {1: "a", 2: "b", 5: "c"}
    assert data.groups.tolist() == [1, 1, 2, 2, 3]


def test_classes_of_a_table_keep_its_split(savez):
    path = savez(X_train=X[:3], y_train=Y[:3], X_test=X, y_test=Y)
    data = load_table(path, classes=["2", 1])
    assert data.y.tolist() == [2, 1, 2, 2, 1, 2]
    assert data.fixed_split.test.tolist() == [3, 4, 5]
    assert data.class_names == {1: "class 1", 2: "class 2"}
    with pytest.raises(DataError, match="training part of"):
        load_table(savez(X_train=X[3:], y_train=Y[3:], X_test=X, y_test=Y), classes=[1, 2])


def test_missing_values_are_dropped_and_counted(savez):
    holes = X.copy()
    holes[1, 0], holes[4, 1] = np.nan, np.inf
    data = load_table(
        savez(X_train=holes[:3], y_train=Y[:3], X_test=holes[3:], y_test=Y[3:]), classes=[2, 5]
    )
    assert data.n_masked == 1
    assert data.y.tolist() == [2, 2, 5]
    assert data.fixed_split.test.tolist() == [2]


def test_negative_and_text_labels(savez):
    data = load_table(savez(X=X, y=np.array([-1, 1, 1, -1, 1])))
    assert data.class_names == {-1: "class -1", 1: "class 1"}
    assert load_table(savez(X=X, y=np.array([-1, 1, 1, -1, 1])), classes=["-1", "1"]).y[0] == -1
    data = load_table(savez(X=X, y=np.array(["oak", "elm", "oak", "oak", "elm"])))
    assert data.class_names == {1: "elm", 2: "oak"}
    assert data.y.tolist() == [2, 1, 2, 2, 1]


def test_unusable_npz(savez, tmp_path):
    with pytest.raises(DataError, match="holds the arrays: a") as caught:
        load_table(savez(a=X))
    assert "X_train, y_train, X_test, y_test, or X and y" in caught.value.hint
    with pytest.raises(DataError, match="Cannot read"):
        load_table(savez(X=np.array([[None, {}]]), y=Y))
    with pytest.raises(DataError, match="do not fit 5 labels"):
        load_table(savez(X=X[:3], y=Y))
    with pytest.raises(DataError, match="X_train has shape"):
        load_table(savez(X_train=X, y_train=Y, X_test=X[:, :1], y_test=Y))
    with pytest.raises(DataError, match="no classes"):
        load_table(savez(X=X, y=Y + 0.5))
    with pytest.raises(DataError, match="gives one only"):
        load_table(savez(X=X, y=np.ones(5)))
    with pytest.raises(DataError, match=r"features of .* are no numbers"):
        load_table(savez(X=X.astype(str), y=Y))
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="Cannot read"):
        load_table(broken)
    with pytest.raises(DataError, match="There is no file"):
        load_table(tmp_path / "none.npz")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_header(text, delimiter):
    lines = ["red,label,nir,split,group", "1,oak,2,train,p", "3,elm,4,test,q", "5,oak,6,train,p"]
    lines += ["7,elm,,train,q", "9,elm,3,train,q", "9,oak,3,test,q", ""]
    data = load_table(text("\n".join(lines).replace(",", delimiter)))
    assert data.feature_names == ["red", "nir"]
    assert data.class_names == {1: "elm", 2: "oak"}
    assert data.y.tolist() == [2, 1, 2, 1, 2]
    assert data.X[1].tolist() == [3, 4]
    assert data.n_masked == 1
    assert data.fixed_split.test.tolist() == [1, 4]
    assert data.groups.tolist() == [1, 2, 1, 2, 2]


def test_csv_without_header_has_its_labels_last(text):
    data = load_table(text("1,2,1\n3,4,2\n5,6,1\n"))
    assert data.feature_names == ["x1", "x2"]
    assert data.y.tolist() == [1, 2, 1]
    assert data.X.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert load_table(text("1,2,oak\n3,4,elm\n")).class_names == {1: "elm", 2: "oak"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        ("a,label\n", "has 0 samples"),
        ("1,2,1\n3,4\n", "Row 2 of .* has 2 cells, the first has 3"),
        ("a,b,label\n1,x,1\n2,3,2\n", "Column 'b' of .* holds 'x'"),
        ("a,split,label\n1,train,1\n2,valid,2\n", "column 'split' of .* holds 'valid'"),
    ],
)
def test_unusable_csv(text, content, match):
    with pytest.raises(DataError, match=match):
        load_table(text(content))


def test_libsvm_file_with_its_test_part(text):
    train = text("+1 1:0.5 3:2\n-1 2:1 # remark\n", "toy.scale")
    data = load_table(train)
    assert data.fixed_split is None
    assert data.X.tolist() == [[0.5, 0, 2], [0, 1, 0]]
    text("-1 4:1\n+1 1:1\n", "toy.scale.t")
    data = load_table(train)
    assert data.X.shape == (4, 4)
    assert data.y.tolist() == [1, -1, -1, 1]
    assert data.fixed_split.test.tolist() == [2, 3]
    assert data.notes == ("toy.scale.t beside toy.scale is the test part.",)


def test_unknown_format(text):
    with pytest.raises(DataError, match="no table that can be read"):
        load_table(text("once upon a time", "story.txt"))
    with pytest.raises(DataError, match="Cannot read"):
        load_table(text("1 1:2\nonce upon a time\n", "story.libsvm"))


@pytest.mark.parametrize(
    ("name", "train", "test", "features", "classes"),
    [
        ("statlog_landsat", 4435, 2000, 36, [1, 2, 3, 4, 5, 7]),
        ("svmguide1", 3089, 4000, 4, [0, 1]),
    ],
)
def test_real_tables(shared_data, name, train, test, features, classes):
    data = load_table(shared_data(f"tables/{name}.npz"))
    assert data.X.shape == (train + test, features)
    assert len(data.fixed_split.train) == train
    assert list(data.class_names) == classes
