"""Samplers of other packages, in the form of ours; those that are not installed are told of.

``pip install openjij qanneal simulated-bifurcation`` brings all of them (the last with PyTorch).
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np

PACKAGES = {
    "openjij": "openjij",
    "openjij-sqa": "openjij",
    "qanneal": "qanneal",
    "qanneal-sqa": "qanneal",
    "bifurcation": "simulated_bifurcation",
}
"""Which package each peer is of."""


def installed(names: Any) -> list[str]:
    """Return the samplers that can take part, and print why the others cannot."""
    found = []
    for name in names:
        package = PACKAGES.get(name)
        if package is None or importlib.util.find_spec(package) is not None:
            found.append(name)
        else:
            shop = package.replace("_", "-")
            print(f"{name} is left out: pip install {shop} first", file=sys.stderr)
    return found


def peer(name: str, reads: int, effort: int | None = None) -> Any:
    """Return a peer with so many reads; ``effort`` is about the sweeps of each, its own if None."""
    if name.startswith("openjij"):
        return OpenJij("SQASampler" if name.endswith("sqa") else "SASampler", reads, effort)
    if name.startswith("qanneal"):
        return QAnneal("sqa" if name.endswith("sqa") else "sa", reads, effort)
    return Bifurcation(reads, effort)


class _Peer:
    """Samples problems one after the other, each in its bits."""

    def sample(self, problems: Any, seeds: Any, *, n_jobs: int | None = None) -> list[Any]:
        """Sample every problem on the calling thread; ``n_jobs`` must allow for that."""
        from qsvm.samplers.base import batch_from_rows

        if n_jobs not in (None, 1):
            raise ValueError("peers run on one thread")
        batches = []
        for problem, seed in zip(problems, seeds, strict=True):
            started = time.perf_counter()
            x = problem.decode(self._bits(problem, seed))
            seconds = time.perf_counter() - started
            batches.append(batch_from_rows(problem, x, solve_s=seconds))
        return batches

    def _bits(self, problem: Any, seed: int) -> Any:
        raise NotImplementedError


class OpenJij(_Peer):
    """OpenJij's simulated or path-integral annealing; its own range of temperatures."""

    def __init__(self, kind: str, reads: int, effort: int | None) -> None:
        self.kind, self.reads = kind, reads
        self.options = {} if effort is None else {"num_sweeps": effort}

    def _bits(self, problem: Any, seed: int) -> Any:
        import openjij

        # from one seed it draws the same read again and again
        seeded = {"seed": seed} if self.reads == 1 else {}
        found = getattr(openjij, self.kind)().sample(
            problem.to_bqm(), num_reads=self.reads, **self.options, **seeded
        )
        return found.record.sample[:, np.argsort(found.variables)].astype(np.int8)


class QAnneal(_Peer):
    """qanneal's simulated or path-integral annealing by its default schedule of 50 temperatures.

    The one that it fits to a problem (``auto_schedule_sa_tuned``) ends too hot on these: gaps of a
    third where the default has two hundredths.
    """

    STEPS = 50

    def __init__(self, method: str, reads: int, effort: int | None) -> None:
        self.method, self.reads, self.effort = method, reads, effort

    def _bits(self, problem: Any, seed: int) -> Any:
        import qanneal

        options: dict[str, Any] = {}
        if self.effort is not None:
            steps = min(self.effort, self.STEPS)
            make = {"sa": qanneal.auto_schedule_sa, "sqa": qanneal.auto_schedule_sqa}[self.method]
            options = {"schedule": make(steps), "sweeps_per_beta": self.effort // steps}
        found = qanneal.solve(
            problem.to_bqm(),
            method=self.method,
            reads=self.reads,
            seed=seed,
            progress=False,
            return_bits=True,
            **options,
        )
        return np.array(found.samples)[:, np.argsort(found.var_order)].astype(np.int8)


class Bifurcation(_Peer):
    """Simulated bifurcation, ballistic; ``effort`` are tens of steps, and it may stop before."""

    def __init__(self, reads: int, effort: int | None) -> None:
        self.reads, self.effort = reads, effort

    def _bits(self, problem: Any, seed: int) -> Any:
        import simulated_bifurcation as sb
        import torch

        torch.manual_seed(seed)
        torch.set_num_threads(1)
        quadratic, linear, _ = problem.qubo()
        options: dict[str, Any] = {} if self.effort is None else {"max_steps": 10 * self.effort}
        bits, _ = sb.minimize(
            torch.tensor(0.5 * quadratic, dtype=torch.float32),
            torch.tensor(linear, dtype=torch.float32),
            domain="binary",
            agents=self.reads,
            best_only=False,
            verbose=False,
            **options,
        )
        return bits.numpy().round().astype(np.int8)
