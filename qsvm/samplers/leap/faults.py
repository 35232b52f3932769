"""What can go wrong between here and Leap, and what it means."""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Any

from bridges.errors import BudgetError, EmbeddingError, SolverError

RESUME_HINT = "What was answered is stored; go on with --resume RUN when Leap is well again."


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to bear with failures.

    Attributes
    ----------
    tries : int
        Failures in a row before giving up: the circuit breaker.
    first_s, longest_s : float
        First pause and longest pause between tries; pauses double, with jitter.
    deadline_s : float
        Wall-clock seconds that one problem may take from sending to answer.
    poll_s : float
        Seconds that one status request is held open by the server.
    """

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 30.0
    deadline_s: float = 1800.0
    poll_s: int = 20

    def pause(self, tries: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after so many failures, never less than the server asked."""
        pause = min(self.longest_s, self.first_s * 2.0 ** (tries - 1))
        return max(pause * random.uniform(0.5, 1.0), retry_after or 0.0)

    def wait(self, tries: int, retry_after: float | None = None) -> None:
        """Sleep for :meth:`pause`."""
        time.sleep(self.pause(tries, retry_after))


@dataclasses.dataclass(frozen=True)
class Trouble:
    """A failure, understood.

    Attributes
    ----------
    text : str
        What happened.
    passing : bool
        Whether trying again may help.
    accepted : bool
        Whether a submission may have been accepted in spite of it.
    hint : str
        What to do.
    retry_after : float or None
        Seconds that the server asked to wait.
    error_type : type
        The error to raise when it does not pass.
    """

    text: str
    passing: bool = False
    accepted: bool = False
    hint: str = RESUME_HINT
    retry_after: float | None = None
    error_type: type[SolverError] = SolverError


def diagnose(error: BaseException) -> Trouble:
    """Understand an exception of the cloud client or of the network below it."""
    status = _status(error)
    text = _text(error)
    if status == 401 or type(error).__name__ == "SolverAuthenticationError":
        return Trouble(
            "the API token was refused (401)",
            hint="Get a valid token from the Leap dashboard and run 'dwave config create'.",
        )
    if status == 403:
        return Trouble(
            "access is forbidden (403)",
            hint="This account may not use the solver; choose another (--solver, --profile).",
        )
    if status == 429:
        wait = _retry_after(error)
        return Trouble("too many requests (429)", passing=True, retry_after=wait)
    if status is not None and status >= 500:
        return Trouble(
            f"server error ({status}): {text}",
            passing=True,
            accepted=status != 503,
            retry_after=_retry_after(error),
        )
    if status is not None:
        return refusal(text)
    return _without_status(error, text)


def _without_status(error: BaseException, text: str) -> Trouble:
    name = type(error).__name__
    if name == "SolverNotFoundError":
        return Trouble(f"{text}", hint="See the solvers with 'dwave solvers --list'.")
    if "refused" in text.lower() or "NewConnectionError" in text:
        return Trouble("the connection was refused", passing=True)
    if name in ("ConnectionError", "ChunkedEncodingError", "ProtocolError", "RequestTimeout"):
        return Trouble(f"the connection was lost ({name})", passing=True, accepted=True)
    if name in ("ValidationError", "JSONDecodeError", "InvalidAPIResponseError") or isinstance(
        error, ValueError | KeyError | IndexError | TypeError
    ):
        return Trouble(f"a reply could not be understood ({name})", passing=True, accepted=True)
    if name in ("ResourceBadResponseError", "ProblemUploadError"):
        return Trouble(f"a reply could not be understood ({name})", passing=True, accepted=True)
    return Trouble(f"{name}: {text}", passing=True, accepted=True)


def refusal(text: str) -> Trouble:
    """Understand why a solver refused or failed a problem."""
    lower = text.lower()
    if "insufficient" in lower or "quota" in lower:
        return Trouble(
            f"the quota of QPU time is used up ({text})",
            hint="Wait for the next period or use another project's token, then --resume RUN.",
            error_type=BudgetError,
        )
    if "offline" in lower:
        return Trouble(
            f"the solver is offline ({text})",
            hint="Try again later with --resume RUN, or start a new run with another --solver.",
        )
    if "duration" in lower or "maximum size" in lower or "too large" in lower:
        return Trouble(
            f"the problem is too large for the solver ({text})",
            hint="Use fewer num_reads, a shorter annealing_time or smaller members.",
            error_type=EmbeddingError,
        )
    return Trouble(f"the problem was refused ({text})", hint="Check the sampler's options.")


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    code = getattr(response, "status_code", None) or getattr(error, "error_code", None)
    return int(code) if isinstance(code, int) else None


def _retry_after(error: Any) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return float(headers.get("Retry-After", ""))
    except (TypeError, ValueError):
        return None


def _text(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
