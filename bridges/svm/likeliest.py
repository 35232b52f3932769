"""The likeliest class, and how sure it is, straight from an expansion and a calibration."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.svm.labels import Labeller

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.probabilities import Calibration


@dataclasses.dataclass(frozen=True, eq=False)
class LikeliestLabeller(Labeller):
    """Chooses the class of the largest probability, the first of equal ones.

    Attributes
    ----------
    expansion, n_classes, rule
        Of the model that was calibrated; the rule is not followed.
    calibration : Calibration
        Makes probabilities of the expansion's outputs.
    """

    calibration: Calibration

    def prepared_indices(self, Z: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the class index of every prepared sample, on the calling thread."""
        return self._rows(Z, np.empty((3, 0), dtype=np.uint8))

    def prepared_confidence(self, Z: NDArray[Any]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Return class indices and how sure they are, on the calling thread.

        Returns
        -------
        labels : ndarray of shape (n,)
            Class indices.
        layers : ndarray of shape (3, n)
            Largest probability, its margin over the second largest, entropy as a share of that of
            equal probabilities; in steps of 1/250.
        """
        layers = np.empty((3, len(Z)), dtype=np.uint8)
        return self._rows(Z, layers), layers

    def prepared_probabilities(self, Z: NDArray[Any]) -> NDArray[np.float32]:
        """Return class probabilities (n_classes, n) of prepared samples, on the calling thread."""
        found = np.empty((self.n_classes, len(Z)), dtype=np.float32)
        self._rows(Z, np.empty((3, 0), dtype=np.uint8), found)
        return found

    def _rows(
        self,
        Z: NDArray[Any],
        layers: NDArray[np.uint8],
        shares: NDArray[np.float32] | None = None,
    ) -> NDArray[np.uint16]:
        from bridges.svm.likeliest_loops import likeliest_rows

        evaluator, packed = self._machine
        labels = np.empty(len(Z), dtype=np.uint16)
        intercept = np.asarray(self.expansion.intercept, dtype=np.float64)
        calibration = self.calibration.formula()
        kernel = evaluator.formula()
        shares = np.empty((self.n_classes, 0), dtype=np.float32) if shares is None else shares
        likeliest_rows(Z, *packed, kernel, intercept, calibration, labels, layers, shares)
        return labels

    def _chosen(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.argmax(self.calibration.probabilities(values), axis=1)
