"""From a dual problem to fields and couplings on qubits, and back from spins to coefficients."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import EmbeddingError, UsageError
from qsvm.problem.dual_problem import ising
from qsvm.samplers.chip.chips import Chip
from qsvm.samplers.chip.cliques import Chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qsvm.problem.dual_problem import DualProblem

TORQUE = 1.414
"""Prefactor of uniform torque compensation (Raymond et al., 2020), as in Ocean."""

NOISE = 0.02
"""Standard deviation of the analogue error of a coupling, in units of the largest coupling:
between the .01 and .025 that D-Wave states for its chips."""

DIGITS = 6
"""Decimals of submitted fields and couplings: far below the analogue error, and far above the
rounding errors by which the same problem may differ between two runs, so that a repeated run
submits exactly what the first one did. Resuming relies on it; held by tests/qsvm/samplers/chip/
test_embedding.py::test_rounding_errors_change_nothing_of_what_is_submitted."""

UNEMBEDDINGS = ("majority", "discard", "descent")


def torque_compensation(couplings: NDArray[np.float64], prefactor: float = TORQUE) -> float:
    """Return the chain strength by uniform torque compensation, in the units of the couplings.

    Parameters
    ----------
    couplings : ndarray of shape (n, n)
        Symmetric couplings J with a zero diagonal.
    prefactor : float
        Factor before ``rms(J) · sqrt(mean degree)``.
    """
    upper = couplings[np.triu_indices_from(couplings, k=1)]
    upper = upper[upper != 0]
    if not upper.size:
        return 1.0
    degree = 2.0 * upper.size / len(couplings)
    return float(prefactor * np.sqrt(np.mean(upper**2)) * np.sqrt(degree))


@dataclasses.dataclass(frozen=True, eq=False)
class Embedded:
    """One problem on its qubits, scaled to the chip's ranges by itself.

    Attributes
    ----------
    chains : list of list of int
        Qubits of each variable.
    fields : dict of int to float
        h of each qubit.
    couplings : dict of (int, int) to float
        J of each coupler.
    scale : float
        Chip units per unit of energy.
    chain_strength : float
        In units of energy.
    precision : dict
        See :func:`_precision`.
    """

    chains: Chains
    fields: dict[int, float]
    couplings: dict[tuple[int, int], float]
    scale: float
    chain_strength: float
    precision: dict[str, float]

    @property
    def n_qubits(self) -> int:
        """Qubits in use."""
        return len(self.fields)


def embed(
    problem: DualProblem, chains: Chains, chip: Chip, *, prefactor: float = TORQUE
) -> Embedded:
    """Put a problem on chains of qubits.

    Every problem is scaled to the chip's ranges by itself, because problems that share a
    submission would otherwise share the scale of the largest. Fields are spread over a chain and
    couplings over all couplers between two chains, evenly. No coupler is ever dropped.

    Parameters
    ----------
    problem : DualProblem
        The problem.
    chains : list of list of int
        One chain per variable, more are allowed (the surplus is not used).
    chip : Chip
        The working graph with its ranges.
    prefactor : float
        Of the chain strength by uniform torque compensation.

    Raises
    ------
    EmbeddingError
        If a coupling has no coupler to go to.
    """
    h, j = ising(problem)
    chains = chains[: len(h)]
    strength = torque_compensation(j, prefactor)
    ends, owners = _inside(chains, chip)
    between = owners[:, 0] != owners[:, 1]
    shares = np.zeros_like(j)
    np.add.at(shares, (owners[between, 0], owners[between, 1]), 1.0)
    shares += shares.T
    if np.any((j != 0) & (shares == 0)):
        raise EmbeddingError(
            f"The chains given for '{problem.label}' lack couplers between them.",
            "Delete the saved embeddings (~/.cache/annealsvm/cliques) and run again.",
        )
    shared = np.divide(j, shares, out=np.zeros_like(j), where=shares > 0)
    values = np.where(between, shared[owners[:, 0], owners[:, 1]], -strength)
    lengths = np.array([len(chain) for chain in chains])
    qubits = np.concatenate([np.asarray(chain) for chain in chains])
    biases = np.repeat(h / lengths, lengths)
    scale = _scale(chip, biases, qubits, values, ends, between)
    return Embedded(
        chains=chains,
        fields=dict(zip(qubits.tolist(), np.round(biases * scale, DIGITS).tolist(), strict=True)),
        couplings=dict(
            zip(
                map(tuple, ends.tolist()),
                np.round(values * scale, DIGITS).tolist(),
                strict=True,
            )
        ),
        scale=scale,
        chain_strength=strength,
        precision=_precision(j * scale, shares),
    )


def _inside(chains: Chains, chip: Chip) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the couplers inside an embedding and the variables that their ends belong to."""
    owner = np.full(chip.size, -1, dtype=np.int64)
    for variable, chain in enumerate(chains):
        owner[chain] = variable
    both = owner[chip.couplers]
    inside = np.all(both >= 0, axis=1)
    return chip.couplers[inside], both[inside]


