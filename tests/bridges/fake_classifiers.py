"""Classifiers as another package would announce them, for tests of the comparison."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from bridges import registry
from bridges.compare.cell import WARM_UP
from bridges.errors import DataError
from bridges.fit_report import Diagnostics, FitReport

ALL_FITTED: list[Any] = []


class Nearest(ClassifierMixin, BaseEstimator):
    """Nearest class mean, with noise in [-noise, noise] on the scores."""

    def __init__(self, noise: float = 0.0, random_state: int | None = None) -> None:
        self.noise = noise
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> Nearest:
        if len(X) > WARM_UP * len(np.unique(y)):
            ALL_FITTED.append(self)
        self.seen_ = X
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def _scores(self, X: np.ndarray) -> np.ndarray:
        away = ((X[:, None, :] - self.means_) ** 2).sum(axis=2)
        random = np.random.default_rng(self.random_state)
        return -away + self.noise * random.uniform(-1, 1, away.shape)

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[np.argmax(self._scores(X), axis=1)]


class Annealed(Nearest):
    """The same with everything that an annealed classifier reports."""

    collective: ClassVar[bool] = True

    def fit(self, X: np.ndarray, y: np.ndarray) -> Annealed:
        super().fit(X, y)
        self.fit_report_ = FitReport(total_s=1.0, solve_s=0.5, n_support=7, objective=-3.5)
        self.diagnostics_ = Diagnostics(energy_gap_mean=0.02)
        self.energies_ = np.array([[-4.0, -3.9, -3.8, 0.0]])
        self.sample_energies_ = [np.array([-3.8, -2.0, 1.0])]
        return self

    def null_controls(self) -> dict[str, Any]:
        return {"random_alpha": Nearest(1e6, self.random_state), "exact_all": Nearest()}


class Raising(Nearest):
    """Fails in a chosen way."""

    def __init__(self, way: str = "plain") -> None:
        super().__init__()
        self.way = way

    def fit(self, X: np.ndarray, y: np.ndarray) -> Nearest:
        if self.way == "warning":
            for _ in range(2):
                warnings.warn("did not converge", UserWarning, stacklevel=1)
            return super().fit(X, y)
        if self.way == "plain":
            raise ZeroDivisionError("by zero")
        raise DataError("Too few pixels.", "Give more pixels.")


FAKES = {
    "nearest": Nearest,
    "annealed": Annealed,
    "raising": Raising,
    "forest": RandomForestClassifier,
}


def load(name: str, group: str = registry.CLASSIFIERS) -> Any:
    """Stand in for :func:`bridges.registry.load`."""
    return FAKES[name] if name in FAKES else REAL_LOAD(name, group)


def names(group: str = registry.CLASSIFIERS) -> list[str]:
    """Stand in for :func:`bridges.registry.names`."""
    return [*FAKES, *REAL_NAMES(group)]


REAL_LOAD, REAL_NAMES = registry.load, registry.names
