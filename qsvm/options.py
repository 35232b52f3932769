"""The options of the annealed commands, and where an annealer's run is kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from bridges.ensemble.bags import Sampling, Stratify
from bridges.ensemble.fusion import Fusion
from bridges.run import options
from bridges.run.option_types import at_least, key_value, number
from bridges.run.parser import Option
from qsvm.formulations.base import FITTED, PAPERS
from qsvm.formulations.bias import BIAS_RULES
from qsvm.formulations.combination import COMBINATIONS, HULL
from qsvm.resume import storing_sampler
from qsvm.samplers.base import PlansSubmissions, PricesProblems

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem

FLAGS = (
    "solver",
    "region",
    "profile",
    "chip",
    "annealing_time",
    "chain_strength",
    "spin_reversals",
    "max_qpu_seconds",
    "max_hybrid_seconds",
    "time_limit",
)
"""Options that go to the sampler under their own name when they are given."""


def or_auto(convert: Callable[[str], int]) -> Callable[[str], int | str]:
    """Return the type of an option that may be ``auto`` as well."""
    return lambda text: text if text == "auto" else convert(text)


ANNEALED = ("train", "plan")
ENSEMBLE = "ensemble"
SAMPLER = "sampler"
CHIP = "quantum annealers (qpu, qpu-clique, hybrid, hybrid-nl, mock-qpu)"

MULTICLASS = options.MULTICLASS.but(
    users=("train",),
    help="registered formulation: ovo, ovr, crammer-singer, or another package's",
    choices=None,
    metavar="NAME",
)
MEMBERS = Option(
    ("--members",),
    "members of the ensemble; auto is 5, on a chip 15",
    ANNEALED,
    ENSEMBLE,
    default="auto",
    type=or_auto(at_least(1)),
    metavar="N",
)
MEMBER_SIZE = Option(
    ("--member-size",),
    "pixels per member; auto is 320, on a chip or without a hull of many samples 80",
    ("train",),
    ENSEMBLE,
    default="auto",
    type=or_auto(at_least(2)),
    metavar="N",
)
SAMPLING = Option(
    ("--sampling",),
    "bags drawn with replacement, or disjoint slices",
    ("train",),
    ENSEMBLE,
    default="bootstrap",
    choices=get_args(Sampling),
)
STRATIFY = Option(
    ("--stratify",),
    "places of a class in a member: by the root of its size, by its size, or the same",
    ("train",),
    ENSEMBLE,
    default="sqrt",
    choices=get_args(Stratify),
)
COMBINE = Option(
    ("--combine",),
    "fuse members by mean decision value, majority, or weighted by out-of-bag accuracy",
    ("train",),
    ENSEMBLE,
    default="mean",
    choices=get_args(Fusion),
)

C = options.C.but(users=("train",), default=3.0, type=number("C", above=0, names=("encoding",)))
BASE = Option(
    ("--base",), "base B of the encoding", ("train",), options.SVM, default=2.0,
    type=number("B", least=1),
)  # fmt: skip
N_BITS = Option(
    ("--n-bits",),
    "bits K per coefficient; auto is one in a hull of many samples, seven for hybrid-nl, else two",
    ANNEALED,
    options.SVM,
    default="auto",
    type=or_auto(at_least(1, 16)),
    metavar="K",
)
ENCODING = Option(
    ("--encoding",),
    "the papers' lattice from 0 to C, or fitted where that is too coarse",
    ("train",),
    options.SVM,
    default=FITTED,
    choices=(FITTED, PAPERS),
)
PENALTY = Option(
    ("--penalty",), "penalty ξ for Σ α y = 0: a number; small, as on a chip; auto",
    ("train",), options.SVM, default="auto", type=number("ξ", least=0, names=("auto", "small")),
)  # fmt: skip

NAME = Option(
    ("--sampler",), "name of the sampler (--list-samplers)", ("train",), SAMPLER, default="neal"
)
NUM_READS = Option(
    ("--num-reads",), "samples drawn per QUBO", ("train",), SAMPLER, type=at_least(1)
)
SWEEPS = Option(
    ("--sweeps",), "sweeps per sample, for annealers", ("train",), SAMPLER, type=at_least(1)
)
SAMPLER_OPTION = Option(
    ("--sampler-option",),
    "any other option of the sampler; may be repeated",
    ("train",),
    SAMPLER,
    default=[],
    type=key_value,
    metavar="KEY=VALUE",
    action="append",
)
REFINE = Option(
    ("--refine",), "refinement rounds", ("train",), SAMPLER, default=0, type=at_least(0),
    metavar="ROUNDS",
)  # fmt: skip
KEEP = Option(
    ("--keep",), "lowest distinct samples combined (all for hull, else 20)", ("train",), SAMPLER,
    type=at_least(1),
)  # fmt: skip
COMBINATION = Option(
    ("--combination",),
    "how the samples are combined: as columns of a hull, or averaged",
    ("train",),
    SAMPLER,
    default=HULL,
    choices=tuple(COMBINATIONS),
)
BIAS = Option(
    ("--bias",), "rule for the bias", ("train",), SAMPLER, default="free",
    choices=tuple(BIAS_RULES),
)  # fmt: skip
PROOF_SECONDS = Option(
    ("--proof-seconds",),
    "of one thread for each member, to prove how low a sample could be; 0 for none",
    ("train",),
    SAMPLER,
    default=0.1,
    type=number("seconds", least=0),
    metavar="s",
)
LIST_SAMPLERS = Option(
    ("--list-samplers",), "list samplers and stop", ("train",), action="store_true"
)


def chain_strength(text: str) -> float | str:
    """Parse ``--chain-strength``: a positive number, ``auto`` or ``sweep``."""
    if text in ("auto", "sweep"):
        return text
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("it must be positive, or 'auto' or 'sweep'")
    return value


SOLVER = Option(("--solver",), "name of the Leap solver", ("train",), CHIP)
REGION = Option(("--region",), "Leap region", ANNEALED, CHIP)
PROFILE = Option(("--profile",), "profile of Ocean's configuration (dwave config)", ANNEALED, CHIP)
CHIP_NAME = Option(
    ("--chip",), "chip that mock-qpu rehearses, such as advantage2", ("train",), CHIP
)
ANNEALING_TIME = Option(
    ("--annealing-time",), "time of one anneal", ANNEALED, CHIP, type=float, metavar="µs"
)
CHAIN_STRENGTH = Option(
    ("--chain-strength",),
    "factor of uniform torque compensation, or auto or sweep",
    ("train",),
    CHIP,
    type=chain_strength,
    metavar="FACTOR",
)
SPIN_REVERSALS = Option(("--spin-reversals",), "spin reversals", ("train",), CHIP, type=at_least(0))
TIME_LIMIT = Option(
    ("--time-limit",),
    "of a hybrid solver, or of exact for each problem",
    ("train",),
    CHIP,
    type=float,
    metavar="s",
)
MAX_QPU_SECONDS = Option(
    ("--max-qpu-seconds",), "refuse to spend more (exit 6)", ANNEALED, CHIP, type=float,
    metavar="s",
)  # fmt: skip
MAX_HYBRID_SECONDS = Option(
    ("--max-hybrid-seconds",), "refuse to ask a hybrid solver for more (exit 6)", ("train",), CHIP,
    type=float, metavar="s",
)  # fmt: skip
RESUME = Option(
    ("--resume",), "go on with an interrupted run; nothing is paid twice", ("train",), CHIP,
    metavar="RUN",
)  # fmt: skip

OPTIONS = (
    MULTICLASS,
    LIST_SAMPLERS,
    MEMBERS, MEMBER_SIZE, SAMPLING, STRATIFY, COMBINE,
    C, BASE, N_BITS, ENCODING, PENALTY,
    NAME, NUM_READS, SWEEPS, SAMPLER_OPTION, REFINE, KEEP, COMBINATION, BIAS, PROOF_SECONDS,
    SOLVER, REGION, PROFILE, CHIP_NAME, ANNEALING_TIME, CHAIN_STRENGTH, SPIN_REVERSALS,
    TIME_LIMIT, MAX_QPU_SECONDS, MAX_HYBRID_SECONDS, RESUME,
)  # fmt: skip
"""What the commands of this wing have beside :data:`bridges.run.options.OPTIONS`."""


def annealer_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the sampler options that the flags stand for: those that were given."""
    found = {key: getattr(args, key) for key in FLAGS if getattr(args, key) is not None}
    if args.out is not None and not args.dry_run and storing_sampler(args.sampler) is not None:
        found |= {"store": str(args.out), "resume": args.resume is not None}
    return found


def describe_plan(sampler: Any, problems: Sequence[DualProblem]) -> str:
    """Return what a run in the cloud would submit and cost; empty where nothing is sent."""
    if isinstance(sampler, PricesProblems):
        price = sampler.price(problems)
        return (
            f"on {price['solver']}: {price['submissions']} submissions, one problem each; "
            f"solver time charged {price['solver_s']:g} s"
        )
    if not isinstance(sampler, PlansSubmissions):
        return ""
    plan = sampler.plan([problem.n_variables for problem in problems]).summary()
    return (
        f"on {plan['solver']}: {plan['submissions']} submissions of up to "
        f"{plan['members_per_submission']} QUBOs, {plan['qubits']} qubits, longest chain "
        f"{plan['longest_chain']}; estimated QPU time {plan['estimated_qpu_s']:.4f} s"
    )
