"""Samplers of SVM duals; the only place where D-Wave's libraries are met."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.samplers.base import ALL_CONSTRAINTS as ALL_CONSTRAINTS
    from qsvm.samplers.base import DualSampler as DualSampler
    from qsvm.samplers.base import Live as Live
    from qsvm.samplers.base import SampleBatch as SampleBatch
    from qsvm.samplers.base import batch_from_rows as batch_from_rows
    from qsvm.samplers.base import no_progress as no_progress
    from qsvm.samplers.base import sample_each as sample_each

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": [
            "ALL_CONSTRAINTS",
            "DualSampler",
            "Live",
            "SampleBatch",
            "batch_from_rows",
            "no_progress",
            "sample_each",
        ],
    },
)
