"""``annealsvm``: every command under one name.

A command joins as an entry point of the group ``bridges.commands``, which names a
:class:`bridges.run.command.Command`; so does one of another package::

    [project.entry-points."bridges.commands"]
    mine = "my_package.mine:COMMAND"
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bridges import __version__, registry
from bridges.errors import ToolkitError, UsageError
from bridges.run import console
from bridges.run.command import COMMANDS, Command


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``annealsvm COMMAND …``; return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] in (["--help"], ["-h"]):
        print(overview())
        return 0
    if words == ["--version"]:
        print(f"annealsvm {__version__}")
        return 0
    chosen: list[Command] = []
    code = console.command(lambda given: chosen.append(find(given)), words)
    return chosen[0].main(words[1:], f"annealsvm {words[0]}") if chosen else code


def find(words: Sequence[str]) -> Command:
    """Return the command that the first word names.

    Raises
    ------
    UsageError
        If there is no word, it names no command, or what it names is none.
    """
    if not words:
        raise UsageError("No command is given.", "annealsvm --help lists them.")
    found: object = registry.load(words[0], COMMANDS)
    if not isinstance(found, Command):
        raise UsageError(
            f"'{words[0]}' is registered as a command and is none: {found!r}.",
            "Its package has to name a bridges.run.command.Command.",
        )
    return found


def overview() -> str:
    """Return what ``annealsvm --help`` says: every command with its summary."""
    lines = ["usage: annealsvm COMMAND … (annealsvm COMMAND --help tells its options)", ""]
    for name in registry.names(COMMANDS):
        try:
            summary = find([name]).summary
        except ToolkitError as error:
            summary = f"not available: {error}"
        lines.append(f"  {name:10} {' '.join(summary.split())}")
    return "\n".join(lines)
