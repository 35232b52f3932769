"""Probabilities of any classifier, learnt from samples that it has not seen; and their scores."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.calibration.calibrated import Calibrated as Calibrated

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "calibrated": ["Calibrated"],
    },
)
