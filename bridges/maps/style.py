"""The style in which QGIS shows a map: a ``.qml`` of the same name, found by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from bridges.scene.palette import Color


def class_style(class_names: Mapping[int, str], colors: Mapping[int, Color]) -> str:
    """Return a QGIS style of a class map: colour and name of every class.

    Parameters
    ----------
    class_names : mapping of int to str
        Codes and names.
    colors : mapping of int to (red, green, blue)
        0 … 255 each, for every code.
    """
    root = ElementTree.Element("qgis", version="3.22", styleCategories="AllStyleCategories")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1",
        nodataColor="",
    )  # fmt: skip
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for code, name in sorted(class_names.items()):
        red, green, blue = colors[code]
        entry = ElementTree.SubElement(palette, "paletteEntry")
        entry.attrib |= {"value": str(code), "label": name, "alpha": "255"}
        entry.set("color", f"#{red:02x}{green:02x}{blue:02x}")
    ElementTree.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ElementTree.tostring(root, encoding="unicode") + "\n"
