"""scikit-learn's own checks, none of them expected to fail."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from classical.classifier import MPISVC


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MPISVC()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
