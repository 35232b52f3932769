"""Answers of samplers that are not ours: converted where possible, refused where not."""

from __future__ import annotations

import dimod
import numpy as np
import pytest
from dwave.samplers import SteepestDescentSampler
from handmade import make_dual

from bridges.errors import SolverError, UsageError
from bridges.machine.progress import no_progress
from qsvm.fitting.answers import ask
from qsvm.samplers.base import ALL_CONSTRAINTS, Live, SampleBatch, sample_bits
from qsvm.samplers.dense import DenseAnnealer
from qsvm.samplers.local.any_dimod import AnyDimodSampler, as_dual_sampler

PROBLEM = make_dual(6, n_bits=2)


class Foreign(dimod.Sampler):
    """Changes what steepest descent found."""

    properties: dict = {}  # noqa: RUF012
    parameters: dict = {}  # noqa: RUF012

    def __init__(self, change):
        self.change = change

    def sample(self, bqm, **kwargs):
        return self.change(SteepestDescentSampler().sample(bqm, num_reads=8, seed=3))


def shuffled(found):
    order = list(found.variables)[::-1]
    places = [list(found.variables).index(v) for v in order]
    return dimod.SampleSet.from_samples(
        (found.record.sample[:, places], order),
        vartype="BINARY",
        energy=found.record.energy,
        num_occurrences=found.record.num_occurrences,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found,
        lambda found: found.change_vartype("SPIN", inplace=False),
        lambda found: dimod.append_variables(found, {"slack": 1, -7: 0}),
        shuffled,
    ],
)
def test_one_answer_in_several_forms(change):
    plain = sample_bits(PROBLEM, Foreign(lambda found: found))
    batch = sample_bits(PROBLEM, Foreign(change))
    np.testing.assert_array_equal(batch.x, plain.x)
    np.testing.assert_array_equal(batch.occurrences, plain.occurrences)


def discrete(found):
    rows = found.record.sample.astype(np.int8) * 3
    return dimod.SampleSet.from_samples(rows, vartype="DISCRETE", energy=found.record.energy)


def failing(found):
    raise ConnectionError("remote end closed connection")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda found: dimod.keep_variables(found, [0, 1, 2]), "no value of 9 of 12 variables"),
        (lambda found: found.slice(0), "no samples"),
        (lambda found: None, "no samples"),
        (lambda found: {"sample": 1}, "failed: AttributeError"),
        (discrete, "failed|no bits"),
        (failing, "failed: ConnectionError: remote end"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_samplers_name(change, match):
    with pytest.raises(SolverError, match=match) as error:
        sample_bits(PROBLEM, Foreign(change))
    assert "Foreign" in str(error.value)
    assert error.value.exit_code == 4


class OfDuals:
    """A sampler of duals that returns what it is told."""

    summary, limits, handles = "s", "l", ALL_CONSTRAINTS

    def __init__(self, answer):
        self.answer = answer

    def sample(self, problems, seeds, *, n_jobs=None, progress=no_progress):
        return self.answer(DenseAnnealer(num_reads=2).sample(problems, seeds))


def with_rows(x, energies=None):
    energies = np.zeros(len(x)) if energies is None else energies
    return [SampleBatch(np.asarray(x, float), energies, np.ones(len(x), np.int64))]


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (lambda found: [], "0 batches for 1 problems"),
        (lambda found: with_rows(np.zeros((2, 5))), r"shape \(2, 5\) for 6"),
        (lambda found: with_rows(np.zeros((0, 6))), r"shape \(0, 6\)"),
        (lambda found: with_rows(np.full((1, 6), 1.5)), "outside their intervals"),
        (lambda found: with_rows(np.full((1, 6), np.nan)), "outside their intervals"),
        (lambda found: with_rows(np.zeros((1, 6)), np.array([np.nan])), "fit no sample"),
    ],
)
def test_nonsense_of_a_sampler_of_duals_is_refused(answer, match):
    with pytest.raises(SolverError, match=match):
        ask(OfDuals(answer), [PROBLEM], [0], n_jobs=1, progress=no_progress)
    assert ask(OfDuals(lambda f: f), [PROBLEM], [0], n_jobs=1, progress=no_progress)


def test_objects_that_become_samplers():
    wrapped = as_dual_sampler(SteepestDescentSampler(), {"num_reads": 3})
    assert isinstance(wrapped, AnyDimodSampler)
    dense = DenseAnnealer(num_reads=2)
    assert as_dual_sampler(dense, {}) is dense
    assert as_dual_sampler(Live(dense), {}) is dense
    with pytest.raises(UsageError, match="has its own"):
        as_dual_sampler(dense, {"num_reads": 3})
    for odd in (object(), SteepestDescentSampler):
        with pytest.raises(UsageError, match="is no sampler"):
            as_dual_sampler(odd, {})
