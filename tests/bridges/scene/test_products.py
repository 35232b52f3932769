"""Products: any package may add a kind, and each says what is its own."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from bridges import registry
from bridges.errors import DataError, SolverError, UsageError
from bridges.scene import open_scene, products
from bridges.scene.landsat import LandsatCollection2
from bridges.scene.products import Contents, listing, masked_file, read_bytes
from bridges.scene.scene import Band, Mask


class Toy:
    """Two files and a quality raster of which bit 3 hides."""

    name = "Toy"
    looks_for = "*.toy.tif"
    quality = {"TOYMASK": (3,)}  # noqa: RUF012

    def knows(self, path: Path) -> bool:
        return any(file.name.endswith(".toy.tif") for file in listing(path))

    def read(self, path: Path) -> Contents:
        files = {file.name: file for file in listing(path)}
        bands = [
            Band(file, 1, name[:3], scale=0.5) for name, file in files.items() if "toy.t" in name
        ]
        masks = [Mask(file, "bits", (3,)) for name, file in files.items() if "toymask" in name]
        date = read_bytes(files["date.txt"]).decode().strip()
        return Contents(path, bands, masks, date, ["red"])


@pytest.fixture
def known(monkeypatch):
    """Announce products as packages do."""
    found = {"landsat": LandsatCollection2, "toy": Toy}

    def load(name, group):
        assert group == products.PRODUCTS
        if isinstance(found[name], Exception):
            raise found[name]
        return found[name]

    monkeypatch.setattr(registry, "names", lambda group: sorted(found))
    monkeypatch.setattr(registry, "load", load)
    products._product.cache_clear()
    yield found
    products._product.cache_clear()


@pytest.fixture
def folder(tmp_path, make_raster):
    for name, value in (("nir", 8), ("red", 4)):
        make_raster(f"p/{name}.toy.tif", np.full((2, 3), value, dtype=np.uint8))
    make_raster("p/a_toymask.tif", np.array([[0, 7, 8], [16, 24, 255]], dtype=np.uint8))
    (tmp_path / "p" / "date.txt").write_text("2021-05-04\n", encoding="utf-8")
    return tmp_path / "p"


@pytest.mark.parametrize("packed", [False, True])
def test_a_product_gives_bands_masks_and_features(known, folder, tmp_path, packed):
    path = folder
    if packed:
        path = tmp_path / "p.tar"
        with tarfile.open(path, "w") as tar:
            for file in folder.iterdir():
                tar.add(file, arcname=file.name)
    scene = open_scene(path)
    assert (scene.band_names, scene.acquired) == (["red"], "2021-05-04")
    values, valid = scene.read()
    assert np.unique(values).tolist() == [2.0]
    assert valid.tolist() == [[True, True, False], [True, False, False]]
    assert open_scene(path, bands=["nir", "red"]).band_names == ["nir", "red"]


def test_a_raster_named_like_a_quality_raster_hides_by_its_bits(known):
    assert masked_file(Path("x/A_ToyMask.tif")) == Mask(Path("x/A_ToyMask.tif"), "bits", (3,))
    assert masked_file(Path("b_QA_PIXEL.TIF")).values == (0, 1, 2, 3, 4)
    assert masked_file(Path("clouds.tif")).rule == "nonzero"


def test_a_folder_without_and_one_with_two_kinds(known, folder, make_raster, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no Landsat .* nor Toy \(\*\.toy\.tif\)"):
        open_scene(tmp_path / "empty")
    make_raster("p/LC08_SR_B1.TIF", np.ones((2, 3), dtype=np.uint16))
    with pytest.raises(DataError, match=r"several products: Landsat .*, Toy"):
        open_scene(folder)


def test_a_product_that_lacks_a_package_bothers_no_other(known, folder):
    known["landsat"] = SolverError("It needs the package 'x'.", "pip install x")
    assert open_scene(folder).band_names == ["red"]


def test_what_is_no_product_is_refused_by_name(known, folder):
    known["landsat"] = dict
    with pytest.raises(UsageError, match="'landsat' is registered as a product and is none"):
        open_scene(folder)
