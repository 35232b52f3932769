"""What a formulation is asked in a trial, and the problems that a sampler is tried on.

The types here have the attributes of those of the quantum wing (``qsvm.formulations.base.Task`` and
its parts); the floor may not import them, and no formulation may ask for more than attributes.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges import registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONSTRAINTS = frozenset({"equality", "groups"})
"""Kinds of constraints that a formulation may need and a sampler may handle."""


@dataclasses.dataclass(frozen=True)
class Encoding:
    """As ``qsvm.formulations.base.Encoding``."""

    C: float = 2.0
    base: float = 2
    n_bits: int = 2
    penalty: float = 1.0
    precision: str = "double"

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """Element type of kernel matrices."""
        return np.float32 if self.precision == "single" else np.float64


@dataclasses.dataclass(frozen=True)
class Rules:
    """As ``qsvm.formulations.solution.Rules``."""

    n_keep: int | None = None
    combination: str = "hull"
    bias: str = "free"
    selective: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """As ``qsvm.formulations.base.Task``."""

    kernel_matrix: NDArray[Any]
    targets: NDArray[Any]
    n_classes: int
    upper: NDArray[np.float64]
    encoding: Encoding
    label: str = "trial"


def blobs(
    n_classes: int, per_class: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return samples of shape (n, 2) in well separated groups, and their class indices."""
    codes = np.tile(np.arange(n_classes), per_class)
    angles = 2.0 * np.pi * np.arange(n_classes) / n_classes
    centres = 3.0 * np.column_stack([np.cos(angles), np.sin(angles)])
    random = np.random.default_rng(seed)
    return centres[codes] + 0.7 * random.normal(size=(len(codes), 2)), codes


def rbf(X: NDArray[np.float64], gamma: float = 0.2) -> NDArray[np.float64]:
    """Return the Gaussian kernel matrix of samples."""
    return np.exp(-gamma * ((X[:, None] - X) ** 2).sum(axis=-1))


def class_task(
    n_classes: int, per_class: int = 6, seed: int = 0, label: str = "trial", **encoding: Any
) -> Task:
    """Return a task of classes, whose samples have bounds of their own."""
    X, codes = blobs(n_classes, per_class, seed)
    made = Encoding(**encoding)
    upper = made.C * np.random.default_rng(seed + 1).uniform(0.5, 1.0, len(codes))
    return Task(rbf(X).astype(made.dtype), codes, n_classes, upper, made, label)


def number_task(n: int = 12, seed: int = 0) -> Task:
    """Return a task of numbers that grow along the first feature."""
    X = np.random.default_rng(seed).normal(size=(n, 2))
    return Task(rbf(X), 2.0 * X[:, 0], 0, np.full(n, 2.0), Encoding())


def default_problems() -> list[Any]:
    """Return small problems of several sizes, bits and precisions, of the formulation ``ovo``."""
    formulation = registry.build("ovo", registry.load("ovo", registry.FORMULATIONS), {})
    tasks = [
        class_task(2, 4, label="two bits"),
        class_task(2, 3, seed=1, label="one bit", n_bits=1),
        class_task(3, 3, seed=2, label="base 3", base=3, penalty=0.2),
        class_task(2, 4, seed=3, label="single precision", precision="single"),
    ]
    return [problem for task in tasks for problem in formulation.problems(task)]
