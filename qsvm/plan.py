"""``python -m qsvm.plan``: what a QPU run needs and costs, before anything is sent."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import BudgetError, UsageError
from bridges.run import options
from bridges.run.command import Command
from bridges.run.console import Narrator
from bridges.run.option_types import at_least, number
from bridges.run.parser import Option
from qsvm import options as annealing

if TYPE_CHECKING:
    from qsvm.samplers.chip.chips import Chip

QUOTA_S = 60.0
"""A minute: what Leap's free tier gives a month."""

EPILOG = """\
The chip is made up (--chip advantage, advantage2, advantage2-small, pegasus:16, zephyr:12), read
from a saved file (--chip solver.json), or asked from Leap (--solver NAME); --save-solver FILE keeps
the latter for planning without an account.
"""


ONLY = ("plan",)
OPTIONS = (
    Option(("--duals",), "binary problems per member (pairs of classes)", ONLY, annealing.ENSEMBLE,
           default=1, type=at_least(1)),
    annealing.MEMBER_SIZE.but(users=ONLY, help="samples per member", default=40, type=at_least(1)),
    annealing.NUM_READS.but(users=ONLY, help="reads per problem", default=400),
    annealing.SPIN_REVERSALS.but(users=ONLY, default=0),
    Option(("--members-per-submission",), "at most so many together", ONLY, annealing.CHIP,
           type=at_least(1)),
    annealing.CHIP_NAME.but(users=ONLY, help="made-up chip or saved solver file",
                            default="advantage"),
    annealing.SOLVER.but(users=ONLY, help="ask Leap for this solver ('any': the first QPU)"),
    Option(("--thorough",),
           "search longer (minutes) for more room; later runs find the result on disk", ONLY,
           annealing.CHIP, action="store_true"),
    Option(("--save-solver",), "save the solver's properties", ONLY, annealing.CHIP,
           metavar="FILE"),
    Option(("--quota",), "QPU seconds that you have", ONLY, annealing.CHIP, default=QUOTA_S,
           type=number("quota", above=0), metavar="s"),
    Option(("--spent",), "show what a stored run has spent, and stop", ONLY, annealing.CHIP,
           metavar="RUN"),
)  # fmt: skip
"""What this command has beside the registries of the floor and the wing."""


