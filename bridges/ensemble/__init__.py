"""Ensembles: members drawn, fitted and fused into one classifier."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.ensemble.bagging import KernelEnsemble as KernelEnsemble

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bagging": ["KernelEnsemble"],
    },
)
