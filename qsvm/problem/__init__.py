"""The quadratic problem on a lattice behind every formulation, and its exact optimum."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem as DualProblem
    from qsvm.problem.dual_problem import bit_weights as bit_weights

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dual_problem": ["DualProblem", "bit_weights"],
    },
)