def estimate(
    chip: Chip,
    sizes: Sequence[int],
    *,
    num_reads: int = 400,
    annealing_time: float | None = None,
    spin_reversals: int = 0,
    members_per_submission: int | None = None,
    quota_s: float = QUOTA_S,
) -> dict[str, Any]:
    """Return what a list of problems needs on a chip.

    Parameters
    ----------
    chip : Chip
        The working graph.
    sizes : sequence of int
        Binary variables of each problem.
    num_reads, annealing_time, spin_reversals, members_per_submission
        As in :class:`qsvm.samplers.chip.settings.ChipSettings`.
    quota_s : float
        QPU seconds at hand.

    Returns
    -------
    dict
        Variables and couplers of the largest problem, qubits, longest chain, members per
        submission, submissions, estimated QPU seconds packed and one by one, share of the quota.

    Raises
    ------
    EmbeddingError
        If a problem does not fit the chip.
    """
    from qsvm.samplers.chip.budget import AnnealSettings
    from qsvm.samplers.chip.cliques import CliqueFinder
    from qsvm.samplers.chip.packing import make_plan

    settings = AnnealSettings(annealing_time)
    finder = CliqueFinder(chip)
    gauges = max(1, spin_reversals)
    plan = make_plan(
        chip, finder, sizes, num_reads, settings, n_gauges=gauges, together=members_per_submission
    )
    single = make_plan(chip, finder, sizes, num_reads, settings, n_gauges=gauges, together=1)
    largest = max(sizes)
    found = {"problems": len(sizes), "variables": largest}
    found |= {"couplers": largest * (largest - 1) // 2} | plan.summary()
    return found | {
        "one_by_one_qpu_s": single.estimate_us / 1e6,
        "share_of_one_by_one": plan.estimate_us / single.estimate_us,
        "share_of_quota": plan.estimate_us / 1e6 / quota_s,
    }


def _chip(args: argparse.Namespace) -> Chip:
    from qsvm.samplers.chip.chips import named_chip, save_chip

    if args.solver is None:
        if args.save_solver:
            raise UsageError("--save-solver needs --solver.", "Add --solver any.")
        return named_chip(args.chip)
    from qsvm.samplers.leap.connection import Connection

    wanted = None if args.solver == "any" else args.solver
    connection = Connection("qpu", solver=wanted, region=args.region, profile=args.profile)
    try:
        chip = connection.chip()
    finally:
        connection.close()
    if args.save_solver:
        save_chip(chip, Path(args.save_solver))
    return chip


def _table(found: dict[str, Any], quota_s: float) -> str:
    reads = found["reads"]
    lines = [
        ("solver", found["solver"]),
        ("problems", found["problems"]),
        ("variables of the largest", found["variables"]),
        ("couplers of the largest", found["couplers"]),
        ("qubits of the fullest submission", found["qubits"]),
        ("longest chain", found["longest_chain"]),
        ("problems per submission", found["members_per_submission"]),
        ("submissions", found["submissions"]),
        ("reads per submission", f"{min(reads)}" if len(set(reads)) == 1 else reads),
        ("estimated QPU time", f"{found['estimated_qpu_s']:.4f} s"),
        (
            "one by one it would be",
            f"{found['one_by_one_qpu_s']:.4f} s (packed: {found['share_of_one_by_one']:.2f} of it)",
        ),
        (f"share of a quota of {quota_s:g} s", f"{100 * found['share_of_quota']:.2f} %"),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:{width}}  {value}" for name, value in lines)


def _accounts_table(accounts: dict[str, Any]) -> str:
    lines = [
        f"{label}  {state}  {problem or '-'}  {qpu_s:.4f} s"
        for label, state, problem, qpu_s in accounts["rows"]
    ]
    lines += [f"{kind:16}  {value:.4f} s" for kind, value in accounts["seconds"].items()]
    return "\n".join(lines)


def _body(args: argparse.Namespace) -> int:
    from qsvm.ensemble import MANY_SMALL

    if args.spent:
        from qsvm.samplers.leap.spent import account

        accounts = account(args.spent)
        print(json.dumps(accounts) if args.json else _accounts_table(accounts))
        return 0
    n_bits = 1 if args.n_bits == "auto" else args.n_bits  # as annealed models do on a chip
    members = MANY_SMALL[0] if args.members == "auto" else args.members
    sizes = [args.member_size * n_bits] * (members * args.duals)
    chip = _chip(args)
    if args.thorough:
        from qsvm.samplers.chip.cliques import CliqueFinder

        finder = CliqueFinder(chip)
        narrator = Narrator(-1 if args.quiet else args.verbose)
        narrator.say(f"largest clique known: {finder.largest(thorough=True)}")
        quick, known = finder.improve(sizes[0])
        narrator.say(f"problems side by side: {quick} by quick search, {known} known")
    found = estimate(
        chip,
        sizes,
        num_reads=args.num_reads,
        annealing_time=args.annealing_time,
        spin_reversals=args.spin_reversals,
        members_per_submission=args.members_per_submission,
        quota_s=args.quota,
    )
    print(json.dumps(found) if args.json else _table(found, args.quota))
    limit = args.max_qpu_seconds
    if limit is not None and found["estimated_qpu_s"] > limit:
        raise BudgetError(
            f"The plan needs an estimated {found['estimated_qpu_s']:.4f} s of QPU time, more than "
            f"--max-qpu-seconds {limit:g}.",
            "Use fewer members or reads, or allow more.",
        )
    return 0


COMMAND = Command(
    "qsvm.plan",
    str(__doc__).partition(": ")[2],
    options.of("plan", annealing.OPTIONS, OPTIONS),
    _body,
    EPILOG,
)
make_parser, main = COMMAND.make_parser, COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
