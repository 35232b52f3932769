"""Calibrate an annealed SVM: the grid of B × K × ξ × γ over Monte-Carlo folds.

Every combination is trained on the same random folds; finished cells are kept on disk, so the grid
can be stopped at any time, and started again (or made finer) it computes only what is missing.

    python examples/calibration.py --folds 5
    python examples/calibration.py --table mine.npz --base 2 10 --n-bits 2 3 --gamma 0.125 0.25 0.5
    mpiexec -n 4 python -m mpi4py examples/calibration.py    # cells spread over the ranks

The grid of D. Willsch, M. Willsch, H. De Raedt, K. Michielsen: Support vector machines on the
D-Wave quantum annealer. Computer Physics Communications 248 (2020) 107006, section 4;
their rule, the mean of the 20 lowest samples.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bridges.compare.command import load_sources
from bridges.compare.plan import Cell, make_plan
from bridges.compare.schedule import missing, run_missing
from bridges.compare.specs import ClassifierSpec, DataSpec, Settings
from bridges.compare.store import RowStore, open_folder, record_session
from bridges.errors import UsageError
from bridges.machine import comm as mpi
from bridges.run.console import Narrator, guarded
from bridges.run.parser import Parser
from bridges.run.record import run_record

NAMES = ("base", "n_bits", "penalty", "gamma")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser("python examples/calibration.py", description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, help="two-class table (default: built-in)")
    parser.add_argument("--out", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--base", nargs="+", type=float, default=[2.0, 10.0])
    parser.add_argument("--n-bits", nargs="+", type=int, default=[2, 3])
    parser.add_argument("--penalty", nargs="+", type=float, default=[0.0, 1.0, 5.0])
    parser.add_argument("--gamma", nargs="+", type=float, default=[0.125, 0.25, 0.5, 1.0])
    parser.add_argument("--sampler", default="neal")
    parser.add_argument("--train-size", type=int, default=30, help="pixels per fold")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--score", default="accuracy", choices=("accuracy", "auroc", "kappa"))
    return parser.parse_args(argv)


def grid(args: argparse.Namespace) -> Iterator[ClassifierSpec]:
    """Yield one classifier per combination, named by it."""
    for point in product(args.base, args.n_bits, args.penalty, args.gamma):
        params = dict(zip(NAMES, point, strict=True))
        label = " ".join(f"{name}={value:g}" for name, value in params.items())
        fixed: dict[str, Any] = {
            "C": "encoding",
            "sampler": args.sampler,
            "combination": "mean",
            "n_keep": 20,
        }
        yield ClassifierSpec(label, "qubo-svc", {**params, **fixed})


def built_in_table(folder: Path) -> Path:
    """Write a two-class set of the built-in scene, once."""
    from bridges.machine.files import atomic_target
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.built_in import write_scene
    from bridges.scene.opening import open_scene

    path = folder / "shrubland-herbaceous.npz"
    if not path.exists():
        scene = folder / "scene"
        scene.mkdir(exist_ok=True)
        files = write_scene(scene)
        pair = ("shrubland", "herbaceous")
        data = labelled_pixels(open_scene(files.image), files.labels, classes=pair)
        with atomic_target(path) as temporary:
            np.savez(temporary, X=data.X, y=data.y)
    return path


def calibrate(args: argparse.Namespace) -> int:
    """Compute what is missing of the grid and print it, the best first."""
    comm = mpi.resolve()
    narrator = Narrator(silent=comm.rank > 0)
    mpi.on_root(comm, lambda: open_folder(args.out, overwrite=False))
    arguments = {k: v for k, v in vars(args).items() if v is not None}
    mpi.on_root(comm, lambda: record_session(args.out, run_record(arguments, 0, {})))
    table = args.table or mpi.on_root(comm, lambda: built_in_table(args.out))
    settings = Settings(
        tuple(grid(args)),
        (DataSpec(table.stem, table=table, split="random"),),
        repeats=args.folds,
        train_limit=args.train_size,
    )
    sources = load_sources(settings)
    plan = [c for c in make_plan(settings, sources) if c.entry.role == "classifier"]
    store = RowStore(args.out, list(sources[0].class_names.values()), comm.rank)
    todo = missing(plan, mpi.on_root(comm, store.rows), retry_failed=False)
    narrator.say(f"{len(todo)} of {len(plan)} cells to compute.")
    run_missing(todo, store, settings.scale, comm, narrator)
    return mpi.on_root(comm, lambda: print_grid(plan, store, args.score))


def print_grid(plan: list[Cell], store: RowStore, score: str) -> int:
    """Print mean and standard deviation over folds of every combination; return the exit code."""
    rows = store.rows()
    store.finish_table([rows[cell.key] for cell in plan])
    values: dict[str, list[float]] = {}
    for cell in plan:
        row = rows[cell.key]
        if row["status"] == "ok" and row[score] is not None:
            values.setdefault(cell.entry.label, []).append(row[score])
    if not values:
        raise UsageError(f"No cell has the score '{score}'.", "See rows.csv for the errors.")
    print(f"{'combination':44} {score:>9} {'deviation':>9}")
    for label in sorted(values, key=lambda label: -float(np.mean(values[label]))):
        print(f"{label:44} {np.mean(values[label]):9.4f} {np.std(values[label]):9.4f}")
    return int(any(rows[cell.key]["status"] != "ok" for cell in plan))


def main(argv: list[str] | None = None) -> int:
    return guarded(lambda: calibrate(parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
