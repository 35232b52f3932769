"""Faults that the server can be told to commit."""

from __future__ import annotations

import dataclasses
import threading

PLACES = ("solvers", "submit", "poll", "answer", "answer-data", "cancel", "upload")
KINDS = (
    "status",  # an HTTP error status
    "drop-before",  # the connection ends before the request takes effect
    "drop-after",  # the request takes effect, but no reply arrives
    "refuse",  # the request takes no effect and new connections are refused for a while
    "no-id",  # a reply without the problem's id
    "malformed",  # a reply that is no JSON, or an answer that cannot be decoded
    "garbled",  # valid JSON whose samples do not fit the problem
    "never",  # the problem stays IN_PROGRESS
    "offline",  # the solver is offline: submissions and pending problems fail
    "quota",  # submissions are refused because the quota is used up
    "too-large",  # submissions are refused because of their size
)


@dataclasses.dataclass
class Fault:
    """One kind of failure at one place, some number of times.

    Attributes
    ----------
    where : {"solvers", "submit", "poll", "answer", "answer-data", "cancel", "upload"}
        Which requests fail.
    kind : str
        One of :data:`KINDS`.
    status : int
        HTTP status of kind ``status``.
    times : int or None
        How often; None for ever.
    after : int
        Let so many requests of that place pass first.
    retry_after : float or None
        Value of a ``Retry-After`` header, in seconds.
    seconds : float
        How long connections are refused (kind ``refuse``).
    """

    where: str
    kind: str = "status"
    status: int = 500
    times: int | None = 1
    after: int = 0
    retry_after: float | None = None
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.where not in PLACES or self.kind not in KINDS:
            raise ValueError(f"unknown fault: {self.where}, {self.kind}")


class Schedule:
    """Decides, request by request, which fault strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.struck: list[tuple[str, str]] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def next(self, where: str) -> Fault | None:
        """Return the fault for this request, if any, and count it."""
        with self._lock:
            for fault in self._faults:
                if fault.where != where or fault.times == 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                self.struck.append((where, fault.kind))
                return fault
        return None
