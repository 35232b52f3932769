"""Scores of a classification, as plain numbers; what is undefined is None, never NaN."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SCORES = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "auroc", "auprc")
"""Names of the scalar scores, in the order of every table."""

LABELS = {
    "accuracy": "overall accuracy",
    "balanced_accuracy": "average accuracy",
    "kappa": "kappa",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
}
"""What the scores are called in tables for people."""


def number(value: Any) -> float | None:
    """Return a float, or None for None, NaN and infinities (which JSON does not know)."""
    if value is None:
        return None
    plain = float(value)
    return plain if math.isfinite(plain) else None


def evaluate(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    scores: ArrayLike | None,
    class_names: Mapping[int, str],
) -> dict[str, Any]:
    """Score predicted against true class codes.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), int
        Class codes.
    scores : array-like of shape (n,), or (n, n_classes), or None
        Output of ``decision_function``; used for two classes only, where a larger value speaks for
        the larger code.
    class_names : mapping of int to str
        Every class that the classifier knows, also those without a sample in ``y_true``.

    Returns
    -------
    dict
        ``accuracy`` (overall), ``balanced_accuracy`` (average of the producer's accuracies of the
        classes that have test samples), ``kappa``, ``macro_f1`` (over classes that are in the truth
        or the prediction), ``auroc`` and ``auprc`` (None unless there are two classes, both in the
        truth), ``classes`` (name, code, producer's accuracy = recall, user's accuracy = precision,
        f1, support) and ``confusion`` (rows truth, columns prediction, in the order of
        ``classes``).

    Raises
    ------
    DataError
        If there is nothing to score or the lengths differ.
    """
    from sklearn import metrics

    truth, predicted = np.asarray(y_true), np.asarray(y_pred)
    if len(truth) == 0 or truth.shape != predicted.shape:
        raise DataError(
            f"Cannot score {len(predicted)} predictions against {len(truth)} labels.",
            "Give at least one test sample and one prediction for each.",
        )
    codes = sorted({int(c) for c in (*class_names, *np.unique(truth), *np.unique(predicted))})
    confusion = metrics.confusion_matrix(truth, predicted, labels=codes)
    classes = _per_class(confusion, codes, class_names)
    present = [c["producers_accuracy"] for c in classes if c["producers_accuracy"] is not None]
    return {
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "balanced_accuracy": float(np.mean(present)),
        "kappa": _kappa(truth, predicted),
        "macro_f1": float(metrics.f1_score(truth, predicted, average="macro", zero_division=0)),
        **_ranking(truth, scores, codes),
        "classes": classes,
        "confusion": confusion.tolist(),
    }


def _per_class(
    confusion: NDArray[np.int64], codes: list[int], class_names: Mapping[int, str]
) -> list[dict[str, Any]]:
    hits = np.diag(confusion)
    support, claimed = confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        {
            "name": class_names.get(code, str(code)),
            "code": code,
            "producers_accuracy": _ratio(hits[i], support[i]),
            "users_accuracy": _ratio(hits[i], claimed[i]),
            "f1": _ratio(2 * hits[i], support[i] + claimed[i]),
            "support": int(support[i]),
        }
        for i, code in enumerate(codes)
    ]


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def _kappa(truth: NDArray[Any], predicted: NDArray[Any]) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    if len(np.union1d(truth, predicted)) < 2:
        return None  # agreement by chance is certain: 0/0
    return number(cohen_kappa_score(truth, predicted))


def _ranking(
    truth: NDArray[Any], scores: ArrayLike | None, codes: list[int]
) -> dict[str, float | None]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if scores is None or len(codes) != 2 or len(np.unique(truth)) != 2:
        return {"auroc": None, "auprc": None}
    values = binary_scores(scores)
    positive = truth == codes[1]
    return {
        "auroc": float(roc_auc_score(positive, values)),
        "auprc": float(average_precision_score(positive, values)),
    }


def binary_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Return scores of shape (n,) for the second class, also from a matrix of two columns.

    Raises
    ------
    DataError
        If a score is not finite or there are more than two columns.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim == 2 and values.shape[1] <= 2:
        values = values[:, -1] - (values[:, 0] if values.shape[1] == 2 else 0.0)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise DataError(
            f"Decision values of shape {values.shape} cannot rank the samples of two classes.",
            "The classifier must return one finite value per sample.",
        )
    return values


def roc_points(
    y_true: ArrayLike, scores: ArrayLike, positive: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return (false positive rate, true positive rate) of one class against the rest.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Class codes.
    scores : array-like of shape (n,)
        The larger, the more it speaks for ``positive``.
    positive : int
        Code of the positive class.

    Returns
    -------
    tuple of ndarray, or None
        None where the class, or everything else, is missing from ``y_true``.
    """
    from sklearn.metrics import roc_curve

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hits = np.asarray(y_true) == positive
        if hits.all() or not hits.any():
            return None
        fpr, tpr, _ = roc_curve(hits, np.asarray(scores, dtype=np.float64))
    return fpr, tpr
