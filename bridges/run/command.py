"""A command: its name, its options, its body; the same frame of errors and ranks around each."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence

from bridges.machine import comm as mpi
from bridges.run import config
from bridges.run.console import command
from bridges.run.options import make_parser
from bridges.run.parser import Option, Parser


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
        if getattr(args, "show_versions", False):
            _show_versions()
            return 0
        return self.body(args)


def _show_versions() -> None:
    from bridges.run.record import versions

    if mpi.resolve().rank == 0:
        print("\n".join(f"{name} {version}" for name, version in versions().items()))
