"""Conformance kit: try whether something keeps a contract of this project, before it is announced.

Every function raises an AssertionError that says in words what was promised and what happened.
They need no test framework: call them from a test of your own package.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.testing.classifier import assert_classifier as assert_classifier
    from bridges.testing.formulation import assert_formulation as assert_formulation
    from bridges.testing.inner_solver import assert_inner_solver as assert_inner_solver
    from bridges.testing.sampler import assert_sampler as assert_sampler

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classifier": ["assert_classifier"],
        "formulation": ["assert_formulation"],
        "inner_solver": ["assert_inner_solver"],
        "sampler": ["assert_sampler"],
    },
)
