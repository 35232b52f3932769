"""Accuracies and areas from a stratified sample, with standard errors.

Every quantity is a ratio R = Y / X of two totals over the map. With strata of N_h pixels, n_h
sample pixels in stratum h, and values y_u, x_u of pixel u,

    Ŷ = Σ_h N_h ȳ_h,   X̂ = Σ_h N_h x̄_h,   R̂ = Ŷ / X̂,
    V(R̂) = 1/X̂² Σ_h N_h² s²_h / n_h,   s²_h the sample variance of y_u − R̂ x_u in stratum h

(Stehman 2014 [1]_). Strata may be anything: the classes of the map (then these
are the estimators of Olofsson et al. 2014 [2]_, equations 4–11), those of another map, regions, or
their combinations. Both y and x depend on a pixel's map class and reference class only, so counts
per stratum, map class and reference class are all that is needed.

The finite-population factor 1 − n_h/N_h is left out, as in [2]_, except for a stratum that was
sampled entirely, in which nothing is left to chance.

References
----------
.. [1] S. V. Stehman, "Estimating area and map accuracy for stratified random sampling when the
   strata are different from the map classes", Int. J. Remote Sensing 35 (2014), 4923-4939.
.. [2] P. Olofsson et al., "Good practices for estimating area and assessing accuracy of land
   change", Remote Sensing of Environment 148 (2014), 42-57.
.. [3] R. G. Pontius, M. Millones, "Death to Kappa: birth of quantity disagreement and allocation
   disagreement for accuracy assessment", Int. J. Remote Sensing 32 (2011), 4407-4429.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Z = 1.96
"""Half-width of an interval in standard errors: 95 % of a normal distribution."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """One or several estimated quantities.

    Attributes
    ----------
    value : ndarray
        The estimate; NaN where the denominator is 0 (a class that does not occur).
    se : ndarray
        Its standard error.
    n : ndarray
        Sample pixels that the denominator rests on, as many of equal weight as say as much:
        (Σ w)² / Σ w² over them (Kish 1965).
    """

    value: NDArray[np.float64]
    se: NDArray[np.float64]
    n: NDArray[np.float64]

    def interval(self, z: float = Z) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the limits value ± z · se, within [0, 1].

        Where all sample pixels agree, so that the standard error is 0 but the truth is not known,
        the limit is Wilson's for that many pixels: n / (n + z²) instead of 1.
        """
        low, high = self.value - z * self.se, self.value + z * self.se
        blind = (self.se <= 1e-12) & (self.n > 0)
        room = z * z / (self.n + z * z)
        low = np.where(blind & (self.value > 1 - 1e-9), 1 - room, low)
        high = np.where(blind & (self.value < 1e-9), room, high)
        return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Estimates:
    """What a sample says about a map of K classes.

    Attributes
    ----------
    overall : Estimate
        Overall accuracy, shape (…).
    users, producers, f1 : Estimate
        Per class, shape (…, K): p_kk / p_k+, p_kk / p_+k, 2 p_kk / (p_k+ + p_+k).
    area : Estimate
        Share of the area that has the class in truth, p_+k.
    proportions : ndarray of shape (…, K, K)
        Error matrix in shares of the area: rows map, columns reference.
    quantity, allocation : ndarray of shape (…)
        Quantity and allocation disagreement [3]_; they add up to 1 − overall accuracy.
    """

    overall: Estimate
    users: Estimate
    producers: Estimate
    f1: Estimate
    area: Estimate
    proportions: NDArray[np.float64]
    quantity: NDArray[np.float64]
    allocation: NDArray[np.float64]


def estimate(
    sizes: ArrayLike, counts: ArrayLike, variance_groups: Sequence[Sequence[int]] | None = None
) -> Estimates:
    """Estimate accuracies and areas from the counts of a stratified sample.

    Parameters
    ----------
    sizes : array-like of shape (H,)
        Pixels of every stratum, all sampled at least once.
    counts : array-like of shape (…, H, K, K)
        Sample pixels by stratum, map class and reference class; leading axes are independent
        samples of the same design.
    variance_groups : sequence of sequence of int, optional
        Strata whose variance is taken together, because one sample pixel has none
        (:func:`variance_groups_of`); by default every stratum for itself.
    """
    n = np.asarray(counts, dtype=np.float64)
    N = np.asarray(sizes, dtype=np.float64)
    K = n.shape[-1]
    groups = [[h] for h in range(len(N))] if variance_groups is None else variance_groups
    sample = _Sample(N, n, groups)
    everything, diagonal = np.ones((K, K)), np.eye(K)
    hit = [np.outer(e, e) for e in diagonal]
    row = [np.outer(e, np.ones(K)) for e in diagonal]
    column = [m.T for m in row]
    per_class = sample.ratios
    proportions = np.einsum("h,...hij->...ij", N, sample.share) / N.sum()
    quantity, allocation = disagreement(proportions)
    return Estimates(
        overall=sample.ratio(diagonal, everything),
        users=per_class(hit, row),
        producers=per_class(hit, column),
        f1=per_class([2 * h for h in hit], [a + b for a, b in zip(row, column, strict=True)]),
        area=per_class(column, [everything] * K),
        proportions=proportions,
        quantity=quantity,
        allocation=allocation,
    )


