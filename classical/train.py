"""``python -m classical.train``: the exact SVM, from labelled pixels to a map, on MPI ranks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.run import config, options
from bridges.run.console import command
from bridges.run.option_types import at_least, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPILOG = """\
On one process all cores are used. On several ranks:
  mpiexec -n 4 python -m mpi4py -m classical.train --table letter.npz --C 16 --gamma 4
A search of C and γ by cross-validation, the best of which is trained on all training samples:
  python -m classical.train --grid "C=1,10,100;gamma=0.5,1,2" --cv 10
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


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = options.make_parser("classical.train", str(__doc__).partition(": ")[2], EPILOG)
    options.add_output_options(parser)
    options.add_data_options(parser)
    svm = options.add_kernel_options(parser, C=10.0)
    svm.add_argument(
        "--tol",
        type=number("tol", above=0),
        default=1e-3,
        help="largest violation left",
    )
    svm.add_argument(
        "--precision",
        choices=("auto", "single", "double"),
        default="auto",
        help="type of kernel values; auto: single for rbf, double for the others",
    )
    search = parser.add_argument_group("search")
    search.add_argument("--grid", metavar="C=…;gamma=…", type=grid, help="values of C and γ to try")
    search.add_argument("--cv", type=at_least(2), default=10, help="folds of the search")
    search.add_argument(
        "--early-stop",
        action="store_true",
        help="give up cells that are significantly worse than the best on a third of the folds",
    )
    svm.add_argument(
        "--checkpoint",
        metavar="DIR",
        help="keep what is solved of a fit or a search, and go on from there",
    )
    shown = parser.add_argument_group("information")
    shown.add_argument("--show-versions", action="store_true", help="list versions and stop")
    return parser


def make_model(args: argparse.Namespace) -> Any:
    """Return the unfitted classifier, or search, that the options describe."""
    from classical.classifier import MPISVC
    from classical.search.grid import GridSearch

    if args.multiclass != "ovo":
        raise UsageError("The exact SVM is one-vs-one.", "Leave --multiclass out.")
    model = MPISVC(
        args.C,
        kernel=args.kernel,
        gamma=args.gamma,
        degree=args.degree,
        coef0=args.coef0,
        tol=args.tol,
        class_weight=args.class_weight,
        precision=args.precision,
        n_jobs=args.jobs,
    )
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

    labels, counts = np.unique(y, return_counts=True)
    lines = ["classes      samples  predicted s of a core"]
    for i, j in class_pairs(len(labels)):
        n = int(counts[i] + counts[j])
        lines.append(f"{labels[i]} – {labels[j]}".ljust(10) + f"{n:10}  {predicted_cost(n):21.3f}")
    memory = training_bytes(X, getattr(model, "kernel", "rbf"), default_threads())
    lines.append(f"{len(lines) - 1} duals; about {memory / 1e6:.0f} MB above the data per rank")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code. An error on any rank ends all of them."""
    return command(_body, sys.argv[1:] if argv is None else argv)


def _body(argv: Sequence[str]) -> int:
    args = config.parse(make_parser(), argv)
    from bridges.run import training

    if training.show_and_stop(args):
        return 0
    return training.train(args, make_model, describe, {"classifier": "mpi-svc"})


if __name__ == "__main__":
    raise SystemExit(main())
