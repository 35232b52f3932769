"""Samplers and classifiers of other packages beside ours, held against the proven optimum.

Run ``python benchmarks/peers.py`` for the tables of docs/samplers.md (some minutes on two quiet
cores), ``--quick`` for the smallest cases, ``--sqa`` for path-integral peers too.
Samplers: openjij, qanneal, simulated-bifurcation.
Classifier: TNO's ``SupportVectorMachine`` (``pip install tno.quantum.ml.classifiers.svm
'tno.quantum.optimization.qubo.solvers[dwave]'``). What is not installed is left out, and said.
Data: two classes of Statlog and svmguide1 where ``--tables DIR`` has them, else two classes of the
built-in scene. Seconds are CPU seconds, measured in turns in one process; ratios are medians over
the repetitions of the ratio to the first line of a case.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from peer_samplers import PACKAGES, installed, peer
from threadpoolctl import threadpool_limits

from bridges.registry import make_sampler
from bridges.svm.kernels import Kernel
from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import svm_dual
from qsvm.formulations.solution import Rules, solution
from qsvm.problem.exact import solve_box

TABLES = Path(__file__).resolve().parents[2] / "shared/data/tables"
C = 3.0
SAMPLER_CASES = ((60, 1), (100, 2), (41, 3))
MODEL_CASES = ((40, 2), (80, 2))
READS = 100
TNO = "tno.quantum.ml.classifiers.svm"


def pair(table: Any, classes: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
    """Return train and test sets of two classes, standardised, with signs as labels."""
    parts = []
    for part in ("train", "test"):
        X, y = table[f"X_{part}"].astype(float), table[f"y_{part}"]
        rows = np.isin(y, classes)
        parts += [X[rows], np.where(y[rows] == classes[0], -1.0, 1.0)]
    mean, scale = parts[0].mean(axis=0), parts[0].std(axis=0)
    return (parts[0] - mean) / scale, parts[1], (parts[2] - mean) / scale, parts[3]


def sources(folder: Path) -> dict[str, tuple[Any, Any, Any, Any]]:
    """Return the data sets by name: tables where there are any, else the built-in scene."""
    if (folder / "statlog_landsat.npz").exists():
        return {
            "statlog 4, 7": pair(np.load(folder / "statlog_landsat.npz"), (4, 7)),
            "svmguide1": pair(np.load(folder / "svmguide1.npz"), (0, 1)),
        }
    from samplers import load

    X, y = load("scene", Path("absent"))
    half = len(X) // 2
    return {"scene": (X[:half], y[:half], X[half : half + 4000], y[half : half + 4000])}


def draw(X: Any, y: Any, n: int, seed: int) -> tuple[Any, Any]:
    """Return n training samples, half of each class."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(y == sign), n // 2 + n % 2, False) for sign in (-1.0, 1.0)]
    chosen = np.concatenate(rows)[:n]
    return X[chosen], y[chosen]


def dual(X: Any, y: Any, bits: int) -> Any:
    """Return the dual of samples: C = 3, γ = 1 / features, ξ = 1, base 2."""
    matrix = Kernel("rbf", 1.0 / X.shape[1]).matrix(X.copy())
    return svm_dual(matrix, y, np.full(len(y), C), Encoding(C, 2, bits, 1.0))


