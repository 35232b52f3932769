"""Samplers of SVM duals against each other: time, gap, time to a gap, memory, accuracy.

Run ``python benchmarks/samplers.py`` for the tables of docs/samplers.md (about ten minutes on two
quiet cores), ``--quick`` for the smallest case alone, ``--plot FILE`` for the figure. Problems come
from the built-in scene and, where ``--statlog FILE`` exists, from Statlog (Landsat Satellite).
openjij, qanneal and simulated-bifurcation take part where they are installed, and ``exact`` proves
the optimum of the lattice where it can in a minute. benchmarks/peers.py holds them all, and TNO's
classifier, against that optimum.
Times of one table are taken in one run, in turns; ratios are medians over the repetitions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peer_samplers import PACKAGES, installed, peer
from threadpoolctl import threadpool_limits

from bridges.errors import ToolkitError
from bridges.registry import make_sampler
from bridges.svm.kernels import Kernel
from qsvm.formulations.base import Encoding
from qsvm.formulations.binary import svm_dual
from qsvm.problem.exact import solve_box

STATLOG = Path(__file__).resolve().parents[2] / "shared/data/tables/statlog_landsat.npz"
CASES = ((150, 3), (500, 2), (500, 4), (1000, 4))
TARGETS = (0.05, 0.01, 0.001)
LADDER = (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
PATIENCE, FLOOR_S = 100.0, 10.0
PEERS = ("openjij", "qanneal", "bifurcation")
SAMPLERS = ("dense", "neal", "neal-default", "tabu", "steepest", "round", *PEERS)
TEST_SIZE = 2000


def scene_pair():
    """Return the two hardest classes of the built-in scene, every pixel of its full map."""
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.built_in import write_scene
    from bridges.scene.opening import open_scene

    with tempfile.TemporaryDirectory() as folder:
        files = write_scene(folder, seed=0)
        data = labelled_pixels(
            open_scene(files.image), files.truth, classes=["herbaceous", "agriculture"]
        )
        return data.X, data.y


def statlog_pair(path):
    """Return classes 4 and 7 of Statlog, damp grey soil and very damp grey soil."""
    table = np.load(path)
    X = np.concatenate([table["X_train"], table["X_test"]]).astype(np.float64)
    y = np.concatenate([table["y_train"], table["y_test"]])
    rows = np.isin(y, (4, 7))
    return X[rows], y[rows]


def load(source, statlog):
    """Return standardised features and signs in a fixed random order."""
    X, y = statlog_pair(statlog) if source == "statlog" else scene_pair()
    order = np.random.default_rng(0).permutation(len(y))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X[order], np.where(y[order] == y.min(), -1.0, 1.0)


def make_problem(X, y, n, bits):
    """Return the dual of the first n samples: C = 3, ξ = 1, γ = 1 / features, base 2."""
    matrix = Kernel("rbf", 1.0 / X.shape[1]).matrix(X[:n].copy())
    encoding = Encoding(C=3.0, base=2, n_bits=bits, penalty=1.0)
    return svm_dual(matrix, y[:n], np.full(n, 3.0), encoding)


class NealDefault:
    """neal with its own range of inverse temperatures."""

    def __init__(self, num_reads, num_sweeps):
        self.options = {"num_reads": num_reads, "num_sweeps": num_sweeps}

    def sample(self, problems, seeds, *, n_jobs=None):
        """Sample every problem on the calling thread."""
        from dwave.samplers import SimulatedAnnealingSampler

        from qsvm.samplers.local.bits import sample_bits

        return [
            sample_bits(p, SimulatedAnnealingSampler(), seed=s, **self.options)
            for p, s in zip(problems, seeds, strict=True)
        ]


def make(name, effort, reads=1):
    """Return a sampler whose effort per read is about that many sweeps, or None above its own."""
    if name == "round":
        return make_sampler("round") if effort == LADDER[0] else None
    if name == "steepest":
        return make_sampler("steepest", num_reads=effort * reads) if effort <= 1000 else None
    if name == "tabu":
        return make_sampler("tabu", num_reads=reads, max_updates=effort * 1000)
    if name == "neal-default":
        return NealDefault(reads, effort)
    if name in PACKAGES:
        return peer(name, reads, effort)
    return make_sampler(name, num_reads=reads, num_sweeps=effort)


def timed(sampler, problem, seed, n_jobs=1):
    """Return (seconds, batch) of one call."""
    started = time.perf_counter()
    batch = sampler.sample([problem], [seed], n_jobs=n_jobs)[0]
    return time.perf_counter() - started, batch


def mean_gap(batch, exact):
    """Return the mean gap of all reads, in units of the exact optimum."""
    return (np.average(batch.energies, weights=batch.occurrences) - exact) / abs(exact)


def tuned_betas(problem):
    """Return the range at which neal is fastest without a worse gap, found by hand.

    From a hundredth of the heat that the largest flip would need down to the computed cold end;
    ten times hotter or colder costs time or quality on every case of this benchmark.
    """
    from qsvm.samplers.local.annealing import beta_range

    reach = np.abs(problem.hessian) @ problem.span + np.abs(problem.linear)
    hottest = float(np.max(problem.span * reach) * problem.weights.max())
    cold = beta_range(problem)[1]
    return min(100.0 / hottest, cold / 10), cold


def cpu(work):
    """Return (CPU seconds of this process, result): other load on the machine counts little."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def neal_sweeps(model, betas, sweeps, seed):
    """Return (CPU seconds of the sweeps alone, energy) of one read of neal."""
    from dwave.samplers import SimulatedAnnealingSampler

    def sample(number):
        return SimulatedAnnealingSampler().sample(
            model, num_reads=1, num_sweeps=number, beta_range=betas, seed=seed
        )

    fixed, _ = cpu(lambda: sample(1))
    whole, samples = cpu(lambda: sample(sweeps))
    return whole - fixed, float(samples.record.energy.mean())


