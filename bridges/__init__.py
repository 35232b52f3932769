"""The shared floor: common interface, rasters, ensembles, metrics, comparison and report."""

__version__ = "0.1.0"
