"""Grid search with cross-validation, dealt to ranks."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from classical.search.grid import GridSearch as GridSearch

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "grid": ["GridSearch"],
    },
)
