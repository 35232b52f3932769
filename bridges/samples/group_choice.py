"""Which groups are left out: the share of test samples met as nearly as whole groups allow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = 12
"""Groups up to which every choice is looked at: 4 094 of them."""

NEAR = 0.03
"""Miss beyond the least possible within which the seed may choose, so that repeated splits of few
groups differ: a few hundredths of a share tell less than another region in the test set."""

PAIRS = 200
"""Groups up to which exchanges of two are tried as well; among more, moving one suffices."""

Key = tuple[int, float]
"""Classes that are lacking on a side although they need not, and the miss: less is better."""


@dataclass(frozen=True)
class Shares:
    """How near a choice of groups is to the wanted share.

    Attributes
    ----------
    counts : ndarray of shape (n_groups, n_classes)
        Samples of every group and class.
    test_size : float
        Wanted share of test samples.
    """

    counts: NDArray[np.int64]
    test_size: float

    def keys(
        self, tested: NDArray[np.int64], on_test: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the two parts of the keys of many choices.

        The miss is that of all samples, and a quarter of the sum of those of the classes.

        Parameters
        ----------
        tested, on_test : ndarray of shape (n_choices, n_classes)
            Test samples of every class, and how many groups of it are for testing.
        """
        n_groups = (self.counts > 0).sum(axis=0)
        lacking = np.sum((n_groups > 1) & ((on_test == 0) | (on_test == n_groups)), axis=1)
        off = tested - self.test_size * self.counts.sum(axis=0)
        miss = np.abs(off.sum(axis=1)) + 0.25 * np.abs(off).sum(axis=1)
        return lacking, miss / self.counts.sum()


def choose_groups(
    counts: NDArray[np.int64], test_size: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose whole groups for testing, close to the wanted share of all samples and every class.

    Every class that has two groups gets one on either side as far as groups shared with other
    classes allow; a class of one group is for training. Of few groups one of the nearest choices
    is drawn; of many, a random one is improved until no move or exchange makes it better.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, n_classes)
        Samples of every group and class.
    test_size : float
        Wanted share of test samples, between 0 and 1.
    rng : numpy.random.Generator
        Draws the choice.

    Returns
    -------
    ndarray of bool, shape (n_groups,)
        Which groups are for testing.
    """
    # the only group of a class stays in training, unless it is all that there is of every class
    only = (counts[:, (counts > 0).sum(axis=0) == 1] > 0).any(axis=1)
    free = np.flatnonzero(~only)
    shares = Shares(counts, test_size)
    chosen = np.zeros(len(counts), dtype=bool)
    if len(free) <= FEW:
        chosen[free] = _one_of_the_nearest(shares, free, rng)
    else:
        chosen[free] = rng.random(len(free)) < test_size
        _improve(shares, chosen, free)
    return chosen


def _one_of_the_nearest(
    shares: Shares, free: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a choice among few groups: of those lacking the least, one that is near enough."""
    choices = np.array(list(itertools.product((False, True), repeat=len(free))), dtype=bool)
    whole = np.zeros((len(choices), len(shares.counts)), dtype=bool)
    whole[:, free] = choices
    sides = whole.any(axis=1) & ~whole.all(axis=1)
    if not sides.any():
        return choices[0]
    choices, whole = choices[sides], whole[sides]
    each = whole.astype(np.int64)
    lacking, miss = shares.keys(each @ shares.counts, each @ (shares.counts > 0))
    fewest = lacking == lacking.min()
    near = np.flatnonzero(fewest & (miss <= miss[fewest].min() + NEAR))
    return np.asarray(choices[rng.choice(near)])


def _improve(shares: Shares, chosen: NDArray[np.bool_], free: NDArray[np.intp]) -> None:
    """Move single groups and exchange pairs, the best change first, while it gets better."""
    best: Key = (len(shares.counts), np.inf)
    while True:
        changes = [free[:, None]]
        if len(free) <= PAIRS:
            inside, outside = free[chosen[free]], free[~chosen[free]]
            changes.append(np.array(list(itertools.product(inside, outside)), np.intp))
        found = [_best_change(shares, chosen, part) for part in changes if len(part)]
        key, groups = min(found, key=lambda change: change[0])
        if key[0] > best[0] or (key[0] == best[0] and key[1] >= best[1] - 1e-12):
            return
        chosen[groups] ^= True
        best = key


def _best_change(
    shares: Shares, chosen: NDArray[np.bool_], changes: NDArray[np.intp]
) -> tuple[Key, NDArray[np.intp]]:
    """Return the key after the best of several changes, and the groups that change sides then."""
    counts, held = shares.counts, (shares.counts > 0).astype(np.int64)
    sign = np.where(chosen, -1, 1)[:, None]
    tested = counts[chosen].sum(axis=0) + (sign * counts)[changes].sum(axis=1)
    on_test = held[chosen].sum(axis=0) + (sign * held)[changes].sum(axis=1)
    lacking, miss = shares.keys(tested, on_test)
    place = np.lexsort((miss, lacking))[0]
    return (int(lacking[place]), float(miss[place])), changes[place]
