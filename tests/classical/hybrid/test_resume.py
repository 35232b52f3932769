"""A descent that is stopped anywhere goes on where it was, to the same model."""

from __future__ import annotations

import numpy as np
import pytest

from classical.hybrid.classifier import HybridSVC
from qsvm.samplers.local.annealing import SimulatedAnnealing

OPTIONS = {
    "gamma": 0.3, "block": 12, "blocks": 4, "steps": 9, "stop": 1e-9, "random_state": 3,
    "n_jobs": 1,
}  # fmt: skip


class Stopped(BaseException):
    """Stands for a signal."""


class Counting(SimulatedAnnealing):
    """Counts its calls, and is stopped in one of them."""

    def __init__(self, *, stop_in=None, calls=None):
        super().__init__(num_reads=10, num_sweeps=30)
        self.stop_in = stop_in
        self.calls = [] if calls is None else calls

    def sample(self, problems, seeds, **options):
        self.calls.append(len(problems))
        if len(self.calls) == self.stop_in:
            raise Stopped
        return super().sample(problems, seeds, **options)


def samples():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 150)
    return np.random.default_rng(7).normal(size=(3, 4))[y] * 1.2 + random.normal(size=(150, 4)), y


@pytest.mark.parametrize("stop_in", [1, 2, 5, 9])
def test_stopped_in_a_step_it_ends_with_the_same_model(stop_in, tmp_path):
    X, y = samples()
    straight = HybridSVC(5, sampler=Counting(), **OPTIONS).fit(X, y)
    calls = []
    with pytest.raises(Stopped):
        HybridSVC(
            5, sampler=Counting(stop_in=stop_in, calls=calls), checkpoint=tmp_path, **OPTIONS
        ).fit(X, y)
    again = HybridSVC(5, sampler=Counting(calls=calls), checkpoint=tmp_path, **OPTIONS).fit(X, y)
    assert again.dual_coef_.tobytes() == straight.dual_coef_.tobytes()
    assert again.intercept_.tobytes() == straight.intercept_.tobytes()
    assert again.hybrid_["pairs"] == straight.hybrid_["pairs"]
    assert len(calls) == straight.hybrid_["steps"] + 1  # only the step that was stopped


def test_a_finished_descent_asks_nothing_again_and_more_steps_go_on(tmp_path):
    X, y = samples()
    calls = []
    model = HybridSVC(5, sampler=Counting(calls=calls), checkpoint=tmp_path, **OPTIONS)
    first = model.fit(X, y).dual_coef_
    assert len(calls) == 9
    assert model.fit(X, y).dual_coef_.tobytes() == first.tobytes()
    assert len(calls) == 9
    model.set_params(steps=11).fit(X, y)
    assert len(calls) == 11
    straight = HybridSVC(5, sampler=Counting(), **{**OPTIONS, "steps": 11}).fit(X, y)
    assert model.dual_coef_.tobytes() == straight.dual_coef_.tobytes()


def test_another_fit_does_not_take_the_state(tmp_path):
    X, y = samples()
    calls = []
    model = HybridSVC(5, sampler=Counting(calls=calls), checkpoint=tmp_path, **OPTIONS)
    model.fit(X, y)
    model.set_params(C=6).fit(X, y)
    assert len(calls) == 18
