"""The hierarchical model of differences by fold on several data sets (Corani et al. 2017 [1]_).

Differences x_i of data set i are normal around δ_i with one correlation ρ between folds,
x_i ~ N(δ_i 1, σ_i² [(1 − ρ) I + ρ 1 1ᵀ]); the δ_i are Student's around δ_0,

    δ_i ~ t(ν, δ_0, σ_0),  σ_i ~ U(0, ∞),  δ_0 ~ U(−m, m),  σ_0 ~ U(0, 1000 s),
    ν − 1 ~ Gamma(a, b),  a ~ U(1, 2),  b ~ U(.01, .1),

with m the largest difference and s the standard deviation of mean differences. What is asked is the
difference on the *next* data set: the share of t(ν, δ_0, σ_0) below, in, above the rope.

Sampling is Gibbs': σ_i integrates out and leaves δ_i with a Student's likelihood of n − 2 degrees
of freedom; both Student's are normal with gamma-distributed precisions; ν lives on a grid, its
prior summed over a and b beforehand. σ_0 is drawn a second time with the standardised δ_i held
fixed (Yu and Meng 2011, interweaving), without which chains stick where σ_0 is small. Many short
chains run side by side.

References
----------
.. [1] G. Corani, A. Benavoli, J. Demšar, F. Mangili, M. Zaffalon, "Statistical comparison of
   classifiers through Bayesian hierarchical modelling", Machine Learning 106 (2017), 1817-1837.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bridges.compare.rope import Odds, odds_of
from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

NAME = "hierarchical Bayesian model"

CHAINS, BURN_IN, KEPT = 2000, 100, 100
"""Chains side by side, steps before anything is kept, and steps that are kept."""

SELDOM = 3
"""Steps from one draw of ν, the most expensive one, to the next."""

GRID = 120
"""Values of ν, in equal ratios from 1.01 to 2000."""

WIDE = 1000.0
"""Upper bound of σ_0 in units of the spread of mean differences."""


def hierarchical(gaps: ArrayLike, correlation: float, rope: float, seed: int = 0) -> Odds:
    """Return the odds over data sets from differences by fold.

    Parameters
    ----------
    gaps : array-like of shape (n_data, n_folds)
        Differences of scores, the first classifier's minus the second's.
    correlation : float
        Of the differences of two folds: the share of the test samples.
    rope : float
        The difference that makes no difference, ≥ 0.
    seed : int
        Of the draws.

    Raises
    ------
    UsageError
        If there are fewer than two data sets or three folds.
    """
    x = np.asarray(gaps, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < 2 or x.shape[1] < 3:
        raise UsageError(
            f"Differences of shape {x.shape} do not make a hierarchical model.",
            "It takes two data sets and three folds of each.",
        )
    rng = np.random.default_rng(seed)
    model = _Model.of(x, correlation, rope)
    worse, better = [], []
    chains = _Chains(model, rng)
    for step in range(BURN_IN + KEPT):
        chains.step(step)
        if step >= BURN_IN:
            below, above = chains.tails()
            worse.append(below)
            better.append(above)
    return odds_of(np.concatenate(worse), np.concatenate(better), rope, NAME)


@dataclasses.dataclass(frozen=True)
class _Model:
    """What the data say, in units of the mean standard deviation within a data set.

    The likelihood of δ_i is Student's with n − 2 degrees of freedom, centre ``mean`` and scale
    ``scale``.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    freedom: float
    largest: float
    widest: float
    rope: float

    @classmethod
    def of(cls, gaps: NDArray[np.float64], correlation: float, rope: float) -> _Model:
        unit = float(gaps.std(axis=1).mean()) or 1.0
        x = gaps / unit
        n = x.shape[1]
        mean = x.mean(axis=1)
        squares = ((x - mean[:, np.newaxis]) ** 2).sum(axis=1)
        # A data set without any spread would have an infinitely sharp likelihood.
        squares = np.maximum(squares, 1e-6 * max(1.0, float(squares.mean())))
        factor = (1 + (n - 1) * correlation) / (n * (1 - correlation))
        among = float(mean.std())
        return cls(
            mean=mean,
            scale=np.sqrt(squares * factor / (n - 2)),
            freedom=n - 2.0,
            largest=float(np.abs(x).max()),
            widest=WIDE * (among if among > 0 else 1.0),
            rope=rope / unit,
        )


