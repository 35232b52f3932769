"""The classical wing: an exact kernel SVM parallel over MPI."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from classical.classifier import MPISVC as MPISVC
    from classical.search.grid import GridSearch as GridSearch

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classifier": ["MPISVC"],
        "search.grid": ["GridSearch"],
    },
)
