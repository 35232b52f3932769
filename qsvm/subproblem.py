r"""The annealer inside a decomposition: it proposes columns, or takes an inner solver's place.

Registered as ``annealer`` in ``bridges.subproblems``, so that the classical wing finds it without
knowing this one. Every block of a dual (:class:`bridges.svm.columns.Block`) becomes a problem on
the lattice of its intervals, all blocks of a step go to the sampler in one list, and every distinct
sample is a column.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges import registry
from bridges.errors import SolverError, UsageError
from bridges.machine.blas import one_blas_thread
from bridges.machine.progress import Progress, no_progress
from bridges.svm.columns import Block, Price, Proposal
from bridges.svm.simplicial import (
    LocalDual,
    convex_shift,
    cut,
    level,
    make_blocks,
    master,
    usable,
    working_set,
)
from qsvm.problem.dual_problem import DualProblem, bit_weights
from qsvm.samplers.base import PlansSubmissions, StoresRuns, is_analog
from qsvm.samplers.local.controls import random_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.samplers.base import DualSampler, SampleBatch

NUM_READS = 50
"""Samples of a block where the sampler has reads and none are asked for."""

QUICK = {"neal": {"num_sweeps": 100}}
"""Options of samplers that small blocks change: a third of neal's sweeps gives as good columns."""

READS = ("num_reads", "num_draws")
"""What samplers call the number of their samples."""

SMALLEST = 1e-9
"""Share of what a step along the gradient might gain that is not worth taking: rounding."""

CONTROL = 7919
"""Set beside a block's seed for its control, so that it does not repeat the sampler's draws."""


