"""The annealer on all the data: gap, accuracy and QPU time by sampler, with the random control.

Run ``python benchmarks/hybrid.py`` for the table of docs/hybrid.md: Statlog where ``--statlog
FILE`` exists, else the built-in blobs. Every sampler takes as many steps as the first needed, so
that ``random-lattice``, the last, shows what the master problem alone is worth. ``--samplers``,
``--steps``, ``--pieces`` and ``--classes`` choose less of it; ``mock-qpu`` takes most of the time.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

# benchmarks/classical.py would be imported in the place of the package
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

STATLOG = Path(__file__).resolve().parents[2] / "shared/data/tables/statlog_landsat.npz"
HEAD = "sampler          steps  accuracy  gap mean  median    worst  to 1 %  lists  QPU s  CPU s"


def load(path, classes):
    """Return train and test sets of Statlog scaled to [-1, 1], or of six overlapping blobs."""
    if path.exists():
        table = np.load(path)
        X, y, Xt, yt = (table[name] for name in ("X_train", "y_train", "X_test", "y_test"))
    else:
        from sklearn.datasets import make_blobs

        X, y = make_blobs(3000, n_features=7, centers=6, cluster_std=4.0, random_state=0)
        X, y, Xt, yt = X[:2000], y[:2000], X[2000:], y[2000:]
    low, high = X.min(axis=0).astype(float), X.max(axis=0).astype(float)
    X, Xt = (2 * (part - low) / (high - low) - 1 for part in (X, Xt))
    if classes:
        keep, held = np.isin(y, classes), np.isin(yt, classes)
        X, y, Xt, yt = X[keep], y[keep], Xt[held], yt[held]
    return X, y, Xt, yt


def row(name, data, **options):
    """Fit, print a line, and return the figures."""
    from classical.hybrid.classifier import HybridSVC

    X, y, Xt, yt = data
    begun = time.process_time()
    model = HybridSVC(16, gamma=1.0, sampler=name, random_state=0, **options).fit(X, y)
    told = model.hybrid_
    steps = [dual["steps_to_1_percent"] for dual in told["pairs"]]
    last = max(steps) if None not in steps else "-"
    sys.stdout.write(
        f"{name:16} {told['steps']:5}  {model.score(Xt, yt):8.4f}  {told['gap_mean']:8.3%}"
        f"  {told['gap_median']:7.3%}  {told['gap_max']:7.3%}  {last:>6}  {told['submissions']:5}"
        f"  {told['qpu_s_estimated']:5.2f}  {time.process_time() - begun:5.0f}\n"
    )
    sys.stdout.flush()
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--statlog", type=Path, default=STATLOG)
    parser.add_argument("--samplers", default="neal,dense,mock-qpu,random-lattice")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--pieces", type=int, default=2)
    parser.add_argument("--classes", type=int, nargs="*", help="labels to keep")
    given = parser.parse_args()
    data = load(given.statlog, given.classes)
    sys.stdout.write(f"{len(data[1])} samples, {len(np.unique(data[1]))} classes\n{HEAD}\n")
    steps, gaps = given.steps, {}
    for name in given.samplers.split(","):
        told = row(name, data, steps=steps, pieces=given.pieces)
        gaps[name] = told["gap_mean"]
        steps = min(steps, told["steps"]) if len(gaps) == 1 else steps
    if {"neal", "random-lattice"} <= set(gaps):
        factor = gaps["random-lattice"] / max(gaps["neal"], 1e-12)
        sys.stdout.write(f"random lattice points end {factor:.0f} times as far away as neal\n")


if __name__ == "__main__":
    main()
