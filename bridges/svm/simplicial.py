r"""Simplicial decomposition of a dual: blocks out, columns in, a step that never goes up.

State: signed coefficients β in their box, Σβ = const, gradient f. For disjoint blocks b with
columns δ_s (β + δ_s in the box on b), the master problem over their weights

.. math:: \min_w \tfrac12 w^T \Delta K \Delta^T w + (\Delta f)^T w, \qquad
          w \ge 0, \quad \sum_{s \in b} w_s \le 1, \quad \sum_s w_s \mathbf 1^T \delta_s = 0

gives the step Σ w_s δ_s. On a block β + Σ w_s δ_s is a convex combination of β and points of the
box, so the box is kept; the equality is asked for; w = 0 is feasible, so the objective never rises,
whatever the columns are. (von Hohenbalken, *Math. Programming* 13, 1977; with the annealer as the
one that prices columns.)

What makes it quick was measured on Landsat duals: f less the multiplier of the equality instead of
a penalty for it; blocks of strongly coupled coefficients, whose interplay the sampler then sees,
instead of random ones; a width of its own for the intervals of every block, log-uniform, so that
some are right at every stage; and columns cut in *pieces* with weights of their own, since the
product of the hulls of two parts holds the hull of the whole. The first cut is between the classes,
so that columns all of which move too much of one class still make a step that keeps the equality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.columns import Block
from bridges.svm.simplex_qp import minimise_over_simplices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pieces = list[tuple[NDArray[np.intp], NDArray[np.float64]]]

NARROWEST = 1.0 / 128.0
"""Narrowest interval of a change, as a share of the coefficient's box."""

SNAP = 1e-12
"""Distance from a bound, as a share of the box, that is rounding: put at the bound."""

OUTSIDE = 1e-6
"""Share of its interval by which a column may lie outside and is put back."""

FREE_SHARE = 0.7
"""Largest share of a working set that coefficients between their bounds take."""


@dataclasses.dataclass(eq=False)
class LocalDual:
    """A dual over a stored kernel block, with its state, which steps update in place.

    Attributes
    ----------
    K : ndarray of shape (n, n), float32 or float64
        Kernel block.
    f, beta : ndarray of shape (n,), float64
        Gradient and signed coefficients.
    lower, upper : ndarray of shape (n,), float64
        Bounds.
    shift : float
        Added to the diagonal of the kernel in the master problem; see :func:`convex_shift`.
    """

    K: NDArray[Any]
    f: NDArray[np.float64]
    beta: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    shift: float = 0.0

    def violation(self) -> float:
        """Return the largest f that may shrink less the smallest that may grow."""
        high = float(self.f[self.beta > self.lower].max(initial=-np.inf))
        return high - float(self.f[self.beta < self.upper].min(initial=np.inf))

    def move(self, places: NDArray[np.intp], change: NDArray[np.float64]) -> None:
        """Add changes to some coefficients; what is at a bound but for rounding is put there."""
        before = self.beta[places]
        lower, upper = self.lower[places], self.upper[places]
        slack = SNAP * (upper - lower)
        after = before + change
        after = np.where(after <= lower + slack, lower, after)
        after = np.where(after >= upper - slack, upper, after)
        self.beta[places] = after
        moved = after != before
        rows = self.K[places[moved]].astype(np.float64, copy=False)
        self.f += np.einsum("ij,i->j", rows, (after - before)[moved])


def convex_shift(K: NDArray[Any]) -> float:
    """Return what makes a kernel block positive semidefinite when added to its diagonal.

    A step that lowers the objective with the larger diagonal lowers the true one at least as much,
    so a kernel that is none, such as sigmoid, is descended along, too.
    """
    K = K.astype(np.float64)
    rounding = 1e-6 * max(float(np.abs(K.diagonal()).max(initial=0.0)), np.finfo(np.float64).tiny)
    try:
        np.linalg.cholesky(K + rounding * np.eye(len(K)))
    except np.linalg.LinAlgError:
        return max(0.0, -float(np.linalg.eigvalsh(K)[0])) + rounding
    return 0.0


