"""Folds of a cross-validation: numbers of folds for every kind of split."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.whole_groups import Groups

OUT = -1
"""Fold of a sample that is in none."""


def random_folds(y: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int64]:
    """Deal samples to k folds at random, class by class; returns the fold of each, from 0.

    Raises
    ------
    DataError
        If there are fewer samples than folds.
    """
    if len(y) < k:
        raise DataError(f"{len(y)} samples cannot be dealt to {k} folds.", "Use fewer folds.")
    rng = np.random.default_rng(seed)
    folds = np.empty(len(y), dtype=np.int64)
    dealt = 0
    for code in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == code))
        folds[members] = (dealt + np.arange(len(members))) % k
        dealt += len(members)
    return folds


def group_folds(y: NDArray[np.int64], groups: Groups, k: int, seed: int) -> NDArray[np.int64]:
    """Deal whole groups to k folds, classes balanced; returns the fold of each sample, -1 for none.

    Raises
    ------
    DataError
        If there are fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n = int(groups.number.max()) + 1
    if n < k:
        raise DataError(
            f"{n} {groups.units} cannot be dealt to {k} folds.", "Use fewer folds, or other groups."
        )
    folds = np.full(len(y), OUT, dtype=np.int64)
    inside = groups.inside
    deal = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer samples than folds is missing in some: the score shows what follows.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, test) in enumerate(deal.split(inside, y[inside], groups.number)):
            folds[inside[test]] = fold
    return folds
