"""Kernel values evaluated and accumulated in one pass, tile by tile, never stored as a matrix.

Distances are summed as differences in float32 (no cancellation), exponentials are polynomials on
vector lanes: kernel values carry an error of about 1e-7. While training, all sums are kept in
float64; in prediction, products of 128 support vectors at a time are summed in float32, which adds
less than the kernel values' own error. The polynomial, sigmoid and linear kernels, whose values may
be large, are evaluated in float64 throughout.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.errors import UsageError
from bridges.machine.threads import Run, default_threads, in_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.kernels import Kernel


Precision = Literal["auto", "single", "double"]

KINDS = {"rbf": 0, "poly": 1, "sigmoid": 2, "linear": 3}


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """A kernel ready for the fused loops: which scaling of the samples, which type, which formula.

    Attributes
    ----------
    kernel : Kernel
        Any kernel but ``precomputed``.
    centre : ndarray of shape (d,)
        Subtracted from samples where the kernel allows it: float32 is finest around zero.
    dtype : numpy dtype
        Type in which kernel values are evaluated.
    """

    kernel: Kernel
    centre: NDArray[np.float64]
    dtype: type[np.float32] | type[np.float64]

    @classmethod
    def of(
        cls, kernel: Kernel, reference: NDArray[np.float64], precision: Precision = "auto"
    ) -> Evaluator:
        """Choose centre and type; ``reference`` (m, d) are samples whose mean is the centre."""
        if kernel.name == "precomputed":
            raise UsageError(
                "A precomputed kernel has no samples to evaluate it on.",
                "Multiply the kernel matrix by the coefficients.",
            )
        single = precision == "single" or (precision == "auto" and kernel.name == "rbf")
        return cls(kernel, reference.mean(axis=0), np.float32 if single else np.float64)

    @property
    def scale(self) -> float:
        """What distances between samples are multiplied with when they are prepared.

        It makes an rbf value 2^(-‖·‖²) and a product γ x·z.
        """
        if self.kernel.name == "linear":
            return 1.0
        return float(np.sqrt(self.kernel.gamma * (np.log2(np.e) if self._is_rbf else 1.0)))

    @property
    def _is_rbf(self) -> bool:
        return self.kernel.name == "rbf"

    def prepare(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return samples shifted, scaled and converted; for products, padded to 4 features."""
        n, d = X.shape
        if self._is_rbf:
            shifted = X - self.centre
            shifted *= self.scale
            return shifted.astype(self.dtype, order="C")
        Z = np.zeros((n, -(-d // 4) * 4), dtype=self.dtype)
        Z[:, :d] = X * self.scale
        return Z

    def formula(self) -> tuple[int, int, float]:
        """Return kind, degree and coef0 for the machine code."""
        kind = KINDS[str(self.kernel.name)]
        return kind, int(self.kernel.degree), 0.0 if kind in (0, 3) else float(self.kernel.coef0)

    def matrix(self, Z: NDArray[Any], S: NDArray[Any]) -> NDArray[Any]:
        """Return k(S, Z), shape (len(S), len(Z)), of prepared samples."""
        from bridges.svm.fused_loops import fill_matrix

        out = np.empty((len(S), len(Z)), dtype=self.dtype)
        fill_matrix(Z, S, out, *self.formula())
        return out

    def gram(
        self, Z: NDArray[Any], buffer: NDArray[Any] | None = None, run: Run | None = None
    ) -> NDArray[Any]:
        """Return k(Z, Z), shape (n, n), of prepared samples; ``run`` as :func:`in_chunks`.

        Evaluating both triangles takes less time than mirroring one. A ``buffer`` of at least n²
        values is written to and returned: fresh pages cost as much as the kernel.
        """
        from bridges.svm.fused_loops import fill_matrix

        n, formula = len(Z), self.formula()
        out = np.empty((n, n), self.dtype) if buffer is None else buffer[: n * n].reshape(n, n)

        def work(rows: slice) -> None:
            fill_matrix(Z, Z[rows], out[rows], *formula)

        (run or in_chunks(1))(work, n)
        return out

    def accumulate(
        self,
        Z: NDArray[Any],
        S: NDArray[Any],
        coef: NDArray[np.float64],
        out: NDArray[np.float64],
        run: Run,
    ) -> None:
        """Add k(Z, S) @ coef to ``out`` for prepared samples; ``run`` as :func:`in_chunks`."""
        from bridges.svm.fused_loops import accumulate_rows

        packed, formula = pack(S, coef), self.formula()

        def work(rows: slice) -> None:
            accumulate_rows(Z[rows], *packed, out[rows], *formula)

        run(work, len(Z))


Packed = tuple["NDArray[Any]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[Any]"]
"""Support vectors, starts, outputs, coefficients: an expansion as the loops take it."""


def pack(S: NDArray[Any], coef: NDArray[np.float64]) -> Packed:
    """Sort support vectors by the outputs that they take part in and pack their coefficients.

    In a one-vs-one model a support vector takes part in the pairs of its class only; those of one
    class stand together, eight in a group, and a group stores the coefficients of its outputs.

    Returns
    -------
    S, starts, outputs, coef
        As :func:`bridges.svm.fused_loops.accumulate_rows` takes them.
    """
    from bridges.svm.fused_loops import GROUP

    takes_part = coef != 0
    used = np.flatnonzero(takes_part.any(axis=1))
    pattern = np.packbits(takes_part[used], axis=1)
    order = used[np.lexsort(pattern.T[::-1])]
    n_groups = -(-len(order) // GROUP)
    vectors = np.zeros((n_groups * GROUP, S.shape[1]), dtype=S.dtype)
    vectors[: len(order)] = S[order]
    padded = np.zeros((n_groups * GROUP, coef.shape[1]))
    padded[: len(order)] = coef[order]
    blocks = padded.reshape(n_groups, GROUP, coef.shape[1])
    present = (blocks != 0).any(axis=1)
    starts = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64)
    group, output = np.nonzero(present)
    return vectors, starts, output.astype(np.int64), np.ascontiguousarray(blocks[group, :, output])


def packed_for(
    kernel: Kernel,
    S: NDArray[np.float64],
    coef: NDArray[np.float64],
    precision: Precision = "auto",
) -> tuple[Evaluator, Packed]:
    """Return what evaluates k(·, S) @ coef in prediction: coefficients in the kernel's type.

    A linear kernel becomes one vector per feature, whatever the number of support vectors. Sums run
    over sorted vectors, so that values do not depend on the order of the training samples.
    """
    order = np.lexsort(S.T)
    S, coef = S[order], coef[order]
    if kernel.name == "linear":
        S, coef = np.eye(S.shape[1]), S.T @ coef
    evaluator = Evaluator.of(kernel, S, precision)
    vectors, starts, outputs, packed = pack(evaluator.prepare(S), coef)
    return evaluator, (vectors, starts, outputs, packed.astype(evaluator.dtype))


def accumulate(
    X: NDArray[np.float64],
    S: NDArray[np.float64],
    coef: NDArray[np.float64],
    out: NDArray[np.float64],
    kernel: Kernel,
    *,
    n_jobs: int | None = None,
    precision: Precision = "auto",
) -> None:
    """Add k(X, S) @ coef to ``out``.

    A row's result depends on that row only: not on the number of threads, not on the other rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Samples.
    S : ndarray of shape (m, d)
        Support vectors.
    coef : ndarray of shape (m, n_outputs)
        Coefficients; zeros cost nothing where they form whole groups.
    out : ndarray of shape (n, n_outputs)
        Accumulated in place.
    kernel : Kernel
        Any kernel but ``precomputed``.
    n_jobs : int, optional
        Threads; None or -1 for all cores, divided by the ranks on this node.
    precision : {"auto", "single", "double"}
        Type of kernel values; ``auto`` is float32 for rbf and float64 for the others. Sums are
        float64 always.
    """
    if not len(X) or not len(S):
        return
    threads = n_jobs if n_jobs is not None and n_jobs > 0 else default_threads()
    run = in_chunks(threads)
    if callable(kernel.name):

        def call(rows: slice) -> None:
            for start in range(rows.start, rows.stop, 128):
                part = slice(start, min(start + 128, rows.stop))
                out[part] += kernel.matrix(X[part], S) @ coef

        run(call, len(X))
        return
    from bridges.svm.fused_loops import accumulate_rows

    evaluator, packed = packed_for(kernel, S, coef, precision)
    formula = evaluator.formula()

    def work(rows: slice) -> None:
        accumulate_rows(evaluator.prepare(X[rows]), *packed, out[rows], *formula)

    run(work, len(X))
