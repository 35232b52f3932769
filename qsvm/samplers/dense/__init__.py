"""The annealer of coefficients on their lattice."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.samplers.dense.annealer import DenseAnnealer as DenseAnnealer
    from qsvm.samplers.dense.as_dimod import DenseSampler as DenseSampler

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "annealer": ["DenseAnnealer"],
        "as_dimod": ["DenseSampler"],
    },
)
