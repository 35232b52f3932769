"""The cores and threads of this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

LOCAL_SIZE_VARIABLES = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE")


THREAD_LIMITS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Variables by which batch scripts, and joblib in its workers, limit the threads of a process."""


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    Affinity counts, and so do the quota of a container (a share of 64 cores that is worth two) and
    the limits of the environment (:data:`THREAD_LIMITS`, ``LOKY_MAX_CPU_COUNT``).
    """
    import joblib

    limits = [_first_number(os.environ.get(name, "")) for name in THREAD_LIMITS]
    return max(1, min([joblib.cpu_count(), *(limit for limit in limits if limit > 0)]))


def _first_number(text: str) -> int:
    """Return the number that a limit begins with (OpenMP takes ``4,2`` for nested levels), or 0."""
    first = text.partition(",")[0].strip()
    return int(first) if first.isdigit() else 0


def default_threads() -> int:
    """Return the threads of this process, told by the launcher's variables: no rank is asked.

    The cores that the process may use, divided by the ranks on its node.
    """
    for name in LOCAL_SIZE_VARIABLES:
        if os.environ.get(name, "").isdigit():
            return max(1, usable_cores() // max(1, int(os.environ[name])))
    return usable_cores()


Run = Callable[[Callable[[slice], None], int], None]
"""Calls ``work(rows)`` for slices that cover n rows."""

CHUNK = 4096
"""Rows that a thread takes at a time: the result depends on neither it nor the threads."""


def in_chunks(threads: int) -> Run:
    """Return a function that calls ``work(rows)`` for chunks of n rows, on several threads."""

    def run(work: Callable[[slice], None], n: int) -> None:
        size = max(128, min(CHUNK, -(-n // (4 * threads)) // 128 * 128))
        chunks = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        if threads == 1 or len(chunks) == 1:
            for rows in chunks:
                work(rows)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, chunks))

    return run
