"""A descent whose process is killed goes on, to the same model, and sends nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = Path(__file__).with_name("descends.py")


def descend(checkpoint, target, until=None):
    """Run the program; kill it as soon as ``until()`` holds."""
    run = subprocess.Popen(
        [sys.executable, PROGRAM, checkpoint, target],
        env=os.environ,
        stderr=subprocess.DEVNULL,
        cwd=PROGRAM.parents[2],
    )
    while run.poll() is None:
        if until is not None and until():
            run.kill()
        time.sleep(0.002)
    return run.returncode


def test_killed_and_resumed(leap, tmp_path):
    server = leap()
    assert descend(tmp_path / "straight", tmp_path / "model") == 0
    wanted, paid = (tmp_path / "model").read_text(), sum(server.desk.paid().values())
    server = leap()
    killed = descend(tmp_path / "run", tmp_path / "no", lambda: len(server.requests) >= 24)
    assert killed == -9
    assert descend(tmp_path / "run", tmp_path / "again") == 0
    assert (tmp_path / "again").read_text() == wanted
    assert set(server.desk.paid().values()) == {1}
    assert sum(server.desk.paid().values()) == paid
