"""The sampler ``exact``: enumeration up to 22 variables, branch and bound beyond."""

import logging

import numpy as np
import pytest
from lattices import make_dual

from bridges import registry
from bridges.errors import DataError, SolverError, UsageError
from qsvm.samplers.dense.annealer import DenseAnnealer
from qsvm.samplers.local.bits import Exhaustive
from qsvm.samplers.proof import sampler as module
from qsvm.samplers.proof.sampler import Brake, ExactOptimum


def hard(seed=0):
    """A problem that takes minutes: hardly coupled, its optimum between the levels."""
    return make_dual(200, bits=1, gamma=30.0, seed=seed, C=1.6)


def test_small_problems_are_enumerated_as_ever():
    problem = make_dual(5)
    sampler = registry.make_sampler("exact", n_lowest=7)
    assert isinstance(sampler, ExactOptimum)
    batch = sampler.sample([problem], [3])[0]
    expected = Exhaustive(n_lowest=7).sample([problem], [3])[0]
    assert batch.x.tolist() == expected.x.tolist()
    assert batch.energies.tolist() == expected.energies.tolist()
    assert batch.info == {"lower_bound": batch.energies[0], "proven": True, "nodes": 2**10}


def test_larger_ones_are_proven_whatever_the_seed_and_the_threads():
    problems = [make_dual(n, seed=n) for n in (15, 30, 5, 20)]
    one = ExactOptimum().sample(problems, [1, 2, 3, 4], n_jobs=1)
    many = ExactOptimum().sample(problems, [5, 6, 7, 8], n_jobs=3)
    alone = ExactOptimum().sample(problems[1:2], [9], n_jobs=2)
    assert alone[0].x.tolist() == one[1].x.tolist()
    for problem, batch, other in zip(problems, one, many, strict=True):
        assert batch.x.tolist() == other.x.tolist()
        assert batch.info["proven"]
        assert batch.info["nodes"] == other.info["nodes"]
        annealed = DenseAnnealer(num_reads=10).sample([problem], [0])[0]
        assert batch.energies[0] <= annealed.energies[0] + 1e-12
        assert batch.energies[0] == pytest.approx(batch.info["lower_bound"], rel=1e-6)


def test_progress_is_told_and_the_number_of_seeds_must_fit():
    seen = []
    problems = [make_dual(4), make_dual(14)]
    ExactOptimum().sample(problems, [0, 0], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    with pytest.raises(ValueError, match="shorter"):
        ExactOptimum().sample(problems, [0])


def test_what_is_not_proven_in_time_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        batch = ExactOptimum(time_limit=0.05).sample([hard()], [0])[0]
    assert not batch.info["proven"]
    assert batch.info["lower_bound"] < batch.energies[0]
    assert "1 of 1 problems are not proven" in caplog.text
    assert "--time-limit" in caplog.text


def interrupted(monkeypatch, times):
    """Let waiting be interrupted as often as said, as Ctrl-C does it."""
    wait, left = module.wait, [times]

    def interruptible(jobs, **options):
        if left[0]:
            left[0] -= 1
            raise KeyboardInterrupt
        return wait(jobs, **options)

    monkeypatch.setattr(module, "wait", interruptible)


def test_the_first_interrupt_keeps_the_best_points_and_their_bounds(monkeypatch, caplog):
    interrupted(monkeypatch, 1)
    problems = [hard(), make_dual(5), hard(1)]
    batches = ExactOptimum().sample(problems, [0, 1, 2], n_jobs=1)
    assert "Interrupted" in caplog.text
    for batch in batches:
        assert np.isfinite(batch.info["lower_bound"])
        assert batch.info["lower_bound"] <= batch.energies[0] + 1e-9
    assert not batches[0].info["proven"]


def test_the_second_interrupt_ends_the_run(monkeypatch):
    interrupted(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        ExactOptimum().sample([hard()], [0])


def test_a_failure_stops_the_others():
    bad = make_dual(30)
    bad.hessian[0, 0] = np.inf
    with pytest.raises(DataError, match="NaN"):
        ExactOptimum().sample([bad, hard()], [0, 1], n_jobs=1)


def test_flags_follow_the_brake():
    brake = Brake()
    early = brake.flag()
    brake.pull()
    assert (early[0], brake.flag()[0]) == (1, 1)


def test_what_would_take_too_long_is_refused_with_a_hint(monkeypatch):
    monkeypatch.setattr(module, "MAX_COEFFICIENTS", 20)
    with pytest.raises(SolverError, match="25 coefficients") as caught:
        ExactOptimum().sample([make_dual(25, bits=1)], [0])
    assert "round" in caught.value.hint


@pytest.mark.parametrize("option", ["time_limit", "n_lowest"])
def test_options_must_be_positive(option):
    with pytest.raises(UsageError, match=option):
        ExactOptimum(**{option: 0})
