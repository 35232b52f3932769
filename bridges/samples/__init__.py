"""Labelled samples: read from rasters, polygons and tables, split, and scaled."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.samples.labelled import LabelledData as LabelledData
    from bridges.samples.pixels import labelled_pixels as labelled_pixels
    from bridges.samples.tables import load_table as load_table

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "labelled": ["LabelledData"],
        "pixels": ["labelled_pixels"],
        "tables": ["load_table"],
    },
)