def timed(work: Any) -> tuple[float, Any]:
    """Return CPU seconds of a call, and what it returned."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def percent(values: list[float]) -> str:
    """Return a mean as per cent; what is less than a millionth of one is rounding."""
    return f"{np.round(100 * float(np.mean(values)), 6) + 0.0:.3g} %"


def median_ratio(times: list[float], first: list[float]) -> str:
    """Return the median over repetitions of the ratio to another line."""
    return f"×{statistics.median(a / b for a, b in zip(times, first, strict=True)):.2g}"


def compare_samplers(
    source: str, data: Any, case: tuple[int, int], repeats: int, peers: list[str]
) -> None:
    """Print one line per sampler: its best sample and its hull on several duals of one size."""
    n, bits = case
    own = {
        "neal": lambda: make_sampler("neal", num_reads=READS),
        "dense": lambda: make_sampler("dense", num_reads=READS, diversity=True),
        "round": lambda: make_sampler("round"),
    }
    makers = own | {name: lambda name=name: peer(name, READS) for name in peers}
    lines: dict[str, list[tuple[float, ...]]] = {name: [] for name in makers}
    proofs = []
    for seed in range(repeats):
        problem = dual(*draw(*data[:2], n, seed), bits)
        _, optimum = solve_box(problem)
        seconds, proof = timed(lambda p=problem: make_sampler("exact").sample([p], [0])[0])
        lowest = proof.energies[0]
        proofs.append((seconds, (lowest - optimum) / abs(optimum), proof.info["proven"]))
        for name, make in makers.items():
            took, batch = timed(lambda m=make, p=problem, s=seed: m().sample([p], [s], n_jobs=1)[0])
            mixed = solution(problem, batch, Rules(combination="hull")).energy
            above = (batch.energies[0] - lowest) / abs(lowest)
            gaps = (above, (batch.energies[0] - optimum) / abs(optimum))
            lines[name].append((took, *gaps, (mixed - optimum) / abs(optimum), len(batch.energies)))
    first = [line[0] for line in lines["neal"]]
    for name, found in lines.items():
        times, above, best, mixed, distinct = (list(column) for column in zip(*found, strict=True))
        print(
            f"| {source} | {n} × {bits} | {name} | {statistics.median(times):.3g} s | "
            f"{median_ratio(times, first)} | {percent(above)} | {percent(best)} | "
            f"{percent(mixed)} | {np.mean(distinct):.0f} |",
            flush=True,
        )
    proven = sum(done for _, _, done in proofs)
    print(
        f"| {source} | {n} × {bits} | exact: {proven} of {repeats} proven | "
        f"{statistics.median(s for s, _, _ in proofs):.3g} s | | 0 % | "
        f"{percent([gap for _, gap, _ in proofs])} | | 1 |",
        flush=True,
    )


class TnoModel:
    """TNO's classifier on signs, with its coefficients in our terms."""

    def __init__(self, bits: int, gamma: float, seed: int, reads: int, xi: Any) -> None:
        options = {"random_state": seed, "num_reads": reads}
        config = {"name": "simulated_annealing_solver", "options": options}
        kind = importlib.import_module(TNO).SupportVectorMachine
        self.model = kind(K=bits, C=C, gamma=gamma, xi=xi, solver_config=config)

    def fit(self, X: Any, y: Any) -> TnoModel:
        """Fit, without its warning that a constraint is violated: a column tells of it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(X, y)
        return self

    def alpha(self, n: int) -> Any:
        """Return the coefficients of all n samples."""
        assert len(self.model.alphas_) == n
        return self.model.alphas_

    def predict(self, X: Any) -> Any:
        """Return signs."""
        return self.model.predict(X)


class OwnModel:
    """Our classifier with its defaults, or scikit-learn's exact one."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: Any, y: Any) -> OwnModel:
        """Fit."""
        self.model.fit(X, y)
        return self

    def alpha(self, n: int) -> Any:
        """Return the coefficients of all n samples."""
        alpha = np.zeros(n)
        alpha[self.model.support_] = np.abs(self.model.dual_coef_[0])
        return alpha

    def predict(self, X: Any) -> Any:
        """Return signs."""
        return self.model.predict(X)


def has_tno() -> bool:
    """Return whether TNO's classifier is installed, and print what it needs if not."""
    try:
        importlib.import_module(TNO)
    except ImportError as error:
        print(f"TNO's classifier is left out: pip install {TNO} first ({error})", file=sys.stderr)
        return False
    return True


