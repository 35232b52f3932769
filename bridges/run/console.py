"""What a command says while it works: results on stdout, narration and progress on stderr."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bridges.errors import ToolkitError
from bridges.machine import comm as mpi
from bridges.machine.progress import Progress, no_progress

INTERRUPTED = 130
READER_GONE = 141
PLAIN_INTERVAL_S = 5.0


class Narrator:
    """Speaks on stderr for the one rank that may.

    Parameters
    ----------
    verbosity : int
        0 normal, 1 with details (``-v``), 2 with tracebacks (``-vv``), -1 silent (``--quiet``).
    silent : bool
        True on every rank but the first.

    Attributes
    ----------
    notes : list of str
        What was said by :meth:`note`.
    """

    def __init__(self, verbosity: int = 0, *, silent: bool = False) -> None:
        self.verbosity = verbosity
        self.silent = silent or verbosity < 0
        self.notes: list[str] = []

    def say(self, text: str, level: int = 0) -> None:
        """Print one line of narration if the verbosity is at least ``level``."""
        if not self.silent and self.verbosity >= level:
            print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Say what was decided and the user should know; ``metrics.json`` keeps it, too."""
        self.notes.append(text)
        self.say(f"note: {text}")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.say(f"warning: {text}")

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Progress]:
        """Show progress of a task; yields a callable taking (done, total), safe from any thread.

        A bar on a terminal, a plain line every few seconds where stderr is piped.
        """
        if self.silent:
            yield no_progress
        elif sys.stderr.isatty():
            with _bar(title) as update:
                yield update
        else:
            yield _plain(title)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(title: str) -> Progress:
    started = last = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= PLAIN_INTERVAL_S:
            last = now
            print(f"{title}: {done}/{total} ({now - started:.1f} s)", file=sys.stderr, flush=True)

    return update


def guarded(work: Callable[[], int | None], verbosity: int = 0) -> int:
    """Run a command's body and turn what it raises into a message and an exit code.

    Parameters
    ----------
    work : callable
        The body; its return value (None counts as 0) is the exit code.
    verbosity : int
        From 2 on, tracebacks are shown.

    Returns
    -------
    int
        0 ok, 1 failure, 2 usage, 3 data, 4 solver or credentials, 5 no embedding, 6 budget
        refused, 130 interrupted, 141 the reader of stdout has gone.
    """
    try:
        with _terminated_as_interrupted():
            return work() or 0
    except BrokenPipeError:
        # who reads the results has gone (`… | head`): nothing is wrong, and nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        print("error: Interrupted; no partial files were left.", file=sys.stderr)
        print("hint: Run the same command again when you are ready.", file=sys.stderr)
        return INTERRUPTED
    except ToolkitError as error:
        _explain(error.message, error.hint, verbosity)
        return error.exit_code
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Free some space or choose another folder with --out DIR."
        else:
            hint = "Check the path and its permissions; -vv shows where it happened."
        _explain(str(error), hint, verbosity)
        return 1
    except MemoryError:
        _explain("Out of memory.", "Use fewer pixels or smaller members.", verbosity)
        return 1
    except Exception as error:
        _explain(
            f"{type(error).__name__}: {error}",
            "This should not happen; repeat with -vv and report what it prints.",
            verbosity,
        )
        return 1


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, with which batch systems end jobs, clean up as Ctrl-C does."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # handlers belong to the main thread
        return
    earlier = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def command(body: Callable[[Sequence[str]], int | None], words: Sequence[str]) -> int:
    """Run a command's body as :func:`guarded` does, on all ranks where MPI started several.

    An error on any rank ends all of them, and is told once. An exit code that the body returns is
    a result: the ranks end by themselves.

    Parameters
    ----------
    body : callable
        Called with the words of the command line.
    words : sequence of str
        Those words; ``-vv`` among them asks for tracebacks.

    Returns
    -------
    int
        The exit code.
    """
    ranks: list[Any] = []

    def work() -> int | None:
        comm = mpi.resolve()
        ranks.append(comm)
        code = mpi.in_turn(comm, lambda: body(words))
        ranks.clear()
        return code

    code = guarded(work, 2 if "-vv" in words else 0)
    return mpi.end(ranks[0], code) if ranks else code


def _explain(message: str, hint: str, verbosity: int) -> None:
    if verbosity >= 2:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
