"""Colours of land-cover classes, the same in maps, figures and legends."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

Color = tuple[int, int, int]

LAND_COVER: dict[str, Color] = {
    "water": (82, 125, 197),
    "forest": (13, 66, 40),
    "wood": (13, 66, 40),
    "shrub": (167, 150, 67),
    "herb": (224, 234, 168),
    "grass": (224, 234, 168),
    "pasture": (224, 234, 168),
    "agri": (239, 158, 60),
    "crop": (239, 158, 60),
    "develop": (147, 29, 88),
    "urban": (147, 29, 88),
    "built": (147, 29, 88),
    "barren": (201, 201, 201),
    "bare": (201, 201, 201),
    "soil": (129, 95, 69),
    "sediment": (129, 95, 69),
    "wetland": (68, 170, 153),
    "snow": (221, 238, 255),
    "ice": (221, 238, 255),
    "cloud": (240, 240, 240),
    "burn": (60, 40, 40),
}
"""By the word that a class name contains. From forest over developed, soil, water, shrubland,
agriculture and barren to herbaceous, lightness rises in even steps, so that the classes can be told
apart in black-and-white print, and with red-green blindness (the tests check both)."""

OTHERS: list[Color] = [
    (51, 34, 136),
    (221, 204, 119),
    (68, 170, 153),
    (204, 102, 119),
    (136, 204, 238),
    (136, 34, 85),
    (153, 153, 51),
    (170, 68, 153),
    (17, 119, 51),
]
"""Paul Tol's muted scheme (https://sronpersonalpages.nl/~pault), for classes of other names."""


def class_palette(
    class_names: Mapping[int, str], given: Mapping[int, Color] | None = None
) -> dict[int, Color]:
    """Choose a colour for every class.

    Parameters
    ----------
    class_names : mapping of int to str
        Classes by code.
    given : mapping of int to (red, green, blue), optional
        Colours that are settled, 0 … 255 each.

    Returns
    -------
    dict of int to (red, green, blue)
        Distinct unless ``given`` says otherwise; the same for the same names.
    """
    chosen: dict[int, Color] = {c: rgb for c, rgb in (given or {}).items() if c in class_names}
    for code, name in sorted(class_names.items()):
        color = next((rgb for word, rgb in LAND_COVER.items() if word in name.lower()), None)
        if code not in chosen and color is not None and color not in chosen.values():
            chosen[code] = color
    spare = [rgb for rgb in OTHERS if rgb not in chosen.values()]
    for code in sorted(class_names):
        if code not in chosen:
            chosen[code] = spare.pop(0) if spare else _generated(len(chosen))
    return {code: chosen[code] for code in class_names}


def _generated(number: int) -> Color:
    # Multiples of the golden ratio fill the circle of hues evenly, however many there are.
    hue = number * 0.6180339887498949 % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.35 + 0.1 * (number % 4), 0.6)
    return round(red * 255), round(green * 255), round(blue * 255)
