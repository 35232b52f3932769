"""``python -m classical.train``: the exact SVM, from labelled pixels to a map, on MPI ranks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, get_args

from bridges.errors import UsageError
from bridges.run import options
from bridges.run.command import Command
from bridges.run.option_types import at_least, key_value, number
from bridges.run.parser import Option
from bridges.svm.columns import ColumnGenerator
from bridges.svm.fused import Precision
from classical.hybrid import options as hybrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPILOG = """\
On one process all cores are used. On several ranks:
  mpiexec -n 4 python -m mpi4py -m classical.train --table letter.npz --C 16 --gamma 4
A search of C and γ by cross-validation, the best of which is trained on all training samples:
  python -m classical.train --grid "C=1,10,100;gamma=0.5,1,2" --cv 10
The same SVM by an annealer that holds a few dozen samples at a time:
  python -m classical.train --inner annealer --sampler neal --block 40 --blocks 10 --steps 100
"""


def grid(text: str) -> dict[str, list[float]]:
    """Parse ``C=1,10;gamma=2,4`` into lists of numbers > 0."""
    found: dict[str, list[float]] = {}
    for part in text.split(";"):
        name, sign, values = part.partition("=")
        try:
            numbers = [float(value) for value in values.split(",")]
        except ValueError:
            numbers = []
        known = name.strip() in ("C", "gamma")
        if not (known and sign and numbers and all(0 < v < float("inf") for v in numbers)):
            raise argparse.ArgumentTypeError(
                f"'{part}' is not of the form C=1,10,100 or gamma=0.5,1 with numbers > 0"
            )
        found[name.strip()] = sorted(set(numbers))
    return found


def as_grid(value: Any) -> dict[str, list[float]] | None:
    """Return the grid of a file: text as after ``--grid``, or a table of lists."""
    if value is None or isinstance(value, str):
        return None if value is None else grid(value)
    if not isinstance(value, dict) or not all(isinstance(v, list) for v in value.values()):
        raise ValueError("a grid is text, or a table of lists")
    return grid(";".join(f"{key}={','.join(map(str, v))}" for key, v in value.items()))


SEARCH = "search"
ONLY = ("fit-exact",)
OPTIONS = (
    Option(
        ("--tol",), "largest violation left", ONLY, options.SVM, default=1e-3,
        type=number("tol", above=0),
    ),
    Option(
        ("--precision",),
        "type of kernel values; auto: single for rbf, double for the others",
        ONLY,
        options.SVM,
        default="auto",
        choices=get_args(Precision),
    ),
    Option(
        ("--inner",),
        "name of the solver of working sets: smo is the exact one, annealer descends along samples",
        ONLY, options.SVM, default="smo", metavar="NAME",
    ),
    Option(
        ("--inner-option",), "an option of that solver; may be repeated", ONLY, options.SVM,
        default=[], type=key_value, metavar="KEY=VALUE", action="append",
    ),
    Option(
        ("--checkpoint",),
        "keep what is solved of a fit or a search, and go on from there",
        ONLY,
        options.SVM,
        metavar="DIR",
    ),
    Option(
        ("--grid",), "values of C and γ to try", ONLY, SEARCH, type=grid, metavar="C=…;gamma=…",
        from_file=as_grid,
    ),
    Option(("--cv",), "folds of the search", ONLY, SEARCH, default=10, type=at_least(2)),
    Option(
        ("--early-stop",),
        "give up cells that are significantly worse than the best on a third of the folds",
        ONLY,
        SEARCH,
        action="store_true",
    ),
)  # fmt: skip
"""What this command has beside :data:`bridges.run.options.OPTIONS`."""


def make_model(args: argparse.Namespace) -> Any:
    """Return the unfitted classifier, or search, that the options describe."""
    from classical.classifier import MPISVC
    from classical.search.grid import GridSearch
    from classical.solver.inner import make_inner

    inner_params = dict(args.inner_option)
    made = make_inner(args.inner, inner_params)  # an error before anything is read
    if args.multiclass != "ovo":
        raise UsageError("The exact SVM is one-vs-one.", "Leave --multiclass out.")
    shared = {
        "C": args.C,
        "kernel": args.kernel,
        "gamma": args.gamma,
        "degree": args.degree,
        "coef0": args.coef0,
        "tol": args.tol,
        "class_weight": args.class_weight,
        "precision": args.precision,
        "inner": args.inner,
        "inner_params": inner_params or None,
        "n_jobs": args.jobs,
    }
    if isinstance(made, ColumnGenerator):
        return hybrid.hybrid_model(args, shared)
    hybrid.refuse(args)
    model = MPISVC(**shared)
    if args.grid is None:
        if args.early_stop:
            raise UsageError("--early-stop is for a search.", "Add --grid, or leave it out.")
        return model.set_params(checkpoint=args.checkpoint)
    return GridSearch(
        model, args.grid, cv=args.cv, early_stop=args.early_stop, checkpoint=args.checkpoint
    )


def describe(model: Any, X: NDArray[Any], y: NDArray[Any]) -> str:
    """Return a table of the binary problems that training would solve."""
    import numpy as np

    from bridges.machine.threads import default_threads
    from bridges.svm.multiclass import class_pairs
    from classical.solver.assignment import predicted_cost
    from classical.solver.kernel import training_bytes

    if hybrid.facts(model):
        return hybrid.describe_descent(model, y)
    labels, counts = np.unique(y, return_counts=True)
    lines = ["classes      samples  predicted s of a core"]
    for i, j in class_pairs(len(labels)):
        n = int(counts[i] + counts[j])
        lines.append(f"{labels[i]} – {labels[j]}".ljust(10) + f"{n:10}  {predicted_cost(n):21.3f}")
    memory = training_bytes(X, getattr(model, "estimator", model).kernel, default_threads())
    lines.append(f"{len(lines) - 1} duals; about {memory / 1e6:.0f} MB above the data per rank")
    return "\n".join(lines)


def _body(args: argparse.Namespace) -> int:
    from bridges.run import training

    facts = {"classifier": "mpi-svc"}

    def make(args: argparse.Namespace) -> Any:
        model = make_model(args)
        facts.update(hybrid.facts(model))
        return model

    with hybrid.narrated(args.quiet):
        return training.train(args, make, describe, facts)


COMMAND = Command(
    "classical.train",
    str(__doc__).partition(": ")[2],
    options.of("fit-exact", OPTIONS, hybrid.OPTIONS),
    _body,
    EPILOG,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
