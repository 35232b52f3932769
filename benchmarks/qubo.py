"""How long a QUBO takes to build from its kernel matrix, against an explicit double loop.

Run: python benchmarks/qubo.py [--samples 160] [--bits 2] [--repeats 5]

Both builders make the same coefficients; the ratio is the median over rounds in which both run one
after the other, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import svm_dual
from qsvm.problem.dual_problem import DualProblem


def make_kernel(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a Gaussian kernel matrix of random samples in seven bands, and their labels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 7))
    y = np.where(X[:, 0] + 0.5 * rng.normal(size=n) > 0, 1.0, -1.0)
    return np.exp(-((X[:, None] - X) ** 2).sum(axis=-1) / 7), y


def by_double_loop(
    kernel: np.ndarray, y: np.ndarray, C: float, base: float, n_bits: int, penalty: float
) -> np.ndarray:
    """Return the upper-triangular QUBO as the published formula reads, entry by entry."""
    n = len(y)
    scale = C / sum(base**k for k in range(n_bits))
    Q = np.zeros((n * n_bits, n * n_bits))
    for i in range(n * n_bits):
        a, p = divmod(i, n_bits)
        Q[i, i] = -scale * base**p + 0.5 * (scale * base**p) ** 2 * (kernel[a, a] + penalty)
        for j in range(i + 1, n * n_bits):
            b, q = divmod(j, n_bits)
            Q[i, j] = scale**2 * base ** (p + q) * y[a] * y[b] * (kernel[a, b] + penalty)
    return Q


def build(kernel: np.ndarray, y: np.ndarray, encoding: Encoding) -> DualProblem:
    """Return the dual; its QUBO is one Kronecker product."""
    return svm_dual(kernel.copy(), y, np.full(len(y), encoding.C), encoding)


def largest_difference(problem: DualProblem, Q: np.ndarray) -> float:
    """Return the largest relative difference of energies over random bits and the zero state."""
    bits = np.random.default_rng(1).integers(0, 2, size=(200, len(Q)))
    bits[0] = 0
    ours = problem.to_bqm().energies((bits.astype(np.int8), range(len(Q))))
    theirs = np.einsum("ri,ij,rj->r", bits, Q, bits, optimize=True)
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0], allow_abbrev=False)
    parser.add_argument("--samples", type=int, default=160)
    parser.add_argument("--bits", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    kernel, y = make_kernel(args.samples)
    encoding = Encoding(C=3.0, base=2.0, n_bits=args.bits, penalty=1.0)
    build(kernel, y, encoding).to_bqm()  # imports do not count
    seconds: dict[str, list[float]] = {"matrix": [], "dimod model": [], "double loop": []}
    for _ in range(args.repeats):
        marks = [time.perf_counter()]
        problem = build(kernel, y, encoding)
        problem.qubo()
        marks.append(time.perf_counter())
        build(kernel, y, encoding).to_bqm()
        marks.append(time.perf_counter())
        Q = by_double_loop(kernel, y, 3.0, 2.0, args.bits, 1.0)
        marks.append(time.perf_counter())
        for name, spent in zip(seconds, np.diff(marks), strict=True):
            seconds[name].append(float(spent))
    print(f"{args.samples} samples × {args.bits} bits = {len(Q)} variables")
    for name, values in seconds.items():
        print(f"  {name:12} {1e3 * np.median(values):9.2f} ms")
    for name in ("matrix", "dimod model"):
        ratios = np.array(seconds["double loop"]) / np.array(seconds[name])
        print(f"double loop / {name}: {np.median(ratios):.0f} (median of {args.repeats} rounds)")
    print(f"largest relative difference of energies: {largest_difference(problem, Q):.1e}")


if __name__ == "__main__":
    main()
