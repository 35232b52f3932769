"""The options of ``classical.train --inner annealer``, and the model that they describe."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.run.option_types import at_least, key_value, number
from bridges.run.parser import Option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classical.hybrid.classifier import HybridSVC

ONLY = ("fit-exact",)
GROUP = "the annealer inside (--inner annealer)"
COUNTS = ("block", "blocks", "shuffles", "pieces", "steps", "n_bits", "num_reads")
FLAGS = ("sampler", *COUNTS, "remember", "stop", "max_qpu_seconds", "start", "polish")
"""Options that go to the classifier, by their names here."""

OPTIONS = (
    Option(
        ("--sampler",),
        "name of the sampler (qsvm.train --list-samplers; default neal); random-lattice is the "
        "control",
        ONLY,
        GROUP,
        metavar="NAME",
    ),
    Option(
        ("--sampler-option",), "an option of the sampler; may be repeated", ONLY, GROUP, default=[],
        type=key_value, metavar="KEY=VALUE", action="append",
    ),
    Option(("--num-reads",), "samples of a block (default 50)", ONLY, GROUP, type=at_least(1)),
    Option(("--n-bits",), "bits of a change (default 1)", ONLY, GROUP, type=at_least(1, 16)),
    Option(("--block",), "samples of a block (default 40)", ONLY, GROUP, type=at_least(1)),
    Option(
        ("--blocks",), "blocks of a pair of classes in a step (default 10)", ONLY, GROUP,
        type=at_least(1),
    ),
    Option(
        ("--shuffles",), "times that a working set is cut into blocks in a step (default 1)", ONLY,
        GROUP, type=at_least(1),
    ),
    Option(
        ("--pieces",), "pieces of each class in a column (default 2)", ONLY, GROUP,
        type=at_least(1),
    ),
    Option(
        ("--remember",), "steps whose columns are weighed again (default 2)", ONLY, GROUP,
        type=at_least(0), metavar="STEPS",
    ),
    Option(("--steps",), "steps at most (default 100)", ONLY, GROUP, type=at_least(1)),
    Option(
        ("--stop",),
        "decrease in five steps, as a share, below which a pair is finished (default 1e-4)",
        ONLY,
        GROUP,
        type=number("stop", above=0),
        metavar="SHARE",
    ),
    Option(
        ("--max-qpu-seconds",), "end with the best so far before more is spent", ONLY, GROUP,
        type=number("max-qpu-seconds", above=0), metavar="s",
    ),
    Option(
        ("--start",), "name of a classifier to start from, such as qubo-ensemble", ONLY, GROUP,
        metavar="NAME",
    ),
    Option(
        ("--polish",), "let the exact solver finish, and tell what that brought", ONLY, GROUP,
        action="store_true",
    ),
)  # fmt: skip
"""What ``classical.train`` has for a descent; all of them unset by default."""


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of this file that were given, as parameters of the classifier."""
    found: dict[str, Any] = {}
    for key in FLAGS:
        value = getattr(args, key)
        if value is not None and value is not False:  # 0 is a value
            found["keep" if key == "remember" else key] = value
    if args.sampler_option:
        found["sampler_params"] = dict(args.sampler_option)
    return found


def refuse(args: argparse.Namespace) -> None:
    """Refuse options of a descent where there is none.

    Raises
    ------
    UsageError
        Naming the first.
    """
    found = list(given(args))
    if found:
        flag = {"keep": "remember", "sampler_params": "sampler-option"}.get(found[0], found[0])
        raise UsageError(
            f"--{flag.replace('_', '-')} is for a solver that proposes columns; "
            f"'{args.inner}' is none.",
            "Add --inner annealer, or leave it out.",
        )


def hybrid_model(args: argparse.Namespace, shared: dict[str, Any]) -> HybridSVC:
    """Return the unfitted classifier that the options describe.

    Parameters
    ----------
    args : Namespace
        Options.
    shared : dict
        Parameters that it has in common with the exact SVM.

    Raises
    ------
    UsageError
        If an option is unknown to the sampler, answers that cost money would not be kept, or a
        search is asked for.
    """
    from classical.hybrid.classifier import HybridSVC

    if args.grid is not None or args.early_stop:
        raise UsageError(
            "A search needs the exact solver.", "Search with --inner smo, then descend once."
        )
    model = HybridSVC(**shared, **given(args), checkpoint=args.checkpoint, random_state=args.seed)
    generator = model.generator()  # a wrong name or option is an error before anything is read
    if generator.keeps_calls and args.checkpoint is None:
        raise UsageError(
            f"--sampler {args.sampler} costs money, and nothing would be kept of a run that ends "
            "early.",
            "Add --checkpoint DIR; the same command again goes on from there.",
        )
    return model


def facts(model: Any) -> dict[str, Any]:
    """Return what ``metrics.json`` says of a descent's classifier; nothing for any other."""
    from classical.hybrid.classifier import HybridSVC

    if not isinstance(model, HybridSVC):
        return {}
    return {"classifier": "hybrid-svc", "sampler": model.sampler}


def describe_descent(model: HybridSVC, y: NDArray[np.int64]) -> str:
    """Return the blocks of a step, and what it would cost."""
    import numpy as np

    from bridges.svm.multiclass import class_pairs
    from classical.hybrid.settings import HybridSettings

    settings = HybridSettings(model.block, model.blocks, model.shuffles)
    labels, counts = np.unique(y, return_counts=True)
    lines, sizes = ["classes      samples  blocks of a step"], []
    for i, j in class_pairs(len(labels)):
        n = int(counts[i] + counts[j])
        blocks = settings.sizes(n)
        sizes += blocks
        lines.append(f"{labels[i]} – {labels[j]}".ljust(10) + f"{n:10}  {len(blocks):16}")
    price = model.generator().price(sizes)
    cost = "no QPU time" if price is None else f"{price.text}, {price.qpu_s:.3f} s of QPU time"
    lines.append(f"a step is one list of {len(sizes)} blocks: {cost}")
    if price is not None:
        lines.append(
            f"{model.steps} steps at most: {model.steps * price.submissions} submissions, "
            f"{model.steps * price.qpu_s:.1f} s of QPU time"
        )
    return "\n".join(lines)


@contextmanager
def narrated(quiet: bool) -> Iterator[None]:
    """Let the descent say on stderr what a step costs."""
    log = logging.getLogger("classical.hybrid")
    handler = logging.StreamHandler(sys.stderr)
    if quiet:
        yield
        return
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
