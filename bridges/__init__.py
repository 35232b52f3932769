"""The shared floor: classifier interface, rasters and data, ensembles, metrics, comparison, report."""

__version__ = "0.1.0"
