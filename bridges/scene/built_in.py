"""The built-in scene: a made-up Landsat-like image with its labels, from a seed.

What is modelled
    Seven OLI bands as Collection 2 surface reflectance (uint16, scale 0.0000275, offset -0.2, fill
    0). A landscape with a lake, a river, towns with roads, rectangular fields, woods, scrub,
    grassland and bare ground is laid out at a third of the pixel size. Every fine cell is a linear
    mixture of six endmembers (:data:`ENDMEMBERS`) with class-typical fractions
    (:data:`FRACTIONS`) that vary log-normally: partly smoothly over a dozen pixels, so that pixels
    of one polygon resemble each other, partly from pixel to pixel. Averaging over a pixel, widened
    by a point spread function, mixes classes at their edges. Relief brightens and darkens, sensor
    noise is added, and clouds with their shadows are laid over it; QA_PIXEL flags them.

Where the spectra come from
    The endmember reflectances are round numbers, set by hand to what such surfaces typically show
    in the OLI bands (compare the USGS Spectral Library Version 7, Kokaly et al. 2017, USGS Data
    Series 1035, and the ECOSTRESS library, Meerdink et al. 2019, Remote Sensing of Environment
    230:111196). They are approximate and were not computed from particular entries. Fractions and
    their spread are chosen so that classes overlap as they do in real scenes; nobody measured them.
    As a check, blue … second short-wave infrared of forest: here .03 .05 .04 .29 .15 .07; in a
    Landsat 7 surface reflectance image of Chiapas (1999) .03 .05 .03 .33 .15 .06.

So the scene shows that the tools work and how they compare, not how well a real place is mapped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import UsageError
from bridges.machine.files import atomic_target
from bridges.scene import landsat
from bridges.scene.built_in_layout import CLASSES, FINE, Landscape, draw_landscape, smooth_field
from bridges.scene.palette import class_palette
from bridges.scene.raster import write_error, write_errors
from bridges.scene.sidecar import NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_EDGE = 64

CLASS_NAMES: dict[int, str] = dict(enumerate(CLASSES, start=1))

BANDS = [
    ("SR_B1", "coastal"),
    ("SR_B2", "blue"),
    ("SR_B3", "green"),
    ("SR_B4", "red"),
    ("SR_B5", "nir08"),
    ("SR_B6", "swir16"),
    ("SR_B7", "swir22"),
]

ENDMEMBERS: dict[str, list[float]] = {
    #                    .44   .48   .56   .65   .86   1.6   2.2 µm
    "green vegetation": [0.020, 0.028, 0.060, 0.032, 0.450, 0.210, 0.090],
    "dry vegetation": [0.070, 0.090, 0.140, 0.190, 0.330, 0.400, 0.270],
    "soil": [0.090, 0.110, 0.160, 0.210, 0.290, 0.380, 0.330],
    "impervious": [0.120, 0.130, 0.150, 0.165, 0.200, 0.220, 0.205],
    "water": [0.030, 0.036, 0.040, 0.026, 0.012, 0.006, 0.005],
    "shade": [0.010, 0.010, 0.012, 0.010, 0.025, 0.012, 0.006],
}
"""Surface reflectance of pure materials in the OLI bands 1 … 7."""

FRACTIONS: dict[str, list[float]] = {
    #               green  dry   soil  imp.  water shade
    "water": [0.010, 0.004, 0.030, 0.002, 0.930, 0.024],
    "forest": [0.620, 0.030, 0.020, 0.002, 0.004, 0.324],
    "shrubland": [0.440, 0.170, 0.130, 0.010, 0.002, 0.248],
    "herbaceous": [0.480, 0.270, 0.140, 0.010, 0.002, 0.098],
    "agriculture": [0.560, 0.150, 0.230, 0.005, 0.005, 0.050],
    "developed": [0.190, 0.080, 0.110, 0.500, 0.004, 0.116],
    "barren": [0.060, 0.170, 0.620, 0.100, 0.002, 0.048],
}
"""Typical fractions of the endmembers, in their order."""

SPREAD = 0.5
"""Standard deviation of the logarithm of a fraction within a class."""

SHARE_SMOOTH = 0.5
"""Share of that variance that is smooth in space."""

SENSOR_NOISE = 0.003
"""Standard deviation of the reflectance that the sensor and the correction add."""

CLOUD_REFLECTANCE = np.array([0.62, 0.62, 0.63, 0.64, 0.66, 0.48, 0.36])
CLOUD_SHARE = 0.03

POLYGONS_PER_CLASS = 13

CLEAR, CLOUD, DILATED, SHADOW = 21824, 22280, 21826, 23888
"""Values that QA_PIXEL holds in Landsat 8 products for such pixels."""


@dataclass(frozen=True)
class SceneFiles:
    """The files of a built-in scene.

    Attributes
    ----------
    image : Path
        Seven bands.
    labels : Path
        Labelled polygons: class codes, 0 elsewhere.
    truth : Path
        The class that covers most of each pixel.
    groups : Path
        Number of the polygon, 0 elsewhere.
    quality : Path
        QA_PIXEL.
    scene_json : Path
        Names, mask and source.
    """

    image: Path
    labels: Path
    truth: Path
    groups: Path
    quality: Path
    scene_json: Path


def write_scene(
    folder: str | Path, *, seed: int = 0, height: int = 200, width: int = 200
) -> SceneFiles:
    """Make the built-in scene and write it as files.

    Parameters
    ----------
    folder : path
        Existing folder.
    seed : int
        The same seed gives the same bytes.
    height, width : int
        Rows and columns, at least 64; memory is about 1 kB per pixel.

    Returns
    -------
    SceneFiles
        Where they are.

    Raises
    ------
    UsageError
        If the folder does not exist, or the scene would be too small to hold every class.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", f"mkdir -p {folder}")
    if min(height, width) < SMALLEST_EDGE:
        raise UsageError(
            f"A scene of {height} × {width} pixels is too small.",
            f"Both edges need {SMALLEST_EDGE} pixels or more.",
        )
    rng = np.random.default_rng(seed)
    land = draw_landscape(rng, height, width)
    reflectance = _reflectance(rng, land)
    quality = _lay_clouds(rng, reflectance)
    labels, groups = _label_polygons(rng, land)
    files = SceneFiles(
        image=folder / "image.tif",
        labels=folder / "labels.tif",
        truth=folder / "truth.tif",
        groups=folder / "groups.tif",
        quality=folder / "qa_pixel.tif",
        scene_json=folder / NAME,
    )
    _write_image(files.image, reflectance)
    _write_codes(files.labels, labels, "class", nodata=0)
    _write_codes(files.truth, land.majority, "class", nodata=0)
    _write_codes(files.groups, groups, "polygon", nodata=0)
    _write_codes(files.quality, quality, "QA_PIXEL", nodata=None)
    _write_sidecar(files.scene_json, seed)
    return files


