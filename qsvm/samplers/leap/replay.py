"""Decode a stored run again, with other rules and without any connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridges.errors import DataError, UsageError
from bridges.machine.progress import Progress
from qsvm.samplers.base import ALL_CONSTRAINTS
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.packed import PackedSampler
from qsvm.samplers.chip.packing import Request
from qsvm.samplers.chip.reading import Answer
from qsvm.samplers.chip.settings import ChipSettings
from qsvm.samplers.leap.messages import decode_answer
from qsvm.samplers.leap.store import ANSWERED, RunStore, store_file


class Replay(PackedSampler):
    """Answers from the store of an earlier ``qpu`` run; nothing is sent.

    The problems must be those of the run (same data, seeds, kernel, encoding), since the stored
    samples belong to them; how chains are read, how many samples are kept and how they are
    combined may differ.

    Parameters
    ----------
    run : str
        The run's folder, or its store.
    unembedding : {"majority", "discard", "descent"}
        See :func:`qsvm.samplers.chip.embedding.unembed`.
    """

    summary = "a stored QPU run, decoded again offline (replay:RUN)"
    limits = "the problems of that run"
    handles = ALL_CONSTRAINTS

    def __init__(self, *, run: str, unembedding: str = "majority") -> None:
        path = store_file(run)
        if not path.exists():
            raise DataError(f"'{path}' does not exist.", "Name a run's folder: replay:RUN.")
        self._store = RunStore(path, resume=True)
        options: dict[str, Any] = self._store.known("options") or {}
        if not options:
            raise DataError(f"'{path}' holds no QPU run.", "Name the folder of a 'qpu' run.")
        super().__init__(ChipSettings(unembedding=unembedding, **options))
        self.run = run
        self._read: set[int] = set()

    def chip(self) -> Chip:
        """Return the working graph of the run."""
        chip = self._store.chip()
        if chip is None:
            raise DataError(f"'{self._store.path}' is empty.", "The run sent nothing.")
        return chip

    def _answer(
        self,
        requests: list[Request],
        seeds: Sequence[int],
        n_jobs: int | None,
        progress: Progress,
    ) -> list[Answer]:
        rows = self._store.rows(self._next_call(requests))
        missing = sum(row.state != ANSWERED for row in rows)
        if missing:
            raise DataError(
                f"{missing} of {len(rows)} submissions of the run were never answered.",
                "Complete it first with --resume RUN.",
            )
        return [
            decode_answer(self._store.answer(row), request, self._store.turnaround_s(row))
            for row, request in zip(rows, requests, strict=True)
        ]

    def _next_call(self, requests: list[Request]) -> int:
        """Return the call of the run that asked this: one not read yet, if it asked it twice."""
        solver = self.chip().name
        wanted = [request.digest(solver) for request in requests]
        same = [call for call, asked in self._store.digests().items() if asked == wanted]
        if not same:
            raise UsageError(
                f"The run in '{self._store.path}' was made with other data, seeds or options.",
                "Repeat the options of the run (run.json); only decoding may differ.",
            )
        call = next((call for call in same if call not in self._read), same[-1])
        self._read.add(call)
        return call
