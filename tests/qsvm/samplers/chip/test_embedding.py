"""What is submitted: the same numbers in every run of the same problem."""

import dataclasses

import numpy as np
import pytest
from handmade import make_dual

pytest.importorskip("dwave.system", reason="the extra 'leap' is not installed")

from qsvm.samplers.chip.chips import named_chip
from qsvm.samplers.chip.cliques import CliqueFinder, lay_out
from qsvm.samplers.chip.embedding import embed


@pytest.mark.parametrize("seed", range(3))
def test_rounding_errors_change_nothing_of_what_is_submitted(seed, tmp_path):
    chip = named_chip("zephyr:3")
    problem = make_dual(6)
    ((_, chains),) = lay_out(CliqueFinder(chip, tmp_path), [problem.n_variables])[0]
    noise = np.random.default_rng(seed).normal(scale=1e-14, size=problem.hessian.shape)
    again = dataclasses.replace(problem, hessian=problem.hessian * (1 + noise + noise.T))
    one, other = embed(problem, chains, chip), embed(again, chains, chip)
    assert not np.array_equal(problem.hessian, again.hessian)
    assert (one.fields, one.couplings) == (other.fields, other.couplings)
