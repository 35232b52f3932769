"""Everything that this project registers keeps its contract, by the kit that it ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridges import registry
from bridges.testing import (
    assert_classifier,
    assert_formulation,
    assert_inner_solver,
    assert_sampler,
)

QUICK = {"num_reads": 8, "num_sweeps": 50}
CLASSIFIERS = {
    "qubo-svc": {"sampler_params": QUICK},
    "qubo-ensemble": {"members": 3, "member_size": 14, **QUICK},
    "hybrid-svc": {"num_reads": 8, "sampler_params": {"num_sweeps": 50}, "steps": 8, "n_jobs": 1},
}
SAMPLERS = {
    "neal": {"num_reads": 8},
    "sa": {"num_reads": 8},
    "tabu": {"num_reads": 3},
    "sqa": {"num_reads": 3},
    "mock-qpu": {"num_reads": 20, "chip": "zephyr:3"},
}
"""Options with which each is quick; none for those that are."""

CLOUD = {"qpu", "qpu-clique", "hybrid", "hybrid-cqm", "hybrid-nl"}
"""Tried beside the local Leap, in tests/qsvm/samplers/leap/test_registered.py."""
ELSEWHERE = CLOUD | {"replay", "replay-hybrid"}
"""The last two answer only what their own run asked."""


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cliques"))


@pytest.mark.parametrize("name", registry.names(registry.CLASSIFIERS))
def test_classifier(name: str) -> None:
    assert_classifier(registry.make(name, **CLASSIFIERS.get(name, {})))


@pytest.mark.parametrize("name", sorted(set(registry.names(registry.SAMPLERS)) - ELSEWHERE))
def test_sampler(name: str) -> None:
    options = dict(SAMPLERS.get(name, {}))
    if name == "dimod":
        options["sampler"] = "dwave.samplers:SteepestDescentSampler"
    # where the chip puts a problem, and so its noise, depends on the problems beside it
    assert_sampler(registry.make_sampler(name, **options), repeatable=name != "mock-qpu")


@pytest.mark.parametrize("name", registry.names(registry.FORMULATIONS))
def test_formulation(name: str) -> None:
    assert_formulation(registry.build(name, registry.load(name, registry.FORMULATIONS), {}))


@pytest.mark.parametrize("name", registry.names(registry.SUBPROBLEMS))
def test_inner_solver(name: str) -> None:
    target = registry.load(name, registry.SUBPROBLEMS)
    assert_inner_solver(target, exact=name == "smo")


def test_no_name_is_tried_nowhere() -> None:
    assert set(SAMPLERS) | ELSEWHERE <= set(registry.names(registry.SAMPLERS))
    other = Path(__file__).parent / "qsvm" / "samplers" / "leap" / "test_registered.py"
    assert all(f'"{name}"' in other.read_text(encoding="utf-8") for name in CLOUD)
