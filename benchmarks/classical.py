"""The exact SVM against its peers: fit, prediction, grid search, ranks, compilation, memory.

Peers run interleaved with ours and ratios are taken within each repetition; the median is shown.
scikit-learn always takes part; scikit-learn-intelex, LIBSVM with OpenMP (``pip install
libsvm-official``) and piSVM's ``pisvm-train`` where they are installed.

    python benchmarks/classical.py fit --sizes 2000x2 20000x6 100000x2
    python benchmarks/classical.py fit --sizes 20000x7 100000x2 --scene FOLDER
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from duals import dual_objective, dual_solution, same_model_errors

# as a script, this file's folder comes first, and this file would pass for the package it measures
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


def raleigh(folder: str, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the Raleigh scene's most frequent classes, with the labels of its full map.

    Standardised by the first ``n``; those after them are for testing.
    """
    import rasterio

    with rasterio.open(Path(folder) / "image.tif") as image:
        bands = image.read().reshape(image.count, -1).T.astype(float)
    with rasterio.open(Path(folder) / "labels_full.tif") as labels:
        codes = labels.read(1).ravel()
    frequent = np.argsort(-np.bincount(codes)[1:], kind="stable")[:n_classes] + 1
    known = np.flatnonzero(np.isin(codes, frequent))
    places = np.random.default_rng(0).permutation(known)[: n + 200_000]
    X, y = bands[places], codes[places]
    return (X - X[:n].mean(axis=0)) / X[:n].std(axis=0), y


def split(args: argparse.Namespace, size: str) -> tuple[np.ndarray, ...]:
    """Return training samples and labels, then those of 200 000 others (of a scene: the rest)."""
    n, k = (int(part) for part in size.split("x"))
    if not args.scene:
        return (*samples(n, k), *samples(200_000, k, 1))
    X, y = raleigh(args.scene, n, k)
    return X[:n], y[:n], X[n:], y[n:]


Trainer = Callable[[np.ndarray, np.ndarray], Callable[[], Any]]
"""Takes data, returns what is timed: a function that trains and returns the model."""


