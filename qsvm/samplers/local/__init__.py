"""Samplers of the bits on this machine, and the null controls."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.samplers.local.annealing import SimulatedAnnealing as SimulatedAnnealing
    from qsvm.samplers.local.any_dimod import AnyDimodSampler as AnyDimodSampler

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "annealing": ["SimulatedAnnealing"],
        "any_dimod": ["AnyDimodSampler"],
    },
)
