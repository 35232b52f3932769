"""Labels that look wrong: told per polygon by two witnesses, the classifier and the neighbours.

Samples are tested in folds of whole polygons, so no label speaks for itself. The *disagreement* is
how often a classifier trained on the other folds says something else; the *conflict* is the share
of the nearest samples of other folds, in the scaled feature space, that have another label. The
*suspicion* of a polygon is the mean of both over its samples. Either alone errs more: a classifier
bends to a cluster of wrong labels, neighbours know nothing of rare but honest classes.

A ranked list to be looked at, not to be believed: what is hard is suspicious, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.folds import OUT
from bridges.samples.scaling import make_scaler
from bridges.samples.split_kinds import SPLITS, Wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.labelled import LabelledData

NEIGHBOURS = 10
"""Nearest samples that are asked."""

FOLDS, REPEATS = 5, 3
"""Folds, and how often they are dealt anew."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """The samples of one class in one polygon (or a sample, where no polygons are known).

    Attributes
    ----------
    group : int
        Number of the polygon; of the sample, from 1, where no polygons are known.
    code : int
        Its label.
    members : ndarray of int
        Indices of its samples.
    suspicion : float or None
        Mean of disagreement and conflict, 0 to 1; None where nothing can be told, because the class
        has no other polygon.
    disagreement, conflict : float
        Means over the samples.
    margin : float
        Mean cross-validated margin: decision value of the label minus the largest other one.
    suggested : int
        What the classifier says most often.
    """

    group: int
    code: int
    members: NDArray[np.intp]
    suspicion: float | None
    disagreement: float
    conflict: float
    margin: float
    suggested: int


@dataclasses.dataclass(frozen=True)
class Suspects:
    """All polygons, the most suspicious first.

    Attributes
    ----------
    units : tuple of Unit
        Ranked; those of which nothing can be told last.
    notes : tuple of str
        What the user should know.
    """

    units: tuple[Unit, ...]
    notes: tuple[str, ...]

    def per_sample(self, n: int) -> NDArray[np.float64]:
        """Return the suspicion of every sample's polygon, NaN where nothing can be told."""
        suspicion = np.full(n, np.nan)
        for unit in self.units:
            if unit.suspicion is not None:
                suspicion[unit.members] = unit.suspicion
        return suspicion

    def above(self, threshold: float, n: int) -> NDArray[np.bool_]:
        """Return which samples are of polygons at least as suspicious as a threshold."""
        return self.per_sample(n) >= threshold


def find_suspects(
    data: LabelledData,
    make_classifier: Callable[[], Any],
    *,
    scale: str = "standard",
    seed: int = 0,
) -> Suspects:
    """Rank polygons by how wrong their labels look.

    Parameters
    ----------
    data : LabelledData
        The samples.
    make_classifier : callable
        Returns an unfitted classifier with ``decision_function``.
    scale : str
        See :func:`bridges.samples.scaling.make_scaler`.
    seed : int
        Of the folds.

    Raises
    ------
    DataError
        If there are too few polygons or samples for two folds.
    """
    group, kind = _groups(data)
    k = min(FOLDS, len(np.unique(group[group > 0])))
    if k < 2:
        raise DataError(
            "The samples are of a single polygon.", "Two polygons are needed to tell on each other."
        )
    witness = _Witness(data, make_classifier, scale)
    for repeat in range(REPEATS):
        dealer = SPLITS[kind].folds
        assert dealer is not None
        witness.hear(dealer(data, k, Wanted(seed=seed + repeat)))
    lonely = _lonely(data, group)
    units = _units(data, group, witness, lonely)
    units.sort(key=lambda u: -1.0 if u.suspicion is None else u.suspicion, reverse=True)
    return Suspects(tuple(units), _notes(data, lonely))


def _groups(data: LabelledData) -> tuple[NDArray[np.int64], str]:
    if data.groups is None:
        return np.arange(1, len(data.y) + 1), "random"
    return data.groups, "polygons"


def _lonely(data: LabelledData, group: NDArray[np.int64]) -> list[int]:
    """Return the classes of a single polygon: nobody else can tell on it."""
    return [c for c in data.class_names if len(np.unique(group[(data.y == c) & (group > 0)])) < 2]


