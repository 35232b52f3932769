"""From raw outputs of a kernel model to class probabilities, by a calibration learnt elsewhere.

One probability per output (a sigmoid of its value, or a table), pairs coupled into classes by the
second method of Wu, Lin and Weng [1]_, and a last correction of all classes together,
p ∝ exp(power · ln p + shift). How the numbers are learnt: :mod:`bridges.calibration`.

References
----------
.. [1] T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability estimates for multi-class classification by
   pairwise coupling", JMLR 5 (2004), 975-1005.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from bridges.machine.threads import default_threads, in_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outputs = Literal["sign", "pairs", "classes", "scores"]

Formula = tuple[
    int,
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
]
"""A calibration as the machine code takes it."""

KINDS: dict[Outputs, int] = {"sign": 0, "pairs": 1, "classes": 2, "scores": 3}


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """How raw outputs become probabilities.

    Attributes
    ----------
    outputs : {"sign", "pairs", "classes", "scores"}
        ``sign``: one, positive for the second of two classes. ``pairs``: one per pair of classes,
        positive for the first of the pair. ``classes``: one per class, positive for it; their
        probabilities are divided by their sum. ``scores``: one per class, and the probabilities are
        the softmax of slope · value + offset.
    n_classes : int
        Number of classes.
    slopes, offsets : ndarray of shape (n_outputs,)
        The probability of what a positive value speaks for is
        1 / (1 + exp(-(slope · value + offset))), where there are no tables.
    low, cells : ndarray of shape (n_outputs,)
        Value at the first column of each table, and columns per unit of the value.
    tables : ndarray of shape (n_outputs, n_columns) or (n_outputs, 0)
        Probabilities at evenly spaced values, interpolated between them and constant beyond.
    mixing : ndarray of shape (n_classes, n_classes)
        The last correction: probabilities are the softmax of mixing · logarithms + shifts. The
        identity and zeros correct nothing.
    shifts : ndarray of shape (n_classes,)
        See ``mixing``.
    """

    outputs: Outputs
    n_classes: int
    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]
    low: NDArray[np.float64]
    cells: NDArray[np.float64]
    tables: NDArray[np.float64]
    mixing: NDArray[np.float64]
    shifts: NDArray[np.float64]

    def formula(self) -> Formula:
        """Return what the machine code takes."""

        def plain(array: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.ascontiguousarray(array, dtype=np.float64)

        return (
            KINDS[self.outputs],
            plain(self.slopes),
            plain(self.offsets),
            plain(self.low),
            plain(self.cells),
            plain(self.tables),
            plain(self.mixing),
            plain(self.shifts),
        )

    def probabilities(
        self, values: NDArray[np.float64], n_jobs: int | None = None
    ) -> NDArray[np.float64]:
        """Return the class probabilities of raw outputs.

        Exponentials and logarithms are those of float32: rows sum to one, and each probability is
        right to about 1e-6.

        Parameters
        ----------
        values : ndarray of shape (n, n_outputs)
            Raw outputs.
        n_jobs : int, optional
            Threads; all cores by default. The result does not depend on them.

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        from bridges.svm.probability_loops import probability_rows

        values = np.ascontiguousarray(values, dtype=np.float64)
        out = np.empty((len(values), self.n_classes))
        formula = self.formula()

        def work(rows: slice) -> None:
            probability_rows(values[rows], *formula, out[rows])

        in_chunks(n_jobs if n_jobs and n_jobs > 0 else default_threads())(work, len(values))
        return out


def identity(outputs: Outputs, n_classes: int, slopes: NDArray[np.float64]) -> Calibration:
    """Return sigmoids of given slopes through zero, without a last correction."""
    zeros, none = np.zeros(len(slopes)), np.zeros((len(slopes), 0))
    plain = np.eye(n_classes), np.zeros(n_classes)
    return Calibration(outputs, n_classes, slopes, zeros, zeros, zeros, none, *plain)
