"""A class map, and samples of it that are labelled by a given truth."""

from __future__ import annotations

import numpy as np
import pytest

NAMES = {"CLASS_1": "water", "CLASS_2": "forest", "CLASS_3": "crop"}


@pytest.fixture
def mapped():
    """Codes of a map of 60 × 50 pixels: three classes in patches, some pixels without."""
    rng = np.random.default_rng(3)
    patches = rng.choice([1, 2, 2, 3, 3, 3], size=(12, 10))
    codes = np.kron(patches, np.ones((5, 5), dtype=int)).astype(np.uint8)
    codes[:4, :6] = 0
    return codes


@pytest.fixture
def truth(mapped):
    """What is there: the map with a fifth of its pixels wrong."""
    rng = np.random.default_rng(4)
    wrong = rng.random(mapped.shape) < 0.2
    true = np.where(wrong | (mapped == 0), rng.choice([1, 2, 3], size=mapped.shape), mapped)
    return true.astype(np.uint8)


@pytest.fixture
def class_map(make_raster, mapped):
    """The map as a file, names in its tags, 0 its nodata value."""
    return make_raster("map.tif", mapped, nodata=0, tags=NAMES)


@pytest.fixture
def label():
    """Fill in the field ``reference`` of a file of points; returns the path of the copy."""

    def fill(source, labels_of, target=None):
        import pyogrio
        import pyogrio.raw

        meta, _, wkb, columns = pyogrio.raw.read(source)
        fields = [str(f) for f in meta["fields"]]
        table = dict(zip(fields, columns, strict=True))
        table["reference"] = np.array(labels_of(table), dtype=object)
        target = target or source.with_name("labelled.gpkg")
        pyogrio.raw.write(
            target,
            geometry=wkb,
            field_data=list(table.values()),
            fields=fields,
            geometry_type="Point",
            crs=meta["crs"],
            layer="points",
            driver="GPKG",
        )
        return target

    return fill
