"""The exact SVM against its peers: fit, prediction, grid search, ranks, compilation, memory.

Peers run interleaved with ours and ratios are taken within each repetition; the median is shown.
scikit-learn always takes part; scikit-learn-intelex, LIBSVM's ``svm-train`` and piSVM's
``pisvm-train`` where they are installed.

    python benchmarks/classical.py fit --sizes 2000x2 20000x6 100000x2
    python benchmarks/classical.py predict
    python benchmarks/classical.py grid --data ../shared/data/tables/statlog_landsat.npz
    python benchmarks/classical.py ranks --sizes 20000x6
    python benchmarks/classical.py compile
    python benchmarks/classical.py memory
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# as a script, this file's folder would come first, and this file pass for the package it measures
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

C, GAMMA = 10.0, 0.5
SPREAD = 1.5  # a third of the samples of six classes become support vectors


def samples(n: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Seven features, overlapping Gaussian classes, standardised."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(6, 7)) * SPREAD
    y = random.integers(0, n_classes, n)
    X = centres[y] + random.normal(size=(n, 7))
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def raleigh(n: int, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the Raleigh scene with the labels of its full map."""
    import rasterio

    with rasterio.open(Path(folder) / "image.tif") as image:
        bands = image.read().reshape(image.count, -1).T.astype(float)
    with rasterio.open(Path(folder) / "labels_full.tif") as labels:
        codes = labels.read(1).ravel()
    places = np.random.default_rng(0).permutation(np.flatnonzero(codes))[:n]
    X, y = bands[places], codes[places]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


