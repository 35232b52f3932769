"""A command: its name, its options, its body; the same frame of errors and ranks around each."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence

from bridges import registry
from bridges.errors import ToolkitError, did_you_mean
from bridges.machine import comm as mpi
from bridges.run import config
from bridges.run.console import command
from bridges.run.options import make_parser
from bridges.run.parser import Option, Parser

COMMANDS = "bridges.commands"
"""Entry points that name commands."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, as a module's ``main`` and under ``annealsvm``.

    Attributes
    ----------
    module : str
        ``qsvm.plan``: it is started by ``python -m qsvm.plan``.
    summary : str
        One line that says what it does.
    options : tuple of Option
        From :func:`bridges.run.options.of`.
    body : callable
        Does the work with the parsed options; returns the exit code, None counting as 0.
    epilog : str
        What ``--help`` says at its end.
    prepare : callable, optional
        Returns the words of the command line with those that they stand for.

    Examples
    --------
    >>> from bridges.run.options import of
    >>> plan = Command("qsvm.plan", "what it costs", of("plan"), lambda args: print(args.json))
    >>> plan.main(["--json"])
    True
    0
    """

    module: str
    summary: str
    options: tuple[Option, ...]
    body: Callable[[argparse.Namespace], int | None]
    epilog: str = ""
    prepare: Callable[[Sequence[str]], Sequence[str]] | None = None

    def make_parser(self, prog: str | None = None) -> Parser:
        """Return the parser; ``prog`` is how the command was started, by default as a module."""
        started = prog or f"python -m {self.module}"
        return make_parser(started, self.options, self.summary, self.epilog)

    def main(self, argv: Sequence[str] | None = None, prog: str | None = None) -> int:
        """Run the command; return its exit code. An error on any rank ends all of them.

        Parameters
        ----------
        argv : sequence of str, optional
            Words after the command's name; by default those of this process.
        prog : str, optional
            How it was started, for ``--help`` and hints.
        """
        words = sys.argv[1:] if argv is None else list(argv)
        return command(lambda given: self._run(given, prog), words)

    def _run(self, words: Sequence[str], prog: str | None) -> int | None:
        full = self.prepare(words) if self.prepare else words
        args = config.parse(self.make_parser(prog), full)
        if not getattr(args, "quiet", False) and mpi.resolve().rank == 0:
            _tell_unknown_variables()
        if getattr(args, "show_versions", False):
            _show_versions()
            return 0
        return self.body(args)


def _tell_unknown_variables() -> None:
    """Warn of variables of the environment that look like options and are none of any command."""
    given = [name for name in os.environ if name.startswith(config.ENVIRONMENT)]
    if not given:
        return
    known = {f"{config.ENVIRONMENT}{name.upper()}" for name in _names_of_all_commands()}
    for name in sorted(set(given) - known):
        guess = did_you_mean(name, known).strip()
        print(f"warning: {name} is an option of no command. {guess}".rstrip(), file=sys.stderr)


def _names_of_all_commands() -> set[str]:
    found: set[str] = set()
    for command_name in registry.names(COMMANDS):
        with contextlib.suppress(ToolkitError):  # a command whose extra is missing has no say
            loaded: object = registry.load(command_name, COMMANDS)
            if isinstance(loaded, Command):
                found |= {name for option in loaded.options for name in option.names}
    return found


def _show_versions() -> None:
    from bridges.run.record import versions

    if mpi.resolve().rank == 0:
        print("\n".join(f"{name} {version}" for name, version in versions().items()))
