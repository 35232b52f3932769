"""How good a map is and where: probability samples, estimates with errors, applicability."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.accuracy.applicability import Applicability as Applicability
    from bridges.accuracy.estimators import estimate as estimate

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "applicability": ["Applicability"],
        "estimators": ["estimate"],
    },
)
