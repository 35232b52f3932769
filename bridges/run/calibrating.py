"""Probabilities for the model of a run: on which folds they are learnt, and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.samples.whole_groups import blocks_of, polygons_of, regions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
    from bridges.calibration.calibrated import Calibrated
    from bridges.calibration.learning import Method
    from bridges.samples.labelled import LabelledData

    Numbers = NDArray[np.intp]

UNGROUPED = ("random", "fixed")
"""Splits that put neighbours on both sides; so do the folds then."""


def groups_of(data: LabelledData, kind: str, block_size: int | None) -> tuple[Numbers | None, str]:
    """Return a group for every training sample, None for none, and what to say about it.

    Groups are what the split leaves out whole, so that probabilities are learnt on samples as far
    from the training samples as the test samples are: polygons, regions or blocks; for other kinds
    polygons where they are known, else blocks.

    Parameters
    ----------
    data : LabelledData
        Training samples.
    kind : str
        Of the split.
    block_size : int or None
        Edge of a block in pixels.
    """
    if kind in UNGROUPED:
        return None, ""
    try:
        if kind == "regions":
            found = regions_of(data)
        elif kind == "blocks" or data.groups is None:
            found = blocks_of(data, block_size)
        else:
            found = polygons_of(data)
    except DataError:  # fewer than two
        found = None
    if found is None or len(np.unique(found.number)) < 2:
        return None, (
            f"The training samples cannot be divided as the split '{kind}' divides all: their "
            "probabilities are learnt on random folds, and are too sure elsewhere."
        )
    number = len(data.y) + np.arange(len(data.y), dtype=np.intp)  # samples outside of all groups
    number[found.inside] = found.number
    return number, ""


def calibrate(
    model: Any,
    method: Method,
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    groups: Numbers | None,
    seed: int,
) -> Calibrated:
    """Return a fitted model with probabilities; all ranks call this together.

    Parameters
    ----------
    model : classifier
        Fitted on these samples.
    method : {"sigmoid", "isotonic", "temperature"}
        How.
    X, y : ndarray
        Scaled training samples (n, d) and class codes (n,).
    groups : ndarray of shape (n,) or None
        From :func:`groups_of`.
    seed : int
        Of folds without groups.
    """
    from bridges.calibration.calibrated import Calibrated

    return Calibrated(model, method, random_state=seed).fit_calibration(model, X, y, groups=groups)


def applicability(X: NDArray[np.float64], groups: NDArray[np.intp] | None) -> Applicability:
    """Return what scaled training samples (n, d) are like, held against those of other groups.

    Groups are those on which probabilities are learnt, so that the threshold is for the very
    samples to which the probabilities apply.
    """
    from bridges.accuracy.applicability import Applicability

    several = groups is not None and len(np.unique(groups)) > 1
    return Applicability.from_training(X, folds=groups if several else None)


def calibration_facts(
    model: Calibrated, X: NDArray[np.float64], y: NDArray[np.int64]
) -> dict[str, Any]:
    """Return what ``metrics.json`` says of the probabilities of scaled test samples."""
    from bridges.calibration.scores import calibration_scores

    codes = np.searchsorted(model.classes_, y)
    scores = calibration_scores(model.predict_proba(X), codes)
    return {"method": model.method, "learnt_on": model.calibrated_on_, **scores}
