"""Options of the command line that only annealers with a chip know, and where their run is kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from bridges.run.option_types import at_least
from qsvm.resume import STORING
from qsvm.samplers.base import PlansSubmissions

FLAGS = (
    "solver",
    "region",
    "profile",
    "chip",
    "annealing_time",
    "chain_strength",
    "spin_reversals",
    "max_qpu_seconds",
    "time_limit",
)
"""Options that go to the sampler under their own name when they are given."""


def add_annealer_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of quantum annealers."""
    group = parser.add_argument_group("quantum annealers (qpu, qpu-clique, hybrid, mock-qpu)")
    group.add_argument("--solver", help="name of the Leap solver")
    group.add_argument("--region", help="Leap region")
    group.add_argument("--profile", help="profile of Ocean's configuration (dwave config)")
    group.add_argument("--chip", help="chip that mock-qpu rehearses, such as advantage2")
    group.add_argument("--annealing-time", type=float, metavar="µs", help="time of one anneal")
    group.add_argument(
        "--chain-strength",
        type=chain_strength,
        metavar="FACTOR",
        help="factor of uniform torque compensation, or 'sweep'",
    )
    group.add_argument("--spin-reversals", type=at_least(0), help="spin reversals")
    group.add_argument("--time-limit", type=float, metavar="s", help="of a hybrid solver")
    group.add_argument(
        "--max-qpu-seconds", type=float, metavar="s", help="refuse to spend more (exit 6)"
    )
    group.add_argument(
        "--resume", metavar="RUN", help="go on with an interrupted run; nothing is paid twice"
    )


def chain_strength(text: str) -> float | str:
    """Parse ``--chain-strength``: a positive number or ``sweep``."""
    if text == "sweep":
        return text
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("it must be positive, or 'sweep'")
    return value


def annealer_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the sampler options that the flags stand for: those that were given."""
    found = {key: getattr(args, key) for key in FLAGS if getattr(args, key) is not None}
    if args.sampler in STORING and args.out is not None and not args.dry_run:
        found |= {"store": str(args.out), "resume": args.resume is not None}
    return found


def describe_plan(sampler: Any, sizes: Sequence[int]) -> str:
    """Return what a QPU run would submit and cost; empty for samplers without a chip."""
    if not isinstance(sampler, PlansSubmissions):
        return ""
    plan = sampler.plan(sizes).summary()
    return (
        f"on {plan['solver']}: {plan['submissions']} submissions of up to "
        f"{plan['members_per_submission']} QUBOs, {plan['qubits']} qubits, longest chain "
        f"{plan['longest_chain']}; estimated QPU time {plan['estimated_qpu_s']:.4f} s"
    )