def equal_sweeps(source, problem, case, repeats, sweeps=1000):
    """Compare dense (its whole call) with neal (its sweeps alone), one thread, in turns."""
    _, exact = solve_box(problem)
    dense, model, betas = make("dense", sweeps), problem.to_bqm(), tuned_betas(problem)
    timed(make("dense", 1), problem, 0)
    ratios, gaps, neal_gaps, seconds, neal_seconds, threads = [], [], [], [], [], []
    for seed in range(repeats):
        took, (_, batch) = cpu(lambda seed=seed: timed(dense, problem, seed))
        neal_took, energy = neal_sweeps(model, betas, sweeps, seed)
        one, _ = timed(make("dense", sweeps, 8), problem, seed, n_jobs=1)
        two, _ = timed(make("dense", sweeps, 8), problem, seed, n_jobs=2)
        ratios.append(neal_took / took)
        threads.append(one / two)
        seconds.append(took)
        neal_seconds.append(neal_took)
        gaps.append(mean_gap(batch, exact))
        neal_gaps.append((energy - exact) / abs(exact))
    _, rounded = timed(make("round", LADDER[0]), problem, 0)
    return {
        "source": source,
        "case": f"{case[0]} × {case[1]}",
        "neal µs/sweep": f"{statistics.median(neal_seconds) / sweeps * 1e6:.0f}",
        "dense µs/sweep": f"{statistics.median(seconds) / sweeps * 1e6:.0f}",
        "ratio": f"×{statistics.median(ratios):.1f}",
        "neal gap": f"{100 * np.mean(neal_gaps):.2f} %",
        "dense gap": f"{100 * np.mean(gaps):.3f} %",
        "round gap": f"{100 * mean_gap(rounded, exact):.3f} %",
        "two threads": f"×{statistics.median(threads):.2f}",
    }


def climb(name, problem, exact, limit, repeats):
    """Return (seconds, gap) at every effort, medians over seeds, until ``limit`` seconds."""
    points = []
    for effort in LADDER:
        sampler = make(name, effort)
        if sampler is None:
            break
        runs = [timed(sampler, problem, seed) for seed in range(repeats)]
        seconds = statistics.median(t for t, _ in runs)
        gap = statistics.median((b.energies[0] - exact) / abs(exact) for _, b in runs)
        points.append((seconds, gap))
        if gap <= TARGETS[-1] or seconds * 3 > limit:
            break
    return points


def time_to_gap(source, problem, case, repeats):
    """Return one row per sampler, with the seconds to each gap, and the curves for the plot."""
    _, exact = solve_box(problem)
    timed(make("dense", 1), problem, 0)
    curves = {"dense": climb("dense", problem, exact, 30.0, repeats)}
    reached = [t for t, gap in curves["dense"] if gap <= TARGETS[1]]
    limit = max(PATIENCE * min(reached, default=0.1), FLOOR_S)
    for name in installed(SAMPLERS[1:]):
        curves[name] = climb(name, problem, exact, limit, repeats)
    rows = []
    for name, points in curves.items():
        row = {"source": source, "case": f"{case[0]} × {case[1]}", "sampler": name}
        for target in TARGETS:
            times = [t for t, gap in points if gap <= target]
            ours = [t for t, gap in curves["dense"] if gap <= target]
            cell = f"{times[0]:.3g} s" if times else "not reached"
            ratio = f" (×{times[0] / ours[0]:.3g})" if times and ours and name != "dense" else ""
            row[f"to {100 * target:g} %"] = cell + ratio
        row["best gap"] = f"{100 * min(gap for _, gap in points):.3g} %"
        row["in"] = f"{points[-1][0]:.3g} s"
        rows.append(row)
    seconds, best = timed(make_sampler("exact"), problem, 0, n_jobs=None)
    row = dict.fromkeys(rows[0], "") | {"source": source, "case": f"{case[0]} × {case[1]}"}
    row["sampler"] = "exact, proven" if best.info["proven"] else "exact, not proven"
    row["best gap"] = f"{100 * (best.energies[0] - exact) / abs(exact):.3g} %"
    rows.append(row | {"in": f"{seconds:.3g} s"})
    return rows, curves


