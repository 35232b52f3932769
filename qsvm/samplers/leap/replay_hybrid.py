"""Decode a stored run of a hybrid solver again, with other rules and without any connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridges.errors import DataError, UsageError
from bridges.machine.progress import Progress, no_progress
from qsvm.samplers.base import ALL_CONSTRAINTS, SampleBatch
from qsvm.samplers.leap.hybrid import Hybrid, HybridBQM, HybridCQM
from qsvm.samplers.leap.nonlinear import HybridNL
from qsvm.samplers.leap.store import ANSWERED, Row, RunStore, store_file

if TYPE_CHECKING:
    from qsvm.problem.dual_problem import DualProblem

KINDS: dict[str, type[Hybrid]] = {kind.kind: kind for kind in (HybridBQM, HybridCQM, HybridNL)}
"""Who reads the answers to which kind of problem."""


class HybridReplay:
    """Answers from the store of an earlier run of a hybrid solver; nothing is sent.

    The problems must be those of the run (same data, seeds, kernel, encoding); how many samples are
    kept and how they are combined may differ.

    Parameters
    ----------
    run : str
        The run's folder, or its store.
    """

    summary = "a stored run of a hybrid solver, decoded again offline (replay-hybrid:RUN)"
    limits = "the problems of that run"
    handles = ALL_CONSTRAINTS

    def __init__(self, *, run: str) -> None:
        path = store_file(run)
        if not path.exists():
            raise DataError(f"'{path}' does not exist.", "Name a run's folder: replay-hybrid:RUN.")
        self._store = RunStore(path, resume=True)
        kind = KINDS.get(self._store.fact("kind") or "")
        if kind is None:
            raise DataError(
                f"'{path}' holds no run of a hybrid solver.", "A QPU run is read by replay:RUN."
            )
        self.run = run
        self._kind = kind
        self._read: set[int] = set()

    def sample(
        self,
        problems: Sequence[DualProblem],
        seeds: Sequence[int],
        *,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[SampleBatch]:
        """Return what the run was answered; see :class:`qsvm.samplers.base.DualSampler`.

        Raises
        ------
        UsageError
            If the run did not ask for these problems.
        DataError
            If it was not answered to the end.
        """
        if not problems:
            return []
        rows = self._rows([self._kind.identity(problem) for problem in problems])
        missing = sum(row.state != ANSWERED for row in rows)
        if missing:
            raise DataError(
                f"{missing} of {len(rows)} submissions of the run were never answered.",
                "Complete it first with --resume RUN.",
            )
        batches = []
        for problem, row in zip(problems, rows, strict=True):
            message, turnaround_s = self._store.answer(row), self._store.turnaround_s(row)
            batches.append(self._kind.batch(problem, message, turnaround_s, 0.0))
            progress(len(batches), len(problems))
        return batches

    def _rows(self, wanted: list[str]) -> list[Row]:
        """Return the submissions of the call that asked this: one not read yet, if asked twice."""
        calls: dict[int, list[Row]] = {}
        for row in self._store.all_rows():
            calls.setdefault(row.call, []).append(row)
        same = [
            call for call, rows in calls.items() if [r.request["problem"] for r in rows] == wanted
        ]
        if not same:
            raise UsageError(
                f"The run in '{self._store.path}' was made with other data, seeds or options.",
                "Repeat the options of the run (run.json); only decoding may differ. A run of "
                f"hybrid-nl has --n-bits {HybridNL.whole_number_bits} unless others were given.",
            )
        call = next((call for call in same if call not in self._read), same[-1])
        self._read.add(call)
        return calls[call]