def _scale(
    chip: Chip,
    biases: NDArray[np.float64],
    qubits: NDArray[np.int64],
    values: NDArray[np.float64],
    ends: NDArray[np.int64],
    between: NDArray[np.bool_],
) -> float:
    """Return the largest factor that keeps fields, couplings and their sums in range."""
    properties = chip.properties
    j_low, j_high = properties.get("j_range", (-1.0, 1.0))
    chain_low = properties.get("extended_j_range", (j_low, j_high))[0]
    limits = [
        _headroom(biases, *properties.get("h_range", (-1.0, 1.0))),
        _headroom(values[between], j_low, j_high),
        _headroom(values[~between], chain_low, j_high),
    ]
    if "per_qubit_coupling_range" in properties:
        total = np.zeros(chip.size)
        np.add.at(total, ends[:, 0], values)
        np.add.at(total, ends[:, 1], values)
        limits.append(_headroom(total[qubits], *properties["per_qubit_coupling_range"]))
    if "per_group_coupling_range" in properties:
        totals = _group_sums(chip, values, ends)
        limits.append(_headroom(totals, *properties["per_group_coupling_range"]))
    scale = min(limits)
    return float(scale) if np.isfinite(scale) else 1.0


def _headroom(values: NDArray[np.float64], low: float, high: float) -> float:
    """Return the factor at which the first value reaches its limit."""
    top, bottom = values.max(initial=0.0), values.min(initial=0.0)
    return min(
        high / top if top > 0 else np.inf,
        low / bottom if bottom < 0 else np.inf,
    )


