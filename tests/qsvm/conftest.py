"""Fixtures of the quantum wing: a local Leap, and folders of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep files out of the user's folders, and the user's credentials out of the tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_CONFIG_DIRS", str(home / "config"))
        for key in ("DWAVE_API_TOKEN", "DWAVE_API_ENDPOINT", "DWAVE_PROFILE", "DWAVE_CONFIG_FILE"):
            patch.delenv(key, raising=False)
        yield


@pytest.fixture
def leap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a maker of local Leap servers that Ocean's configuration points to."""
    pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")
    from leap_server import LeapServer, hybrid_bqm, hybrid_cqm, hybrid_nl, qpu

    from qsvm.samplers.chip.chips import named_chip
    from qsvm.samplers.leap import delivery

    monkeypatch.setattr(delivery, "GRACE_S", 0.05)
    with contextlib.ExitStack() as stack:

        def start(chip: str = "zephyr:3", **options: Any) -> LeapServer:
            made = named_chip(chip)
            hybrids = [hybrid_bqm(), hybrid_cqm(), hybrid_nl()]
            solvers = [qpu(f"Local_{made.kind}", made.properties), *hybrids]
            server = stack.enter_context(LeapServer(solvers, **options))
            for key, value in server.environment().items():
                monkeypatch.setenv(key, value)
            return server

        yield start


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes run stores take the rest of the test for another process."""
    from qsvm.samplers.leap import store

    return lambda: monkeypatch.setattr(store, "PROCESS", uuid.uuid4().hex)


@pytest.fixture
def quick_sampler(tmp_path: Path) -> Callable[..., Any]:
    """Return a maker of QPU samplers that lose patience quickly, with a store in ``tmp_path``."""
    from qsvm.samplers.leap.faults import Patience
    from qsvm.samplers.leap.qpu import PackedQPU

    def make(tries: int = 3, deadline_s: float = 3.0, **options: Any) -> PackedQPU:
        given = {"store": str(tmp_path / "run"), "num_reads": 20, "members_per_submission": 2}
        sampler = PackedQPU(**given | options)
        patience = Patience(
            tries=tries, first_s=0.01, longest_s=0.05, deadline_s=deadline_s, poll_s=1
        )
        sampler.run = dataclasses.replace(sampler.run, patience=patience)
        return sampler

    return make
