"""What every kernel SVM shares: kernels, class splits, and fused prediction."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.svm.base import KernelModel as KernelModel
    from bridges.svm.expansion import KernelExpansion as KernelExpansion
    from bridges.svm.kernels import Kernel as Kernel

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": ["KernelModel"],
        "expansion": ["KernelExpansion"],
        "kernels": ["Kernel"],
    },
)
