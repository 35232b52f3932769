"""The annealer as a generator of columns and as an inner solver."""

from __future__ import annotations

import numpy as np
import pytest

from bridges.errors import SolverError, UsageError
from bridges.svm.columns import Block, ColumnGenerator
from classical.classifier import MPISVC
from qsvm.samplers.local.annealing import SimulatedAnnealing
from qsvm.subproblem import Annealer


def block(seed=0, n=9):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 2))
    K = np.exp(-((X[:, None] - X) ** 2).sum(axis=2))
    upper = random.uniform(0.2, 1.5, n)
    return Block(
        np.arange(n),
        K,
        random.normal(size=n),
        -random.uniform(0, 1, n),
        upper,
        np.arange(n) % 2 > 0,
    )


def lowest(given):
    """Return the lowest of all ends of the intervals."""
    n = len(given.f)
    ends = np.array(np.meshgrid(*[(0, 1)] * n)).reshape(n, -1).T
    x = given.lower + ends * (given.upper - given.lower)
    return (0.5 * np.einsum("ij,jk,ik->i", x, given.K, x) + x @ given.f).min()


def test_columns_are_ends_of_intervals_and_hold_the_lowest():
    blocks = [block(seed) for seed in range(4)]
    generator = Annealer(num_reads=40)
    assert isinstance(generator, ColumnGenerator)
    assert generator.independent
    for given, found in zip(blocks, generator.propose(blocks, [1, 2, 3, 4]), strict=True):
        x = found.columns
        assert (np.isclose(x, given.lower) | np.isclose(x, given.upper)).all()
        energies = 0.5 * np.einsum("ij,jk,ik->i", x, given.K, x) + x @ given.f
        assert energies.min() == pytest.approx(lowest(given))
        assert found.control.shape == x.shape


def test_a_block_is_answered_alike_in_any_company():
    blocks = [block(seed) for seed in range(3)]
    generator = Annealer(num_reads=10)
    together = generator.propose(blocks, [1, 2, 3])
    alone = generator.propose(blocks[1:2], [2])[0]
    np.testing.assert_array_equal(together[1].columns, alone.columns)
    np.testing.assert_array_equal(together[1].control, alone.control)


def test_no_price_without_a_chip_and_one_with():
    assert Annealer().price([40, 40]) is None
    rehearsed = Annealer(sampler="mock-qpu", sampler_params={"chip": "zephyr:4"}, num_reads=30)
    price = rehearsed.price([12] * 6)
    assert price.submissions >= 1
    assert price.qpu_s > 0
    assert not rehearsed.independent
    assert "submission" in price.text


def test_what_a_sampler_may_not_return_is_refused():
    class Short(SimulatedAnnealing):
        def sample(self, problems, seeds, **options):
            return super().sample(problems, seeds, **options)[:-1]

    with pytest.raises(SolverError, match="2 batches for 3"):
        Annealer(sampler=Short(num_reads=2)).propose([block(s) for s in range(3)], [1, 2, 3])
    with pytest.raises(UsageError, match="no parameter 'noise'"):
        Annealer(sampler_params={"noise": 1})


def test_as_an_inner_solver_it_comes_near_the_optimum():
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3))
    y = (X[:, 0] + 0.3 * random.normal(size=90) > 0).astype(int)
    exact = MPISVC(5, gamma=0.5).fit(X, y).fit_report_.objective
    params = {"num_reads": 15, "block": 20, "sampler_params": {"num_sweeps": 50}}
    ours = MPISVC(5, gamma=0.5, inner="annealer", inner_params=params).fit(X, y)
    assert ours.fit_report_.objective == pytest.approx(exact, rel=0.01)