class Tool:
    """A command-line trainer that reads LIBSVM files; only its fit is timed."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def fit(self, X: np.ndarray, y: np.ndarray) -> Tool:
        """Write the data, train, throw the model away."""
        from sklearn.datasets import dump_svmlight_file

        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            dump_svmlight_file(X, y, data, zero_based=False)
            options = ["-c", str(C), "-g", str(GAMMA), "-m", "500", str(data), f"{data}.model"]
            subprocess.run([*self.command, *options], check=True, capture_output=True)
        return self


def peers() -> dict[str, Callable[[], Any]]:
    """Every peer that is installed, by name."""
    from sklearn.svm import SVC

    from classical.classifier import MPISVC

    found: dict[str, Callable[[], Any]] = {
        "this": lambda: MPISVC(C, gamma=GAMMA),
        "scikit-learn": lambda: SVC(C=C, gamma=GAMMA, cache_size=500),
    }
    try:
        from sklearnex.svm import SVC as OneDAL
    except ImportError:
        pass
    else:
        found["intelex float64"] = lambda: OneDAL(C=C, gamma=GAMMA)
        found["intelex float32"] = lambda: OneDAL(C=C, gamma=GAMMA)
    for name in ("svm-train", "pisvm-train"):
        if shutil.which(name):
            found[name] = lambda name=name: Tool([name])
    return found


def typed(name: str, X: np.ndarray) -> np.ndarray:
    return X.astype(np.float32) if name.endswith("float32") else X


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def table(rows: dict[str, dict[str, list[float]]], facts: dict[str, str]) -> None:
    """Print medians, and medians of the ratios to ours within each repetition."""
    for name, columns in rows.items():
        cells = [f"{name:18}"]
        for column, seconds in columns.items():
            ratios = [a / b for a, b in zip(seconds, rows["this"][column], strict=True)]
            cells.append(f"{column} {statistics.median(seconds):8.3f} s")
            cells.append(f"×{statistics.median(ratios):6.2f}")
        print("  ".join([*cells, facts.get(name, "")]), flush=True)


def fit_and_predict(args: argparse.Namespace) -> None:
    """Fit, predict 200 000 pixels (a peer's share of them, scaled), compare the models."""
    for size in args.sizes:
        n, k = (int(part) for part in size.split("x"))
        X, y = raleigh(n, args.scene) if args.scene else samples(n, k)
        T = (raleigh(200_000, args.scene) if args.scene else samples(200_000, k, 1))[0]
        print(f"\n{n} samples, {len(np.unique(y))} classes, {os.cpu_count()} cores")
        rows: dict[str, dict[str, list[float]]] = {}
        facts: dict[str, str] = {}
        models: dict[str, Any] = {}
        for repetition in range(args.repeats + 1):  # the first warms up and is not counted
            for name, make in peers().items():
                if args.peers and name not in args.peers and name != "this":
                    continue
                if repetition == 0 and name != "this":
                    continue
                data = typed(name, X)
                seconds, models[name] = timed(lambda make=make, data=data, y=y: make().fit(data, y))
                if repetition:
                    rows.setdefault(name, {}).setdefault("fit", []).append(seconds)
                if args.command == "predict" and hasattr(models[name], "predict"):
                    part = typed(name, T[: len(T) if name == "this" else args.pixels])
                    seconds, _ = timed(lambda m=models[name], part=part: m.predict(part))
                    if repetition:
                        whole = seconds * len(T) / len(part)
                        rows[name].setdefault("predict 200 000", []).append(whole)
        for name, model in models.items():
            facts[name] = compare_models(model, models["this"], T[: args.pixels])
        table(rows, facts)


def compare_models(model: Any, ours: Any, T: np.ndarray) -> str:
    """Support vectors, and where classes and decision values differ from ours."""
    if not hasattr(model, "support_"):
        return ""
    text = f"SV {len(model.support_)}"
    if model is ours:
        return text
    differ = np.mean(model.predict(T) != ours.predict(T))
    values = model.decision_function(T) - ours.decision_function(T)
    return f"{text}  classes differ {differ:.1e}  values {np.abs(values).max():.1e}"


def grid(args: argparse.Namespace) -> None:
    """Run the 5 × 5 × 10 search of the papers on two ranks, and GridSearchCV(n_jobs=2)."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    X, y = grid_data(args.data)
    cells = json.loads(args.grid)
    script = [sys.executable, "-m", "mpi4py", __file__, "grid-worker", "--data", args.data]
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    command = [launcher, "-n", "2", *script, "--grid", args.grid]
    subprocess.run(command, check=True, capture_output=True)
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    ours = json.loads(run.stdout)
    theirs_s, search = timed(
        lambda: GridSearchCV(SVC(), cells, cv=10, n_jobs=2, refit=False).fit(X, y)
    )
    apart = np.abs(search.cv_results_["mean_test_score"] - ours["scores"]).max()
    print(f"this, 2 ranks {ours['seconds']:.2f} s; GridSearchCV(n_jobs=2) {theirs_s:.2f} s")
    print(f"ratio {theirs_s / ours['seconds']:.1f}; means differ by at most {apart:.1e}")
    print(f"best cells: {ours['best']} and {search.best_params_}")
    for shift in ours["shifts"]:
        print(shift)


def grid_data(path: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as data:
        X, y = data["X_train"].astype(float), data["y_train"]
    low, high = X.min(axis=0), X.max(axis=0)
    return 2 * (X - low) / (high - low) - 1, y


def grid_worker(args: argparse.Namespace) -> None:
    """Our search; run by :func:`grid` under mpiexec."""
    import dataclasses

    from bridges.comm import resolve
    from classical.classifier import MPISVC
    from classical.search import GridSearch

    X, y = grid_data(args.data)
    comm = resolve()
    search = GridSearch(MPISVC(), json.loads(args.grid), cv=10, refit=False)
    comm.barrier()
    seconds, _ = timed(lambda: search.fit(X, y))
    if comm.rank == 0:
        result = {
            "seconds": seconds,
            "best": search.best_params_,
            "scores": search.cv_results_["mean_test_score"].tolist(),
            "shifts": [dataclasses.asdict(shift) for shift in search.shifts_],
        }
        print(json.dumps(result))


def ranks(args: argparse.Namespace) -> None:
    """Strong scaling: one rank × two threads, two ranks × one thread, one × one."""
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    for size in args.sizes:
        for count, threads in ((1, 1), (1, 2), (2, 1)):
            worker = [sys.executable, "-m", "mpi4py", __file__, "ranks-worker", "--sizes", size]
            command = [launcher, "-n", str(count), *worker, "--threads", str(threads)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"{size}: {count} ranks × {threads} threads: {run.stdout.strip()}", flush=True)


def ranks_worker(args: argparse.Namespace) -> None:
    """Median fit time and bytes per outer step; run by :func:`ranks` under mpiexec."""
    from bridges.comm import resolve
    from classical.classifier import MPISVC

    comm = resolve()
    n, k = (int(part) for part in args.sizes[0].split("x"))
    X, y = samples(n, k)
    seconds = []
    for repetition in range(args.repeats + 1):
        comm.barrier()
        spent, model = timed(lambda: MPISVC(C, gamma=GAMMA, n_jobs=args.threads).fit(X, y))
        if repetition:
            seconds.append(spent)
    if comm.rank == 0:
        report = model.fit_report_
        print(f"{statistics.median(seconds):.3f} s, {report.n_iterations} outer steps")


def compile_times(_: argparse.Namespace) -> None:
    """First fit with an empty cache, second fit, first fit of a second process."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for label in ("fresh install", "second process"):
            run = subprocess.run(
                [sys.executable, __file__, "compile-worker"],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
            print(f"{label}: {run.stdout.strip()}")


def compile_worker(_: argparse.Namespace) -> None:
    """Seconds (and CPU seconds) by which a first fit and prediction exceed the second."""
    from classical.classifier import MPISVC

    X, y = samples(4500, 2)
    parts = []
    for label, d in (("first", 7), ("second", 7), ("three features", 3)):
        cpu = time.process_time()
        spent, _ = timed(lambda d=d: MPISVC(C, gamma=GAMMA).fit(X[:, :d], y).predict(X[:, :d]))
        parts.append(f"{label} {spent:.2f} s ({time.process_time() - cpu:.2f} s of CPU)")
    print(", ".join(parts))


def memory(_: argparse.Namespace) -> None:
    """Peak memory of a fit of 100 000 × 7 above that before it."""
    from classical.classifier import MPISVC

    X, y = samples(100_000, 2)
    MPISVC(C, gamma=GAMMA).fit(X[:4500], y[:4500])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, _ = timed(lambda: MPISVC(C, gamma=GAMMA).fit(X, y))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"100 000 × 7: {(after - before) / 1024:.0f} MB above a small fit, {seconds:.2f} s")


COMMANDS = {
    "fit": fit_and_predict,
    "predict": fit_and_predict,
    "grid": grid,
    "grid-worker": grid_worker,
    "ranks": ranks,
    "ranks-worker": ranks_worker,
    "compile": compile_times,
    "compile-worker": compile_worker,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--sizes", nargs="+", default=["20000x6"], help="SAMPLESxCLASSES")
    parser.add_argument("--peers", nargs="*", help="only these")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=10_000, help="pixels that peers predict")
    parser.add_argument("--scene", help="folder of the Raleigh scene, instead of made samples")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", default="../shared/data/tables/statlog_landsat.npz")
    parser.add_argument(
        "--grid", default='{"C": [1, 10, 100, 1000, 10000], "gamma": [2, 4, 8, 16, 32]}'
    )
    args = parser.parse_args()
    COMMANDS[args.command](args)


if __name__ == "__main__":
    main()
