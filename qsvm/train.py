"""``python -m qsvm.train``: an ensemble of annealed SVMs, from labelled pixels to a map."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridges.run import config, options
from bridges.run.console import command
from bridges.run.option_types import at_least, key_value, number
from qsvm import options as annealer_options
from qsvm import resume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.ensemble.bagging import KernelEnsemble

EPILOG = """\
Without --image or --table the built-in Landsat-like scene is used. Options can also come from the
environment (ANNEALSVM_MEMBER_SIZE=40) or a TOML file (--config run.toml); the run.json of an
earlier run repeats it.
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = options.make_parser("qsvm.train", str(__doc__).partition(": ")[2], EPILOG)
    options.add_output_options(parser)
    options.add_data_options(parser)
    _add_ensemble_options(parser)
    svm = options.add_kernel_options(parser, C=3.0, C_names=("encoding",))
    svm.add_argument(
        "--base", type=number("B", least=1), default=2.0, help="base B of the encoding"
    )
    svm.add_argument("--n-bits", type=at_least(1, 16), default=2, help="bits K per coefficient")
    svm.add_argument(
        "--penalty",
        type=number("ξ", least=0),
        default=1.0,
        help="penalty ξ for Σ α y = 0",
    )
    _add_sampler_options(parser)
    annealer_options.add_annealer_options(parser)
    shown = parser.add_argument_group("information")
    shown.add_argument("--list-samplers", action="store_true", help="list samplers and stop")
    shown.add_argument("--show-versions", action="store_true", help="list versions and stop")
    return parser


def _add_ensemble_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("ensemble")
    group.add_argument("--members", type=at_least(1), default=15, help="number of members")
    group.add_argument("--member-size", type=at_least(2), default=80, help="pixels per member")
    group.add_argument(
        "--sampling",
        choices=("bootstrap", "slices"),
        default="bootstrap",
        help="bags drawn with replacement, or disjoint slices",
    )
    group.add_argument(
        "--stratify",
        choices=("sqrt", "proportional", "equal"),
        default="sqrt",
        help="places of a class in a member: by the root of its size, by its size, or the same",
    )
    group.add_argument(
        "--combine",
        choices=("mean", "majority", "oob"),
        default="mean",
        help="fuse members by mean decision value, majority, or weighted by out-of-bag accuracy",
    )


def _add_sampler_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sampler")
    group.add_argument("--sampler", default="neal", help="name of the sampler (--list-samplers)")
    group.add_argument("--num-reads", type=at_least(1), help="samples drawn per QUBO")
    group.add_argument("--sweeps", type=at_least(1), help="sweeps per sample, for annealers")
    group.add_argument(
        "--sampler-option",
        metavar="KEY=VALUE",
        type=key_value,
        action="append",
        default=[],
        help="any other option of the sampler; may be repeated",
    )
    group.add_argument(
        "--refine",
        type=at_least(0),
        default=0,
        metavar="ROUNDS",
        help="refinement rounds",
    )
    group.add_argument(
        "--keep", type=at_least(1), default=20, help="lowest distinct samples averaged"
    )
    group.add_argument(
        "--combination",
        choices=("mean", "boltzmann", "accuracy", "best"),
        default="mean",
        help="how the kept samples are averaged",
    )
    group.add_argument(
        "--bias",
        choices=("free", "mean-free", "mean-sv", "midpoint", "zero"),
        default="free",
        help="rule for the bias",
    )


def make_model(args: argparse.Namespace) -> KernelEnsemble:
    """Return the unfitted ensemble that the options describe."""
    from bridges.ensemble.bagging import KernelEnsemble
    from qsvm.classifier import QuboSVC

    member = QuboSVC(
        args.C,
        base=args.base,
        n_bits=args.n_bits,
        penalty=args.penalty,
        kernel=args.kernel,
        gamma=args.gamma,
        degree=args.degree,
        coef0=args.coef0,
        multiclass=args.multiclass,
        class_weight=args.class_weight,
        sampler=resume.split_name(args.sampler)[0],
        sampler_params=sampler_options(args),
        refine_rounds=args.refine,
        n_keep=args.keep,
        combination=args.combination,
        bias=args.bias,
    )
    member.make_sampler()  # an unknown name or option is an error before anything is read
    resume.keep_arguments(args)
    return KernelEnsemble(
        member,
        n_members=args.members,
        member_size=args.member_size,
        sampling=args.sampling,
        stratify=args.stratify,
        combine=args.combine,
        n_jobs=args.jobs,
        random_state=args.seed,
    )


def sampler_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the sampler's own options: those that were given, and no others."""
    given = {"num_reads": args.num_reads, "num_sweeps": args.sweeps}
    named = annealer_options.annealer_options(args)
    found = {k: v for k, v in given.items() if v is not None} | named | dict(args.sampler_option)
    run = resume.split_name(args.sampler)[1]
    return resume.replayed(found, run) if run else found


def describe(model: KernelEnsemble, X: NDArray[Any], y: NDArray[Any]) -> str:
    """Return a table of the QUBOs that training would sample."""
    prepared = model.prepare(X, y)
    lines = ["member  dual  samples  bits  variables  couplers"]
    sizes = []
    for member, data in enumerate(prepared.datasets):
        for index, problem in enumerate(prepared.prototype.plan(*data).problems):
            n = problem.n_variables
            pairs = n * (n - 1) // 2
            lines.append(
                f"{member:6}  {index:4}  {problem.n_coefficients:7}"
                f"  {problem.n_bits:4}  {n:9}  {pairs:8}"
            )
            sizes.append(n)
    largest = max(sizes)
    pairs = largest * (largest - 1) // 2
    lines.append(f"{len(sizes)} QUBOs; the largest has {largest} variables and {pairs} couplers")
    plan = annealer_options.describe_plan(prepared.prototype.make_sampler(), sizes)
    return "\n".join([*lines, plan] if plan else lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code. An error on any rank ends all of them."""
    return command(_body, sys.argv[1:] if argv is None else argv)


def _body(argv: Sequence[str]) -> int:
    args = config.parse(make_parser(), resume.with_resumed_arguments(argv))
    resume.settle(args)
    from bridges.run import training

    if training.show_and_stop(args):
        return 0
    return training.train(args, make_model, describe, {"sampler": args.sampler})


if __name__ == "__main__":
    raise SystemExit(main())