def models(bits: int, gamma: float, seed: int, tno: bool) -> dict[str, Any]:
    """Return the classifiers of a comparison, unfitted."""
    from sklearn.svm import SVC

    from qsvm.classifier import QuboSVC

    common = {"C": C, "gamma": gamma, "n_bits": bits, "n_jobs": 1, "random_state": seed}
    found: dict[str, Any] = {
        "QuboSVC, neal, 100 reads, hull": OwnModel(
            QuboSVC(sampler="neal", sampler_params={"num_reads": READS}, **common)
        ),
        "QuboSVC, neal, 1 read, best": OwnModel(
            QuboSVC(sampler="neal", sampler_params={"num_reads": 1}, combination="best", **common)
        ),
        "QuboSVC, dense, hull": OwnModel(QuboSVC(sampler="dense", **common)),
        "SVC, exact": OwnModel(SVC(C=C, gamma=gamma)),
    }
    if not tno:
        return found
    found["TNO, its defaults (1 read, ξ auto)"] = TnoModel(bits, gamma, seed, 1, "auto")
    found["TNO, 100 reads, ξ auto"] = TnoModel(bits, gamma, seed, READS, "auto")
    return found


def compare_models(source: str, data: Any, case: tuple[int, int], repeats: int, tno: bool) -> None:
    """Print one line per classifier: accuracy, gap, balance, seconds."""
    n, bits = case
    X_test, y_test = (part[:1000] for part in data[2:])
    gamma = 1.0 / X_test.shape[1]
    lines: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(repeats):
        X, y = draw(*data[:2], n, seed)
        problem = dual(X, y, bits)
        _, optimum = solve_box(problem)
        lowest = make_sampler("exact").sample([problem], [0])[0].energies[0]
        for name, model in models(bits, gamma, seed, tno).items():
            fitted, _ = timed(lambda m=model, X=X, y=y: m.fit(X, y))
            predicted, signs = timed(lambda m=model: m.predict(X_test))
            alpha = model.alpha(n)
            energy = float(problem.energies(alpha)[0])
            balance = abs(float(alpha @ y)) / max(float(alpha.sum()), 1e-300)
            gaps = ((energy - optimum) / abs(optimum), (energy - lowest) / abs(lowest))
            score = float(np.mean(signs == y_test))
            lines.setdefault(name, []).append((fitted, predicted, score, *gaps, balance))
    first = [line[0] for line in next(iter(lines.values()))]
    for name, found in lines.items():
        times, slow, scores, gap, above, balance = (list(c) for c in zip(*found, strict=True))
        print(
            f"| {source} | {n} × {bits} | {name} | {np.mean(scores):.3f} | {percent(gap)} | "
            f"{percent(above)} | {percent(balance)} | {statistics.median(times):.3g} s | "
            f"{median_ratio(times, first)} | {statistics.median(slow):.3g} s |",
            flush=True,
        )


def header(*names: str) -> None:
    """Print the head of a table."""
    print("\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="the smallest cases alone")
    parser.add_argument("--sqa", action="store_true", help="path-integral peers too (slow)")
    parser.add_argument("--repeats", type=int, default=3, help="draws behind each line")
    parser.add_argument("--tables", type=Path, default=TABLES, help="folder of the tables")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # peers warn of what their lines show
    data = sources(options.tables)
    tno = has_tno()
    peers = installed(name for name in PACKAGES if options.sqa or not name.endswith("-sqa"))
    last = 1 if options.quick else None
    with threadpool_limits(1, "blas"):
        make_sampler("exact").sample([dual(*draw(*next(iter(data.values()))[:2], 30, 9), 2)], [0])
        header(
            "data", "samples × bits", f"sampler, {READS} reads", "seconds", "ratio",
            "best sample above the proven optimum", "best sample above the continuous",
            "hull above the continuous", "distinct",
        )  # fmt: skip
        for source, parts in data.items():
            for case in SAMPLER_CASES[:last]:
                compare_samplers(source, parts, case, options.repeats, peers)
        header(
            "data", "samples × bits", "classifier", "accuracy", "gap", "above the proven optimum",
            "Σ α y / Σ α", "fit", "ratio", "1 000 predictions",
        )  # fmt: skip
        for source, parts in data.items():
            for case in MODEL_CASES[:last]:
                compare_models(source, parts, case, options.repeats, tno)


if __name__ == "__main__":
    main()
