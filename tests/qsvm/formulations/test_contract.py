"""Every registered formulation: problems out, samples in, coefficients out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from bridges import registry
from bridges.errors import UsageError
from qsvm.classifier import QuboSVC
from qsvm.formulations.base import Encoding, Formulation, Task, make_formulation, require_handled
from qsvm.formulations.solution import Rules
from qsvm.problem import DualProblem
from qsvm.samplers.dense import DenseAnnealer

NAMES = registry.names(registry.FORMULATIONS)


def task(name, n=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    K = np.exp(-((X[:, None] - X) ** 2).sum(axis=-1))
    numbers = make_formulation(name).outputs == "number"
    targets = X[:, 0] if numbers else np.arange(n) % 3
    encoding = Encoding(C=2.0, base=2, n_bits=2, penalty=1.5)
    return Task(K, targets, 0 if numbers else 3, np.full(n, 2.0), encoding)


@pytest.mark.parametrize("name", NAMES)
def test_problems_and_coefficients_fit_together(name):
    formulation, asked = make_formulation(name), task(name)
    assert isinstance(formulation, Formulation)
    problems = formulation.problems(asked)
    batches = DenseAnnealer(num_reads=4).sample(problems, range(len(problems)))
    found = formulation.finish(asked, problems, batches, Rules(3, "mean"))
    rows = {"ovo": 3, "ovr": 3, "number": 1}[formulation.outputs]
    assert found.coef.shape == (rows, 12)
    assert found.intercept.shape == (rows,)
    assert np.all(np.abs(found.coef) <= 2.0 + 1e-12)
    assert len(found.solutions) == len(problems)


@pytest.mark.parametrize("name", NAMES)
def test_the_penalty_told_is_the_one_in_the_hessian(name):
    asked = task(name)
    K = asked.kernel_matrix.copy()
    for problem in make_formulation(name).problems(asked):
        x = np.random.default_rng(1).random(problem.n_coefficients)
        sums = problem.balance(x)
        assert sums.shape[0] == 1
        without = problem.energies(x)[0] - 0.5 * problem.penalty * (sums**2).sum()
        free = 0.5 * x @ problem.free_fields(x) + problem.linear @ x
        assert free == pytest.approx(without)
        assert problem.penalty == 1.5
    if name == "crammer-singer":
        tau = x.reshape(12, 3)
        own = -tau[np.arange(12), asked.targets].sum()
        assert free == pytest.approx(0.5 * np.einsum("ic,ij,jc->", tau, K, tau) + own)
        assert sums[0] == pytest.approx(tau.sum(axis=1))


def test_one_problem_for_all_classes_is_a_classifier():
    X, y = make_blobs(45, centers=3, cluster_std=0.8, random_state=3)
    labels = np.array(["forest", "urban", "water"])[y]
    model = QuboSVC(multiclass="crammer-singer", sampler="dense", random_state=0).fit(X, labels)
    assert model.dual_coef_.shape == (3, len(model.support_))
    assert model.fit_report_.n_problems == 1
    assert model.score(X, labels) >= 0.97
    two = QuboSVC(multiclass="crammer-singer", sampler="dense", random_state=0)
    two.fit(X[y < 2], labels[y < 2])
    assert two.dual_coef_.shape[0] == 1
    assert two.score(X[y < 2], labels[y < 2]) >= 0.97


def test_names_that_are_no_formulation_of_classes():
    X, y = make_blobs(20, centers=2, random_state=0)
    with pytest.raises(UsageError, match="Did you mean 'crammer-singer'"):
        QuboSVC(multiclass="cramer-singer").fit(X, y)
    with pytest.raises(UsageError, match="regresses numbers"):
        QuboSVC(multiclass="epsilon-regression").fit(X, y)


def test_a_sampler_that_leaves_out_a_constraint_is_refused():
    class OneConstraint:
        handles = frozenset({"equality"})

    with pytest.raises(UsageError, match="OneConstraint does not handle groups"):
        require_handled(make_formulation("crammer-singer"), OneConstraint())
    require_handled(make_formulation("ovo"), OneConstraint())


def test_every_constraint_reaches_the_constrained_model():
    from qsvm.samplers.leap.hybrid import constraints

    problem = make_formulation("crammer-singer").problems(task("crammer-singer"))[0]
    rows = [row for _, row in constraints(problem)]
    assert len(rows) == 12
    np.testing.assert_array_equal(np.sum(rows, axis=0), np.ones(36))
    free = DualProblem(np.eye(2), np.zeros(2), np.zeros(2), np.ones(2), np.ones(1))
    assert list(constraints(free)) == []
    assert free.balance(np.ones(2)).shape == (1, 0)
