"""How many sample pixels every stratum gets, and how many are needed in all.

References
----------
.. [1] W. G. Cochran, Sampling Techniques, 3rd edition (1977), 5.5 (optimum allocation), 5.9 (size).
.. [2] P. Olofsson et al., Remote Sensing of Environment 148 (2014), 42-57, equation 13 and table 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Rule = Literal["proportional", "neyman", "equal"]
RULES: tuple[str, ...] = get_args(Rule)

LARGEST_SIZE = 1_000_000
"""Points that an interpreter will hardly ever label."""


def allocate(
    sizes: ArrayLike, n: int, rule: str, *, minimum: int = 0, deviations: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Divide n sample pixels among strata.

    Every stratum gets at least ``minimum`` (or all of its pixels, if it has fewer); the rest is
    shared out by the rule among the strata that the rule gives more, and rounded by largest
    remainders.

    Parameters
    ----------
    sizes : array-like of shape (H,)
        Pixels N_h of every stratum.
    n : int
        Sample pixels in all.
    rule : {"proportional", "neyman", "equal"}
        In proportion to N_h, to N_h S_h (Cochran's optimum allocation [1]_), or 1.
    minimum : int
        Least number per stratum.
    deviations : array-like of shape (H,), optional
        S_h = √(U_h (1 − U_h)) for an expected user's accuracy U_h; for ``neyman``.

    Raises
    ------
    UsageError
        If n is too small for the minimum, or larger than the number of pixels.
    """
    N = np.asarray(sizes, dtype=np.int64)
    floor = np.minimum(minimum, N)
    if floor.sum() > n:
        raise UsageError(
            f"{n} points are not enough for {minimum} in each of {len(N)} strata.",
            f"Say --size {floor.sum()} or more, or a smaller --minimum.",
        )
    if n > N.sum():
        raise UsageError(
            f"{n} points cannot be drawn from {N.sum()} pixels.", "Choose a smaller --size."
        )
    weight = _weights(N, rule, deviations)
    return _rounded(_shared(N, floor, weight, n), floor, N, n)


def _weights(N: NDArray[np.int64], rule: str, deviations: ArrayLike | None) -> NDArray[np.float64]:
    if rule == "proportional":
        return N.astype(np.float64)
    if rule == "equal":
        return np.ones(len(N))
    if rule == "neyman" and deviations is not None:
        spread = np.asarray(deviations, dtype=np.float64)
        return np.maximum(spread, 1e-12) * N.astype(np.float64)
    if rule == "neyman":
        raise UsageError("Neyman's allocation needs deviations.", "Expect accuracies: --expect.")
    raise UsageError(f"There is no allocation '{rule}'.", f"Choose one of: {', '.join(RULES)}.")


def _shared(
    N: NDArray[np.int64], floor: NDArray[np.int64], weight: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Return t · weight within [floor, N], with the t that makes the sum n."""
    low, high = 0.0, float((N / weight).max())
    for _ in range(200):
        middle = 0.5 * (low + high)
        enough = np.clip(middle * weight, floor, N).sum() >= n
        low, high = (low, middle) if enough else (middle, high)
    return np.clip(high * weight, floor, N)


def _rounded(
    share: NDArray[np.float64], floor: NDArray[np.int64], N: NDArray[np.int64], n: int
) -> NDArray[np.int64]:
    whole = np.floor(share + 1e-9).astype(np.int64)
    whole = np.clip(whole, floor, N)
    for h in np.argsort(whole - share, kind="stable"):
        if whole.sum() >= n:
            break
        whole[h] += whole[h] < N[h]
    return whole


def standard_error(sizes: ArrayLike, n: ArrayLike, deviations: ArrayLike) -> float:
    """Return the expected standard error of overall accuracy, √(Σ W_h² S_h² (1/n_h − 1/N_h)).

    Infinite if a stratum has no sample.
    """
    N, m = np.asarray(sizes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    S = np.asarray(deviations, dtype=np.float64)
    if np.any((m == 0) & (S > 0)):
        return float("inf")
    rest = 1 / np.maximum(m, 1) - 1 / N
    return float(np.sqrt(np.sum((N / N.sum() * S) ** 2 * np.maximum(rest, 0.0))))


def size_for(
    sizes: ArrayLike, target: float, rule: str, deviations: ArrayLike, *, minimum: int = 0
) -> int:
    """Return the smallest n whose allocation has an expected standard error of at most ``target``.

    For Neyman's allocation without a minimum this is n ≈ (Σ W_h S_h / target)² [2]_.

    Parameters
    ----------
    sizes, rule, deviations, minimum
        See :func:`allocate`.
    target : float
        Standard error of overall accuracy, 0 < target < 1.

    Raises
    ------
    UsageError
        If that takes more than a million points.
    """
    N = np.asarray(sizes, dtype=np.int64)
    low = int(max(np.minimum(minimum, N).sum(), len(N))) - 1
    high = low + 1
    most = int(min(N.sum(), LARGEST_SIZE))

    def reached(n: int) -> bool:
        given = allocate(N, n, rule, minimum=minimum, deviations=deviations)
        return standard_error(N, given, deviations) <= target

    while high < most and not reached(min(high, most)):
        low, high = high, 2 * high
    high = min(high, most)
    if not reached(high):
        raise UsageError(
            f"A standard error of {target} takes more than {most} points.",
            "Choose a larger --target-se.",
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def expected_deviations(
    names: Sequence[str], expected: dict[str, float], default: float
) -> NDArray[np.float64]:
    """Return √(U (1 − U)) of every stratum from expected user's accuracies.

    Parameters
    ----------
    names : sequence of str
        Names of the strata.
    expected : dict of str to float
        Expected accuracy of some, by name, each in [0, 1].
    default : float
        That of the others.

    Raises
    ------
    UsageError
        If there is no such stratum, or an accuracy is no share.
    """
    if unknown := sorted(set(expected) - set(names)):
        raise UsageError(f"There is no stratum '{unknown[0]}'.", f"Strata: {', '.join(names)}.")
    accuracy = np.array([expected.get(name, default) for name in names])
    if np.any((accuracy < 0) | (accuracy > 1)):
        raise UsageError("An expected accuracy is a share from 0 to 1.", "Say --expect water=0.95.")
    return np.sqrt(accuracy * (1 - accuracy))
