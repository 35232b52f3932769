r"""The quadratic problem behind every formulation, on a binary lattice.

.. math::  \min_x \; \tfrac12 x^T H x + f^T x, \qquad
           x_n = l_n + s_n \sum_{k<K} w_k a_{nk}, \quad a_{nk} \in \{0, 1\}

with :math:`w_k = B^k / \sum_j B^j`, so :math:`x_n` runs over a lattice from :math:`l_n` to
:math:`l_n + s_n`. As a QUBO this is :math:`(D H D) \otimes (w w^T)` plus a diagonal, with
:math:`D = \mathrm{diag}(s)`: a Kronecker product, of which samplers that know the structure need
the small factor only.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.machine.digest import array_digest
from bridges.machine.memory import require_memory

if TYPE_CHECKING:
    import dimod
    from numpy.typing import NDArray

EQUALITY, GROUPS = "equality", "groups"
"""Kinds of constraints: one over all coefficients, and one over each group of them."""

ROUNDING = 1e-12
"""Coefficients below this share of the largest are set to zero: they stand for rounding errors and
break default annealing schedules, whose final inverse temperature grows with their inverse."""

AT_BOUND = 1e-9
"""Distance, as a share of the interval, within which a coefficient counts as at its bound. Lattice
points and their means are exact to 1e-15, so this is far above rounding; and far below a step of
any lattice: two bits come to 1e-9 after 28 rounds of refinement only."""

BQM_BYTES = 40
"""Peak bytes per pair of variables while a dimod model is built (measured at 4 000 variables)."""

BLOCK = 1024
"""Rows of the hessian that are converted to float64 at a time."""


def bit_weights(base: float, n_bits: int) -> NDArray[np.float64]:
    r"""Return :math:`w_k = B^k / \sum_j B^j`, shape (n_bits,), summing to one."""
    powers = np.asarray(float(base) ** np.arange(n_bits), dtype=np.float64)
    return powers / powers.sum()


@dataclasses.dataclass(frozen=True, eq=False)
class DualProblem:
    """A box-constrained quadratic problem on a binary lattice.

    Attributes
    ----------
    hessian : ndarray of shape (n, n), float32 or float64
        H, symmetric, penalty terms included.
    linear : ndarray of shape (n,), float64
        f.
    lower, span : ndarray of shape (n,), float64
        Lower bound and width of each coefficient's interval.
    weights : ndarray of shape (n_bits,), float64
        Bit weights, positive, summing to one (:func:`bit_weights`).
    equality : ndarray of shape (n,), float64, or None
        Coefficients y of the constraint Σ y_n x_n = const that the penalty in ``hessian`` stands
        for; samplers may use it to choose moves that keep it.
    groups : ndarray of shape (n,), intp, or None
        With several such constraints, the one that each coefficient belongs to: Σ y_n x_n = const
        over the coefficients of every group. None is one constraint over all.
    penalty : float
        ξ of the penalty (ξ/2)(Σ y_n x_n)² for each constraint, which ``hessian`` holds.
    label : str
        Name for progress, stores and cloud submissions.
    """

    hessian: NDArray[Any]
    linear: NDArray[np.float64]
    lower: NDArray[np.float64]
    span: NDArray[np.float64]
    weights: NDArray[np.float64]
    equality: NDArray[np.float64] | None = None
    label: str = "dual"
    groups: NDArray[np.intp] | None = None
    penalty: float = 0.0

    @property
    def n_coefficients(self) -> int:
        """Number n of coefficients."""
        return len(self.linear)

    @property
    def n_bits(self) -> int:
        """Bits K per coefficient."""
        return len(self.weights)

    @property
    def n_variables(self) -> int:
        """Number nK of binary variables."""
        return self.n_coefficients * self.n_bits

    @property
    def upper(self) -> NDArray[np.float64]:
        """Upper bound of each coefficient, shape (n,)."""
        return self.lower + self.span

    def fields(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Hx for ``x`` of shape (n,) or each row of (n_rows, n), same shape.

        Summed in float64; a float32 ``hessian`` is converted block by block, never as a whole.
        """
        x = np.asarray(x, dtype=np.float64)
        fields = np.empty_like(x)
        for start in range(0, self.n_coefficients, BLOCK):
            block = slice(start, start + BLOCK)
            fields[..., block] = x @ self.hessian[block].astype(np.float64, copy=False).T
        return fields

    def balance(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ y_n x_n of every constraint, shape (n_rows, n_groups), for rows (n_rows, n).

        Without constraints the shape is (n_rows, 0).
        """
        x = np.atleast_2d(np.asarray(x, dtype=np.float64))
        if self.equality is None:
            return np.zeros((len(x), 0))
        if self.groups is None:
            return (x @ self.equality)[:, None]
        return np.array([np.bincount(self.groups, row) for row in x * self.equality])

    def pull(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient of half the squared balances, same shape as ``x``: y_n Σ y_m x_m."""
        x = np.asarray(x, dtype=np.float64)
        if self.equality is None:
            return np.zeros_like(x)
        groups = np.zeros(self.n_coefficients, np.intp) if self.groups is None else self.groups
        return np.asarray(self.balance(x)[:, groups].reshape(x.shape) * self.equality)

    def free_fields(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Hx without the part of the penalty, same shapes as :meth:`fields`."""
        return self.fields(x) - self.penalty * self.pull(x) if self.penalty else self.fields(x)

    @property
    def origin(self) -> NDArray[np.float64]:
        """The box's point nearest to zero, shape (n,): all-zero coefficients, no training."""
        return np.clip(0.0, self.lower, self.upper)

    def with_penalty(self, penalty: float) -> DualProblem:
        """Return the problem with another penalty ξ for its constraints."""
        if self.equality is None or penalty == self.penalty:
            return self
        y = self.equality.astype(self.hessian.dtype)
        change = self.hessian.dtype.type(penalty - self.penalty) * np.outer(y, y)
        if self.groups is not None:
            change *= self.groups[:, None] == self.groups
        return dataclasses.replace(self, hessian=self.hessian + change, penalty=penalty)

    def energies(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ½xᵀHx + fᵀx for each row of ``x`` of shape (n_rows, n)."""
        x = np.atleast_2d(np.asarray(x, dtype=np.float64))
        return 0.5 * np.einsum("rn,rn->r", self.fields(x), x) + x @ self.linear

    def decode(self, bits: NDArray[Any]) -> NDArray[np.float64]:
        """Return coefficients of shape (n_rows, n) from bits of shape (n_rows, nK).

        Variable ``n * K + k`` is bit k of coefficient n.
        """
        levels = np.reshape(bits, (-1, self.n_coefficients, self.n_bits)) @ self.weights
        return self.lower + self.span * levels

    def qubo(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return the QUBO as (symmetric quadratic matrix with zero diagonal, linear, offset).

        The energy of bits a is ``½ aᵀ Q a + qᵀ a + offset``; shapes (nK, nK), (nK,), scalar.
        """
        scaled = self.span[:, None] * self.hessian.astype(np.float64) * self.span
        quadratic: NDArray[Any] = np.kron(scaled, np.outer(self.weights, self.weights))
        shift = self.fields(self.lower) + self.linear
        linear = np.kron(self.span * shift, self.weights) + 0.5 * np.diag(quadratic)
        np.fill_diagonal(quadratic, 0.0)
        peak = max(np.abs(quadratic).max(initial=0.0), np.abs(linear).max(initial=0.0))
        quadratic[np.abs(quadratic) < ROUNDING * peak] = 0.0
        linear[np.abs(linear) < ROUNDING * peak] = 0.0
        offset = float(self.energies(self.lower)[0])
        return quadratic, linear, offset

    def to_bqm(self) -> dimod.BinaryQuadraticModel:
        """Return the QUBO as a dimod model; bit k of coefficient n is variable ``n * K + k``.

        Raises
        ------
        SolverError
            If building it would take more memory than is left.
        """
        import dimod

        require_memory(
            BQM_BYTES * self.n_variables**2,
            1,
            f"The QUBO of {self.n_variables} variables",
            "Use --sampler dense or round, which never build it, or fewer samples or bits.",
        )
        quadratic, linear, offset = self.qubo()
        upper = np.triu(quadratic)
        np.fill_diagonal(upper, linear)  # aᵢ² = aᵢ: dimod reads the diagonal as the linear part
        model = dimod.BinaryQuadraticModel(upper, "BINARY")
        model.offset += offset
        return model


def ising(problem: DualProblem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return fields h of shape (nK,) and symmetric couplings J of shape (nK, nK) of spins.

    The energy is ``Σ h_i s_i + Σ_{i<j} J_ij s_i s_j`` up to a constant, with bits
    ``a = (1 + s) / 2``.
    """
    quadratic, linear, _ = problem.qubo()
    couplings = quadratic / 4.0
    return linear / 2.0 + couplings.sum(axis=1), couplings


def problem_digest(problem: DualProblem) -> str:
    """Return a hash of a problem that rounding errors do not change."""
    h, j = ising(problem)
    peak = max(np.abs(h).max(initial=0.0), np.abs(j).max(initial=0.0)) or 1.0
    rounded = (np.round(part / peak, 6) + 0.0 for part in (h, j[np.triu_indices_from(j, k=1)]))
    return array_digest((problem.n_coefficients, problem.n_bits), rounded)[:32]
