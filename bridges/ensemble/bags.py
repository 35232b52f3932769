"""Which pixels each member of an ensemble is trained on: bootstrap bags or disjoint slices.

Both are stratified: every member sees every class, so no member is ever trained on a single one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bridges.errors import DataError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Sampling = Literal["bootstrap", "slices"]
Stratify = Literal["sqrt", "proportional", "equal"]

POWERS = {"sqrt": 0.5, "proportional": 1.0, "equal": 0.0}
"""Exponent of a class's size in its share of a member (power allocation, M. D. Bankier, The
American Statistician 42, 1988): between what serves the whole and what serves each class."""


def quotas(totals: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """Split ``size`` places among classes in proportion to ``totals``, at least one each.

    Parameters
    ----------
    totals : ndarray of shape (n_classes,)
        Summed weights of the classes, all positive.
    size : int
        Places, at least as many as classes.

    Returns
    -------
    ndarray of shape (n_classes,), intp
        Places of each class (largest remainders), summing to ``size``.
    """
    spare = size - len(totals)
    share = totals / totals.sum() * size
    extra = np.maximum(share - 1.0, 0.0)
    exact = extra * (spare / extra.sum()) if extra.sum() > 0 else np.zeros(len(totals))
    places = np.floor(exact).astype(np.intp)
    order = np.argsort(places - exact, kind="stable")
    places[order[: spare - places.sum()]] += 1
    return places + 1


def draw_bags(
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    n_members: int,
    member_size: int,
    sampling: Sampling,
    seeds: NDArray[np.int64],
    class_names: list[str],
    stratify: Stratify = "sqrt",
) -> list[NDArray[np.intp]]:
    """Draw the rows of every member.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Sample weights, positive: the chance to be drawn (bootstrap only).
    n_members, member_size : int
        Members and pixels per member.
    sampling : {"bootstrap", "slices"}
        ``bootstrap`` draws with replacement, each member on its own; ``slices`` are disjoint.
    seeds : ndarray of shape (n_members,)
        One seed per member, so that a member does not depend on the others (slices are one shuffle
        by the first seed).
    class_names : list of str
        Names for messages.
    stratify : {"sqrt", "proportional", "equal"}
        Places of a class in a member, in proportion to this power of its size.

    Returns
    -------
    list of ndarray
        Rows of each member, ascending.

    Raises
    ------
    UsageError
        If a member has fewer pixels than there are classes.
    DataError
        If disjoint slices need more pixels of a class than there are.
    """
    n_classes = len(class_names)
    if member_size < n_classes:
        raise UsageError(
            f"Members of {member_size} pixels cannot hold {n_classes} classes.",
            f"Use members of at least {n_classes} pixels (--member-size).",
        )
    rows = [np.flatnonzero(codes == c) for c in range(n_classes)]
    totals = np.array([weights[r].sum() for r in rows])
    places = quotas(totals ** POWERS[stratify], member_size)
    if sampling == "slices":
        return _slices(rows, places, n_members, np.random.default_rng(seeds[0]), class_names)
    bags = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        parts = [
            rng.choice(r, size=k, p=weights[r] / weights[r].sum())
            for r, k in zip(rows, places, strict=True)
        ]
        bags.append(np.sort(np.concatenate(parts)))
    return bags


def _slices(
    rows: list[NDArray[np.intp]],
    places: NDArray[np.intp],
    n_members: int,
    rng: np.random.Generator,
    class_names: list[str],
) -> list[NDArray[np.intp]]:
    for r, k, name in zip(rows, places, class_names, strict=True):
        if len(r) < k * n_members:
            raise DataError(
                f"Class '{name}' has {len(r)} training pixels, but {n_members} disjoint members "
                f"need {k} each.",
                "Use fewer or smaller members (--members, --member-size) or bootstrap bags "
                "(--sampling bootstrap).",
            )
    shuffled = [rng.permutation(r) for r in rows]
    return [
        np.sort(
            np.concatenate([s[m * k : (m + 1) * k] for s, k in zip(shuffled, places, strict=True)])
        )
        for m in range(n_members)
    ]
