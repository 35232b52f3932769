"""Options as objects, and the parser that speaks of a wrong one as of every other error."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bridges.errors import UsageError, did_you_mean


class Anew(argparse.Action):
    """Collects the values of a repeated flag; the first replaces what file or environment say."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add one value."""
        earlier = getattr(namespace, self.dest)
        kept = [] if earlier is self.default or earlier is None else earlier
        setattr(namespace, self.dest, [*kept, values])


ActionType = type[argparse.Action]


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of one or several commands.

    Attributes
    ----------
    flags : tuple of str
        ``("--seed",)``; a name without dashes is a positional argument.
    help : str
        One line of ``--help``.
    users : tuple of str
        Commands that have it, by their names under ``annealsvm``.
    group : str
        Heading under which ``--help`` shows it.
    default : object
        Value where neither flag nor environment nor file gives one.
    type : callable, optional
        Makes the value from the text after the flag; raises
        :class:`argparse.ArgumentTypeError`.
    choices : sequence of str, optional
        The values that there are, imported from where they are implemented.
    metavar : str, optional
        What ``--help`` calls the value.
    action : str or type, optional
        One of argparse's (``"store_true"``, ``"append"``, …), or :class:`Anew`.
    dest : str, optional
        Attribute of the parsed options; by default the flag's name.
    nargs : str, optional
        ``"+"`` for one value or more.
    required : bool
        Whether the command refuses to run without.
    from_file : callable, optional
        Makes the value from that of a file where it has a form of its own there (a table, a
        list), None included; raises ValueError. By default ``type`` does.
    file_only : bool
        Whether it is for files alone and has no flag.
    """

    flags: tuple[str, ...]
    help: str
    users: tuple[str, ...] = ()
    group: str = "run"
    default: Any = None
    type: Callable[[str], Any] | None = None
    choices: Sequence[str] | None = None
    metavar: str | None = None
    action: str | ActionType | None = None
    dest: str | None = None
    nargs: str | None = None
    required: bool = False
    from_file: Callable[[Any], Any] | None = None
    file_only: bool = False

    @property
    def name(self) -> str:
        """Attribute of the parsed options, and key in a file."""
        return self.dest or self.names[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which a file or the environment may call it, the flags' in front."""
        long = [flag.lstrip("-").replace("-", "_") for flag in self.flags if len(flag) > 2]
        return tuple(dict.fromkeys([*long, *([self.dest] if self.dest else [])]))

    def but(self, **changes: Any) -> Option:
        """Return the same option with other attributes: another default, other users."""
        return dataclasses.replace(self, **changes)

    def add_to(self, group: Any) -> None:
        """Add it to a parser or a group of one."""
        named = ("type", "choices", "metavar", "action", "dest", "nargs")
        given = {key: value for key in named if (value := getattr(self, key)) is not None}
        if self.required:
            given["required"] = True
        if self.flags[0].startswith("-") and self.action != "store_true":
            given["default"] = self.default
        group.add_argument(*self.flags, help=self.help, **given)


_NEGATIVE_NUMBER = re.compile(
    r"^-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^-(inf|infinity|nan)$", re.IGNORECASE
)


class Parser(argparse.ArgumentParser):
    """An argument parser without abbreviations, whose errors are :class:`UsageError`.

    Parameters
    ----------
    prog : str
        How the command is called, for example ``python -m qsvm.train``.
    options : sequence of Option
        What it understands; shown in this order, group by group.
    description, epilog : str
        For ``--help``.
    add_help : bool
        False for a look ahead at single options (with ``parse_known_args``).
    """

    def __init__(
        self,
        prog: str,
        options: Sequence[Option] = (),
        description: str = "",
        epilog: str = "",
        *,
        add_help: bool = True,
    ) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            add_help=add_help,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
        )
        # argparse takes -3.4e+38 and -inf for flags; held by tests/bridges/run/test_options.py::
        # test_negative_numbers_in_any_form_are_values
        self._negative_number_matcher = _NEGATIVE_NUMBER
        self.known: dict[str, Option] = {}
        groups: dict[str, Any] = {}
        for option in options:
            self.known[option.name] = option
            if option.file_only:
                self.set_defaults(**{option.name: option.default})
                continue
            if option.group not in groups:
                groups[option.group] = self.add_argument_group(option.group)
            option.add_to(groups[option.group])

    def require_known_flags(self, words: Sequence[str]) -> None:
        """Raise a UsageError for a flag that there is not, before others are missed."""
        for word in words:
            if word == "--":
                return
            flag = word.partition("=")[0]
            if flag.startswith("--") and flag not in self._option_string_actions:
                self.error(f"unrecognized arguments: {flag}")

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError that names the nearest flag or choice.

        Flags come from a private table of argparse and choices from its English words; held by
        tests/test_command_line.py::test_a_misspelt_option_ends_with_2_and_a_hint and
        test_a_misspelt_choice_is_named_with_the_nearest.
        """
        words = re.findall(r"(?<!\S)--[\w-]+", message) if "unrecognized" in message else []
        known: Sequence[str] = list(self._option_string_actions)
        if found := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            words, known = [found[1]], re.findall(r"[^', ]+", found[2])
        raise UsageError(
            f"{message[:1].upper()}{message[1:]}.",
            f"{did_you_mean(words[0], known) if words else ''}See {self.prog} --help.",
        )


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults in the help, but not where there is none; texts broken as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, argparse.SUPPRESS) or action.required:
            return action.help
        if isinstance(action.default, list) and not action.default:
            return action.help
        return super()._get_help_string(action)