def memory(field):
    """Return a line of /proc/self/status in MB; VmRSS also resets the peak, VmHWM."""
    if field == "VmRSS":
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise ToolkitError(f"no {field} in /proc/self/status")


def child(source, statlog, n, bits, name):
    """Print memory, time and accuracy of one classifier as JSON; runs in its own process."""
    from qsvm.classifier import QuboSVC

    X, y = load(source, statlog)
    n_test = min(TEST_SIZE, len(y) - n)
    effort = {"num_reads": 5}
    if name in ("dense", "neal"):
        effort["num_sweeps"] = 500
    model = QuboSVC(
        sampler=name,
        n_bits=bits,
        gamma=1.0 / X.shape[1],
        random_state=0,
        sampler_params={} if name in ("round", "constant-alpha") else effort,
        n_jobs=1,
    )
    warm = QuboSVC(sampler="dense", sampler_params={"num_sweeps": 1})
    warm.fit(X[:20], y[:20])
    before = memory("VmRSS")
    started = time.perf_counter()
    model.fit(X[:n], y[:n])
    took = time.perf_counter() - started
    after = memory("VmHWM")
    row = {"source": source, "case": f"{n} × {bits}", "sampler": name}
    row["fit"] = f"{took:.2f} s"
    row["memory"] = f"{after - before:.0f} MB"
    row["model gap"] = f"{100 * model.diagnostics_.energy_gap_mean:.2f} %"
    row["accuracy"] = f"{model.score(X[n : n + n_test], y[n : n + n_test]):.4f}"
    print(json.dumps(row))


def classifiers(source, statlog, case):
    """Return the rows of :func:`child` for every sampler."""
    rows = []
    for name in ("dense", "neal", "tabu", "steepest", "round", "constant-alpha"):
        command = [sys.executable, __file__, "--statlog", str(statlog), "--child"]
        done = subprocess.run(
            [*command, source, str(case[0]), str(case[1]), name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ToolkitError(f"{name} failed: {done.stderr[-500:]}")
        rows.append(json.loads(done.stdout))
    return rows


def table(title, rows):
    """Print rows as a Markdown table."""
    print(f"\n{title}\n")
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    sys.stdout.flush()


def draw(curves, path):
    """Draw gap against time, one panel per case."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.9 * ((len(curves) + 1) // 2)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots((len(curves) + 1) // 2, 2, squeeze=False).ravel()
    markers = dict(zip(SAMPLERS, "osD^vXP*<", strict=True))
    for ax, ((n, bits), lines) in zip(axes, curves.items(), strict=False):
        for name, points in lines.items():
            seconds, gaps = np.array(points).T
            ax.plot(seconds, 100 * gaps, marker=markers[name], ms=4, lw=1.2, label=name)
        ax.axhline(1.0, color="0.6", lw=0.8, ls="--")
        ax.set(xscale="log", yscale="log", title=f"{n} samples × {bits} bits")
        ax.set(xlabel="seconds, one thread", ylabel="gap to the exact optimum, %")
    axes[0].legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=80)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="the smallest case alone")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions behind each median")
    parser.add_argument("--statlog", type=Path, default=STATLOG, help="statlog_landsat.npz")
    parser.add_argument("--plot", type=Path, help="write the figure here")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    with threadpool_limits(1, "blas"):
        if options.child:
            source, n, bits, name = options.child
            child(source, options.statlog, int(n), int(bits), name)
        else:
            compare(options)


def compare(options):
    """Run all comparisons and print their tables."""
    cases = CASES[:1] if options.quick else CASES
    sources = ["scene", "statlog"] if options.statlog.exists() else ["scene"]
    sweeps, reach, models, curves = [], [], [], {}
    for source in sources:
        X, y = load(source, options.statlog)
        for case in cases:
            problem = make_problem(X, y, *case)
            sweeps.append(equal_sweeps(source, problem, case, options.repeats))
            rows, lines = time_to_gap(source, problem, case, max(options.repeats // 2, 1))
            reach.extend(rows)
            curves.setdefault(case, lines)
            models.extend(classifiers(source, options.statlog, case))
            print(f"{source} {case} done", file=sys.stderr)
    table("1 000 sweeps, one thread, one read; gap above the continuous optimum", sweeps)
    table("Time to a gap, one read, one thread", reach)
    table("Classifiers: memory above the start, one thread, five reads", models)
    if options.plot:
        draw(curves, options.plot)


if __name__ == "__main__":
    main()
