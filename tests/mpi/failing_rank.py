"""Run under mpiexec: one rank fails in the way that the first argument names."""

from __future__ import annotations

import os
import signal
import sys

from bridges.errors import DataError
from bridges.machine.comm import end, in_turn, resolve
from bridges.run.console import guarded


def work() -> int:
    comm = resolve()
    way = sys.argv[1]
    if way == "raise" and comm.rank == comm.size - 1:
        raise DataError("The last rank has bad data.", "Mend it.")
    if way == "raise-all":
        raise DataError("All ranks have bad data.", "Mend them.")
    if way == "kill" and comm.rank == comm.size - 1:
        os.kill(os.getpid(), signal.SIGKILL)
    comm.allgather(comm.rank)
    comm.barrier()
    return 0


if __name__ == "__main__":
    world = resolve()
    raise SystemExit(end(world, guarded(lambda: in_turn(world, work))))
