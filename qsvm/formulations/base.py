"""The contract of every formulation: problems out, samples in, coefficients out.

A formulation turns the distinct training samples of one model into quadratic problems on a lattice
(:class:`~qsvm.problem.DualProblem`), and the samples of those problems into coefficients and
biases of a kernel expansion. Everything between the two (samplers, refinement, packing, the exact
optimum, energies) is the same for all of them.

Formulations announce themselves as entry points of the group ``bridges.formulations``; the name is
what ``multiclass`` takes. A class without parameters is enough::

    class OneAgainstAll:
        summary = "one problem per class"
        outputs = "ovr"
        needs = frozenset()

        def problems(self, task): ...
        def finish(self, task, problems, batches, rules): ...
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from bridges import registry
from bridges.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.formulations.solution import Rules, Solution
    from qsvm.problem.dual_problem import DualProblem
    from qsvm.samplers.base import SampleBatch

Outputs = Literal["ovo", "ovr", "number"]
"""What the outputs of a model are: one per pair of classes, one per class, or the number itself."""


FITTED, PAPERS = "fitted", "papers"
"""Lattices: the papers', from 0 to C, and one that is fitted where that is too coarse
(:mod:`qsvm.fitting.looks`)."""


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How coefficients and the penalty become a QUBO.

    Attributes
    ----------
    C : float
        Upper bound of a coefficient of weight one.
    base : float
        Base B of the encoding α = C / S · Σ_k B^k a_k with S = Σ_k B^k.
    n_bits : int
        Bits K per coefficient.
    penalty : float
        ξ of the penalty (ξ/2)(Σ α_n y_n)² that stands for Σ α_n y_n = 0.
    precision : {"double", "single"}
        float64 or float32 for kernel matrices.
    """

    C: float
    base: float
    n_bits: int
    penalty: float
    precision: str = "double"

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """Element type of kernel matrices."""
        return np.float32 if self.precision == "single" else np.float64


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What a formulation is asked.

    Attributes
    ----------
    kernel_matrix : ndarray of shape (n, n)
        Kernel values of the distinct training samples; ``problems`` may overwrite it.
    targets : ndarray of shape (n,)
        Class indices (intp), or the numbers to be regressed (float64).
    n_classes : int
        Number of classes; 0 for numbers.
    upper : ndarray of shape (n,)
        Bounds C_n of the coefficients: C times the weights of sample and class.
    encoding : Encoding
        Base, bits, penalty.
    label : str
        Prefix of the problems' names.
    """

    kernel_matrix: NDArray[Any]
    targets: NDArray[Any]
    n_classes: int
    upper: NDArray[np.float64]
    encoding: Encoding
    label: str = "svm"


@dataclasses.dataclass(frozen=True, eq=False)
class Coefficients:
    """What samples become: a kernel expansion, and how good its coefficients are.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, n)
        Signed coefficient of every training sample in every output.
    intercept : ndarray of shape (n_outputs,)
        Biases.
    solutions : list of Solution
        What the samples of every problem were combined to.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    solutions: list[Solution]


@runtime_checkable
class Formulation(Protocol):
    """What is asked of a sampler, and what its samples mean.

    Attributes
    ----------
    summary : str
        One line for lists.
    outputs : {"ovo", "ovr", "number"}
        What the rows of ``coef`` are. Two classes always make one row, positive for the second.
    needs : frozenset of str
        Kinds of constraints that a sampler has to handle
        (:attr:`qsvm.samplers.base.DualSampler.handles`).
    """

    summary: str
    outputs: Outputs
    needs: frozenset[str]

    def problems(self, task: Task) -> list[DualProblem]:
        """Return the problems to be sampled, at least one."""
        ...

    def finish(
        self,
        task: Task,
        problems: Sequence[DualProblem],
        batches: Sequence[SampleBatch],
        rules: Rules,
    ) -> Coefficients:
        """Return coefficients and biases from the samples of every problem."""
        ...


def make_formulation(name: str, **params: Any) -> Formulation:
    """Return a formulation by its registered name.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    made: Formulation = registry.build(name, registry.load(name, registry.FORMULATIONS), params)
    return made


def require_handled(formulation: Formulation, sampler: Any) -> None:
    """Refuse a sampler that would leave out a constraint which the formulation stands on.

    Raises
    ------
    UsageError
        If the sampler does not handle all that the formulation needs.
    """
    missing = formulation.needs - sampler.handles
    if missing:
        kinds = ", ".join(sorted(missing))
        raise UsageError(
            f"The sampler {type(sampler).__name__} does not handle {kinds}, which "
            f"'{formulation.summary}' needs.",
            "Take a sampler that does, for example --sampler neal, or --multiclass ovo.",
        )
