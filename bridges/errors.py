"""Errors that end with what to type next.

Every error that a user can cause or mend is a :class:`ToolkitError`: one sentence saying what is
wrong, one saying what to do, and the exit code that a command line returns for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ToolkitError(Exception):
    """An error with a hint and an exit code.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence, with the values that matter.
    hint : str
        What to do or type next.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Hint: {self.hint}" if self.hint else self.message


class ToldWarning(UserWarning):
    """A warning about a fit whose text is kept in ``notes_``, too, where commands read it."""


class UsageError(ToolkitError, ValueError):
    """An option, name or parameter that does not exist or does not fit the others."""

    exit_code = 2


class DataError(ToolkitError, ValueError):
    """Input data that cannot be used as they are."""

    exit_code = 3


class SolverError(ToolkitError, RuntimeError):
    """A sampler, solver, extra or credential that is missing or failed."""

    exit_code = 4


class EmbeddingError(SolverError):
    """A problem that does not fit the annealer's working graph."""

    exit_code = 5


class BudgetError(SolverError):
    """A run refused because it would exceed the stated budget."""

    exit_code = 6


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean …? `` with the nearest known word, "" if none is near.

    Flags stand as they are typed, other words in quotes.

    Examples
    --------
    >>> did_you_mean("--sead", ["--seed", "--out"])
    'Did you mean --seed? '
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    if not near:
        return ""
    return f"Did you mean {near[0] if near[0].startswith('-') else repr(near[0])}? "
