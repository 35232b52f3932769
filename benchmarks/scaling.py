"""Predict the exact SVM's fit time on many ranks from what two ranks and one fit show here.

    python benchmarks/scaling.py

Measures latency and bandwidth of messages between two ranks of this machine, and where one fit
spends its time; then evaluates the model of docs/scaling.md. ``--latency`` and ``--bandwidth``
replace the measured values by those of another network.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# as a script, this folder would come first, and classical.py in it pass for the package
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

RANKS = (1, 2, 4, 16, 64, 256, 1024)

TASK_S = 0.061
"""Seconds of a task of the papers' search on Statlog (``classical.py grid``: 4.6 s in 75 tasks)."""


def measure_messages() -> dict[str, float]:
    """Return seconds of a small message and bytes per second of a large one, from two ranks."""
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    command = [launcher, "-n", "2", sys.executable, "-m", "mpi4py", __file__, "--worker"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def worker() -> None:
    """Time broadcasts of pickled arrays between two ranks."""
    from bridges.machine.comm import resolve

    comm = resolve()
    times = {}
    for n_bytes, rounds in ((8, 2000), (8_000_000, 50)):
        payload = np.zeros(n_bytes // 8)
        samples = []
        for _ in range(rounds):
            comm.barrier()
            started = time.perf_counter()
            comm.bcast(payload if comm.rank == 0 else None)
            comm.allgather(0)
            samples.append(time.perf_counter() - started)
        times[n_bytes] = statistics.median(samples)
    if comm.rank == 0:
        bandwidth = 8_000_000 / (times[8_000_000] - times[8])
        print(json.dumps({"latency": times[8] / 2, "bandwidth": bandwidth}))


def measure_fit(n: int) -> dict[str, float]:
    """Return what a fit of two classes costs on one thread, and what it would send."""
    from bridges.machine.comm import SingleRank
    from bridges.machine.threads import in_chunks
    from bridges.svm.kernels import Kernel
    from classical.solver.binary import solve_task
    from classical.solver.dual import BinaryTask, Settings
    from classical.solver.kernel import make_source

    random = np.random.default_rng(0)
    y = random.choice([-1.0, 1.0], n)
    X = random.normal(size=(n, 7)) + 1.0 * y[:, None]
    source = make_source(Kernel("rbf", 0.5), X, "auto", 1, 1)
    task = BinaryTask(np.arange(n), y, np.full(n, 10.0), np.zeros(n))
    started = time.perf_counter()
    effort = solve_task(source, task, Settings(), SingleRank(), in_chunks(1)).effort
    total = time.perf_counter() - started
    return {
        "n": n,
        "total_s": total,
        "inner_s": effort.inner_s,
        "update_s": effort.update_s,
        "other_s": max(0.0, total - effort.inner_s - effort.update_s),
        "outer": effort.outer,
        "bytes_per_step": effort.sent_bytes / max(effort.outer, 1),
    }


def fit_seconds(fit: dict[str, float], ranks: int, latency: float, bandwidth: float) -> float:
    """Evaluate the model: rows divide by the ranks, the working set does not, messages grow."""
    depth = math.ceil(math.log2(ranks)) if ranks > 1 else 0
    gathered = fit["bytes_per_step"] * min(ranks, 8) if ranks > 1 else 0.0
    messages = fit["outer"] * (4 * depth * latency + gathered / bandwidth)
    merging = 0.0 if ranks == 1 else fit["other_s"] * 0.5
    divided = (fit["update_s"] + fit["other_s"]) / ranks
    return divided + merging + fit["inner_s"] + messages


def search_seconds(task_s: float, n_tasks: int, ranks: int, latency: float) -> float:
    """Evaluate the search: the longest of even shares and the longest task, plus requests."""
    return max(n_tasks * task_s / ranks, task_s) + n_tasks * 2 * latency


def show(args: argparse.Namespace) -> None:
    """Print the measurements and the table."""
    messages = measure_messages()
    latency = args.latency or messages["latency"]
    bandwidth = args.bandwidth or messages["bandwidth"]
    print(f"latency {latency * 1e6:.1f} µs, bandwidth {bandwidth / 1e9:.2f} GB/s")
    header = "samples  " + "".join(f"{ranks:>9}" for ranks in RANKS)
    rows: list[dict[str, Any]] = []
    for n in args.samples:
        measure_fit(min(n, 5000))
        rows.append(measure_fit(n))
        shown = {key: round(value, 4) for key, value in rows[-1].items()}
        print(json.dumps(shown))
    print(f"seconds\n{header}")
    for fit in rows:
        cells = [fit_seconds(fit, ranks, latency, bandwidth) for ranks in RANKS]
        print(f"{fit['n']:7}  " + "".join(f"{seconds:9.3f}" for seconds in cells), flush=True)
    cells = [search_seconds(TASK_S, 75, ranks, latency) for ranks in RANKS]
    print("search   " + "".join(f"{seconds:9.3f}" for seconds in cells))


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0], allow_abbrev=False)
    parser.add_argument("--latency", type=float, help="seconds per small message")
    parser.add_argument("--bandwidth", type=float, help="bytes per second")
    parser.add_argument("--samples", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    worker() if args.worker else show(args)


if __name__ == "__main__":
    main()
