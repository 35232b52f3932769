"""The trial of samplers: it passes one that keeps the contract and names each broken promise."""

from __future__ import annotations

import dataclasses
import inspect
from typing import ClassVar

import numpy as np
import pytest

from bridges.testing import assert_sampler
from bridges.testing.problems import CONSTRAINTS, default_problems
from bridges.testing.sampler import ABILITIES
from bridges.testing.words import members_of_protocol
from qsvm.problem import dual_problem
from qsvm.samplers import base


class Guess:
    """Draws bits at random, many of them: keeps the contract."""

    summary = "random bits"
    limits = "any size"
    handles: ClassVar[frozenset[str]] = frozenset({"equality", "groups"})

    def __init__(self, *, num_reads: int = 50) -> None:
        self.num_reads = num_reads

    def sample(self, problems, seeds, *, n_jobs=None, progress=base.no_progress):
        batches = []
        for problem, seed in zip(problems, seeds, strict=True):
            random = np.random.default_rng(seed)
            bits = random.integers(2, size=(self.num_reads, problem.n_variables))
            batches.append(base.batch_from_rows(problem, problem.decode(bits)))
            progress(len(batches), len(problems))
        return batches


def spoilt(spoil):
    """Return a sampler whose first batch is changed by ``spoil(batch)``."""

    class Spoilt(Guess):
        def sample(self, problems, seeds, **options):
            batches = super().sample(problems, seeds, **options)
            return [spoil(batches[0]), *batches[1:]] if batches else batches

    return Spoilt()


def changed(**fields):
    return spoilt(lambda batch: dataclasses.replace(batch, **fields))


def altered(body, base_class=Guess):
    return type("Altered", (base_class,), body)()


class Alike(Guess):
    def sample(self, problems, seeds, **options):
        return super().sample(problems, list(range(len(seeds))), **options)


class Global(Guess):
    def sample(self, problems, seeds, **options):
        np.random.rand()  # noqa: NPY002
        return super().sample(problems, seeds, **options)


class Writes(Guess):
    def sample(self, problems, seeds, **options):
        batches = super().sample(problems, seeds, **options)
        for problem in problems:
            problem.linear[:] = 0.0
        return batches


class Silent(Guess):
    def sample(self, problems, seeds, *, n_jobs=None, progress=None):
        return super().sample(problems, seeds)


class Positional(Guess):
    def __init__(self, num_reads: int = 50) -> None:
        super().__init__(num_reads=num_reads)


class Unknown(Guess):
    def __init__(self, *, num_reads: Absent = 50) -> None:  # noqa: F821
        super().__init__(num_reads=num_reads)


BROKEN = {
    "has no method sample": object(),
    "did you mean 'null_control'": altered({"null_controls": True}),
    "class attribute 'limits'": altered({"limits": "one\ntwo"}),
    "class attribute 'handles'": altered({"handles": {"equality"}}),
    "neither True nor False": altered({"null_control": "yes"}),
    "from 1 to 16 bits": altered({"whole_number_bits": 128}),
    "put a \\* before it": Positional(),
    "cannot be looked up": Unknown(),
    "numpy's global generator": Global(),
    "wrote to the arrays": Writes(),
    "never told that it is done": Silent(),
    "with the same seed gave other samples": Alike(),
    "with at least one sample": spoilt(lambda b: dataclasses.replace(b, x=b.x[:0])),
    "not one per sample": spoilt(lambda b: dataclasses.replace(b, energies=b.energies[:-1])),
    "whole numbers of at least 1": spoilt(
        lambda b: dataclasses.replace(b, occurrences=b.occurrences * 0)
    ),
    "equal samples must be one row": spoilt(
        lambda b: dataclasses.replace(b, x=np.repeat(b.x[:1], len(b.x), axis=0))
    ),
    "sorted by energy": spoilt(
        lambda b: dataclasses.replace(b, x=b.x[::-1], energies=b.energies[::-1])
    ),
    "constants belong to them": spoilt(lambda b: dataclasses.replace(b, energies=b.energies + 1.0)),
    "left its interval": spoilt(lambda b: dataclasses.replace(b, x=b.x + 10.0)),
    "none that 2 bits can write": spoilt(lambda b: dataclasses.replace(b, x=b.x * 0.99)),
    "solve_s is -1": changed(solve_s=-1.0),
    "chain_break_fraction is 2": changed(chain_break_fraction=2.0),
    "couplers_dropped is -1": changed(couplers_dropped=-1),
    "JSON has not": changed(info={"x": np.zeros(2)}),
}


def test_a_sampler_that_keeps_the_contract_passes():
    assert_sampler(Guess())
    assert_sampler(Guess(), default_problems()[:1])


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_promise_is_named(words):
    with pytest.raises(AssertionError, match=words):
        assert_sampler(BROKEN[words])


def test_one_that_finds_nothing_is_told_from_a_null_control():
    def idle(self, problems, seeds, *, n_jobs=None, progress=base.no_progress):
        progress(1, 1)
        return [base.batch_from_rows(p, p.lower[None]) for p in problems]

    with pytest.raises(AssertionError, match="null_control = True"):
        assert_sampler(altered({"sample": idle}))
    assert_sampler(altered({"sample": idle, "null_control": True}))


def test_the_names_of_the_kit_are_those_of_the_protocols():
    protocols = [
        value
        for value in vars(base).values()
        if inspect.isclass(value) and getattr(value, "_is_protocol", False)
        if value.__module__ == base.__name__
    ]
    assert len(protocols) >= 3
    assert set(ABILITIES) == set().union(*map(members_of_protocol, protocols))
    assert {dual_problem.EQUALITY, dual_problem.GROUPS} == CONSTRAINTS == base.ALL_CONSTRAINTS