class _Witness:
    """Sums of what classifier and neighbours say of every sample."""

    def __init__(self, data: LabelledData, make_classifier: Callable[[], Any], scale: str) -> None:
        self.data, self.make, self.scale = data, make_classifier, scale
        n = len(data.y)
        self.codes = np.array(sorted(data.class_names))
        self.votes = np.zeros((n, len(self.codes)))
        self.margin, self.conflict, self.heard = np.zeros(n), np.zeros(n), np.zeros(n)

    def hear(self, folds: NDArray[np.int64]) -> None:
        """Ask about the samples of every fold those of the others."""
        for fold in np.unique(folds[folds != OUT]):
            test = np.flatnonzero(folds == fold)
            train = np.flatnonzero((folds != fold) & (folds != OUT))
            if len(np.unique(self.data.y[train])) < 2:
                continue
            scaler = make_scaler(self.scale).fit(self.data.X[train])
            X_train, X_test = (scaler.transform(self.data.X[part]) for part in (train, test))
            self._ask_classifier(train, test, X_train, X_test)
            self._ask_neighbours(train, test, X_train, X_test)
            self.heard[test] += 1

    def _ask_classifier(
        self,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        X_train: NDArray[np.float64],
        X_test: NDArray[np.float64],
    ) -> None:
        model = self.make().fit(X_train, self.data.y[train])
        values = np.asarray(model.decision_function(X_test), dtype=np.float64)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        full = np.full((len(test), len(self.codes)), -np.inf)
        full[:, np.searchsorted(self.codes, model.classes_)] = values
        said = np.searchsorted(self.codes, model.predict(X_test))
        self.votes[test, said] += 1
        own = np.searchsorted(self.codes, self.data.y[test])
        rows = np.arange(len(test))
        mine = full[rows, own]
        full[rows, own] = -np.inf
        known = np.isfinite(mine)
        self.margin[test[known]] += mine[known] - full[known].max(axis=1)

    def _ask_neighbours(
        self,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        X_train: NDArray[np.float64],
        X_test: NDArray[np.float64],
    ) -> None:
        from scipy.spatial import cKDTree

        k = min(NEIGHBOURS, len(train))
        near = cKDTree(X_train).query(X_test, k=k)[1].reshape(len(test), k)
        others = self.data.y[train][near] != self.data.y[test][:, np.newaxis]
        self.conflict[test] += others.mean(axis=1)


def _units(
    data: LabelledData, group: NDArray[np.int64], witness: _Witness, lonely: Sequence[int]
) -> list[Unit]:
    inside = np.flatnonzero((group > 0) & (witness.heard > 0))
    keys = np.stack([group[inside], data.y[inside]])
    found, number = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(number.reshape(-1), kind="stable")
    bounds = np.searchsorted(number.reshape(-1)[order], np.arange(found.shape[1] + 1))
    units = []
    for i, (g, code) in enumerate(found.T.tolist()):
        members = inside[order[bounds[i] : bounds[i + 1]]]
        heard = witness.heard[members]
        own = int(np.searchsorted(witness.codes, code))
        disagreement = float(np.mean(1 - witness.votes[members, own] / heard))
        conflict = float(np.mean(witness.conflict[members] / heard))
        suggested = int(witness.codes[np.argmax(witness.votes[members].sum(axis=0))])
        units.append(
            Unit(
                group=g,
                code=code,
                members=members,
                suspicion=None if code in lonely else 0.5 * (disagreement + conflict),
                disagreement=disagreement,
                conflict=conflict,
                margin=float(np.mean(witness.margin[members] / heard)),
                suggested=suggested,
            )
        )
    return units


def _notes(data: LabelledData, lonely: Sequence[int]) -> tuple[str, ...]:
    notes = []
    if lonely:
        names = ", ".join(data.class_names[code] for code in lonely)
        notes.append(f"Nothing can be told of {names}: the class has a single polygon.")
    if data.groups is None:
        notes.append(
            "No polygons are known, so every sample is judged for itself; neighbours of a wrong "
            "pixel are often wrong as well, and vouch for it. Name polygons with --groups."
        )
    return tuple(notes)


@dataclasses.dataclass(frozen=True)
class Removal:
    """What was removed.

    Attributes
    ----------
    threshold : float
        Suspicion from which on.
    keep : ndarray of shape (n,), bool
        Which samples stay.
    share : float
        Share of the samples that were removed.
    by_class : dict of str to float
        The same, class by class.
    """

    threshold: float
    keep: NDArray[np.bool_]
    share: float
    by_class: dict[str, float]

    def sentence(self) -> str:
        """Say what was removed and what that means."""
        parts = ", ".join(f"{name} {s:.1%}" for name, s in self.by_class.items() if s > 0)
        return (
            f"{self.share:.1%} of the samples are removed, those of polygons with a suspicion of "
            f"at least {self.threshold:g} ({parts or 'none'}). Never test on cleaned samples "
            "only: what a classifier finds hard is gone from them."
        )


def remove(data: LabelledData, suspects: Suspects, threshold: float) -> Removal:
    """Return which samples stay when suspicious polygons are removed.

    Parameters
    ----------
    data : LabelledData
        The samples.
    suspects : Suspects
        Their suspicion.
    threshold : float
        Suspicion from which on polygons are removed, 0 < threshold ≤ 1.

    Raises
    ------
    DataError
        If a class would lose all of its samples.
    """
    lost = suspects.above(threshold, len(data.y))
    by_class = {name: float(lost[data.y == c].mean()) for c, name in data.class_names.items()}
    gone = [name for name, share in by_class.items() if share >= 1]
    if gone:
        raise DataError(
            f"All samples of {', '.join(gone)} are of suspicious polygons.",
            "Choose a larger --remove, and look at the list first.",
        )
    return Removal(threshold, ~lost, float(lost.mean()), by_class)
