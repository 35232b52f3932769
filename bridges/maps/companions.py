"""What lies beside a map for other programs: its style for QGIS and its item for catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridges.machine.files import write_json, write_text
from bridges.maps.stac import stac_item
from bridges.maps.style import class_style
from bridges.scene.palette import class_palette
from bridges.scene.raster import write_errors

if TYPE_CHECKING:
    from bridges.scene.scene import Scene

SUFFIXES = (".qml", ".json")


def companions_of(path: Path) -> list[Path]:
    """Return the files that :func:`write_companions` writes beside a map."""
    return [path.with_suffix(suffix) for suffix in SUFFIXES]


def write_companions(
    path: Path, scene: Scene, class_names: Mapping[int, str], confidence: Path | None = None
) -> None:
    """Write style and catalogue item of a map that is there.

    Parameters
    ----------
    path : Path
        The map.
    scene : Scene
        What it was drawn from.
    class_names : mapping of int to str
        Codes and names.
    confidence : Path, optional
        Layers beside it.
    """
    colors = class_palette(class_names, scene.colors_for(class_names))
    style, item = companions_of(path)
    with write_errors(path):
        write_text(style, class_style(class_names, colors))
        told = stac_item(path, class_names, colors, acquired=scene.acquired, confidence=confidence)
        write_json(item, told)
