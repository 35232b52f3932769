"""The outer loop: every step is one list of blocks of all duals, and one step of each of them.

Rows are spread over ranks, duals are dealt to ranks for their master problems. Per step every rank
offers candidates of all duals; the owner of a dual chooses its working set and cuts it into blocks;
all blocks go to the generator in one list, shared out over the ranks where a proposal depends on
its own block only; the owner solves the master problem; all ranks update the gradients of their
rows. All choices depend on values and row numbers only, so the result is the same to the last bit
on any number of ranks and threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bridges.errors import BudgetError
from bridges.machine.blas import one_blas_thread
from bridges.machine.comm import Communicator, on_root, together
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import in_chunks
from bridges.svm.simplicial import level
from classical.hybrid.ledger import DualLedger, Ledger
from classical.hybrid.state import DualState, Offer
from classical.hybrid.step import Move, Plan, move, plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.columns import Block, ColumnGenerator, Price, Proposal
    from classical.hybrid.checkpoint import StateFile
    from classical.hybrid.settings import HybridSettings
    from classical.solver.training import Training

T = TypeVar("T")
Given = TypeVar("Given")

log = logging.getLogger(__name__)


class Descent:
    """Simplicial decomposition of all duals of a model.

    Parameters
    ----------
    training : Training
        The duals, the same on every rank.
    generator : ColumnGenerator
        Proposes columns.
    settings : HybridSettings
        Sizes and limits.
    comm : Communicator
        All ranks.
    threads : int
        Threads of this rank.
    file : StateFile
        Where the state is kept at every step.
    """

    def __init__(
        self,
        training: Training,
        generator: ColumnGenerator,
        settings: HybridSettings,
        comm: Communicator,
        threads: int,
        file: StateFile,
    ) -> None:
        self.generator = generator
        self.settings = settings
        self.comm = comm
        self.threads = threads
        self.file = file
        self.run_threads = in_chunks(threads)
        self.states = [DualState(training.source, task, comm) for task in training.tasks]
        self.ledger = Ledger([DualLedger() for _ in self.states])

    def run(self, progress: Progress = no_progress) -> None:
        """Descend until every dual is finished, or steps or budget are spent."""
        with one_blas_thread():
            self._begin()
            self.ledger.stopped = ""
            while not self.ledger.stopped:
                progress(self.ledger.steps, max(self.settings.steps, self.ledger.steps))
                self.ledger.stopped = self._step()
            self.file.save(self.comm, self.states, self.ledger)
            progress(max(1, self.ledger.steps), max(1, self.ledger.steps))

    def betas(self) -> list[NDArray[np.float64]]:
        """Return the coefficients of all rows of every dual, on every rank."""
        parts = self.comm.allgather([state.beta for state in self.states])
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def gradients(self) -> list[NDArray[np.float64]]:
        """Return the gradients of all rows of every dual, on every rank."""
        parts = self.comm.allgather([state.f for state in self.states])
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def _begin(self) -> None:
        """Go on from a stored state, or compute the gradients of the start."""
        known = self.file.load(self.comm, self.states)
        if known is not None:
            self.ledger = known
            log.info("going on after step %d", known.steps)
            return
        started = [p for p, s in enumerate(self.states) if s.task.start.any()]
        for p in started:
            start = self.states[p].task.start
            used = np.flatnonzero(start)
            self.states[p].add(used, start[used], self.run_threads)
        if started:
            betas, gradients = self.betas(), self.gradients()
            for p in started:
                self._scale(p, betas[p], gradients[p])

    def _scale(self, p: int, beta: NDArray[np.float64], f: NDArray[np.float64]) -> None:
        """Begin at the lowest multiple of a start between zero and itself."""
        state = self.states[p]
        y = state.task.y.astype(np.float64)
        linear, curvature = float(y @ beta), float(beta @ (f + y))
        share = min(max(linear / curvature, 0.0), 1.0) if curvature > 0 else float(linear > 0)
        beta, f = share * beta, share * (f + y) - y
        mine = slice(state.first, state.last)
        state.beta, state.f = beta[mine].copy(), f[mine].copy()
        state.multiplier = level(f, beta, *state.bounds)
        self.ledger.duals[p].objectives = [0.5 * float(beta @ (f - y))]

    def _step(self) -> str:
        """Take a step; return why it was the last, or nothing."""
        offers = self._offers()
        for p, dual in enumerate(self.ledger.duals):
            dual.certificates[dual.steps :] = [offers[p].certificate]
        active = self.ledger.active(self.settings.stop)
        if not active:
            return "finished"
        if self.ledger.steps >= self.settings.steps:
            return "steps"
        if not self._affordable(active):
            return "budget"
        mine = [p for p in active if p % self.comm.size == self.comm.rank]
        plans = together(self.comm, lambda: self._each(lambda p: self._plan(p, offers[p]), mine))
        found = self._propose(plans)
        if found is None:
            return "budget"
        moves = together(
            self.comm,
            lambda: self._each(
                lambda pair: self._move(*pair), list(zip(plans, found, strict=True))
            ),
        )
        everyone = [made for part in self.comm.allgather(moves) for made in part]
        self._apply(sorted(everyone, key=lambda made: made.task))
        self.file.save(self.comm, self.states, self.ledger)
        return ""

    def _offers(self) -> list[Offer]:
        """Return the candidates of all ranks for every dual."""
        size = self.settings.size
        parts = self.comm.allgather([state.offer(size) for state in self.states])
        return [Offer.joined(offers) for offers in zip(*parts, strict=True)]

    def _plan(self, p: int, offer: Offer) -> Plan:
        return plan(self.states[p], p, offer, self.ledger.steps, self.settings, in_chunks(1))

    def _move(self, plan: Plan, found: Sequence[Proposal]) -> Move:
        return move(self.states[plan.task], plan, found, self.settings, in_chunks(1))

    def _each(self, work: Callable[[Given], T], items: list[Given]) -> list[T]:
        """Do something for every item, on this rank's threads."""
        if self.threads == 1 or len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, items))

    def _propose(self, plans: list[Plan]) -> list[list[Proposal]] | None:
        """Return the proposals for the blocks of every plan; None where the budget is spent."""
        blocks = [block for plan in plans for block in plan.blocks]
        seeds = [seed for plan in plans for seed in plan.seeds]
        if self.generator.independent:
            found = together(self.comm, lambda: self._ask(blocks, seeds))
        else:
            everything = self.comm.gather((blocks, seeds)) or []
            whole = on_root(self.comm, lambda: self._ask_for_all(everything))
            found = None if whole is None else whole[self.comm.rank]
        if found is None:
            return None
        cut = np.cumsum([len(plan.seeds) for plan in plans])
        return [found[end - len(plan.seeds) : end] for end, plan in zip(cut, plans, strict=True)]

    def _ask(self, blocks: list[Block], seeds: list[int]) -> list[Proposal] | None:
        """Ask the generator; None where it refuses to spend more."""
        if not blocks:
            return []
        try:
            return self.generator.propose(
                blocks, seeds, call=self.ledger.steps, n_jobs=self.threads
            )
        except BudgetError as error:
            log.info("%s", error.message)
            return None

    def _ask_for_all(
        self, parts: Sequence[tuple[list[Block], list[int]]]
    ) -> list[list[Proposal]] | None:
        """Ask for the blocks of all ranks in one list; return each rank's proposals."""
        found = self._ask(
            [block for blocks, _ in parts for block in blocks],
            [seed for _, seeds in parts for seed in seeds],
        )
        if found is None:
            return None
        ends = np.cumsum([len(seeds) for _, seeds in parts])
        return [found[end - len(s) : end] for end, (_, s) in zip(ends, parts, strict=True)]

    def price(self, active: Sequence[int]) -> Price | None:
        """Return what a step of some duals costs; a collective call."""
        sizes = [size for p in active for size in self.settings.sizes(len(self.states[p].task.y))]
        return on_root(self.comm, lambda: self.generator.price(sizes))

    def _affordable(self, active: Sequence[int]) -> bool:
        """Return whether the budget allows a step; tell its price when there is one."""
        price = self.price(active)
        if price is None:
            return True
        step_s = price.qpu_s * self.ledger.correction
        left = self.settings.steps - self.ledger.steps
        log.info(
            "step %d: %s, about %.3f s of QPU time; %.3f s spent, at most %.1f s more in %d steps",
            self.ledger.steps + 1, price.text, step_s, self.ledger.spent_s, step_s * left, left,
        )  # fmt: skip
        limit = self.settings.max_qpu_seconds
        return limit is None or self.ledger.spent_s + step_s <= limit

    def _apply(self, moves: list[Move]) -> None:
        """Let a step take effect on this rank's rows."""
        for made in moves:
            state = self.states[made.task]
            state.update(made.numbers, made.beta, made.change, self.run_threads)
            state.multiplier = made.multiplier
            state.remember(made.points, self.settings.keep)
        self.ledger.add(moves)
