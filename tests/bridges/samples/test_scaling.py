"""Scaling by name."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import UsageError
from bridges.samples.scaling import make_scaler

X = np.array([[0.0, 10.0], [4.0, 30.0]])


def test_the_scalings() -> None:
    np.testing.assert_allclose(make_scaler("minmax").fit_transform(X), [[-1, -1], [1, 1]])
    np.testing.assert_allclose(make_scaler("standard").fit_transform(X), [[-1, -1], [1, 1]])
    np.testing.assert_array_equal(make_scaler("none").fit_transform(X), X)


def test_an_unknown_scaling() -> None:
    with pytest.raises(UsageError, match="Unknown scaling") as raised:
        make_scaler("max")
    assert "minmax" in raised.value.hint
