"""The trial of formulations: it names each broken promise, wrong signs among them."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from bridges.testing import assert_formulation, problems
from bridges.testing.formulation import NAMES
from bridges.testing.words import members_of_protocol
from qsvm.formulations import base, solution
from qsvm.formulations.binary import OneVsOne, OneVsRest
from qsvm.formulations.regression import EpsilonRegression


def asked(of=OneVsOne, **changes):
    """Return a formulation whose problems are changed."""

    def problems(self, task):
        return [dataclasses.replace(p, **_called(changes, p)) for p in of.problems(self, task)]

    return type("Asked", (of,), {"problems": problems})()


def _called(changes, problem):
    return {k: v(problem) if callable(v) else v for k, v in changes.items()}


def answered(of=OneVsOne, **changes):
    """Return a formulation whose coefficients are changed."""

    def finish(self, *given):
        found = of.finish(self, *given)
        return dataclasses.replace(found, **_called(changes, found))

    return type("Answered", (of,), {"finish": finish})()


def altered(of=OneVsOne, **body):
    return type("Altered", (of,), body)()


class Forgetful(OneVsOne):
    calls: ClassVar[list[int]] = []

    def problems(self, task):
        self.calls.append(1)
        made = super().problems(task)
        return [dataclasses.replace(p, hessian=p.hessian * len(self.calls)) for p in made]


class Needy(OneVsOne):
    needs: ClassVar[frozenset[str]] = frozenset({"equality"})


BROKEN = {
    "has no method 'problems'": object(),
    "did you mean 'summary'": type("Bare", (), {"problems": len, "finish": len, "sumary": "x"})(),
    "class attribute 'summary'": altered(summary=""),
    "outputs is 'pairs'": altered(outputs="pairs"),
    "class attribute 'needs'": altered(needs=frozenset({"symmetry"})),
    "no list of at least one problem": altered(problems=lambda self, task: []),
    "is not symmetric": asked(hessian=lambda p: p.hessian + np.tri(p.n_coefficients)),
    "is not finite": asked(linear=lambda p: p.linear * np.nan),
    "span < 0": asked(span=lambda p: -p.span),
    "sum to one": asked(weights=lambda p: 2 * p.weights),
    "bits where the encoding": asked(weights=np.ones(1)),
    "does not begin with the task's": asked(label="mine"),
    "have the same label": asked(label="trial"),
    "states no constraint": asked(Needy, equality=None),
    "has none": altered(needs=frozenset({"groups"})),
    "gave other problems": Forgetful(),
    "coef has shape": answered(coef=lambda f: f.coef[:, :-1]),
    "intercept has shape": answered(intercept=lambda f: f.intercept[:, None]),
    "bias is not finite": answered(intercept=lambda f: f.intercept * np.nan),
    "solutions of": answered(solutions=lambda f: f.solutions * 2),
    "training samples are right": answered(coef=lambda f: -f.coef),
    "it says": answered(
        solutions=lambda f: [dataclasses.replace(s, energy=s.energy + 1.0) for s in f.solutions]
    ),
}  # fmt: skip


@pytest.mark.parametrize("formulation", [OneVsOne(), OneVsRest(), EpsilonRegression()])
def test_formulations_that_keep_the_contract_pass(formulation):
    assert_formulation(formulation)


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_promise_is_named(words):
    with pytest.raises(AssertionError, match=words):
        assert_formulation(BROKEN[words])


def test_outputs_of_pairs_said_to_be_of_classes_are_noticed():
    with pytest.raises(AssertionError, match="training samples are right"):
        assert_formulation(type("Swapped", (OneVsRest,), {"finish": _reversed})())


def _reversed(self, *given):
    found = OneVsRest.finish(self, *given)
    if len(found.coef) == 1:
        return found
    return dataclasses.replace(found, coef=found.coef[::-1], intercept=found.intercept[::-1])


def test_numbers_that_run_the_other_way_are_noticed():
    with pytest.raises(AssertionError, match="correlate with the targets"):
        assert_formulation(answered(EpsilonRegression, coef=lambda f: -f.coef))


@pytest.mark.parametrize(
    ("stand_in", "real"),
    [
        (problems.Task, base.Task),
        (problems.Encoding, base.Encoding),
        (problems.Rules, solution.Rules),
    ],
)
def test_what_is_asked_has_the_attributes_of_what_the_wing_asks(stand_in, real):
    assert [f.name for f in dataclasses.fields(stand_in)] == [
        f.name for f in dataclasses.fields(real)
    ]
    assert set(NAMES) == members_of_protocol(base.Formulation)