def level(
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> float:
    """Return an estimate of the multiplier of Σβ = const, which makes f vanish where β is free.

    The median over the coefficients between their bounds; without any, the middle between the
    largest f that may shrink and the smallest that may grow.
    """
    grow, shrink = beta < upper, beta > lower
    free = grow & shrink
    if free.any():
        return float(np.median(f[free]))
    ends = [float(f[shrink].max(initial=-np.inf)), float(f[grow].min(initial=np.inf))]
    known = [end for end in ends if np.isfinite(end)]
    return sum(known) / len(known) if known else 0.0


def working_set(
    f: NDArray[np.float64],
    beta: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    multiplier: float,
    size: int,
) -> NDArray[np.intp]:
    """Return the places to work on, the worst violators first.

    Free coefficients have priority up to :data:`FREE_SHARE`; of those at their bounds as many are
    taken that may grow as that may shrink, since Σβ stays, and more of one kind where the other has
    too few.
    """
    grow, shrink = beta < upper, beta > lower
    error = f - multiplier
    free = _worst(np.flatnonzero(grow & shrink), np.abs(error), int(FREE_SHARE * size))
    up = _worst(np.flatnonzero(grow & ~shrink), -error, size - len(free))
    down = _worst(np.flatnonzero(shrink & ~grow), error, size - len(free))
    left = size - len(free)
    n_up = min(len(up), max(left - left // 2, left - len(down)))
    chosen = np.concatenate([free, up[:n_up], down[: left - n_up]])
    worst = np.maximum(np.where(grow, -error, -np.inf), np.where(shrink, error, -np.inf))
    return chosen[np.argsort(-worst[chosen], kind="stable")]


def _worst(
    places: NDArray[np.intp], violation: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Return at most ``count`` places of the largest violations, earlier ones first among equal."""
    return places[np.argsort(-violation[places], kind="stable")[:count]]


def clusters(K: NDArray[Any], order: NDArray[np.intp], size: int) -> list[NDArray[np.intp]]:
    """Cut places into blocks of strongly coupled ones.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel block of all places.
    order : ndarray of shape (m,), intp
        Places; the first that is left begins a block, which its nearest by |k| fill.
    size : int
        Places of a block.
    """
    scale = np.sqrt(np.maximum(K.diagonal(), np.finfo(np.float64).tiny)).astype(np.float64)
    left, blocks = order, []
    while len(left):
        coupling = np.abs(K[left[0], left]) / scale[left]
        coupling[0] = np.inf
        nearest = np.argsort(-coupling, kind="stable")
        blocks.append(left[nearest[:size]])
        left = left[np.sort(nearest[size:])]
    return blocks


def make_blocks(
    dual: LocalDual,
    order: NDArray[np.intp],
    size: int,
    multiplier: float,
    random: np.random.Generator,
    label: str = "block",
) -> list[Block]:
    """Return the blocks of a step, each with intervals of a width drawn for it.

    Parameters
    ----------
    dual : LocalDual
        The dual.
    order : ndarray of shape (m,), intp
        Places to cut into blocks, most important first.
    size : int
        Coefficients of a block.
    multiplier : float
        Of the equality, from :func:`level`.
    random : Generator
        Draws the widths.
    label : str
        Begins the blocks' labels.
    """
    blocks = []
    # Σδ = 0: nothing moves further than all others can give way, which matters for very unequal C
    down = float((dual.beta - dual.lower)[order].sum())
    up = float((dual.upper - dual.beta)[order].sum())
    for number, places in enumerate(clusters(dual.K, order, size)):
        width = np.exp(random.uniform(np.log(NARROWEST), 0.0))
        beta, lower, upper = dual.beta[places], dual.lower[places], dual.upper[places]
        span = upper - lower
        blocks.append(
            Block(
                places,
                dual.K[np.ix_(places, places)].astype(np.float64),
                dual.f[places] - multiplier,
                np.maximum(lower - beta, -width * np.minimum(span, up)),
                np.minimum(upper - beta, width * np.minimum(span, down)),
                upper > 0,
                f"{label}/{number}",
            )
        )
    return blocks


def usable(block: Block, columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns that are numbers within the block's intervals; others have no place."""
    given = np.asarray(columns, dtype=np.float64)
    slack = OUTSIDE * (block.upper - block.lower)
    fits = ((given >= block.lower - slack) & (given <= block.upper + slack)).all(axis=1)
    return np.clip(given[fits], block.lower, block.upper)


def cut(blocks: Sequence[Block], columns: Sequence[NDArray[np.float64]], n_pieces: int) -> Pieces:
    """Return distinct columns of parts of the blocks, with the places of each part.

    Parameters
    ----------
    blocks : sequence of Block
        Disjoint.
    columns : sequence of ndarray of shape (n_columns, q)
        Their changes; see :func:`usable`.
    n_pieces : int
        Parts into which the coefficients of each class in a block are cut.
    """
    pieces: Pieces = []
    for block, given in zip(blocks, columns, strict=True):
        sides = np.flatnonzero(block.positive), np.flatnonzero(~block.positive)
        for part in [part for side in sides for part in np.array_split(side, n_pieces)]:
            distinct = _distinct(given[:, part])
            if len(distinct):
                pieces.append((block.places[part], distinct))
    return pieces


def _distinct(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows that differ from each other and from zero; compared as bytes."""
    moving = np.ascontiguousarray(columns[columns.any(axis=1)] + 0.0)  # -0.0 is 0.0
    if not moving.size:
        return moving[:0]
    keys = moving.view(np.dtype((np.void, moving.itemsize * moving.shape[1]))).ravel()
    return moving[np.unique(keys, return_index=True)[1]]


@dataclasses.dataclass(frozen=True, eq=False)
class MasterStep:
    """The best step along columns.

    Attributes
    ----------
    places, change : ndarray of shape (m,)
        Coefficients that the columns touch, and the step.
    decrease : float
        By how much the objective falls, never negative.
    used : list of (places, columns)
        Columns with a positive weight, piece by piece.
    n_columns : int
        Columns that were weighed.
    """

    places: NDArray[np.intp]
    change: NDArray[np.float64]
    decrease: float
    used: Pieces
    n_columns: int


def master(dual: LocalDual, pieces: Pieces) -> MasterStep:
    """Return the best step along the columns of disjoint pieces; the dual is left as it is."""
    if not pieces:
        return MasterStep(np.zeros(0, np.intp), np.zeros(0), 0.0, [], 0)
    places = np.concatenate([where for where, _ in pieces])
    counts = [len(columns) for _, columns in pieces]
    groups = np.repeat(np.arange(len(pieces)), counts)
    K = dual.K[np.ix_(places, places)].astype(np.float64)
    if dual.shift:
        K[np.diag_indices(len(K))] += dual.shift
    linear = np.concatenate([columns @ dual.f[where] for where, columns in pieces])
    sides = np.concatenate([columns.sum(axis=1) for _, columns in pieces])
    point = minimise_over_simplices(_quadratic(K, pieces), linear, groups, sides)
    ends = np.cumsum(counts)[:-1]
    weights = np.split(point.weights, ends)
    moved = np.concatenate([w @ columns for w, (_, columns) in zip(weights, pieces, strict=True)])
    used = [(at, columns[w > 0]) for w, (at, columns) in zip(weights, pieces, strict=True)]
    return MasterStep(
        places,
        moved,
        -point.objective + 0.5 * dual.shift * float(moved @ moved),
        [(at, columns) for at, columns in used if len(columns)],
        sum(counts),
    )


def _quadratic(K: NDArray[np.float64], pieces: Pieces) -> NDArray[np.float64]:
    """Return Δ K Δᵀ, piece by piece: Δ is zero outside the blocks on its diagonal."""
    counts = [len(columns) for _, columns in pieces]
    rows = np.concatenate([[0], np.cumsum(counts)])
    places = np.concatenate([[0], np.cumsum([len(where) for where, _ in pieces])])
    half = np.empty((rows[-1], places[-1]))
    for p, (_, columns) in enumerate(pieces):
        half[rows[p] : rows[p + 1]] = columns @ K[places[p] : places[p + 1]]
    out = np.empty((rows[-1], rows[-1]))
    for p, (_, columns) in enumerate(pieces):
        mine = slice(rows[p], rows[p + 1])
        below = half[rows[p] :, places[p] : places[p + 1]] @ columns.T
        out[rows[p] :, mine] = below
        out[mine, rows[p] :] = below.T
        out[mine, mine] = 0.5 * (out[mine, mine] + out[mine, mine].T)
    return out


def as_points(dual: LocalDual, pieces: Pieces) -> Pieces:
    """Return columns as the coefficients to which they lead, so that later steps can use them."""
    return [(where, dual.beta[where] + columns) for where, columns in pieces]


def as_changes(dual: LocalDual, points: Pieces) -> Pieces:
    """Return remembered points as changes from where the dual is now."""
    pieces = []
    for where, given in points:
        changes = given - dual.beta[where]
        changes = changes[(changes != 0).any(axis=1)]
        if len(changes):
            pieces.append((where, changes))
    return pieces
