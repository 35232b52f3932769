"""How much memory is left, and the refusal of work that would take more."""

from __future__ import annotations

from pathlib import Path

from bridges.errors import SolverError

FEWER = "Start fewer ranks per node, or train on fewer samples."


def available_memory() -> int:
    """Return the bytes that this machine can still give, a container's limit included."""
    free = 1 << 62
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        sizes = dict(line.split(":") for line in lines)
        free = int(sizes["MemAvailable"].split()[0]) * 1024
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text("ascii")))
    except (OSError, KeyError, ValueError):
        return free
    return free


def require_memory(needed: int, ranks_here: int, what: str, hint: str = FEWER) -> None:
    """Refuse work whose predicted memory exceeds this rank's share of what is available.

    Parameters
    ----------
    needed : int
        Predicted bytes.
    ranks_here : int
        Ranks that share the machine's memory.
    what, hint : str
        Beginning and hint of the message.

    Raises
    ------
    SolverError
        With both numbers.
    """
    share = available_memory() // max(ranks_here, 1)
    if needed > share:
        raise SolverError(
            f"{what} would take {needed / 1e9:.1f} GB on this rank; {share / 1e9:.1f} GB are left.",
            hint,
        )
