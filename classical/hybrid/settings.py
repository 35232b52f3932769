"""What the simplicial descent needs to know."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class HybridSettings:
    """Sizes and limits of the descent.

    Attributes
    ----------
    block : int
        Coefficients of a block.
    blocks : int
        Blocks of a dual in one partition of its working set.
    shuffles : int
        Partitions of the working set, all in the same list.
    pieces : int
        Pieces of each class in a column, with weights of their own.
    keep : int
        Steps whose used columns are weighed again later.
    steps : int
        Steps at most; each is one list of blocks of all duals.
    stop : float
        A dual is finished when its last :data:`PATIENCE` steps together lowered its objective by
        less than this share, or when the certified gap is below it.
    seed : int
        Of widths and samplers.
    max_qpu_seconds : float or None
        QPU seconds not to be exceeded.
    definite : bool
        Whether the kernel is known to be positive semidefinite; else every step looks.
    """

    block: int = 40
    blocks: int = 10
    shuffles: int = 1
    pieces: int = 2
    keep: int = 2
    steps: int = 100
    stop: float = 1e-4
    seed: int = 0
    max_qpu_seconds: float | None = None
    definite: bool = False

    @property
    def size(self) -> int:
        """Coefficients of a working set."""
        return self.block * self.blocks

    def sizes(self, n: int) -> list[int]:
        """Return the sizes of the blocks of a dual of ``n`` rows in a step."""
        whole, rest = divmod(min(n, self.size), self.block)
        return ([self.block] * whole + [rest] * (rest > 0)) * self.shuffles

    def decisive(self) -> tuple[int | float, ...]:
        """Return what a state depends on: all but how long the descent may go on."""
        return (
            self.block, self.blocks, self.shuffles, self.pieces, self.keep, self.stop, self.seed,
        )  # fmt: skip


PATIENCE = 5
"""Steps over which the decrease of a dual is looked at before it is called finished."""
