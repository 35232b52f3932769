"""Machine code on disk is that of today's sources, callees in other files included, and whole."""

import os
import subprocess
import sys

INNER = """
from bridges.machine.compiled import compiled


@compiled
def inner(x):
    return x + {}
"""
OUTER = """
from bridges.machine.compiled import compiled
from inner_file import inner


@compiled
def outer(x):
    return 2 * inner(x)


print(outer(1), sum(outer.stats.cache_hits.values()))
"""


def test_a_change_of_a_callee_in_another_file_is_compiled(tmp_path):
    (tmp_path / "outer_file.py").write_text(OUTER, encoding="utf-8")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    said = []
    for number in (1, 1, 5):
        (tmp_path / "inner_file.py").write_text(INNER.format(number), encoding="utf-8")
        command = [sys.executable, str(tmp_path / "outer_file.py")]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        said.append(run.stdout.split())
    assert said == [["4", "0"], ["4", "1"], ["12", "0"]]


def test_damaged_code_is_compiled_again(tmp_path):
    (tmp_path / "outer_file.py").write_text(OUTER, encoding="utf-8")
    (tmp_path / "inner_file.py").write_text(INNER.format(1), encoding="utf-8")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "outer_file.py")]

    def run():
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.split(), done.stderr

    assert run()[0] == ["4", "0"]
    for suffix in (".nbi", ".nbc"):
        (path,) = (p for p in tmp_path.rglob(f"*outer-*{suffix}"))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        said, told = run()
        assert said == ["4", "0"]
        assert path.name in told
        assert "computed again" in told
        assert run() == (["4", "1"], "")
