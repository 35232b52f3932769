"""Runs in the cloud that go on where they stopped, and answers decoded again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridges import registry
from bridges.errors import UsageError
from bridges.run import config
from bridges.run.parser import Parser
from qsvm.samplers.base import StoresRuns
from qsvm.samplers.leap.store import ARGUMENTS

TRANSPORT = ("solver", "region", "profile", "max_qpu_seconds", "max_hybrid_seconds", "time_limit")
"""Options that say where a run is sent and what it may take: a replay sends nothing."""


def with_resumed_arguments(argv: Sequence[str]) -> list[str]:
    """Return the words of a command with the options of the run that it resumes.

    Raises
    ------
    UsageError
        If there is no such run.
    """
    early = Parser("python -m qsvm.train", add_help=False)
    early.add_argument("--resume")
    early.add_argument("--config")
    known = early.parse_known_args(list(argv))[0]
    if known.resume is None or known.config is not None:
        return list(argv)
    saved = Path(known.resume) / ARGUMENTS
    if not saved.exists():
        raise UsageError(
            f"'{known.resume}' is no interrupted run: it has no {ARGUMENTS}.",
            "Name the --out folder of a run with --sampler qpu.",
        )
    return [*argv, "--config", str(saved)]


def storing_sampler(name: str) -> StoresRuns | None:
    """Return the class of a sampler that keeps its runs; None for any other.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    registered: object = registry.load(split_name(name)[0], registry.SAMPLERS)
    if isinstance(registered, StoresRuns) and registered.stores_runs:
        return registered
    return None


def settle(args: argparse.Namespace) -> None:
    """Check for credentials, and decide on the folder in which the run's store will live.

    A resumed run writes into its own folder.

    Raises
    ------
    SolverError
        If the sampler needs an account and no token is configured; before any data are read.
    """
    storing = storing_sampler(args.sampler)
    if storing is not None:
        storing.check_account(args.profile, args.region)
    if args.resume is not None:
        args.out, args.overwrite = args.resume, True
    elif storing is not None and args.out is None and not args.dry_run:
        from bridges.run.folder import timestamped_folder

        args.out = str(timestamped_folder())


def keep_arguments(args: argparse.Namespace) -> None:
    """Write the run's options beside its store, for ``--resume`` to find."""
    if storing_sampler(args.sampler) is None or args.out is None or args.dry_run:
        return
    from bridges.machine.files import plain, write_text

    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    content = {k: v for k, v in config.recorded(args).items() if v is not None}
    write_text(folder / ARGUMENTS, json.dumps(content, default=plain, indent=2) + "\n")


def replayed(given: dict[str, Any], run: str) -> dict[str, Any]:
    """Return the options of a replay: without those that only repeat what the run did.

    Options that differ from the run's stay, and are refused by the sampler.
    """
    from qsvm.samplers.leap.store import RunStore, store_file

    if not store_file(run).exists():
        return {"run": run}
    stored = RunStore(run, resume=True).known("options") or {}
    kept = {
        key: value
        for key, value in given.items()
        if key not in TRANSPORT and not (key in stored and stored[key] == value)
    }
    return kept | {"run": run}


def split_name(name: str) -> tuple[str, str]:
    """Return a sampler's registered name and the run written into it (``replay:RUN``)."""
    registered, _, run = name.partition(":")
    return registered, run
