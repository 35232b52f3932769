"""The quantum wing: kernel SVM duals as QUBOs, sampled by annealers."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from qsvm.classifier import QuboSVC as QuboSVC
    from qsvm.ensemble import QuboEnsemble as QuboEnsemble

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classifier": ["QuboSVC"],
        "ensemble": ["QuboEnsemble"],
    },
)
