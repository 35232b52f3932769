"""Submissions and QPU time of packed ensembles against one by one, on chips with defects.

python benchmarks/packing.py [--chip advantage] [--served]: with ``--served`` the ensembles are also
sampled over the local server that speaks Leap's protocol, and what it charges is shown.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from qsvm.plan import estimate
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.samplers.chip.chips import Chip, named_chip
from qsvm.samplers.chip.cliques import CliqueFinder

TESTS = Path(__file__).resolve().parents[1] / "tests"


def member(seed: int, n_samples: int, n_bits: int) -> DualProblem:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n_samples, 6))
    y = np.where(points[:, 0] + 0.4 * rng.normal(size=n_samples) > 0, 1.0, -1.0)
    kernel = np.exp(-0.25 * ((points[:, None] - points) ** 2).sum(axis=-1))
    hessian = y[:, None] * y * (kernel + 1.0)
    bounds = np.zeros(n_samples), np.full(n_samples, 3.0)
    weights = bit_weights(2, n_bits)
    return DualProblem(hessian, -np.ones(n_samples), *bounds, weights, y, f"member{seed}")


def planned(chip: Chip, n_bits: int) -> str:
    begun = time.perf_counter()
    found = estimate(chip, [40 * n_bits] * 15)
    return (
        f"{chip.name}, 15 members x 40 samples x {n_bits} bit: {found['submissions']} submissions, "
        f"{found['estimated_qpu_s']:.4f} s of QPU time, one by one {found['one_by_one_qpu_s']:.4f} "
        f"s ({found['share_of_one_by_one']:.3f}); planned in {time.perf_counter() - begun:.1f} s"
    )


def served(chip: Chip, n_bits: int) -> str:
    sys.path.insert(0, str(TESTS))
    from leap_server import LeapServer, qpu

    from qsvm.samplers.leap.qpu import CliqueQPU, PackedQPU

    problems = [member(seed, 40, n_bits) for seed in range(15)]
    charged, sent = [], []
    with LeapServer([qpu("Local_chip", chip.properties)]) as server:
        os.environ.update(server.environment())
        for sampler in (PackedQPU, CliqueQPU):
            before_us, before = server.desk.spent_us(), len(server.desk.jobs)
            with tempfile.TemporaryDirectory() as folder:
                sampler(store=folder).sample(problems, range(15))
            charged.append((server.desk.spent_us() - before_us) / 1e6)
            sent.append(len(server.desk.jobs) - before)
    return (
        f"served: {sent[0]} submissions charged {charged[0]:.4f} s, one by one {sent[1]} charged "
        f"{charged[1]:.4f} s ({charged[0] / charged[1]:.3f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--chip", action="append")
    parser.add_argument("--served", action="store_true")
    args = parser.parse_args()
    for name in args.chip or ["advantage", "advantage2"]:
        chip = named_chip(name)
        begun = time.perf_counter()
        largest = CliqueFinder(chip).largest()
        print(f"{chip.name}: largest clique {largest} ({time.perf_counter() - begun:.1f} s)")
        for n_bits in (1, 2):
            print(planned(chip, n_bits))
            if args.served:
                print(served(chip, n_bits))


if __name__ == "__main__":
    main()