def _reflectance(rng: np.random.Generator, land: Landscape) -> NDArray[np.float64]:
    """Mix endmembers, average over pixels, and light the relief; shape (h, w, 7)."""
    from scipy.ndimage import gaussian_filter

    typical = np.array([FRACTIONS[name] for name in CLASSES])
    height, width = land.majority.shape
    mixed = []
    for e in range(len(ENDMEMBERS)):
        field = np.sqrt(SHARE_SMOOTH) * smooth_field(rng, height, width, 12)
        field += np.sqrt(1 - SHARE_SMOOTH) * rng.standard_normal((height, width))
        swing = np.exp(SPREAD * field + land.crop[e])
        mixed.append(typical[land.fine, e] * np.kron(swing, np.ones((FINE, FINE))))
    total = sum(mixed)
    spectra = np.array(list(ENDMEMBERS.values()))
    result = np.zeros((height, width, len(BANDS)))
    for fraction, spectrum in zip(mixed, spectra, strict=True):
        # The point spread function reaches half a pixel beyond the pixel's edge.
        seen = gaussian_filter(fraction / total, FINE / 2)
        pixel = seen.reshape(height, FINE, width, FINE).mean(axis=(1, 3))
        result += pixel[..., np.newaxis] * spectrum
    light = 1 + 0.08 * smooth_field(rng, height, width, 20)
    noise = SENSOR_NOISE * rng.standard_normal(result.shape)
    return result * light[..., np.newaxis] + noise


