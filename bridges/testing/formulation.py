"""Trial of a formulation: problems out, samples in, a model that knows its training samples out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges import registry
from bridges.svm.multiclass import class_pairs, decision_scores, predicted_indices
from bridges.testing.problems import CONSTRAINTS, Rules, Task, class_task, number_task
from bridges.testing.words import assert_no_slips, assert_one_line, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTPUTS = ("ovo", "ovr", "number")
NAMES = ("finish", "needs", "outputs", "problems", "summary")
"""What formulations are asked for: the protocol of ``qsvm.formulations.base``."""

GOOD = 0.9
"""Share of the training samples, in well separated groups, that a model has to get right; and the
correlation with numbers that grow along a feature."""


def assert_formulation(formulation: Any) -> None:
    """Assert that a formulation keeps the contract of ``qsvm.formulations.base.Formulation``.

    Its problems are sampled with the registered samplers ``round`` (near the optimum) and
    ``random-alpha``, and the model that it makes of the former is held against the training
    targets, so a wrong sign or order of outputs is found.

    Parameters
    ----------
    formulation : object
        A formulation; ``outputs`` says what it is tried on.

    Raises
    ------
    AssertionError
        With the promise that was broken, and on which task.

    Examples
    --------
    >>> from bridges.testing import assert_formulation
    >>> from qsvm.formulations.binary import OneVsOne
    >>> assert_formulation(OneVsOne())
    """
    kind = type(formulation).__name__
    _assert_description(kind, formulation)
    if formulation.outputs == "number":
        tasks = {"numbers": number_task()}
    else:
        tasks = {f"{c} classes": class_task(c) for c in (2, 3, 4)}
        tasks["2 classes in single precision"] = class_task(2, seed=5, precision="single")
    for name, task in tasks.items():
        _assert_task(f"{kind}, on {name}:", formulation, task)


def _assert_description(kind: str, formulation: Any) -> None:
    for method in ("problems", "finish"):
        require(callable(getattr(formulation, method, None)), f"{kind} has no method '{method}'.")
    assert_no_slips(kind, (name for name in dir(formulation) if name[0] != "_"), NAMES)
    assert_one_line(kind, formulation, "summary")
    outputs = getattr(formulation, "outputs", None)
    require(outputs in OUTPUTS, f"{kind}.outputs is {outputs!r}, none of {', '.join(OUTPUTS)}.")
    needs = getattr(formulation, "needs", None)
    require(
        isinstance(needs, frozenset) and needs <= CONSTRAINTS,
        f"{kind} needs a class attribute 'needs', a frozenset of the constraints that a sampler "
        f"has to keep, among {', '.join(sorted(CONSTRAINTS))}; it is {needs!r}.",
    )


def _copy(task: Task) -> Task:
    """Return the task with a kernel matrix that may be overwritten."""
    return dataclasses.replace(task, kernel_matrix=task.kernel_matrix.copy())


def _assert_task(where: str, formulation: Any, task: Task) -> None:
    asked = _copy(task)
    problems = formulation.problems(asked)
    require(
        isinstance(problems, list) and problems,
        f"{where} problems returned {problems!r}, no list of at least one problem.",
    )
    for problem in problems:
        _assert_problem(where, formulation, task, problem)
    labels = [problem.label for problem in problems]
    require(len(set(labels)) == len(labels), f"{where} problems have the same label: {labels}.")
    again = formulation.problems(_copy(task))
    same = all(np.array_equal(a.hessian, b.hessian) for a, b in zip(problems, again, strict=True))
    require(same, f"{where} asked twice, it gave other problems.")
    seeds = list(range(len(problems)))
    for name in ("round", "random-alpha"):
        batches = registry.make_sampler(name).sample(problems, seeds)
        for rules in (
            Rules(),
            Rules(20, "mean"),
            Rules(n_keep=1, combination="best", bias="zero", selective=False),
        ):
            found = formulation.finish(asked, problems, batches, rules)
            _assert_found(f"{where} from samples of '{name}',", formulation, task, problems, found)
            if name == "round":
                _assert_right(where, formulation, task, found)


def _assert_problem(where: str, formulation: Any, task: Task, problem: Any) -> None:
    n = problem.n_coefficients
    hessian = np.asarray(problem.hessian, dtype=np.float64)
    require(hessian.shape == (n, n), f"{where} a Hessian of shape {hessian.shape} for {n} linear.")
    arrays = (hessian, problem.linear, problem.lower, problem.span)
    require(all(np.isfinite(part).all() for part in arrays), f"{where} a problem is not finite.")
    scale = float(np.abs(hessian).max()) * np.finfo(problem.hessian.dtype).eps
    require(np.abs(hessian - hessian.T).max() <= 4 * scale, f"{where} a Hessian is not symmetric.")
    require((problem.span >= 0).all(), f"{where} an interval of a coefficient is empty: span < 0.")
    require(
        (problem.weights > 0).all() and abs(problem.weights.sum() - 1.0) <= 1e-9,
        f"{where} the weights of the bits must be positive and sum to one; see bit_weights.",
    )
    require(
        problem.n_bits == task.encoding.n_bits,
        f"{where} {problem.n_bits} bits where the encoding asks for {task.encoding.n_bits}.",
    )
    require(
        problem.label.startswith(task.label),
        f"{where} the label '{problem.label}' does not begin with the task's, '{task.label}'.",
    )
    require(
        not formulation.needs or problem.equality is not None,
        f"{where} it needs {', '.join(sorted(formulation.needs))} and states no constraint: set "
        "'equality' of the problem.",
    )
    require(
        "groups" not in formulation.needs or problem.groups is not None,
        f"{where} it needs 'groups', and the problem has none.",
    )


def _assert_found(
    where: str, formulation: Any, task: Task, problems: list[Any], found: Any
) -> None:
    """Assert the shapes of a model, and that its solutions are those of the problems."""
    c = task.n_classes
    n_outputs = {"number": 1, "ovr": c, "ovo": len(class_pairs(c))}[formulation.outputs]
    n_outputs = 1 if c == 2 else n_outputs
    shape = (n_outputs, len(task.targets))
    require(found.coef.shape == shape, f"{where} coef has shape {found.coef.shape}, not {shape}.")
    require(
        found.intercept.shape == (n_outputs,),
        f"{where} intercept has shape {found.intercept.shape}, not ({n_outputs},).",
    )
    require(
        np.isfinite(found.coef).all() and np.isfinite(found.intercept).all(),
        f"{where} a coefficient or a bias is not finite.",
    )
    require(
        len(found.solutions) == len(problems),
        f"{where} {len(found.solutions)} solutions of {len(problems)} problems.",
    )
    for problem, solution in zip(problems, found.solutions, strict=True):
        alpha = solution.alpha
        rounding = 1e-9 * problem.span
        require((alpha >= problem.lower - rounding).all(), f"{where} a coefficient is too small.")
        require((alpha <= problem.upper + rounding).all(), f"{where} a coefficient is too large.")
        energy = float(problem.energies(alpha)[0])
        require(
            abs(solution.energy - energy) <= 1e-6 * max(1.0, abs(energy)),
            f"{where} the energy of a solution is {energy:.6g}, and it says {solution.energy:.6g}.",
        )


def _assert_right(where: str, formulation: Any, task: Task, found: Any) -> None:
    """Assert that the model knows the samples that it was made from."""
    values = task.kernel_matrix.astype(np.float64) @ found.coef.T + found.intercept
    if formulation.outputs == "number":
        r = float(np.corrcoef(values[:, 0], task.targets)[0, 1])
        require(r >= GOOD, f"{where} its numbers correlate with the targets by {r:.2f} only.")
        return
    share = float(np.mean(_predicted(values, task, formulation.outputs) == task.targets))
    require(
        share >= GOOD,
        f"{where} {share:.0%} of well separated training samples are right. Two classes make one "
        "output, positive for the second; pair (i, j) is positive for i; see outputs.",
    )


def _predicted(values: NDArray[np.float64], task: Task, outputs: Any) -> NDArray[np.intp]:
    return predicted_indices(decision_scores(values, task.n_classes, outputs))
