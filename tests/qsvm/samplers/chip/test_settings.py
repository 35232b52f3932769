"""One value for what a chip is asked: refused nonsense, and samplers that take it flat."""

import dataclasses
import inspect

import pytest

from bridges.errors import UsageError
from qsvm.samplers.chip.mock import MockQPU
from qsvm.samplers.chip.settings import READING, ChipSettings
from qsvm.samplers.leap.qpu import CliqueQPU, PackedQPU

FIELDS = {field.name: field.default for field in dataclasses.fields(ChipSettings)}
NOT_REHEARSED = {
    "reduce_intersample_correlation",
    "programming_thermalization",
    "readout_thermalization",
}


@pytest.mark.parametrize(
    ("sampler", "without"), [(PackedQPU, set()), (CliqueQPU, set()), (MockQPU, NOT_REHEARSED)]
)
def test_samplers_take_every_setting_by_name_with_its_default(sampler, without):
    taken = inspect.signature(sampler).parameters
    defaults = {name: taken[name].default for name in FIELDS if name in taken}
    assert defaults == {name: FIELDS[name] for name in FIELDS.keys() - without}


def test_a_store_keeps_what_is_asked_and_nothing_else():
    asked = ChipSettings(num_reads=7, unembedding="descent", max_qpu_seconds=2.0).asked()
    assert set(asked) == FIELDS.keys() - set(READING)
    assert asked["num_reads"] == 7


def test_both_annealings_are_told():
    settings = ChipSettings(annealing_time=30.0, reverse_schedule=[[0, 1], [5, 0.4], [9, 1]])
    assert settings.anneal.annealing_time == 30.0
    assert settings.reverse.annealing_time is None
    assert settings.reverse.anneal_schedule == ((0.0, 1.0), (5.0, 0.4), (9.0, 1.0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_reads": 0}, "num_reads is 0"),
        ({"unembedding": "votes"}, "Unknown unembedding 'votes'"),
        ({"chain_strength": -1}, "chain_strength is -1"),
        ({"chain_strength": "strong"}, "chain_strength is 'strong'"),
        ({"anneal_schedule": [[0, 1], [5, 0]]}, "needs a state to start from"),
        ({"reverse_schedule": [[0, 0], [5, 1]]}, "must start at s = 1"),
        ({"annealing_time": 2.0, "anneal_schedule": [[0, 0], [5, 1]]}, "exclude each other"),
    ],
)
def test_nonsense_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        ChipSettings(**given)