def estimator(make: Callable[[], Any], dtype: type = np.float64) -> Trainer:
    """Return the trainer of a peer with scikit-learn's interface."""

    def prepare(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        typed = X.astype(dtype)
        return lambda: make().fit(typed, y)

    return prepare


def libsvm(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """LIBSVM's own Python package, whose build uses OpenMP; making its lists is not timed."""
    from libsvm.svmutil import svm_parameter, svm_problem, svm_train

    problem = svm_problem(y.tolist(), X.tolist())
    return lambda: svm_train(problem, svm_parameter(f"-q -c {C} -g {GAMMA} -m 500"))


def pisvm(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """PiSVM's command on two ranks; it reads its text file within the time."""
    from sklearn.datasets import dump_svmlight_file

    folder = tempfile.TemporaryDirectory()
    data = f"{folder.name}/data"
    dump_svmlight_file(X, y, data, zero_based=False)
    command = ["mpiexec", "-n", "2", "pisvm-train", "-c", str(C), "-g", str(GAMMA), "-m", "500"]
    command += ["-o", "1024", "-q", "512", data, f"{data}.model"]
    return lambda keep=folder: subprocess.run(command, check=True, capture_output=True)


def peers() -> dict[str, Trainer]:
    """Every peer that is installed, by name."""
    from sklearn.svm import SVC

    from classical.classifier import MPISVC

    found: dict[str, Trainer] = {
        "this": estimator(lambda: MPISVC(C, gamma=GAMMA)),
        "scikit-learn": estimator(lambda: SVC(C=C, gamma=GAMMA, cache_size=500)),
    }
    if find_spec("sklearnex"):
        from sklearnex.svm import SVC as OneDAL

        found["intelex float64"] = estimator(lambda: OneDAL(C=C, gamma=GAMMA))
        found["intelex float32"] = estimator(lambda: OneDAL(C=C, gamma=GAMMA), np.float32)
    if find_spec("libsvm"):
        found["libsvm"] = libsvm
    if shutil.which("pisvm-train"):
        found["pisvm 2 ranks"] = pisvm
    return found


def typed(name: str, X: np.ndarray) -> np.ndarray:
    return X.astype(np.float32) if name.endswith("float32") else X


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def show(rows: dict[str, dict[str, list[float]]], facts: dict[str, str]) -> None:
    """Print medians, and medians of the ratios to ours within each repetition."""
    for name, columns in rows.items():
        cells = [f"{name:16}"]
        for column, seconds in columns.items():
            ratios = [a / b for a, b in zip(seconds, rows["this"][column], strict=True)]
            cells.append(f"{column} {statistics.median(seconds):8.3f} s")
            cells.append(f"×{statistics.median(ratios):6.2f}")
        print("  ".join([*cells, facts.get(name, "")]), flush=True)


def fit_and_predict(args: argparse.Namespace) -> None:
    """Fit, predict 200 000 pixels (a peer's share of them, scaled), compare the models."""
    for size in args.sizes:
        X, y, T, labels = split(args, size)
        print(f"\n{len(X)} samples, {len(np.unique(y))} classes, {os.cpu_count()} cores")
        rows: dict[str, dict[str, list[float]]] = {}
        models: dict[str, Any] = {}
        chosen = {n: p for n, p in peers().items() if n == "this" or n in (args.peers or [n])}
        training = {name: prepare(X, y) for name, prepare in chosen.items()}
        for prepare in chosen.values():  # libraries and machine code are loaded before the clock
            prepare(X[:500], y[:500])()
        training["this"]()
        for _ in range(args.repeats):
            for name, train in training.items():
                seconds, models[name] = timed(train)
                rows.setdefault(name, {}).setdefault("fit", []).append(seconds)
                if args.command == "predict" and hasattr(models[name], "predict"):
                    part = typed(name, T[: len(T) if name == "this" else args.pixels])
                    seconds, _ = timed(lambda m=models[name], part=part: m.predict(part))
                    whole = seconds * len(T) / len(part)
                    rows[name].setdefault(f"predict {len(T)}", []).append(whole)
        few = slice(0, args.pixels)
        facts = {
            name: describe(model, models["this"], (X, y), (T[few], labels[few]))
            for name, model in models.items()
        }
        show(rows, facts)


def describe(model: Any, ours: Any, training: tuple[Any, ...], test: tuple[Any, ...]) -> str:
    """Objective, support vectors, accuracy, and where classes and votes differ from ours."""
    parts = []
    support, coef = dual_solution(model)
    if support is not None:
        objective = dual_objective(training[0][support], coef, GAMMA)
        parts.append(f"objective {objective:.2f}  SV {len(support)}")
    if hasattr(model, "predict"):
        given = model.predict(test[0])
        parts.append(f"accuracy {np.mean(given == test[1]):.4f}")
        if model is not ours:
            parts.append(f"classes differ {np.mean(given != ours.predict(test[0])):.1e}")
        if type(model).__module__ == "sklearn.svm._classes":
            values, classes = same_model_errors(model, test[0], GAMMA)
            parts.append(f"its own model predicted here: values {values:.1e} classes {classes:.1e}")
    return "  ".join(parts)


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
    GridSearchCV(SVC(), {"C": [1]}, cv=2, n_jobs=2).fit(X[:500], y[:500])  # starts its workers
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

    from bridges.machine.comm import resolve
    from classical.classifier import MPISVC
    from classical.search.grid import GridSearch

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
    """Strong scaling (the same samples) and weak (twice the samples on two ranks)."""
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    for size in args.sizes:
        n, k = size.split("x")
        double = f"{2 * int(n)}x{k}"
        for count, threads, some in ((1, 1, size), (1, 2, size), (2, 1, size), (2, 1, double)):
            worker = [sys.executable, "-m", "mpi4py", __file__, "ranks-worker", "--sizes", some]
            command = [launcher, "-n", str(count), *worker, "--threads", str(threads)]
            command += ["--repeats", str(args.repeats)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"{some}: {count} ranks × {threads} threads: {run.stdout.strip()}", flush=True)


def ranks_worker(args: argparse.Namespace) -> None:
    """Median fit time and bytes per outer step; run by :func:`ranks` under mpiexec."""
    from bridges.machine.comm import resolve
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
        per_step = report.sent_bytes / max(report.n_iterations, 1)
        print(
            f"{statistics.median(seconds):.3f} s, {report.n_iterations} outer steps, "
            f"{per_step / 1000:.0f} kB sent per outer step"
        )


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
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0], allow_abbrev=False)
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