def _group_sums(
    chip: Chip, values: NDArray[np.float64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the summed couplings of every group of couplers that shares a limit (Zephyr)."""
    from dwave.system.coupling_groups import coupling_groups

    known = {(int(a), int(b)): v for (a, b), v in zip(ends, values, strict=True)}
    known |= {(b, a): v for (a, b), v in known.items()}
    groups = coupling_groups(chip.graph())
    return np.array([sum(known.get(pair, 0.0) for pair in group) for group in groups])


def _precision(j: NDArray[np.float64], shares: NDArray[np.float64]) -> dict[str, float]:
    """Return how large logical couplings are on the chip, beside the analogue error.

    ``median_coupling`` and ``smallest_coupling`` are |J| in units of the chip's largest coupling;
    ``noise`` is the standard deviation of the error of a single coupler; ``below_noise`` is the
    share of couplings that are smaller than their error (an error of m couplers grows as √m).
    """
    upper = np.triu_indices_from(j, k=1)
    size, copies = np.abs(j[upper]), shares[upper]
    used = size > 0
    if not used.any():
        return {"median_coupling": 0.0, "smallest_coupling": 0.0, "noise": NOISE, "below_noise": 0}
    size, copies = size[used], copies[used]
    return {
        "median_coupling": float(np.median(size)),
        "smallest_coupling": float(size.min()),
        "noise": NOISE,
        "below_noise": float(np.mean(size < NOISE * np.sqrt(copies))),
    }


def draw_signs(n_variables: int, seed: int, number: int) -> list[int]:
    """Draw a spin reversal of the variables (±1 each), whole chains at a time.

    Chains keep their ferromagnetic coupling, so the extended range of couplings stays usable.

    Parameters
    ----------
    n_variables : int
        Variables of the problem.
    seed, number : int
        The problem's seed and the number of the reversal.
    """
    rng = np.random.default_rng([seed, number])
    return rng.choice([-1, 1], size=n_variables).tolist()


def reversed_spins(embedded: Embedded, signs: Sequence[int]) -> Embedded:
    """Return the same problem with some variables' spins reversed."""
    sign = {q: int(s) for chain, s in zip(embedded.chains, signs, strict=True) for q in chain}
    return dataclasses.replace(
        embedded,
        fields={q: h * sign[q] for q, h in embedded.fields.items()},
        couplings={(a, b): v * sign[a] * sign[b] for (a, b), v in embedded.couplings.items()},
    )


def unembed(
    spins: NDArray[Any],
    occurrences: NDArray[np.int64],
    chains: Chains,
    problem: DualProblem,
    how: str = "majority",
) -> tuple[NDArray[np.int8], NDArray[np.bool_], float]:
    """Read variables from chains.

    Parameters
    ----------
    spins : ndarray of shape (n_rows, n_qubits), ±1
        Qubits in the order of the chains, chain after chain.
    occurrences : ndarray of shape (n_rows,)
        How often each row was read.
    chains : list of list of int
        One chain per variable.
    problem : DualProblem
        Used by ``descent`` only.
    how : {"majority", "discard", "descent"}
        Majority vote (ties are 1); only rows without a broken chain, all rows if there are none;
        majority vote followed by flips of single bits until none lowers the energy.

    Returns
    -------
    bits : ndarray of shape (n_rows, n_variables), int8
        One row per row of ``spins``.
    kept : ndarray of shape (n_rows,), bool
        Rows to use.
    broken : float
        Mean share of chains whose qubits disagree, over all reads.
    """
    if how not in UNEMBEDDINGS:
        raise UsageError(f"Unknown unembedding '{how}'.", f"Use one of {', '.join(UNEMBEDDINGS)}.")
    lengths = np.array([len(chain) for chain in chains])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    totals = np.add.reduceat(spins.astype(np.int32), starts, axis=1)
    bits = (totals >= 0).astype(np.int8)
    broken = np.abs(totals) != lengths
    kept = np.ones(len(spins), dtype=bool)
    if how == "discard" and not broken.any(axis=1).all():
        kept = ~broken.any(axis=1)
    if how == "descent":
        bits = descend(problem, bits)
    return bits, kept, float(np.average(broken.mean(axis=1), weights=occurrences))


def descend(problem: DualProblem, bits: NDArray[np.int8]) -> NDArray[np.int8]:
    """Flip the best bit of every row until no flip lowers its energy."""
    quadratic, linear, _ = problem.qubo()
    state = bits.astype(np.float64)
    fields = state @ quadratic + linear
    tolerance = 1e-9 * max(1.0, float(np.abs(linear).max(initial=0.0)))
    rows = np.arange(len(state))
    for _ in range(20 * state.shape[1]):
        change = (1.0 - 2.0 * state) * fields
        best = change.argmin(axis=1)
        moving = change[rows, best] < -tolerance
        if not moving.any():
            break
        step = np.where(moving, 1.0 - 2.0 * state[rows, best], 0.0)
        fields += step[:, None] * quadratic[best]
        state[rows, best] += step
    return state.astype(np.int8)
