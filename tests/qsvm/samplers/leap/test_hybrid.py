"""Hybrid solvers through the real client against the local server."""

from __future__ import annotations

import dataclasses

import dimod
import numpy as np
import pytest
from handmade import make_dual

from bridges.errors import BudgetError, SolverError

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from leap_server import Fault

from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.hybrid import HybridBQM, HybridCQM

PROBLEMS = [make_dual(5, n_bits=2, seed=s) for s in range(3)]
SEEDS = [0, 1, 2]


def _ground_energy(problem) -> float:
    return float(dimod.ExactSolver().sample(problem.to_bqm()).first.energy)


@pytest.mark.parametrize("kind", [HybridBQM, HybridCQM])
def test_samples_are_those_of_the_solver(kind, leap, tmp_path):
    leap(num_sweeps=200)

    batches = kind(store=str(tmp_path)).sample(PROBLEMS, SEEDS)

    for problem, batch in zip(PROBLEMS, batches, strict=True):
        assert batch.energies[0] >= _ground_energy(problem) - 1e-9
        np.testing.assert_allclose(problem.energies(batch.x), batch.energies)
        assert batch.qpu_s == pytest.approx(0.02)
        assert batch.info["timing"]["charge"] >= 1.0


def test_bqm_solver_reaches_the_ground_state(leap, tmp_path):
    leap(num_sweeps=300)

    batches = HybridBQM(store=str(tmp_path)).sample(PROBLEMS, SEEDS)

    for problem, batch in zip(PROBLEMS, batches, strict=True):
        assert batch.energies[0] == pytest.approx(_ground_energy(problem))


def test_cqm_samples_keep_the_equality(leap, tmp_path):
    leap(num_sweeps=300)

    batches = HybridCQM(store=str(tmp_path)).sample(PROBLEMS, SEEDS)

    for problem, batch in zip(PROBLEMS, batches, strict=True):
        np.testing.assert_allclose(batch.x @ problem.equality, 0.0, atol=1e-9)


def test_lost_replies_and_resume(leap, tmp_path, new_process):
    server = leap()
    server.faults.add(Fault("submit", "drop-after"), Fault("answer", status=401, after=1))

    with pytest.raises(SolverError, match="401"):
        HybridBQM(store=str(tmp_path)).sample(PROBLEMS, SEEDS)
    server.faults.clear()
    sampler = HybridBQM(store=str(tmp_path), resume=True)
    sampler.run = dataclasses.replace(sampler.run, patience=Patience(first_s=0.01, poll_s=1))
    batches = sampler.sample(PROBLEMS, SEEDS)

    assert len(batches) == 3
    assert len(server.desk.jobs) == 3
    new_process()
    again = HybridBQM(store=str(tmp_path), resume=True).sample(PROBLEMS, SEEDS)
    assert len(server.desk.jobs) == 3
    np.testing.assert_array_equal(again[0].x, batches[0].x)


def test_time_limits_are_checked(leap, tmp_path):
    leap()

    with pytest.raises(SolverError, match="minimum"):
        HybridBQM(store=str(tmp_path / "a"), time_limit=0.5).sample(PROBLEMS, SEEDS)
    with pytest.raises(BudgetError):
        HybridBQM(store=str(tmp_path / "b"), max_hybrid_seconds=2.5).sample(PROBLEMS, SEEDS)
