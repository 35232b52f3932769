"""Names of data sets: what GDAL opens is passed through as it was meant."""

from __future__ import annotations

import http.server
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bridges.errors import DataError
from bridges.samples.pixels import labelled_pixels
from bridges.scene.names import as_path, is_file_name
from bridges.scene.opening import open_scene


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("scene/a.tif", "scene/a.tif"),
        ("/vsizip//data/a.zip/b/c.tif", "/vsizip/{/data/a.zip}/b/c.tif"),
        ("/vsitar//data/a.tar.gz/c.tif", "/vsitar/{/data/a.tar.gz}/c.tif"),
        ("/vsizip/{/data/a.zip}/c.tif", "/vsizip/{/data/a.zip}/c.tif"),
        ("zip:///data/a.zip!c.tif", "/vsizip/{/data/a.zip}/c.tif"),
        ("zip:///data/a.zip!/c.tif", "/vsizip/{/data/a.zip}/c.tif"),
        ("zip:///data/a.zip", "/vsizip/{/data/a.zip}"),
        ("file:///data/a.tif", "/data/a.tif"),
        ("s3://bucket/a.tif", "/vsis3/bucket/a.tif"),
        ("gs://bucket/a.tif", "/vsigs/bucket/a.tif"),
        ("/vsimem/a.tif", "/vsimem/a.tif"),
        (
            "https://host.org/x/a.tif?k=1",
            "/vsicurl?empty_dir=yes&url=https%3A%2F%2Fhost.org%2Fx%2Fa.tif%3Fk%3D1",
        ),
        (
            "/vsizip//vsicurl/https://host.org/a.zip/b.tif",
            "/vsizip/{/vsicurl?empty_dir=yes&url=https%3A%2F%2Fhost.org%2Fa.zip}/b.tif",
        ),
    ],
)
def test_no_slash_is_lost(name, path):
    assert str(as_path(name)) == path
    assert "//" not in path
    assert as_path(as_path(name)) == as_path(name)


def test_names_that_are_no_files(tmp_path):
    for name in ("/vsizip/{/a.zip}/b", 'NETCDF:"a.nc":red', "HDF5:a.h5://red", "GTIFF_DIR:1:a.tif"):
        assert not is_file_name(as_path(name))
    for name in ("a.tif", "/data/a.tif", "c:\\data", str(tmp_path)):
        assert is_file_name(name)


def test_images_labels_and_masks_in_archives(tmp_path, make_raster, image):
    codes = np.ones((12, 10), dtype=np.uint8)
    codes[6:] = 2
    labels = make_raster("labels.tif", codes)
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(image, "deep/image.tif")
        archive.write(labels, "labels.tif")
    for pattern in ("/vsizip/{}/{}", "zip://{}!{}", "/vsizip/{{{}}}/{}"):
        scene = open_scene(
            pattern.format(packed, "deep/image.tif"),
            mask=f"{pattern.format(packed, 'labels.tif')}:7",
        )
        data = labelled_pixels(scene, pattern.format(packed, "labels.tif"))
        assert data.counts() == {1: 60, 2: 60}
    with pytest.raises(DataError, match="Cannot read the raster"):
        open_scene(f"/vsizip/{packed}/none.tif")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_an_image_on_the_web(image, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    handler = partial(_Quiet, directory=image.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            scene = open_scene(f"http://127.0.0.1:{server.server_port}/image.tif")
            np.testing.assert_array_equal(scene.read()[0], open_scene(image).read()[0])
        finally:
            server.shutdown()


def test_relative_archives(tmp_path, image, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(image, "i.tif")
    monkeypatch.chdir(tmp_path)
    assert open_scene("zip://a.zip!i.tif").n_bands == 3
    assert open_scene("/vsizip/a.zip/i.tif").path == Path(f"/vsizip/{{{tmp_path}/a.zip}}/i.tif")


def test_archives_of_one_raster_are_that_raster(tmp_path, make_raster, image):
    codes = np.ones((12, 10), dtype=np.uint8)
    codes[6:] = 2
    labels = make_raster("labels.tif", codes)
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.write(labels, "deep/labels.tif")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(labels, "a.tif")
        archive.write(labels, "b.tif")
    data = labelled_pixels(open_scene(image), tmp_path / "labels.zip")
    assert data.counts() == {1: 60, 2: 60}
    assert open_scene(image, mask=f"{tmp_path}/labels.zip:2").read()[1].sum() == 60
    with pytest.raises(DataError, match=r"two\.zip holds 2 images"):
        labelled_pixels(open_scene(image), tmp_path / "two.zip")


def test_addresses_in_messages_are_those_that_were_typed(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match=r"Cannot read the raster http://127\.0\.0\.1:9/a\.tif"):
        open_scene("http://127.0.0.1:9/a.tif")


def test_what_nothing_opens_is_no_raster(tmp_path, image):
    (tmp_path / "a.sql").write_text("create table a")
    with pytest.raises(DataError, match="Cannot read the raster"):
        labelled_pixels(open_scene(image), tmp_path / "a.sql", label_field="class")
