"""What a run keeps of itself: options, versions, machine, seconds."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

from bridges.machine.threads import usable_cores

if TYPE_CHECKING:
    from bridges.run.console import Narrator
    from bridges.run.folder import RunFolder

VERSIONED = (
    "annealsvm",
    "numpy",
    "scipy",
    "scikit-learn",
    "dimod",
    "dwave-samplers",
    "numba",
    "rasterio",
    "skops",
    "matplotlib",
    "statsmodels",
    "dwave-ocean-sdk",
    "mpi4py",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that results may depend on."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def run_record(
    arguments: Mapping[str, Any], seed: int | None, timings: Mapping[str, float]
) -> dict[str, Any]:
    """Return what ``run.json`` holds: enough to repeat the run and to judge its times.

    Parameters
    ----------
    arguments : mapping
        The options as resolved; feeding them back repeats the run.
    seed : int or None
        The seed.
    timings : mapping of str to float
        Seconds per stage.
    """
    return {
        "arguments": dict(arguments),
        "command": ["python", *sys.orig_argv[1:]],
        "seed": seed,
        "versions": versions(),
        "host": {
            "platform": platform.platform(),
            "machine": platform.machine(),
            "cores": usable_cores(),
        },
        "timings": dict(timings),
    }


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a command: where its files go, who speaks, what it took, what was asked for.

    Attributes
    ----------
    folder : RunFolder
        The output folder.
    narrator : Narrator
        Tells what is going on.
    clock : Clock
        Seconds of the stages so far.
    arguments : dict
        Options, for ``run.json``.
    """

    folder: RunFolder
    narrator: Narrator
    clock: Clock
    arguments: dict[str, Any]


class Clock:
    """Seconds of each stage of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under a name."""
        now = time.perf_counter()
        self.seconds[f"{stage}_s"] = now - self._last
        self._last = now
