"""One small submission to the real Leap; only on demand, with a budget of one QPU second."""

from __future__ import annotations

import os

import numpy as np
import pytest
from handmade import make_dual

pytestmark = pytest.mark.skipif(
    os.environ.get("ANNEALSVM_LIVE") != "1",
    reason="live runs cost QPU time: set ANNEALSVM_LIVE=1 to spend at most one second",
)


def test_a_small_submission_to_leap(tmp_path):
    from qsvm.samplers.leap.qpu import PackedQPU

    problems = [make_dual(8, seed=s) for s in range(3)]
    options = {"num_reads": 20, "store": str(tmp_path / "run"), "max_qpu_seconds": 1.0}

    batches = PackedQPU(**options).sample(problems, [0, 1, 2])

    assert 0 < sum(batch.qpu_s for batch in batches) <= 1.0
    for problem, batch in zip(problems, batches, strict=True):
        np.testing.assert_allclose(problem.energies(batch.x), batch.energies)
        assert batch.occurrences.sum() == 20