@cache
def _prior_of_nu() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a grid of ν and the logarithm of its prior weights, summed over a and b."""
    from scipy.special import gammaln

    nu = np.geomspace(1.01, 2000.0, GRID)
    a = np.linspace(1, 2, 41)[:, np.newaxis, np.newaxis]
    b = np.linspace(0.01, 0.1, 41)[:, np.newaxis]
    density = np.exp(a * np.log(b) - gammaln(a) + (a - 1) * np.log(nu - 1) - b * (nu - 1))
    return nu, np.log(density.mean(axis=(0, 1)) * nu)  # · ν: equal steps of log ν


class _Chains:
    """States of all chains: δ (chains, data sets), δ_0, σ_0, ν (chains)."""

    def __init__(self, model: _Model, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng
        shape = CHAINS, len(model.mean)
        self.delta = model.mean + model.scale * rng.standard_normal(shape)
        self.center = self.delta.mean(axis=1)
        spread = float(model.mean.std()) or float(model.scale.mean())
        self.width = spread * np.exp(rng.normal(size=CHAINS))
        self.nu = np.full(CHAINS, 10.0)

    def step(self, number: int) -> None:
        """Draw every unknown given the others; ν in some steps only."""
        m, rng = self.model, self.rng
        own = (self.delta - m.mean) / m.scale
        tau = rng.gamma((m.freedom + 1) / 2, 2 / (m.freedom + own**2))
        gap = (self.delta - self.center[:, np.newaxis]) / self.width[:, np.newaxis]
        nu = self.nu[:, np.newaxis]
        lam = np.maximum(rng.gamma((nu + 1) / 2, 2 / (nu + gap**2)), 1e-12)
        self._draw_delta(tau, lam)
        self._draw_center(lam)
        self._draw_width(lam)
        self._draw_width_again(tau)
        if number % SELDOM == 0:
            self._draw_nu(lam)

    def _draw_delta(self, tau: NDArray[np.float64], lam: NDArray[np.float64]) -> None:
        data = tau / self.model.scale**2
        prior = lam / self.width[:, np.newaxis] ** 2
        precision = data + prior
        mean = (data * self.model.mean + prior * self.center[:, np.newaxis]) / precision
        self.delta = mean + self.rng.standard_normal(mean.shape) / np.sqrt(precision)

    def _draw_center(self, lam: NDArray[np.float64]) -> None:
        from scipy.special import ndtr, ndtri

        weight = lam.sum(axis=1)
        mean = (lam * self.delta).sum(axis=1) / weight
        spread = self.width / np.sqrt(weight)
        low, high = (ndtr((limit * self.model.largest - mean) / spread) for limit in (-1, 1))
        share = low + (high - low) * self.rng.random(CHAINS)
        drawn = mean + spread * ndtri(np.clip(share, 1e-15, 1 - 1e-15))
        self.center = np.clip(drawn, -self.model.largest, self.model.largest)

    def _draw_width(self, lam: NDArray[np.float64]) -> None:
        """Draw σ_0 given the δ_i: 1/σ_0² is gamma-distributed, cut off at the upper bound."""
        from scipy.special import gammaincc, gammainccinv

        n = self.delta.shape[1]
        square = (lam * (self.delta - self.center[:, np.newaxis]) ** 2).sum(axis=1)
        square = np.maximum(square, 1e-300)
        shape, least = (n - 1) / 2, square / (2 * self.model.widest**2)
        share = self.rng.random(CHAINS) * gammaincc(shape, least)
        precision = gammainccinv(shape, np.maximum(share, 1e-300))
        self.width = np.clip(np.sqrt(square / (2 * precision)), 1e-9, self.model.widest)

    def _draw_width_again(self, tau: NDArray[np.float64]) -> None:
        """Move σ_0 with the standardised δ_i held fixed: a random walk of its logarithm."""
        m = self.model
        z = (self.delta - self.center[:, np.newaxis]) / self.width[:, np.newaxis]
        new = self.width * np.exp(self.rng.normal(size=CHAINS))

        def fit(width: NDArray[np.float64]) -> NDArray[np.float64]:
            delta = self.center[:, np.newaxis] + width[:, np.newaxis] * z
            missed: NDArray[np.float64] = (tau * ((delta - m.mean) / m.scale) ** 2).sum(axis=1)
            return -0.5 * missed + np.log(width)  # a walk of log σ_0: times the width

        chance = np.log(self.rng.random(CHAINS))
        taken = (chance < fit(new) - fit(self.width)) & (new < m.widest)
        self.width = np.where(taken, new, self.width)
        self.delta = self.center[:, np.newaxis] + self.width[:, np.newaxis] * z

    def _draw_nu(self, lam: NDArray[np.float64]) -> None:
        from scipy.special import gammaln

        nu, prior = _prior_of_nu()
        n = lam.shape[1]
        statistic = (np.log(lam) - lam).sum(axis=1)[:, np.newaxis]
        half = nu / 2
        weight = prior + n * (half * np.log(half) - gammaln(half)) + half * statistic
        share = np.cumsum(np.exp(weight - weight.max(axis=1, keepdims=True)), axis=1)
        drawn = self.rng.random((CHAINS, 1)) * share[:, -1:]
        self.nu = nu[np.minimum((share < drawn).sum(axis=1), GRID - 1)]

    def tails(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the share of the next data sets below and above the rope, of every chain."""
        from scipy.special import stdtr

        rope = self.model.rope
        below = stdtr(self.nu, (-rope - self.center) / self.width)
        above = stdtr(self.nu, (self.center - rope) / self.width)
        return below, above
