"""Which bands of an image a spectral index is computed from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridges.errors import DataError
from bridges.scene.indices import LETTERS, Index, letters_of, needs_reflectance
from bridges.scene.raster import opened
from bridges.scene.scene import Band


def make_index(name: str, bands: Sequence[Band], where: str) -> tuple[Index, list[Band]]:
    """Return an index over bands, and the bands; its columns are counted among these.

    Parameters
    ----------
    name : str
        The catalogue's spelling.
    bands : sequence of Band
        Those that there are.
    where : str
        The image, for messages.

    Raises
    ------
    DataError
        If a band is missing, or the index needs reflectance and a band holds plain integers.
    """
    by_name = {band.name.lower(): band for band in bands if not band.common_name}
    by_name |= {band.common_name.lower(): band for band in bands if band.common_name}
    needed, missing = [], []
    for letter in letters_of(name):
        found = [by_name[common] for common in LETTERS[letter] if common in by_name]
        if found:
            needed.append(found[0])
        else:
            missing.append("/".join(LETTERS[letter]))
    if missing:
        raise DataError(
            f"{name} needs the band{'s' * (len(missing) > 1)} {', '.join(missing)}, which {where} "
            "does not have or does not call so.",
            "Name the bands: 'common_names' in scene.json, or descriptions in the file "
            "(rio edit-info, gdal_edit.py).",
        )
    plain = [band for band in needed if _is_plain(band)]
    if needs_reflectance(name) and plain:
        raise DataError(
            f"{name} is for reflectance between 0 and 1, and '{plain[0].name}' of {where} holds "
            "integers without a scale.",
            'Say the scale: "scale": 0.0001 in scene.json, or in the file.',
        )
    inputs = tuple((letter, place) for place, letter in enumerate(letters_of(name)))
    return Index(name, inputs), needed


def _is_plain(band: Band) -> bool:
    if (band.scale, band.offset) != (1.0, 0.0):
        return False
    with opened(band.path) as dataset:
        return np.dtype(dataset.dtypes[band.index - 1]).kind in "ui"
