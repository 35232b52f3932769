"""Binary duals: one per pair of classes, or one per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bridges.svm.multiclass import MultiClass, binary_tasks
from qsvm.formulations.base import Coefficients, Encoding, Task
from qsvm.formulations.bias import bias
from qsvm.formulations.combination import training_accuracies
from qsvm.formulations.solution import Rules, Solution, solution
from qsvm.problem.dual_problem import DualProblem, bit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.samplers.base import SampleBatch


def svm_dual(
    kernel_matrix: NDArray[Any],
    signs: NDArray[np.float64],
    upper: NDArray[np.float64],
    encoding: Encoding,
    label: str = "dual",
) -> DualProblem:
    """Return the binary SVM dual min ½ αᵀ(yyᵀ∘(K+ξ))α − Σα, 0 ≤ α ≤ C_n, on a lattice.

    Parameters
    ----------
    kernel_matrix : ndarray of shape (n, n)
        K. Overwritten: it becomes the Hessian.
    signs : ndarray of shape (n,)
        Labels y in {-1, +1}.
    upper : ndarray of shape (n,)
        Bounds C_n.
    encoding : Encoding
        Base, bits and penalty.
    label : str
        Name of the problem.
    """
    hessian = kernel_matrix
    y = signs.astype(hessian.dtype)
    hessian += hessian.dtype.type(encoding.penalty)
    hessian *= y[:, None]
    hessian *= y[None, :]
    n = len(signs)
    return DualProblem(
        hessian,
        np.full(n, -1.0),
        np.zeros(n),
        upper,
        bit_weights(encoding.base, encoding.n_bits),
        equality=signs,
        penalty=encoding.penalty,
        label=label,
    )


def decode(problem: DualProblem, batch: SampleBatch, rules: Rules) -> tuple[Solution, float]:
    """Combine samples of a binary dual; compute the bias once from the combined coefficients.

    Parameters
    ----------
    problem : DualProblem
        The dual; ``problem.equality`` holds the signs y.
    batch : SampleBatch
        Samples, sorted by energy.
    rules : Rules
        How to combine, and the rule of the bias.
    """
    assert problem.equality is not None
    y = problem.equality

    def outputs(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return y * problem.free_fields(x)

    def accuracies(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return training_accuracies(x, y, problem.upper, outputs(x), rules.bias)

    found = solution(problem, batch, rules, accuracies)
    return found, bias(found.alpha, y, problem.upper, outputs(found.alpha), rules.bias)


class OneVsOne:
    """One binary dual per pair of classes."""

    summary = "one binary dual per pair of classes"
    outputs: MultiClass = "ovo"
    needs: ClassVar[frozenset[str]] = frozenset()

    def problems(self, task: Task) -> list[DualProblem]:
        """Return one dual per pair; see :class:`qsvm.formulations.base.Formulation`."""
        parts = binary_tasks(task.targets, task.n_classes, self.outputs)
        made = []
        for number, (rows, signs) in enumerate(parts):
            whole = len(parts) == 1
            block = task.kernel_matrix if whole else task.kernel_matrix[np.ix_(rows, rows)]
            name = task.label if whole else f"{task.label}/{number}"
            made.append(svm_dual(block, signs, task.upper[rows], task.encoding, name))
        return made

    def finish(
        self,
        task: Task,
        problems: Sequence[DualProblem],
        batches: Sequence[SampleBatch],
        rules: Rules,
    ) -> Coefficients:
        """Return α_n y_n and the bias of every dual."""
        parts = binary_tasks(task.targets, task.n_classes, self.outputs)
        coef = np.zeros((len(parts), len(task.targets)))
        intercept, solutions = np.zeros(len(parts)), []
        for o, (rows, signs) in enumerate(parts):
            found, intercept[o] = decode(problems[o], batches[o], rules)
            coef[o, rows] = found.alpha * signs
            solutions.append(found)
        return Coefficients(coef, intercept, solutions)


class OneVsRest(OneVsOne):
    """One binary dual per class, against all others."""

    summary = "one binary dual per class, against all others"
    outputs: MultiClass = "ovr"
