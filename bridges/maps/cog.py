"""The file of a map: created tile by tile, described, and turned into a COG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.palette import Color
from bridges.scene.raster import opened, write_error

if TYPE_CHECKING:
    from bridges.scene.scene import Scene

BLOCK = 256


def _storage(class_names: Mapping[int, str]) -> tuple[str, int]:
    """Return the smallest type that holds the codes, and the value of masked pixels."""
    if not class_names or min(class_names) < 0 or max(class_names) > 65535:
        codes = f"{min(class_names)} … {max(class_names)}" if class_names else "none"
        raise DataError(
            f"A map holds class codes from 0 to 65535; these are {codes}.",
            "Recode the labels before training.",
        )
    if 0 not in class_names:
        return ("uint8" if max(class_names) <= 255 else "uint16"), 0
    if max(class_names) == 65535:
        raise DataError(
            "Class codes 0 and 65535 leave no value for masked pixels.", "Recode the labels."
        )
    return ("uint8", 255) if max(class_names) < 255 else ("uint16", 65535)


def _created(path: Path, scene: Scene, dtype: str, nodata: int) -> Any:
    import rasterio

    return rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=scene.height,
        width=scene.width,
        count=1,
        dtype=dtype,
        crs=scene.crs,
        transform=scene.transform,
        nodata=nodata,
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        compress="deflate",
        zlevel=1,
        BIGTIFF="IF_SAFER",
    )


def _describe(target: Any, names: Mapping[int, str], colors: Mapping[int, Color]) -> None:
    target.set_band_description(1, "land cover class")
    target.write_colormap(1, {code: (*rgb, 255) for code, rgb in colors.items()})
    target.update_tags(**{f"CLASS_{code}": name for code, name in names.items()})


def _to_cog(draft: Path, cog: Path) -> None:
    from rasterio.shutil import copy

    # NEAREST: an overview shows classes that exist, and never mixes their codes.
    copy(
        draft, cog, driver="COG", blocksize=BLOCK, compress="deflate", overview_resampling="nearest"
    )


def _require_counts(path: Path, counts: Mapping[int, int], final: Path) -> None:
    """Read the map back: GDAL may notice a full disk when it closes a file, and not say so."""
    found: Counter[int] = Counter()
    try:
        with opened(path) as dataset:
            for _, window in dataset.block_windows(1):
                block = dataset.read(1, window=window)
                for value, n in zip(*np.unique(block, return_counts=True), strict=True):
                    found[int(value)] += int(n)
    except DataError as error:
        raise write_error(final, error.message) from error
    if found != counts:
        raise write_error(final, "what was read back differs")
