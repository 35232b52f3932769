"""A scene of a few hundred pixels, and runs of the command in this process."""

from __future__ import annotations

import json

import numpy as np
import rasterio
from rasterio.transform import Affine

SIZE = 30
QUICK = ["--members", "2", "--member-size", "12", "--num-reads", "5", "--sweeps", "30"]
CLASSES = {1: "water", 2: "forest", 3: "urban"}


def write_raster(path, array, *, crs="EPSG:32617", nodata=None, origin=500_000.0):
    array = np.asarray(array)
    array = array[np.newaxis] if array.ndim == 2 else array
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=array.shape[0],
        height=array.shape[1],
        width=array.shape[2],
        dtype=array.dtype,
        crs=crs,
        nodata=nodata,
        transform=Affine(30.0, 0, origin, 0, -30.0, 4_000_000.0),
    ) as target:
        target.write(array)
    return path


def truth():
    """Return three vertical stripes of classes."""
    return np.repeat(np.arange(1, 4, dtype=np.uint8), SIZE // 3)[None].repeat(SIZE, axis=0)


def spectra(seed=0, bands=4):
    """Return (bands, SIZE, SIZE) values that overlap a little between the classes."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(1).normal(0, 2, size=(4, bands))
    return (means[truth()] + rng.normal(size=(SIZE, SIZE, bands))).transpose(2, 0, 1)


def write_scene(folder):
    """Write image.tif, labels.tif (one pixel in three), groups.tif and scene.json."""
    labels = np.where(np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 3 == 0, truth(), 0)
    write_raster(folder / "image.tif", spectra().astype(np.float32), nodata=-9999.0)
    write_raster(folder / "labels.tif", labels.astype(np.uint8), nodata=0)
    blocks = np.arange(SIZE)[:, None] // 5 * 10 + np.arange(SIZE)[None] // 5 + 1
    write_raster(folder / "groups.tif", blocks.astype(np.int32), nodata=0)
    sidecar = {"classes": {str(code): name for code, name in CLASSES.items()}}
    (folder / "scene.json").write_text(json.dumps(sidecar), encoding="utf-8")
    return folder


def scene_options(folder, **changes):
    """Return the options that name the scene's files, some of them changed."""
    given = {"image": folder / "image.tif", "labels": folder / "labels.tif"} | changes
    words = []
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words
