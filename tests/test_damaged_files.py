"""Every reader meets damaged files: an error of the toolkit with a hint, or a right answer.

Bytes are cut off, flipped, overwritten, taken out and put in, from a seed. More of it:
``DAMAGED_FILES=2000 pytest tests/test_damaged_files.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import warnings
import zlib
from contextlib import contextmanager

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

from bridges import make
from bridges.accuracy.design import read_design
from bridges.errors import ToldWarning, ToolkitError
from bridges.run.config import parse
from bridges.run.model_file import load_model, save_model
from bridges.samples.pixels import labelled_pixels
from bridges.samples.tables import load_table
from bridges.scene.opening import open_scene
from qsvm.samplers.chip.chips import load_chip, named_chip, save_chip
from qsvm.samplers.leap.store import Row, RunStore
from qsvm.train import make_parser

TIMES = int(os.environ.get("DAMAGED_FILES", "20"))
SECONDS = 10


def damaged(content, random):
    found = bytearray(content)
    place = int(random.integers(len(found)))
    kind = random.integers(5)
    if kind == 0:
        return bytes(found[:place])
    if kind == 1:
        found[place] ^= 1 << int(random.integers(8))
    elif kind == 2:
        for _ in range(int(random.integers(1, 30))):
            found[int(random.integers(len(found)))] = int(random.integers(256))
    elif kind == 3:
        del found[place : place + int(random.integers(1, 200))]
    else:
        found[place:place] = random.integers(0, 256, 20, dtype=np.uint8).tobytes()
    return bytes(found)


@contextmanager
def within(seconds):
    def late(*_):
        raise AssertionError(f"It took more than {seconds} s.")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


PROFILE = {
    "driver": "GTiff", "height": 24, "width": 24, "crs": "EPSG:32632",
    "transform": Affine(30, 0, 5e5, 0, -30, 4e6),
}  # fmt: skip


def write_tables(folder, X, y):
    rows = [f"{a:.3f},{b:.3f},{'ab'[k - 1]}" for (a, b, _), k in zip(X, y, strict=True)]
    (folder / "plain.csv").write_text("\n".join(["red,nir,class", *rows]))
    quoted = ['"' + row.replace(",", '";"').replace(".", ",") + '"' for row in rows]
    (folder / "quoted.csv").write_text("\n".join(['"red";"nir";"class"', *quoted]))
    pairs = [f"{k} 1:{a:.3f} 2:{b:.3f}" for (a, b, _), k in zip(X, y, strict=True)]
    (folder / "table.libsvm").write_text("\n".join(pairs))
    np.savez(folder / "table.npz", X=X, y=y)
    np.savez_compressed(folder / "split.npz", X_train=X, y_train=y, X_test=X, y_test=y)


def write_rasters(folder, random):
    image = random.integers(100, 4000, (3, 24, 24)).astype("uint16")
    with rasterio.open(folder / "image.tif", "w", count=3, dtype="uint16", **PROFILE) as file:
        file.write(image)
    tiled = {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16}
    with rasterio.open(
        folder / "tiled.tif", "w", count=3, dtype="uint16", **tiled, **PROFILE
    ) as file:
        file.write(image)
    labels = np.zeros((24, 24), "uint8")
    labels[:8, :8], labels[12:20, 12:20] = 1, 2
    with rasterio.open(folder / "labels.tif", "w", count=1, dtype="uint8", **PROFILE) as file:
        file.write(labels, 1)


def write_vectors(folder):
    corners = ((0, 0), (200, 0), (400, 400), (100, 500))
    boxes = [shapely.box(5e5 + x, 4e6 - y - 150, 5e5 + x + 150, 4e6 - y) for x, y in corners]
    for name, driver in (
        ("labels.gpkg", "GPKG"), ("labels.geojson", "GeoJSON"), ("labels.fgb", "FlatGeobuf"),
        ("labels.shp", "ESRI Shapefile"),
    ):  # fmt: skip
        pyogrio.raw.write(
            folder / name,
            geometry=shapely.to_wkb(np.array(boxes)),
            field_data=[np.array(["a", "b", "a", "b"], object)],
            fields=np.array(["class"]),
            geometry_type="Polygon",
            crs="EPSG:32632",
            driver=driver,
        )


def write_store(folder):
    store = RunStore(folder / "run.sqlite")
    chip = named_chip("zephyr:2")
    store.remember_chip(chip)
    store.remember("options", json.dumps({"num_reads": 10}))
    row = Row(0, 0, "one", "ab12", {"placements": [[0, 1]]}, 10.0)
    store.add([row])
    store.keep_answer(row, {"bits": list(range(40))}, 100.0)
    store._db.close()
    save_chip(chip, folder / "chip.json")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    random = np.random.default_rng(0)
    y = np.repeat([1, 2], 20)
    X = random.normal(size=(40, 3)) + y[:, None]
    write_tables(folder, X, y)
    write_rasters(folder, random)
    write_vectors(folder)
    write_store(folder)
    (folder / "scene.json").write_text(json.dumps({"bands": ["red", "nir", "swir"]}))
    save_model(make("mpi-svc").fit(X, y), {"classes": {"1": "x"}}, folder / "model.skops")
    (folder / "run.toml").write_text('members = 4\nmember-size = 20\nsampler = "dense"\nC = 3.0\n')
    (folder / "run.json").write_text(json.dumps({"arguments": {"members": 4, "seed": 1}}))
    strata = [{"number": 1, "name": "water", "n_pixels": 22353}]
    (folder / "design.json").write_text(json.dumps({"kind": "stratified", "strata": strata}))
    return folder


def read_image(path, originals):
    labelled_pixels(open_scene(path), originals / "labels.tif")


def read_sidecar(path, originals):
    shutil.copy(originals / "image.tif", path.parent)
    read_image(path.parent / "image.tif", originals)


def read_labels(path, originals):
    field = None if path.suffix == ".tif" else "class"
    labelled_pixels(open_scene(originals / "image.tif"), path, label_field=field)


def read_shapes(path, originals):
    for part in originals.glob("labels.*"):
        if part.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg") and part.name != path.name:
            shutil.copy(part, path.parent)
    read_labels(path.parent / "labels.shp", originals)


def read_store(path, originals):
    store = RunStore(path, resume=True)
    try:
        store.chip()
        store.known("options")
        for row in store.all_rows():
            store.answer(row)
        list(store.overview())
    finally:
        store._db.close()


def read_config(path, originals):
    parse(make_parser(), ["--config", str(path)])


READERS = {
    "plain.csv": lambda path, _: load_table(path),
    "quoted.csv": lambda path, _: load_table(path),
    "table.libsvm": lambda path, _: load_table(path),
    "table.npz": lambda path, _: load_table(path),
    "split.npz": lambda path, _: load_table(path),
    "image.tif": read_image,
    "tiled.tif": read_image,
    "scene.json": read_sidecar,
    "labels.tif": read_labels,
    "labels.gpkg": read_labels,
    "labels.geojson": read_labels,
    "labels.fgb": read_labels,
    "labels.shp": read_shapes,
    "labels.dbf": read_shapes,
    "model.skops": lambda path, _: load_model(path),
    "run.toml": read_config,
    "run.json": read_config,
    "design.json": lambda path, _: read_design(path),
    "chip.json": lambda path, _: load_chip(path),
    "run.sqlite": read_store,
}


def refusal(read, path, originals):
    try:
        read(path, originals)
    except ToolkitError as error:
        return error
    return None


@pytest.mark.parametrize("name", READERS)
def test_what_is_whole_is_read(name, originals, tmp_path):
    shutil.copy(originals / name, tmp_path)
    READERS[name](tmp_path / name, originals)


@pytest.mark.filterwarnings("ignore")  # readers of others say this and that about damaged files
@pytest.mark.parametrize("name", READERS)
def test_what_is_damaged_is_an_error_with_a_hint(name, originals, tmp_path):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    whole = (originals / name).read_bytes()
    for number in range(TIMES):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(damaged(whole, random))
        with within(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore", ToldWarning)
            refused = refusal(READERS[name], folder / name, originals)
        assert refused is None or (refused.hint and refused.exit_code in (2, 3, 4))
        shutil.rmtree(folder)
