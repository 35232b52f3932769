"""The shared floor: common interface, rasters, ensembles, metrics, comparison and report."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.ensemble.bagging import KernelEnsemble as KernelEnsemble
    from bridges.fit_report import Diagnostics as Diagnostics
    from bridges.fit_report import FitReport as FitReport
    from bridges.maps.classify import predict_map as predict_map
    from bridges.registry import make as make
    from bridges.registry import make_sampler as make_sampler
    from bridges.run.model_file import load_model as load_model
    from bridges.run.model_file import save_model as save_model
    from bridges.samples.pixels import labelled_pixels as labelled_pixels
    from bridges.scene.opening import open_scene as open_scene

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ensemble.bagging": ["KernelEnsemble"],
        "fit_report": ["Diagnostics", "FitReport"],
        "maps.classify": ["predict_map"],
        "registry": ["make", "make_sampler"],
        "run.model_file": ["load_model", "save_model"],
        "samples.pixels": ["labelled_pixels"],
        "scene.opening": ["open_scene"],
    },
)
