"""xarray in and out: the codes of predict, in any chunks, coordinates kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from bridges.calibration import Calibrated
from bridges.errors import DataError, UsageError
from bridges.maps.arrays import classify_array, probabilities_array
from bridges.reference import ReferenceSVC

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def model():
    X, y = make_blobs(150, centers=3, n_features=2, random_state=0)
    return Calibrated(ReferenceSVC(), random_state=0).fit(X, y + 4)


@pytest.fixture
def image():
    values = np.random.default_rng(0).normal(scale=4, size=(2, 12, 9))
    values[1, 2, 3] = np.nan
    places = {"y": np.arange(12) * -30.0, "x": np.arange(9) * 30.0}
    return xarray.DataArray(values, places, ("band", "y", "x"), attrs={"crs": "EPSG:32617"})


def test_codes_are_those_of_predict(model, image):
    found = classify_array(model, image)
    pixels = image.values.reshape(2, -1).T
    expected = np.zeros(108, dtype=int)
    valid = np.isfinite(pixels).all(axis=1)
    expected[valid] = model.predict(pixels[valid])
    np.testing.assert_array_equal(found.values, expected.reshape(12, 9))
    assert found.dtype == np.uint8
    assert found.dims == ("y", "x")
    assert found.attrs == image.attrs
    np.testing.assert_array_equal(found.x, image.x)


def test_dask_gives_the_same_lazily(model, image):
    pytest.importorskip("dask")
    chunks = image.chunk({"band": 1, "y": 5, "x": 4})
    lazy = classify_array(model, chunks)
    assert lazy.chunks is not None
    xarray.testing.assert_identical(lazy.compute(), classify_array(model, image))
    shares = probabilities_array(model, chunks)
    assert shares.chunks is not None
    xarray.testing.assert_identical(shares.compute(), probabilities_array(model, image))


def test_probabilities_and_a_further_dimension(model, image):
    several = xarray.concat([image, image + 1], "time")
    found = probabilities_array(model, several)
    assert found.dims == ("time", "y", "x", "class")
    assert found["class"].values.tolist() == [4, 5, 6]
    assert np.isnan(found.values[:, 2, 3]).all()
    np.testing.assert_allclose(found.sum("class").values[0, :2], 1, rtol=1e-5)
    np.testing.assert_allclose(
        found.values[1, 0], model.predict_proba(image.values[:, 0].T + 1), rtol=1e-5
    )


def test_a_mask_hides(model, image):
    found = classify_array(model, image, mask=image.x > 100, nodata=255)
    assert np.all(found.values[:, 4:] == 255)
    assert np.sum(found.values[:, :4] == 255) == 1


def test_what_is_refused(model, image):
    with pytest.raises(DataError, match="no dimension 'bands'"):
        classify_array(model, image, band="bands")
    with pytest.raises(DataError, match="trained on 2"):
        classify_array(model, image[:1])
    with pytest.raises(UsageError, match="is a class"):
        classify_array(model, image, nodata=5)
    X, y = make_blobs(60, centers=2, n_features=2, random_state=0)
    plain = ReferenceSVC().fit(X, np.array(["a", "b"])[y])
    with pytest.raises(UsageError, match="no codes"):
        classify_array(plain, image)
    with pytest.raises(UsageError, match="no probabilities"):
        probabilities_array(plain, image)
