"""What a descent gained by what, and what it spent: the figures behind report and attribution."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from classical.hybrid.settings import PATIENCE

if TYPE_CHECKING:
    from classical.hybrid.step import Move


@dataclasses.dataclass
class DualLedger:
    """The course of one dual.

    Attributes
    ----------
    objectives : list of float
        Objective at the start and after every step that the dual took part in.
    certificates : list of float
        Certified bound of objective less optimum before each of these steps, and one at the end.
    annealer, control, kept : list of float
        Decreases, see :class:`classical.hybrid.step.Move`.
    """

    objectives: list[float] = dataclasses.field(default_factory=lambda: [0.0])
    certificates: list[float] = dataclasses.field(default_factory=list)
    annealer: list[float] = dataclasses.field(default_factory=list)
    control: list[float] = dataclasses.field(default_factory=list)
    kept: list[float] = dataclasses.field(default_factory=list)

    @property
    def steps(self) -> int:
        """Steps that the dual took part in."""
        return len(self.annealer)

    def finished(self, share: float) -> bool:
        """Return whether the certified gap is small, or the last steps gained next to nothing."""
        size = abs(self.objectives[-1])
        if self.certificates and self.certificates[-1] <= share * size:
            return True
        if self.steps < PATIENCE:
            return False
        return self.objectives[-1 - PATIENCE] - self.objectives[-1] <= share * size

    def add(self, move: Move) -> None:
        """Enter a step."""
        self.annealer.append(move.annealer)
        self.control.append(move.control)
        self.kept.append(move.kept)
        self.objectives.append(self.objectives[-1] - move.annealer - move.kept)


@dataclasses.dataclass
class Ledger:
    """The course of all duals, and what was spent.

    Attributes
    ----------
    duals : list of DualLedger
        One per dual.
    steps : int
        Steps: lists of blocks that were proposed for.
    n_blocks, n_columns, n_refused : int
        Blocks, columns weighed, and columns that were no points of their blocks.
    submissions : float
        Submissions to a chip; without one, lists.
    solve_s, qpu_s, estimated_qpu_s : float
        Seconds of the generator, of QPU access, and what the latter was estimated to be.
    broken : list of float
        Mean share of broken chains in every step.
    stopped : str
        Why the descent ended: ``finished``, ``steps`` or ``budget``; empty while it goes on.
    """

    duals: list[DualLedger]
    steps: int = 0
    n_blocks: int = 0
    n_columns: int = 0
    n_refused: int = 0
    submissions: float = 0.0
    solve_s: float = 0.0
    qpu_s: float = 0.0
    estimated_qpu_s: float = 0.0
    broken: list[float] = dataclasses.field(default_factory=list)
    stopped: str = ""

    @property
    def spent_s(self) -> float:
        """QPU seconds spent: as told by the hardware, or as estimated where none tells any."""
        return self.qpu_s or self.estimated_qpu_s

    @property
    def correction(self) -> float:
        """Factor by which estimates of QPU seconds have been wrong so far."""
        return self.qpu_s / self.estimated_qpu_s if self.qpu_s and self.estimated_qpu_s else 1.0

    def active(self, share: float) -> list[int]:
        """Return the duals that are not finished."""
        return [p for p, dual in enumerate(self.duals) if not dual.finished(share)]

    def add(self, moves: list[Move]) -> None:
        """Enter a step of all duals that took part in it."""
        self.steps += 1
        spent = [move.spent for move in moves]
        submitted = sum(part.submissions for part in spent)
        self.submissions += round(submitted) if submitted else 1
        broken = [part.broken for part in spent if part.broken is not None]
        if broken:
            self.broken.append(sum(broken) / len(broken))
        for move in moves:
            self.duals[move.task].add(move)
        for part in spent:
            self.n_blocks += part.n_blocks
            self.n_columns += part.n_columns
            self.n_refused += part.n_refused
            self.solve_s += part.solve_s
            self.qpu_s += part.qpu_s
            self.estimated_qpu_s += part.estimated_qpu_s

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Ledger:
        """Return a ledger from :meth:`as_dict`."""
        return cls(**{**values, "duals": [DualLedger(**dual) for dual in values["duals"]]})
