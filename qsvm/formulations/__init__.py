"""Formulations: what is asked of a sampler, and what its samples mean."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.formulations.base import Coefficients as Coefficients
    from qsvm.formulations.base import Formulation as Formulation
    from qsvm.formulations.base import Task as Task
    from qsvm.formulations.solution import Rules as Rules
    from qsvm.formulations.solution import Solution as Solution

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": ["Coefficients", "Formulation", "Task"],
        "solution": ["Rules", "Solution"],
    },
)
