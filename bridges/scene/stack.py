"""Scenes of several data sets: one file per band, or the variables of a container.

Bands are those of one grid. Where there are several grids (10 and 20 m of Sentinel-2, a
panchromatic band), the one with most bands is taken unless the wanted bands are on another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.scene.products import masked_file
from bridges.scene.raster import Grid, opened
from bridges.scene.scene import Band, Mask
from bridges.scene.sensors import IMAGES, common_name_of, meaning_of, sensor_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable

_BAND = re.compile(
    r"(?:^|[_.\-])(?P<band>(?:SR_|ST_)?B\d{1,2}A?)(?:[_.\-](?P<metres>\d+)m)?$", re.IGNORECASE
)
_HLS_MASK = re.compile(r"^HLS\..*Fmask$", re.IGNORECASE)
_SCL = re.compile(r"_SCL(?:_\d+m)?$", re.IGNORECASE)

HLS_BITS = (1, 2, 3)
"""Of HLS's Fmask: cloud, beside cloud, cloud shadow (HLS V2 user guide, table 9)."""

SCL_HIDES = (0, 1, 3, 8, 9, 10)
"""Of Sentinel-2's scene classification: no data, defective, shadow, clouds, cirrus."""


@dataclass(frozen=True)
class Layer:
    """Bands of one data set, with the grid that they lie on."""

    grid: Grid
    bands: tuple[Band, ...]


def layer_of(path: Path, name: str | None = None, sensor: str = "") -> Layer:
    """Return the bands of a data set; a name is that of a single band, or in front of numbers.

    Raises
    ------
    DataError
        If it cannot be read or holds no numbers.
    """
    with opened(path) as dataset:
        require_bands(dataset, path)
        names = [_name(dataset, index, path, name) for index in dataset.indexes]
        bands = tuple(
            band_of(dataset, path, index, own, sensor)
            for index, own in zip(dataset.indexes, names, strict=True)
        )
        return Layer(Grid.of(dataset), bands)


def require_bands(dataset: Any, path: Path) -> None:
    """Refuse a data set without bands of numbers; one that only holds others is told with them."""
    if dataset.count == 0:
        inside = dataset.subdatasets
        listed = ", ".join(inside[:8]) + (", …" if len(inside) > 8 else "")
        raise DataError(
            f"{path} has no bands of its own"
            + (f"; it holds {len(inside)} data sets: {listed}." if inside else "."),
            f"Name one of them: '{inside[0]}'" if inside else "Name a file with an image.",
        )
    if any(np.dtype(t).kind not in "uif" for t in dataset.dtypes):
        raise DataError(
            f"{path} holds values of type {dataset.dtypes[0]}.",
            "Images of integers and floating-point numbers can be classified.",
        )


def _name(dataset: Any, index: int, path: Path, name: str | None) -> str:
    described = dataset.descriptions[index - 1]
    if name is None:
        return described or (f"band {index}" if dataset.count > 1 else path.stem)
    return name if dataset.count == 1 else f"{name} {described or index}"


def band_of(dataset: Any, path: Path, index: int, name: str, sensor: str = "") -> Band:
    """Return a band as its file describes it, with what its name means."""
    place = index - 1
    meaning = meaning_of(sensor, name.rpartition("_")[2])
    return Band(
        path,
        index,
        name,
        meaning.common_name or common_name_of(name),
        dataset.nodatavals[place],
        dataset.scales[place],
        dataset.offsets[place],
        meaning.wavelength_um or _wavelength(dataset, index),
        unit_of(path.name),
    )


_MICROMETRES = {"n": 1e-3, "µ": 1.0, "u": 1.0, "m": 1.0}
"""By the first letter of the unit: nanometres, micrometres."""


