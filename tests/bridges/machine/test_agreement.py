"""Ranks that were given different things are told so, on every rank."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import DataError, UsageError
from bridges.machine.agreement import require_same_parameters, require_same_rows
from bridges.machine.comm import SingleRank

X, Y = np.arange(6.0).reshape(3, 2), np.array(["a", "b", "b"])


class Ranks(SingleRank):
    """Rank 0 of several whose messages are known."""

    def __init__(self, others):
        self.others, self.size = others, len(others) + 1

    def allgather(self, value):
        return [value, *(other(value) for other in self.others)]


def same(value):
    return value


def test_equal_rows_agree_whatever_their_form():
    require_same_rows(Ranks([same, same]), (X, Y, None), "hint")
    require_same_rows(Ranks([same]), (X.tolist(), Y.astype(object), np.ones(3)), "hint")
    require_same_rows(SingleRank(), (X, Y), "hint")


@pytest.mark.parametrize("other", [(X[:2], Y[:2]), (X + 1e-12, Y), (X, Y[::-1]), (X[::-1], Y)])
def test_other_rows_are_told(other):
    told = []

    def theirs(mine):
        require_same_rows(Recording(told), other, "hint")
        return told[0]

    with pytest.raises(DataError, match=r"different training data \(rows of rank 0: 3, rank 1: ."):
        require_same_rows(Ranks([theirs]), (X, Y), "hint")


class Recording(SingleRank):
    """Keeps what a rank would send."""

    size = 2

    def __init__(self, told):
        self.told = told

    def allgather(self, value):
        self.told.append(value)
        return [value, value]


def test_parameters_are_compared_by_name():
    params = {"C": 1.0, "kernel": "rbf", "inner_params": {"a": [1, 2]}, "held": object()}
    require_same_parameters(Ranks([same]), "MPISVC", params)
    with pytest.raises(UsageError, match=r"MPISVC with different C \(rank 0: 1.0, rank 1: 2.0\)"):
        require_same_parameters(Ranks([lambda p: {**p, "C": "2.0"}]), "MPISVC", params)
