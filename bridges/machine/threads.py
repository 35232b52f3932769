"""The cores and threads of this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

LOCAL_SIZE_VARIABLES = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE")


def usable_cores() -> int:
    """Return the number of cores that this process may run on.

    Affinity counts, and so does the quota of a container (a share of 64 cores that is worth two);
    ``LOKY_MAX_CPU_COUNT`` sets an upper bound.
    """
    import joblib

    return joblib.cpu_count()


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
