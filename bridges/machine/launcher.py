"""Being launched is not being a rank: what the launcher's variables really say of this process.

A shell inside ``srun``, a notebook, a worker of joblib and a subprocess of a rank inherit the
variables of a launcher without being one of its ranks; joining an MPI job from there kills the
process. A job of one task needs no MPI at all.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping

RANK_VARIABLES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID")
"""Set by launchers for every rank; see :func:`launched_ranks`."""

SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
"""Where launchers tell the number of ranks; earlier ones are closer to the job step."""


def launched_ranks(env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return how many ranks a launcher started this process among, and which variable says so.

    Parameters
    ----------
    env : mapping, optional
        The environment; that of this process by default.

    Returns
    -------
    ranks : int
        1 where no launcher started this process, where it is no rank of its own but a worker or
        subprocess of one, and where the launcher started a single task.
    variable : str
        The variable that told the number; empty for 1.
    """
    env = os.environ if env is None else env
    if not any(name in env for name in RANK_VARIABLES) or is_worker():
        return 1, ""
    if "PMI_FD" in env and not _is_open(env["PMI_FD"]):
        return 1, ""  # the launcher's pipe was not inherited: a subprocess of a rank
    for name in SIZE_VARIABLES:
        if env.get(name, "").isdigit():
            size = int(env[name])
            return (size, name) if size > 1 else (1, "")
    local = env.get("MPI_LOCALNRANKS", "")
    return (int(local), "MPI_LOCALNRANKS") if local.isdigit() and int(local) > 1 else (1, "")


def is_worker() -> bool:
    """Tell whether this process is a worker that another Python process started."""
    process = multiprocessing.current_process()
    return process.name != "MainProcess" or multiprocessing.parent_process() is not None


def mpi_is_running() -> bool:
    """Tell whether this process has already joined an MPI job by importing mpi4py."""
    return "mpi4py.MPI" in sys.modules


def _is_open(descriptor: str) -> bool:
    try:
        os.fstat(int(descriptor))
    except (OSError, ValueError):
        return False
    return True
