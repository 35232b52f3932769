"""Maps: a fitted model over a whole scene, written as a cloud-optimised GeoTIFF."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.maps.classify import predict_map as predict_map

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classify": ["predict_map"],
    },
)