class Annealer:
    """Low points of blocks of a dual by any registered sampler.

    Parameters
    ----------
    sampler : str or DualSampler
        Registered name, or a sampler.
    sampler_params : dict, optional
        The sampler's own options.
    num_reads : int, optional
        Samples of a block; by default :data:`NUM_READS` where the sampler has reads.
    n_bits, base : int, float
        Lattice of a change: Σ B^k a_k over its interval. One bit is enough, since the master
        problem mixes columns.
    penalty : float
        ξ added to the kernel for Σδ = 0. None is needed: the multiplier of the equality is in the
        gradient, the equality in the master problem.
    store : path, optional
        Folder in which a sampler that keeps what it sends files every call.
    block, pieces, steps : int
        As an inner solver: coefficients of a problem, pieces of a class in a column, and steps in
        all calls for one dual.
    random_state : int
        Seed, as an inner solver.

    Raises
    ------
    UsageError
        If an option is unknown to the sampler.
    """

    def __init__(
        self,
        *,
        sampler: str | Any = "neal",
        sampler_params: dict[str, Any] | None = None,
        num_reads: int | None = None,
        n_bits: int = 1,
        base: float = 2.0,
        penalty: float = 0.0,
        store: str | None = None,
        block: int = 40,
        pieces: int = 2,
        steps: int = 100,
        random_state: int = 0,
    ) -> None:
        self.sampler = sampler
        self.sampler_params = sampler_params
        self.num_reads = num_reads
        self.n_bits = n_bits
        self.base = base
        self.penalty = penalty
        self.store = store
        self.block = block
        self.pieces = pieces
        self.steps = steps
        self.random_state = random_state
        self._weights = bit_weights(base, n_bits)
        self._random = np.random.default_rng(random_state)
        self._taken = 0
        self._said_once = _SaidOnce()
        self._prices: dict[tuple[int, ...], Price] = {}
        self._sampler = self._made(self._options())
        self.keeps_calls = self._stores()
        self.independent = not (is_analog(self._sampler) or self.keeps_calls)

    def _options(self) -> dict[str, Any]:
        """Return the sampler's options, reads included."""
        if not isinstance(self.sampler, str):
            return dict(self.sampler_params or {})
        options = {**QUICK.get(self.sampler, {}), **(self.sampler_params or {})}
        known = inspect.signature(registry.load(self.sampler, registry.SAMPLERS)).parameters
        names = [name for name in READS if name in known]
        if not names and self.num_reads is not None:
            raise UsageError(
                f"'{self.sampler}' has no number of reads.", "Leave num_reads (--num-reads) out."
            )
        if names and (self.num_reads is not None or names[0] not in options):
            options[names[0]] = self.num_reads or NUM_READS
        return options

    def _made(self, options: dict[str, Any]) -> DualSampler:
        if isinstance(self.sampler, str):
            return registry.make_sampler(self.sampler, **options)
        from qsvm.samplers.local.any_dimod import as_dual_sampler

        return as_dual_sampler(self.sampler, options)

    def _stores(self) -> bool:
        return isinstance(self._sampler, StoresRuns) and self._sampler.stores_runs

    def _sampler_of(self, call: int) -> DualSampler:
        """Return the sampler for a call; one that keeps what it sends has a file for every call.

        A file of its own lets a resumed run ask its first question again without the answers of
        all calls before it.
        """
        if not self.keeps_calls or self.store is None:
            return self._sampler
        file = Path(self.store) / f"call-{call:05d}.sqlite"
        return self._made({**self._options(), "store": str(file), "resume": file.exists()})

    def propose(
        self,
        blocks: Sequence[Block],
        seeds: Sequence[int],
        *,
        call: int = 0,
        n_jobs: int | None = None,
        progress: Progress = no_progress,
    ) -> list[Proposal]:
        """Sample all blocks; see :class:`bridges.svm.columns.ColumnGenerator`."""
        problems = [self.problem(block) for block in blocks]
        sampler = self._sampler_of(call)
        with self._said_once:
            batches = sampler.sample(problems, seeds, n_jobs=n_jobs, progress=progress)
        if len(batches) != len(problems):
            raise SolverError(
                f"The sampler {type(sampler).__name__} returned {len(batches)} batches for "
                f"{len(problems)} problems.",
                "qsvm.samplers.base.DualSampler says what a sampler returns.",
            )
        return [self._proposal(*each) for each in zip(problems, batches, seeds, strict=True)]

    def problem(self, block: Block) -> DualProblem:
        """Return a block as a problem on its lattice."""
        return DualProblem(
            block.K + self.penalty if self.penalty else block.K,
            block.f,
            block.lower,
            block.upper - block.lower,
            self._weights,
            label=block.label,
        )

    def _proposal(self, problem: DualProblem, batch: SampleBatch, seed: int) -> Proposal:
        x = np.asarray(batch.x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != problem.n_coefficients:
            raise SolverError(
                f"The sampler returned samples of shape {x.shape} for "
                f"{problem.n_coefficients} coefficients.",
                "qsvm.samplers.base.DualSampler says what a sampler returns.",
            )
        control_seed = int(np.random.SeedSequence([seed, CONTROL]).generate_state(1)[0])
        return Proposal(
            x,
            random_points(problem, max(1, len(x)), control_seed),
            solve_s=batch.solve_s,
            qpu_s=batch.qpu_s,
            estimated_qpu_s=float(batch.info.get("estimated_qpu_s", 0.0)),
            submissions=float(batch.info.get("submissions_share", 0.0)),
            chain_break_fraction=batch.chain_break_fraction,
        )

    def price(self, sizes: Sequence[int]) -> Price | None:
        """Return what blocks of these sizes would cost on the chip; None without one."""
        if not isinstance(self._sampler, PlansSubmissions) or not sizes:
            return None
        asked = tuple(sorted(sizes))
        if asked not in self._prices:
            plan = self._sampler.plan([size * self.n_bits for size in sizes]).summary()
            text = (
                f"{plan['submissions']} submissions of up to {plan['members_per_submission']} "
                f"blocks on {plan['solver']} ({plan['qubits']} qubits, longest chain "
                f"{plan['longest_chain']})"
            )
            self._prices[asked] = Price(plan["submissions"], plan["estimated_qpu_s"], text)
        return self._prices[asked]

    def solve(
        self,
        K: NDArray[Any],
        f: NDArray[np.float64],
        beta: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        tol: float,
        max_steps: int,
    ) -> int:
        """Lower the objective over a stored block; see :class:`bridges.svm.inner.InnerSolver`.

        One step is one list of problems and one master problem. After :attr:`steps` of them in all
        calls, or one that gains nothing, no further is taken.
        """
        done = 0
        with one_blas_thread():
            dual = LocalDual(K, f, beta, lower, upper, convex_shift(K))
            while done < max_steps and self._taken < self.steps and dual.violation() > tol:
                self._taken += 1
                if not self._step(dual):
                    break
                done += 1
        return done

    def _step(self, dual: LocalDual) -> bool:
        """Take a step along columns of the whole block; return whether it gained anything."""
        multiplier = level(dual.f, dual.beta, dual.lower, dual.upper)
        order = working_set(dual.f, dual.beta, dual.lower, dual.upper, multiplier, len(dual.beta))
        blocks = make_blocks(dual, order, self.block, multiplier, self._random)
        seeds = self._random.integers(2**31, size=len(blocks)).tolist()
        found = self.propose(blocks, seeds, call=self._taken, n_jobs=1)
        columns = [usable(b, p.columns) for b, p in zip(blocks, found, strict=True)]
        step = master(dual, cut(blocks, columns, self.pieces))
        if step.decrease <= SMALLEST * float(np.abs(step.change) @ np.abs(dual.f[step.places])):
            return False
        dual.move(step.places, step.change)
        return True


class _SaidOnce(logging.Filter):
    """Lets what a sampler says of every list be heard once, where there are a hundred lists."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the words are new."""
        new = str(record.msg) not in self._heard
        self._heard.add(str(record.msg))
        return new

    def __enter__(self) -> None:
        logging.getLogger("qsvm.samplers.chip.reading").addFilter(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("qsvm.samplers.chip.reading").removeFilter(self)
