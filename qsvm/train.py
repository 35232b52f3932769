"""``python -m qsvm.train``: an ensemble of annealed SVMs, from labelled pixels to a map."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bridges.run import options
from bridges.run.command import Command
from qsvm import options as annealer_options
from qsvm import resume
from qsvm.samplers.base import n_unknowns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.ensemble import QuboEnsemble

EPILOG = """\
Without --image or --table the built-in Landsat-like scene is used. Options can also come from the
environment (ANNEALSVM_MEMBER_SIZE=40) or a TOML file (--config run.toml); the run.json of an
earlier run repeats it.
"""


def make_model(args: argparse.Namespace) -> QuboEnsemble:
    """Return the unfitted ensemble that the options describe."""
    from qsvm.ensemble import QuboEnsemble

    model = QuboEnsemble(
        args.C,
        members=args.members,
        member_size=args.member_size,
        sampling=args.sampling,
        stratify=args.stratify,
        combine=args.combine,
        base=args.base,
        n_bits=args.n_bits,
        encoding=args.encoding,
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
        keep=args.keep,
        combination=args.combination,
        bias=args.bias,
        proof_seconds=args.proof_seconds,
        n_jobs=args.jobs,
        random_state=args.seed,
    )
    model.estimator.make_sampler()  # a wrong name or option is an error before anything is read
    resume.keep_arguments(args)
    return model


def sampler_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the sampler's own options: those that were given, and no others."""
    given = {"num_reads": args.num_reads, "num_sweeps": args.sweeps}
    named = annealer_options.annealer_options(args)
    found = {k: v for k, v in given.items() if v is not None} | named | dict(args.sampler_option)
    run = resume.split_name(args.sampler)[1]
    return resume.replayed(found, run) if run else found


def describe(model: QuboEnsemble, X: NDArray[Any], y: NDArray[Any]) -> str:
    """Return a table of the QUBOs that training would sample."""
    prepared = model.prepare(X, y)
    sampler = prepared.prototype.make_sampler()
    lines = ["member  dual  samples  bits  variables  couplers"]
    problems, sizes = [], []
    for member, data in enumerate(prepared.datasets):
        for index, problem in enumerate(prepared.prototype.plan(*data).problems):
            n = n_unknowns(sampler, problem)
            pairs = n * (n - 1) // 2
            lines.append(
                f"{member:6}  {index:4}  {problem.n_coefficients:7}"
                f"  {problem.n_bits:4}  {n:9}  {pairs:8}"
            )
            problems.append(problem)
            sizes.append(n)
    largest = max(sizes)
    pairs = largest * (largest - 1) // 2
    lines.append(f"{len(sizes)} QUBOs; the largest has {largest} variables and {pairs} couplers")
    plan = annealer_options.describe_plan(sampler, problems)
    return "\n".join([*lines, plan] if plan else lines)


def _body(args: argparse.Namespace) -> int:
    resume.settle(args)
    if args.list_samplers:
        from bridges.registry import sampler_table

        print(sampler_table())
        return 0
    from bridges.run import training

    return training.train(args, make_model, describe, {"sampler": args.sampler})


COMMAND = Command(
    "qsvm.train",
    str(__doc__).partition(": ")[2],
    options.of("train", annealer_options.OPTIONS),
    _body,
    EPILOG,
    resume.with_resumed_arguments,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
