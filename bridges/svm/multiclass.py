"""Several classes from binary decision values: one-vs-one pairs and one-vs-rest."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MultiClass = Literal["ovo", "ovr"]
SCHEMES: tuple[str, ...] = get_args(MultiClass)


def require_classes(
    classes: NDArray[Any], codes: NDArray[np.intp], weights: NDArray[np.float64]
) -> None:
    """Raise a DataError unless there are two classes and all have a positive weight.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels.
    codes, weights : ndarray of shape (n,)
        Class index and weight of every sample.
    """
    present = np.unique(codes[weights > 0])
    if len(present) < max(2, len(classes)):
        shown = ", ".join(map(str, classes[present][:5]))
        raise DataError(
            f"The training data hold {len(present)} class(es) of positive weight: {shown}.",
            "Give samples of at least two classes, each with a positive weight.",
        )


def class_pairs(n_classes: int) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, in the order (0, 1), (0, 2), …, (1, 2), and so on."""
    return list(combinations(range(n_classes), 2))


def binary_tasks(
    codes: NDArray[np.intp], n_classes: int, multiclass: MultiClass
) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Split a problem of several classes into binary ones.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Class index of every row.
    n_classes : int
        Number of classes, at least 2.
    multiclass : {"ovo", "ovr"}
        One task per pair of classes, or one per class. Two classes are one task.

    Returns
    -------
    list of (rows, signs)
        Rows that take part, and +1 for those of the class that a positive value speaks for.
    """
    everything = np.arange(len(codes))
    if n_classes == 2:
        return [(everything, np.where(codes == 1, 1.0, -1.0))]
    if multiclass == "ovr":
        return [(everything, np.where(codes == c, 1.0, -1.0)) for c in range(n_classes)]
    tasks = []
    for i, j in class_pairs(n_classes):
        rows = np.flatnonzero((codes == i) | (codes == j))
        tasks.append((rows, np.where(codes[rows] == i, 1.0, -1.0)))
    return tasks


def count_votes(values: NDArray[np.float64], n_classes: int) -> NDArray[np.int64]:
    """Return votes of shape (n, n_classes) from pair values of shape (n, n_pairs).

    A value > 0 of the pair (i, j) is a vote for class i, any other for class j (LIBSVM's rule).
    """
    votes = np.zeros((len(values), n_classes), dtype=np.int64)
    for p, (i, j) in enumerate(class_pairs(n_classes)):
        wins = values[:, p] > 0
        votes[:, i] += wins
        votes[:, j] += ~wins
    return votes


def vote_scores(values: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Return scores of shape (n, n_classes): votes plus a confidence within (-1/3, 1/3).

    The confidence breaks ties by the summed pair values, as
    ``sklearn.utils.multiclass._ovr_decision_function`` does.
    """
    votes = count_votes(values, n_classes).astype(np.float64)
    sums = np.zeros_like(votes)
    for p, (i, j) in enumerate(class_pairs(n_classes)):
        sums[:, i] += values[:, p]
        sums[:, j] -= values[:, p]
    return votes + sums / (3 * (np.abs(sums) + 1))


def decision_scores(
    values: NDArray[np.float64], n_classes: int, multiclass: MultiClass
) -> NDArray[np.float64]:
    """Return what ``decision_function`` returns from raw outputs of shape (n, n_outputs).

    Returns
    -------
    ndarray
        Shape (n,) for two classes, else (n, n_classes); the largest column is the prediction.
    """
    if n_classes == 2:
        return values[:, 0]
    return vote_scores(values, n_classes) if multiclass == "ovo" else values


def predicted_indices(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return class indices from the output of :func:`decision_scores`."""
    if scores.ndim == 1:
        return (scores > 0).astype(np.intp)
    return np.argmax(scores, axis=1)
