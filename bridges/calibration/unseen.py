"""Raw outputs of samples that a model has not seen: from folds, or from the bags of an ensemble."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import has_fit_parameter

from bridges.classifier import HasLabeller
from bridges.errors import DataError, UsageError
from bridges.svm.duplicates import MergedRows, merge_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bridges.svm.probabilities import Outputs

KIND: dict[str, Outputs] = {
    "sign": "sign", "votes": "pairs", "scores": "pairs", "largest": "classes",
}  # fmt: skip
"""What the outputs of a labeller stand for, by its rule."""

ALWAYS_SEEN = -1
"""Fold of a sample without which its class would be missing."""


@dataclasses.dataclass(frozen=True, eq=False)
class Unseen:
    """Raw outputs of training samples, each of a model that has not seen it.

    Attributes
    ----------
    values : ndarray of shape (n, n_outputs)
        The outputs.
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Weights.
    """

    values: NDArray[np.float64]
    codes: NDArray[np.intp]
    weights: NDArray[np.float64]


def raw_outputs(estimator: Any, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], Outputs]:
    """Return the outputs (n, n_outputs) of a fitted classifier, and what they stand for.

    Those of a kernel model are its expansion's; of any other its decision values, or else the
    logarithms of its probabilities.
    """
    labeller = estimator.labeller() if isinstance(estimator, HasLabeller) else None
    if labeller is not None:
        values = labeller.expansion.decision(X, n_jobs=getattr(estimator, "n_jobs", None))
        kind = KIND[labeller.rule]
        return (values[:, :1] if kind == "sign" else values), kind
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(X), dtype=np.float64)
    else:
        values = np.log(np.maximum(estimator.predict_proba(X), 1e-7))
        values = values[:, 1] - values[:, 0] if values.shape[1] == 2 else values
    return values.reshape(len(X), -1), "sign" if values.ndim == 1 else "classes"


def from_bags(ensemble: Any, X: NDArray[np.float64], merged: MergedRows) -> Unseen | None:
    """Return the outputs of an ensemble's members for samples outside of their bags.

    None where some class has no such sample.
    """
    places, values = ensemble.out_of_bag_outputs(X, merged)
    codes = merged.codes[places]
    if len(np.unique(codes)) < len(ensemble.classes_):
        return None
    return Unseen(values, codes, merged.weights[places])


def from_folds(
    estimator: Any,
    X: NDArray[np.float64],
    labels: NDArray[Any],
    merged: MergedRows,
    folds: NDArray[np.intp],
) -> Unseen:
    """Return the outputs of clones, each fitted on all folds but one, for the samples of that one.

    Parameters
    ----------
    estimator : classifier
        Fitted on all samples; of a search, the best estimator is fitted again.
    X : ndarray of shape (n, d), or (n, n) for a precomputed kernel
        All samples.
    labels : ndarray of shape (n,)
        Their labels.
    merged : MergedRows
        The distinct samples.
    folds : ndarray of shape (m,)
        Fold of each distinct sample; :data:`ALWAYS_SEEN` for one that every clone is fitted on,
        whose outputs are those of ``estimator`` itself.
    """
    prototype = getattr(estimator, "best_estimator_", estimator)
    pairwise = len(X) == X.shape[1] and _is_pairwise(prototype)
    found, _ = raw_outputs(estimator, X[merged.rows])
    for fold in np.unique(folds[folds != ALWAYS_SEEN]).tolist():
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        rows, tested = merged.rows[inside], merged.rows[outside]
        block = X[np.ix_(rows, rows)] if pairwise else X[rows]
        model = _fitted(prototype, block, labels[rows], merged.weights[inside], pairwise)
        block = X[np.ix_(tested, rows)] if pairwise else X[tested]
        found[outside] = raw_outputs(model, block)[0]
    return Unseen(found, merged.codes, merged.weights)


def _is_pairwise(estimator: Any) -> bool:
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.pairwise)


def _fitted(
    prototype: Any,
    X: NDArray[np.float64],
    y: NDArray[Any],
    weights: NDArray[np.float64],
    pairwise: bool,
) -> Any:
    """Fit a clone; weights are passed on only where they say something."""
    model = clone(prototype)
    if np.all(weights == 1):
        return model.fit(X, y)
    if has_fit_parameter(model, "sample_weight"):
        return model.fit(X, y, sample_weight=weights)
    if pairwise or np.any(weights != np.rint(weights)):
        raise UsageError(
            f"{type(model).__name__} takes no sample weights.", "Leave the weights out."
        )
    times = weights.astype(int)
    return model.fit(np.repeat(X, times, axis=0), np.repeat(y, times))


def make_folds(
    merged: MergedRows,
    groups: NDArray[Any] | None,
    n_folds: int,
    names: Sequence[str],
    random_state: Any,
) -> tuple[NDArray[np.intp], list[str]]:
    """Return the fold of every distinct sample, and what had to give way, a sentence each.

    Every class is in at least two folds. One with a single group is divided; the only sample of one
    is in no fold.

    Parameters
    ----------
    merged : MergedRows
        Distinct samples.
    groups : ndarray of shape (m,), optional
        Group of each: all samples of a group are in one fold.
    n_folds : int
        Largest number of folds; fewer where a class has fewer samples.
    names : sequence of str
        What the classes are called in messages.
    random_state : int, RandomState or None
        Of the draw of samples without groups.

    Raises
    ------
    DataError
        If fewer than two classes have two distinct samples.
    """
    counts = np.bincount(merged.codes, minlength=len(names))
    if np.sum(counts > 1) < 2:
        raise DataError(
            f"Class '{names[int(counts.argmin())]}' has one distinct sample.",
            "Probabilities are learnt from at least two per class.",
        )
    several = counts[merged.codes] > 1
    folds = np.full(len(several), ALWAYS_SEEN, dtype=np.intp)
    codes = merged.codes[several]
    told = [
        f"Class '{names[c]}' has one distinct sample: its probabilities are learnt on what the "
        "model has seen, and are too sure."
        for c in np.flatnonzero(counts == 1).tolist()
    ]
    if groups is None:
        deal = StratifiedKFold(
            min(n_folds, int(counts[counts > 1].min())), shuffle=True, random_state=random_state
        )
        inner = np.empty(len(codes), dtype=np.intp)
        for fold, (_, outside) in enumerate(deal.split(codes, codes)):
            inner[outside] = fold
    else:
        number, divided = _divisible(codes, groups[several])
        inner = _group_folds(codes, number, n_folds)
        told += [
            f"Class '{names[c]}' has one group (polygon) to learn from: its probabilities are "
            "learnt on samples beside those that the model has seen, and are too sure elsewhere."
            for c in divided
        ]
    folds[several] = inner
    return folds, told


def _divisible(codes: NDArray[np.intp], groups: NDArray[Any]) -> tuple[NDArray[np.intp], list[int]]:
    """Return numbers of groups, each sample of a class with a single one as its own; such classes.

    A group of several classes stays whole for the others.
    """
    number = np.unique(groups, return_inverse=True)[1].astype(np.intp)
    divided = [c for c in np.unique(codes).tolist() if len(np.unique(number[codes == c])) < 2]
    for c in divided:
        own = np.flatnonzero(codes == c)
        number[own] = int(number.max()) + 1 + np.arange(len(own))
    return number, divided


def _group_folds(
    codes: NDArray[np.intp], number: NDArray[np.intp], n_folds: int
) -> NDArray[np.intp]:
    """Deal groups to folds, class by class: those with the fewest groups first, large groups first.

    Each goes where its class has the fewest samples so far.
    """
    number = np.unique(number, return_inverse=True)[1]
    sizes = np.zeros((int(number.max()) + 1, int(codes.max()) + 1), dtype=np.int64)
    np.add.at(sizes, (number, codes), 1)
    fold_of = np.full(len(sizes), -1, dtype=np.intp)
    held = np.zeros((n_folds, sizes.shape[1]), dtype=np.int64)
    for c in np.argsort((sizes > 0).sum(axis=0), kind="stable"):
        for group in np.argsort(-sizes[:, c], kind="stable"):
            if sizes[group, c] and fold_of[group] < 0:
                fold_of[group] = np.lexsort((held.sum(axis=1), held[:, c]))[0]
                held[fold_of[group]] += sizes[group]
    return fold_of[number]


def merge_with_groups(
    X: NDArray[np.float64],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    groups: NDArray[Any] | None,
    *,
    compare: bool,
) -> tuple[MergedRows, NDArray[Any] | None]:
    """Return the distinct samples, equal ones of several groups apart, and their groups."""
    if groups is None:
        return merge_rows(X, codes, weights, compare=compare), None
    if not compare:
        merged = merge_rows(X, codes, weights, compare=False)
        return merged, groups[merged.rows]
    number = np.unique(groups, return_inverse=True)[1].astype(np.float64)
    merged = merge_rows(np.column_stack([X, number]), codes, weights)
    return merged, groups[merged.rows]