def _lay_clouds(rng: np.random.Generator, reflectance: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Cover a few places with clouds and their shadows, in place; return QA_PIXEL."""
    from scipy.ndimage import binary_dilation

    height, width = reflectance.shape[:2]
    field = smooth_field(rng, height, width, max(height, width) / 10)
    edge = np.quantile(field, 1 - CLOUD_SHARE)
    opacity = np.clip((field - edge) / (field.max() - edge) * 3 + 0.3, 0, 1) * (field > edge)
    thick = opacity > 0
    shadow = np.zeros_like(thick)
    shift = (height // 20, width // 28)
    shadow[shift[0] :, shift[1] :] = thick[: -shift[0], : -shift[1]]
    reflectance[shadow] *= 0.45
    seen = opacity[..., np.newaxis]
    reflectance *= 1 - seen
    reflectance += seen * CLOUD_REFLECTANCE
    quality = np.full((height, width), CLEAR, dtype=np.uint16)
    quality[shadow] = SHADOW
    quality[binary_dilation(thick, iterations=2)] = DILATED
    quality[thick] = CLOUD
    return quality


def _label_polygons(
    rng: np.random.Generator, land: Landscape
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Outline a few places of every class, as a digitiser would; return codes and numbers."""
    from scipy.ndimage import label

    height, width = land.majority.shape
    labels = np.zeros((height, width), dtype=np.uint16)
    groups = np.zeros_like(labels)
    rows, cols = np.ogrid[:height, :width]
    number = 0
    for code in CLASS_NAMES:
        inside = land.majority == code
        for seed in rng.permutation(np.flatnonzero(inside))[: 40 * POLYGONS_PER_CLASS]:
            row, col = divmod(int(seed), width)
            radius = rng.uniform(2.5, 5)
            near = (rows - row) ** 2 + (cols - col) ** 2
            if np.any(groups[near <= (radius + 2) ** 2]):
                continue
            parts, _ = label(inside & (near <= radius**2))
            polygon = parts == parts[row, col]
            if polygon.sum() < 12:
                continue
            number += 1
            labels[polygon], groups[polygon] = code, number
            if len(np.unique(groups[labels == code])) == POLYGONS_PER_CLASS:
                break
    return labels, groups


def _write_image(path: Path, reflectance: NDArray[np.float64]) -> None:
    scale, offset = landsat.REFLECTANCE_SCALE, landsat.REFLECTANCE_OFFSET
    stored = np.clip(np.rint((reflectance - offset) / scale), 1, 65535).astype(np.uint16)
    scales = (scale,) * len(BANDS), (offset,) * len(BANDS)
    _write(path, np.moveaxis(stored, 2, 0), [name for name, _ in BANDS], nodata=0, scales=scales)


def _write_codes(path: Path, codes: NDArray[Any], meaning: str, nodata: int | None) -> None:
    _write(path, codes.astype(np.uint16)[np.newaxis], [meaning], nodata)


def _write(
    path: Path,
    stored: NDArray[np.uint16],
    names: list[str],
    nodata: int | None,
    scales: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
) -> None:
    import rasterio

    with atomic_target(path) as part, write_errors(path):
        with _created(part, stored.shape, nodata) as target:
            target.write(stored)
            target.descriptions = tuple(names)
            if scales is not None:
                target.scales, target.offsets = scales
        # GDAL may notice a full disk when it closes a file, and not say so.
        with rasterio.open(part) as dataset:
            if not np.array_equal(dataset.read(), stored):
                raise write_error(path, "what was read back differs")


def _created(path: Path, shape: tuple[int, ...], nodata: int | None) -> Any:
    import rasterio
    from rasterio.transform import Affine

    return rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=shape[0],
        height=shape[1],
        width=shape[2],
        dtype="uint16",
        crs="EPSG:32633",
        transform=Affine(30, 0, 500_000, 0, -30, 5_400_000),
        nodata=nodata,
        compress="deflate",
    )


def _write_sidecar(path: Path, seed: int) -> None:
    content = {
        "name": f"built-in scene, seed {seed}",
        "image": "image.tif",
        "labels": "labels.tif",
        "groups": "groups.tif",
        "truth": "truth.tif",
        "mask": "qa_pixel.tif",
        "bands": [{"name": name, "common_name": common} for name, common in BANDS],
        "unlabelled": 0,
        "classes": {str(code): name for code, name in CLASS_NAMES.items()},
        "colors": {str(code): rgb for code, rgb in class_palette(CLASS_NAMES).items()},
        "source": "made up by bridges.scene.built_in; the place does not exist",
        "licence": "none needed: generated data",
    }
    with atomic_target(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
