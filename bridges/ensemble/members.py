"""Members of an ensemble: their training sets, and how they are fitted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from bridges.classifier import FitsTogether
from bridges.machine import threads
from bridges.machine.progress import Progress
from bridges.svm.duplicates import MergedRows

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """What the members of an ensemble are fitted on.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        All training samples.
    merged : MergedRows
        The distinct ones among them.
    prototype : estimator
        Unfitted member, its bandwidth resolved.
    rows : list of ndarray
        Training rows of each member.
    datasets : list of (X, y, sample_weight or None)
        Training set of each member.
    seeds : list of int
        Seed of each member.
    """

    X: NDArray[np.float64]
    merged: MergedRows
    prototype: Any
    rows: list[NDArray[np.intp]]
    datasets: list[tuple[Any, Any, Any]]
    seeds: list[int]


def fit_members(
    prototype: Any,
    datasets: Sequence[tuple[Any, Any, Any]],
    seeds: Sequence[int],
    n_jobs: int | None,
    progress: Progress,
) -> list[Any]:
    """Fit clones of a prototype: all in one call if it can, else on a pool of threads."""
    if not datasets:
        return []
    if isinstance(prototype, FitsTogether):
        return prototype.fit_many(datasets, seeds, progress=progress)
    work = [(prototype, *data, seed) for data, seed in zip(datasets, seeds, strict=True)]
    workers = threads.usable_cores() if n_jobs is None or n_jobs < 0 else n_jobs
    members = []
    with ThreadPoolExecutor(workers) as pool:
        for member in pool.map(fit_member, work):
            members.append(member)
            progress(len(members), len(work))
    return members


def fit_member(work: tuple[Any, Any, Any, Any, int]) -> Any:
    """Fit one clone; ``work`` is (prototype, X, y, sample_weight or None, seed)."""
    prototype, X, y, weights, seed = work
    member = clone(prototype)
    if "random_state" in member.get_params(deep=False):
        member.set_params(random_state=seed)
    return member.fit(X, y) if weights is None else member.fit(X, y, sample_weight=weights)