class _Sample:
    """Counts of a stratified sample, and ratios from them."""

    def __init__(
        self,
        sizes: NDArray[np.float64],
        counts: NDArray[np.float64],
        groups: Sequence[Sequence[int]],
    ) -> None:
        self.sizes, self.counts = sizes, counts
        self.share = counts / counts.sum(axis=(-2, -1), keepdims=True)
        members = [np.asarray(group) for group in groups]
        merged = np.stack([counts[..., m, :, :].sum(axis=-3) for m in members], axis=-3)
        self.group_sizes = np.array([sizes[m].sum() for m in members])
        self.group_n = merged.sum(axis=(-2, -1))
        self.group_share = merged / self.group_n[..., np.newaxis, np.newaxis]

    def total(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ N_h times the mean of a value (K, K) in stratum h."""
        result: NDArray[np.float64] = np.einsum("h,...hij,ij->...", self.sizes, self.share, value)
        return result

    def ratio(self, y: NDArray[np.float64], x: NDArray[np.float64]) -> Estimate:
        """Return Y / X with its standard error."""
        Y, X = self.total(y), self.total(x)
        with np.errstate(invalid="ignore", divide="ignore"):
            R = Y / X
        residual = y - np.nan_to_num(R)[..., np.newaxis, np.newaxis] * x
        residual = residual[..., np.newaxis, :, :]
        mean = (self.group_share * residual).sum(axis=(-2, -1))
        square = (self.group_share * residual**2).sum(axis=(-2, -1))
        spread = np.maximum(square - mean**2, 0.0)
        # n / (n − 1) makes s² of the mean square; / n then makes it the variance of the mean.
        left = np.where(self.group_n < self.group_sizes, self.group_n - 1, np.inf)
        variance = (self.group_sizes**2 * spread / left).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            se = np.sqrt(variance) / X
            rests_on = self._weighted(x > 0, 1) ** 2 / self._weighted(x > 0, 2)
        return Estimate(R, se, np.nan_to_num(rests_on))

    def _weighted(self, inside: NDArray[np.bool_], power: int) -> NDArray[np.float64]:
        """Return the sum of powers of the weights N_h / n_h of the sample pixels inside."""
        weight = self.sizes / self.counts.sum(axis=(-2, -1))
        members = (self.counts * inside).sum(axis=(-2, -1))
        total: NDArray[np.float64] = (weight**power * members).sum(axis=-1)
        return total

    def ratios(
        self, ys: Sequence[NDArray[np.float64]], xs: Sequence[NDArray[np.float64]]
    ) -> Estimate:
        """Return several ratios along a last axis."""
        parts = [self.ratio(y, x) for y, x in zip(ys, xs, strict=True)]

        def joined(name: str) -> NDArray[Any]:
            return np.stack([getattr(part, name) for part in parts], axis=-1)

        return Estimate(joined("value"), joined("se"), joined("n"))


def variance_groups_of(sizes: ArrayLike, n: ArrayLike) -> list[list[int]]:
    """Put strata with a single sample pixel together with others for their variance.

    One pixel has no variance. As in the method of collapsed strata (Cochran, Sampling Techniques,
    5A.12), such a stratum and the smallest other one are one group; the variance comes out too
    large rather than too small. A stratum that is sampled entirely needs no partner.

    Parameters
    ----------
    sizes, n : array-like of shape (H,)
        Pixels and sample pixels of every stratum.
    """
    N, m = np.asarray(sizes), np.asarray(n)
    groups = [[int(h)] for h in np.argsort(N, kind="stable")]
    lonely = [g for g in groups if m[g].sum() == 1 and N[g].sum() > 1]
    for group in lonely:
        if group not in groups or m[group].sum() != 1:
            continue  # it has found a partner already
        others = [g for g in groups if g is not group and m[g].sum() < N[g].sum()]
        others = others or [g for g in groups if g is not group]
        if others:
            partner = min(others, key=lambda g: N[g].sum())
            groups.remove(group)
            partner.extend(group)
    return sorted(sorted(group) for group in groups)


def disagreement(proportions: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return quantity and allocation disagreement [3]_ of error matrices (…, K, K) in shares.

    Quantity: ½ Σ_k |p_k+ − p_+k|; allocation: Σ_k min(p_k+, p_+k) − p_kk.
    """
    p = np.asarray(proportions, dtype=np.float64)
    rows, columns = p.sum(axis=-1), p.sum(axis=-2)
    hits = np.diagonal(p, axis1=-2, axis2=-1)
    quantity: NDArray[np.float64] = 0.5 * np.abs(rows - columns).sum(axis=-1)
    allocation: NDArray[np.float64] = (np.minimum(rows, columns) - hits).sum(axis=-1)
    return quantity, allocation
