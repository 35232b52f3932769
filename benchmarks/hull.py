"""What a hull of samples costs and brings: solver against Clarabel, models against the mean.

Run ``python benchmarks/hull.py`` for the figures of docs/samples.md (a minute on two quiet cores),
``--plot FILE`` for its picture, ``--solver`` for the solver alone. Clarabel (``pip install
clarabel``) takes part where it is installed; svmguide1 where ``--svmguide1 FILE`` exists, else the
built-in blobs. Times are CPU seconds, taken in turns; ratios are medians over the repetitions.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from pathlib import Path

import numpy as np

from bridges.machine.blas import one_blas_thread
from bridges.registry import make_sampler
from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import svm_dual
from qsvm.formulations.hull import lowest_point

SVMGUIDE1 = Path(__file__).resolve().parents[2] / "shared/data/tables/svmguide1.npz"
CASES = ((100, 60), (300, 160), (1000, 500))
REPEATS = 5


def load(path):
    """Return train and test sets of svmguide1, standardised, or of two overlapping blobs."""
    if path.exists():
        table = np.load(path)
        parts = [table[name] for name in ("X_train", "y_train", "X_test", "y_test")]
    else:
        from sklearn.datasets import make_blobs

        X, y = make_blobs(4000, centers=2, cluster_std=3.0, random_state=0)
        parts = [X[:2000], y[:2000], X[2000:], y[2000:]]
    mean, scale = parts[0].mean(axis=0), parts[0].std(axis=0)
    return (parts[0] - mean) / scale, parts[1], (parts[2] - mean) / scale, parts[3]


def make_case(X, y, reads, n):
    """Return a dual of n samples × 1 bit and ``reads`` diverse samples of it."""
    rows = np.random.default_rng(n).permutation(len(X))[:n]
    signs = np.where(y[rows] == y.min(), -1.0, 1.0)
    gamma = 1.0 / X.shape[1]
    kernel = np.exp(-gamma * ((X[rows][:, None] - X[rows]) ** 2).sum(axis=-1))
    problem = svm_dual(kernel, signs, np.full(n, 3.0), Encoding(3.0, 2, 1, 1.0))
    sampler = make_sampler("dense", num_reads=reads, num_sweeps=100, diversity=True)
    return problem, sampler.sample([problem], [0])[0].x


def own(problem, rows):
    """Return the energy of the house's solver."""
    sides = problem.balance(rows)
    return lowest_point(rows, problem.free_fields, problem.linear, sides).energy


def clarabel(problem, rows):
    """Return the energy of Clarabel, forming X H Xᵀ included."""
    import clarabel as peer
    from scipy import sparse

    with one_blas_thread():
        gram = rows @ problem.free_fields(rows).T
    costs, count = rows @ problem.linear, len(rows)
    constraints = np.vstack([problem.balance(rows).T, np.ones((1, count)), -np.eye(count)])
    levels = np.concatenate([[0.0, 1.0], np.zeros(count)])
    settings = peer.DefaultSettings()
    settings.verbose = False
    cones = [peer.ZeroConeT(1), peer.NonnegativeConeT(count + 1)]
    quadratic, constraints = sparse.csc_matrix(np.triu(gram)), sparse.csc_matrix(constraints)
    w = np.array(
        peer.DefaultSolver(quadratic, costs, constraints, levels, cones, settings).solve().x
    )
    return float(0.5 * w @ gram @ w + costs @ w)


def cpu_seconds(function, *arguments):
    """Return CPU seconds of a call, and what it returned."""
    started = time.process_time()
    found = function(*arguments)
    return time.process_time() - started, found


def compare_solvers(X, y):
    """Print time and energy of both solvers on hulls of several sizes."""
    peer = clarabel if importlib.util.find_spec("clarabel") else None
    print("| samples × coefficients | own | Clarabel | ratio | relative difference of energies |")
    print("|---|---|---|---|---|")
    for reads, n in CASES:
        problem, rows = make_case(X, y, reads, n)
        own(problem, rows)
        times, others = [], []
        for _ in range(REPEATS):
            seconds, energy = cpu_seconds(own, problem, rows)
            times.append(seconds)
            if peer:
                seconds, other = cpu_seconds(peer, problem, rows)
                others.append(seconds)
        line = f"| {len(rows)} × {n} | {1e3 * statistics.median(times):.1f} ms |"
        if peer:
            ratio = statistics.median(b / a for a, b in zip(times, others, strict=True))
            difference = abs(energy - other) / abs(other)
            line += f" {1e3 * statistics.median(others):.0f} ms | ×{ratio:.0f} | {difference:.0e} |"
        print(line, flush=True)


def compare_models(X, y, X_test, y_test, plot):
    """Print accuracy and gap of mean, hull and random hull; draw the picture of the hull's run."""
    from bridges.ensemble.bagging import KernelEnsemble
    from bridges.report.attribution import attribution
    from bridges.report.plots import save_figure
    from qsvm.classifier import QuboSVC

    print("\n| bits | model | accuracy | energy gap |\n|---|---|---|---|")
    for bits in (1, 2):
        models = {}
        for name, rule in (("mean of the 20 lowest", "mean"), ("hull", "hull")):
            member = QuboSVC(n_bits=bits, combination=rule)
            models[name] = KernelEnsemble(member, member_size=40, random_state=0).fit(X, y)
        for name in ("random_hull", "exact_same_members"):
            models[name] = models["hull"].null_controls()[name].fit(X, y)
        for name, model in models.items():
            gap = model.diagnostics_.energy_gap_mean
            shown = "" if gap is None else f"{gap:.2%}"
            print(f"| {bits} | {name} | {model.score(X_test, y_test):.3f} | {shown} |", flush=True)
        if bits == 1 and plot:
            quality = models["hull"].diagnostics_.as_dict()
            save_figure(attribution(quality, "15 duals").figure, plot)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svmguide1", type=Path, default=SVMGUIDE1)
    parser.add_argument("--solver", action="store_true", help="the solver alone")
    parser.add_argument("--plot", type=Path, help="write the picture to this file")
    args = parser.parse_args()
    X, y, X_test, y_test = load(args.svmguide1)
    compare_solvers(X, y)
    if not args.solver:
        compare_models(X, y, X_test, y_test, args.plot)


if __name__ == "__main__":
    main()
