"""Scaling of features, always fitted on training pixels only."""

from __future__ import annotations

from typing import Any

from bridges.errors import UsageError

SCALES = ("standard", "minmax", "none")


def make_scaler(name: str) -> Any:
    """Return an unfitted scikit-learn transformer.

    Parameters
    ----------
    name : {"standard", "minmax", "none"}
        Zero mean and unit variance; to [-1, 1] (the convention of LIBSVM's guide); unchanged.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    if name == "standard":
        return StandardScaler()
    if name == "minmax":
        return MinMaxScaler((-1, 1))
    if name == "none":
        return FunctionTransformer(check_inverse=False, feature_names_out="one-to-one")
    raise UsageError(f"Unknown scaling '{name}'.", f"Use one of {', '.join(SCALES)}.")


def is_featurewise(transformer: Any) -> bool:
    """Tell whether a transformer changes every feature by itself and element by element."""
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    if type(transformer) is FunctionTransformer:
        return transformer.func is None
    return type(transformer) in (StandardScaler, MinMaxScaler)
