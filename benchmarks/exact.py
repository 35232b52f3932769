"""How long ``exact`` takes to prove the lowest point of a lattice, and what a bound costs.

Run ``python benchmarks/exact.py`` (a minute on two quiet cores). Duals of pairs of Statlog's
classes where ``--statlog FILE`` exists, else of two overlapping blobs. Medians over the duals, by
the clock and in CPU seconds of all threads together; compilation is not counted.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from pathlib import Path

import numpy as np

from bridges.registry import make_sampler
from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import svm_dual
from qsvm.problem.exact import solve_box

STATLOG = Path(__file__).resolve().parents[2] / "shared/data/tables/statlog_landsat.npz"
CASES = ((41, 3, 0.5), (100, 2, 5.0), (150, 3, 5.0))
"""Coefficients, bits, and seconds that were to be reached."""

C = 3.0


def load(path):
    """Return standardised samples and labels of Statlog, or of two overlapping blobs."""
    if path.exists():
        table = np.load(path)
        X, y = table["X_train"].astype(float), table["y_train"]
        return (X - X.mean(axis=0)) / X.std(axis=0), y
    from sklearn.datasets import make_blobs

    return make_blobs(2000, centers=2, n_features=6, cluster_std=4.0, random_state=0)


def duals(X, y, n, bits, count):
    """Return duals of n samples of pairs of classes, γ = 1/features, one pair after the other."""
    gamma = 1.0 / X.shape[1]
    pairs = itertools.cycle(itertools.combinations(np.unique(y), 2))
    found = []
    for seed, pair in zip(range(count), pairs, strict=False):
        rng = np.random.default_rng(seed)
        halves = ((pair[0], n // 2), (pair[1], n - n // 2))
        rows = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:k] for c, k in halves])
        signs = np.where(y[rows] == pair[0], -1.0, 1.0)
        kernel = np.exp(-gamma * ((X[rows][:, None] - X[rows]) ** 2).sum(axis=-1))
        found.append(svm_dual(kernel, signs, np.full(n, C), Encoding(C, 2, bits, 1.0)))
    return found


def measure(problem, limit):
    """Return seconds by the clock, CPU seconds, and the batch."""
    clock, cpu = time.perf_counter(), time.process_time()
    (batch,) = make_sampler("exact", time_limit=limit).sample([problem], [0])
    return time.perf_counter() - clock, time.process_time() - cpu, batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statlog", type=Path, default=STATLOG)
    parser.add_argument("--duals", type=int, default=10, help="of each size")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each")
    args = parser.parse_args()
    X, y = load(args.statlog)
    measure(duals(X, y, 30, 2, 1)[0], 60.0)
    print(
        "| dual | proven | seconds: median, worst | CPU seconds | wanted | nodes | lattice's gap |"
    )
    print("|---|---|---|---|---|---|---|")
    for n, bits, wanted in CASES:
        problems = duals(X, y, n, bits, args.duals)
        runs = [measure(problem, args.time_limit) for problem in problems]
        clock, cpu, batches = zip(*runs, strict=True)
        gaps = []
        for problem, batch in zip(problems, batches, strict=True):
            _, exact = solve_box(problem)
            gaps.append((batch.energies[0] - exact) / abs(exact))
        nodes = statistics.median(batch.info["nodes"] for batch in batches)
        print(
            f"| {n} × {bits} | {sum(b.info['proven'] for b in batches)} of {len(batches)} | "
            f"{statistics.median(clock):.2f}, {max(clock):.2f} | {statistics.median(cpu):.2f} | "
            f"{wanted:g} | {nodes:.0f} | {100 * statistics.mean(gaps):.2f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