def _wavelength(dataset: Any, index: int) -> float | None:
    """Return the centre of a band in µm as ENVI or GDAL's IMAGERY domain have it, else None."""
    tags = {key.lower(): value for key, value in dataset.tags(index).items()}
    imagery = dataset.tags(index, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM")
    text = imagery or tags.get("wavelength") or tags.get("central_wavelength_um")
    try:
        value = float(str(text))
    except ValueError:
        return None
    unit = str(tags.get("wavelength_units", "")).lower() if not imagery else ""
    factor = _MICROMETRES.get(unit[:1], 1e-3 if value > 100 else 1.0)
    return value * factor if np.isfinite(value) and value > 0 else None


def variables_of(names: Iterable[str]) -> list[Layer]:
    """Return the layers of a container's variables; those that are no images are left out."""
    found = []
    for name in names:
        try:
            layer = layer_of(Path(name), re.split(r"[:/]", name)[-1])
        except DataError:
            continue
        if min(layer.grid.height, layer.grid.width) > 1:
            found.append(layer)
    return found


def files_of(paths: Sequence[Path]) -> list[Layer]:
    """Return the layers of files that are named one by one, in this order.

    Single bands get the part of the files' names that tells them apart, or a band's number in it.
    """
    sensors = [sensor_of(path.name) for path in paths]
    return [
        layer_of(path, name, sensor)
        for path, name, sensor in zip(paths, _distinct_names(paths), sensors, strict=True)
    ]


def _distinct_names(paths: Sequence[Path]) -> list[str]:
    tokens = [match["band"].upper() if (match := _BAND.search(p.stem)) else "" for p in paths]
    if all(tokens) and len(set(tokens)) == len(tokens):
        return tokens
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def folder_of_bands(files: Sequence[Path]) -> tuple[list[Layer], list[tuple[Mask, Grid]]] | None:
    """Return the layers and masks of a folder with one file per band; None if it is no such folder.

    Files belong together if their names differ in the band only.

    Raises
    ------
    DataError
        If there are several scenes.
    """
    images = [file for file in files if file.suffix.lower() in IMAGES]
    named = [(match, file) for file in images if (match := _BAND.search(file.stem))]
    if len(named) < 2:
        return None
    scenes = sorted({match.string[: match.start()] for match, _ in named})
    if len(scenes) > 1:
        raise DataError(
            f"{files[0].parent} holds bands of {len(scenes)} scenes: {', '.join(scenes[:3])} ….",
            "Move each into its own folder, or list the files of one: --image A.tif,B.tif,…",
        )
    sensor = sensor_of(named[0][1].name)
    ordered = sorted(named, key=lambda item: _order(item[0]))
    layers = [layer_of(file, match["band"].upper(), sensor) for match, file in ordered]
    return layers, list(_masks(images))


def _order(match: re.Match[str]) -> tuple[int, str, int]:
    number = re.sub(r"\D", "", match["band"])
    return int(number), match["band"].upper(), int(match["metres"] or 0)


def _masks(images: Sequence[Path]) -> Iterable[tuple[Mask, Grid]]:
    for file in images:
        mask = None
        if _HLS_MASK.match(file.stem):
            mask = Mask(file, "bits", HLS_BITS)
        elif _SCL.search(file.stem):
            mask = Mask(file, "values", SCL_HIDES)
        elif (known := masked_file(file)).rule == "bits":  # QA_PIXEL of Landsat, by its product
            mask = known
        if mask is not None:
            with opened(file) as dataset:
                yield mask, Grid.of(dataset)


@dataclass(frozen=True)
class Stack:
    """Bands on one grid.

    Attributes
    ----------
    grid : Grid
        Theirs.
    bands : tuple of Band
        In the order of the layers.
    notes : tuple of str
        What was left out.
    """

    grid: Grid
    bands: tuple[Band, ...]
    notes: tuple[str, ...] = ()


def stacked(
    layers: Sequence[Layer], path: Path, has: Callable[[Sequence[Band]], bool] | None = None
) -> Stack:
    """Put layers on one grid.

    Parameters
    ----------
    layers : sequence of Layer
        One or more.
    path : Path
        What they come from, for messages.
    has : callable, optional
        Tells whether bands are those that are wanted; by default the most bands are.

    Raises
    ------
    DataError
        If bands are wanted that lie on several grids.
    """
    groups: list[list[Layer]] = []
    for layer in layers:
        for group in groups:
            if lie_alike(group[0].grid, layer.grid):
                group.append(layer)
                break
        else:
            groups.append([layer])
    choices = [
        Stack(group[0].grid, tuple(band for layer in group for band in layer.bands))
        for group in groups
    ]
    most = max(choices, key=lambda stack: len(stack.bands))
    if len(choices) == 1:
        return most
    if has is not None:
        finest = sorted(choices, key=lambda stack: -stack.grid.height * stack.grid.width)
        fits = [stack for stack in finest if has(stack.bands)]
        if fits:
            return fits[0]
        raise DataError(
            f"{path} holds bands on {len(choices)} grids, and not all that are wanted on one: "
            + "; ".join(map(_told, choices))
            + ".",
            "Name bands of one grid, or bring them onto one first: rio warp --like …",
        )
    others = [_told(stack) for stack in choices if stack is not most]
    note = (
        f"{path} holds bands on {len(choices)} grids; those of {_told(most)} are taken, not "
        f"{'; '.join(others)} (--bands chooses)."
    )
    return Stack(most.grid, most.bands, (note,))


def _told(stack: Stack) -> str:
    names = [band.name for band in stack.bands]
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"{stack.grid.height} × {stack.grid.width} pixels ({listed})"


def lie_alike(one: Grid, other: Grid) -> bool:
    """Tell whether two grids are the same."""
    if (one.height, one.width, one.crs) != (other.height, other.width, other.crs):
        return False
    return one.misplacement(other) < 0.01
