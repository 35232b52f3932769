"""Exit codes, messages and progress."""

from __future__ import annotations

import errno

import pytest

from bridges import errors
from bridges.run.console import Narrator, command, guarded


def fail_with(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.ToolkitError("It broke.", "Mend it."), 1, "It broke."),
        (errors.UsageError("Wrong word.", "Say another."), 2, "Wrong word."),
        (errors.DataError("Bad file.", "Take a good one."), 3, "Bad file."),
        (errors.SolverError("No solver.", "Get one."), 4, "No solver."),
        (errors.EmbeddingError("Too large.", "Shrink it."), 5, "Too large."),
        (errors.BudgetError("Too dear.", "Pay more."), 6, "Too dear."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "/x"),
        (MemoryError(), 1, "memory"),
        (ZeroDivisionError("division by zero"), 1, "ZeroDivisionError"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
)
def test_every_error_is_a_line_a_hint_and_a_code(error, code, said, capsys):
    assert guarded(fail_with(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    message, hint = err.splitlines()
    assert message.startswith("error: ")
    assert said in message
    assert hint.startswith("hint: ")


def test_tracebacks_are_shown_when_asked_for(capsys):
    assert guarded(fail_with(errors.DataError("Bad.", "Good.")), verbosity=2) == 3
    assert "Traceback" in capsys.readouterr().err


def test_success_is_zero_and_other_codes_pass():
    assert guarded(lambda: None) == 0
    assert guarded(lambda: 7) == 7


def test_a_command_alone_is_guarded(capsys):
    assert command(len, ["a", "b"]) == 2
    assert command(lambda words: fail_with(errors.DataError("Bad.", "Good."))(), ["-vv"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_launcher_without_mpi4py_is_an_error_with_a_hint(monkeypatch, capsys):
    import sys

    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert command(lambda words: 0, []) == 4
    assert "hint: pip install mpi4py" in capsys.readouterr().err


def test_a_narrator_speaks_on_stderr_at_its_level_only(capsys):
    narrator = Narrator(0)
    narrator.say("plain")
    narrator.say("detail", level=1)
    narrator.warn("careful")
    Narrator(-1).say("nothing")
    Narrator(2, silent=True).say("nothing")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "plain\nwarning: careful\n"


def test_progress_piped_is_a_plain_line_at_the_end(capsys):
    with Narrator().progress("training") as progress:
        for done in range(1, 4):
            progress(done, 3)
    err = capsys.readouterr().err
    assert err.startswith("training: 3/3 (")
    assert err.count("\n") == 1
    with Narrator(-1).progress("training") as progress:
        progress(1, 1)
    assert capsys.readouterr().err == ""
