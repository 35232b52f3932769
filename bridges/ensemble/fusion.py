"""Fuse the members of an ensemble: decision values, votes, out-of-bag accuracy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.classifier import HasDiagnostics, HasExpansion, HasFitReport
from bridges.fit_report import Diagnostics, FitReport, merged
from bridges.svm.duplicates import MergedRows
from bridges.svm.expansion import KernelExpansion, stack
from bridges.svm.multiclass import MultiClass, decision_scores, predicted_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fusion = Literal["mean", "majority", "oob"]

CHUNK = 8192
"""Rows evaluated at once where every member's values are needed: bounds the memory."""


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """The fitted members of an ensemble, all over the same classes.

    Attributes
    ----------
    estimators : sequence
        Fitted classifiers.
    rows : sequence of ndarray
        Training rows of each.
    n_classes : int
        Number of classes.
    pairwise : bool
        True if the members were fitted on blocks of a precomputed kernel matrix.
    """

    estimators: Sequence[Any]
    rows: Sequence[NDArray[np.intp]]
    n_classes: int
    pairwise: bool

    @property
    def are_kernel_models(self) -> bool:
        """Whether every member is a kernel expansion."""
        return all(isinstance(member, HasExpansion) for member in self.estimators)

    @property
    def multiclass(self) -> MultiClass:
        """How the members split several classes (class scores count as one-vs-rest)."""
        if not self.are_kernel_models:
            return "ovr"
        return self.estimators[0].outputs

    def expansions(self) -> list[KernelExpansion]:
        """Return the members' expansions with support rows of the whole training set."""
        parts = [member.expansion() for member in self.estimators]
        return [
            dataclasses.replace(part, support=rows[part.support])
            for part, rows in zip(parts, self.rows, strict=True)
        ]

    def averaged(self, weights: NDArray[np.float64]) -> KernelExpansion:
        """Return the weighted mean of the members as one expansion."""
        return stack(self.expansions(), weights)

    def outputs(self, X: NDArray[np.float64], n_jobs: int | None = None) -> NDArray[np.float64]:
        """Return every member's raw outputs, shape (n, n_members, n_outputs)."""
        if self.are_kernel_models:
            values = stack(self.expansions()).decision(X, n_jobs=n_jobs)
            return values.reshape(len(X), len(self.estimators), -1)
        return np.stack(
            [
                _class_scores(member, X[:, rows] if self.pairwise else X, self.n_classes)
                for member, rows in zip(self.estimators, self.rows, strict=True)
            ],
            axis=1,
        )

    def votes(self, outputs: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return every member's class index, shape (n, n_members)."""
        n, m, p = outputs.shape
        scores = decision_scores(outputs.reshape(n * m, p), self.n_classes, self.multiclass)
        return predicted_indices(scores).reshape(n, m)

    def scores(
        self, outputs: NDArray[np.float64], weights: NDArray[np.float64], rule: Fusion
    ) -> NDArray[np.float64]:
        """Fuse raw outputs into decision scores, (n,) for two classes, else (n, n_classes).

        Parameters
        ----------
        outputs : ndarray of shape (n, n_members, n_outputs)
            From :meth:`outputs`.
        weights : ndarray of shape (n_members,) or (n, n_members)
            Weights of the members, summing to one (per row).
        rule : {"mean", "majority", "oob"}
            ``majority`` scores are shares of votes; ties are broken by the mean decision value.
        """
        weights = np.broadcast_to(weights, outputs.shape[:2])
        mean = decision_scores(
            np.einsum("nmp,nm->np", outputs, weights), self.n_classes, self.multiclass
        )
        if rule != "majority":
            return mean
        votes = self.votes(outputs)
        share = np.stack(
            [np.sum(weights * (votes == c), axis=1) for c in range(self.n_classes)], axis=1
        )
        tie = mean / (1.0 + np.abs(mean)) / (4.0 * outputs.shape[1])
        return share[:, 1] - share[:, 0] + tie if self.n_classes == 2 else share + tie

    def out_of_bag(
        self, X: NDArray[np.float64], merged: MergedRows, rule: Fusion
    ) -> tuple[float | None, NDArray[np.float64]]:
        """Return the out-of-bag accuracy of the ensemble and the members' weights.

        Equal pixels are one pixel here: a copy of what a member has seen is not unseen.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Training samples.
        merged : MergedRows
            The distinct ones among them, their class indices and weights.
        rule : {"mean", "majority", "oob"}
            With ``oob`` a member weighs as much as its own out-of-bag accuracy exceeds chance.

        Returns
        -------
        tuple of (float or None, ndarray of shape (n_members,))
            None where no member left any pixel out.
        """
        m = len(self.estimators)
        unseen = self._unseen(len(X), merged)
        judged = np.flatnonzero(unseen.any(axis=1))
        chunks = [judged[start : start + CHUNK] for start in range(0, len(judged), CHUNK)]
        weights = np.full(m, 1.0 / m)
        if rule == "oob":
            weights = self._surplus(X, merged, unseen, chunks)
        right = total = 0.0
        for heard, outputs, masked in self._judgements(X, merged, unseen, chunks, weights):
            hit = predicted_indices(self.scores(outputs, masked, rule)) == merged.codes[heard]
            right += float(merged.weights[heard] @ hit)
            total += float(merged.weights[heard].sum())
        return (right / total if total > 0 else None), weights

    def out_of_bag_outputs(
        self,
        X: NDArray[np.float64],
        merged: MergedRows,
        rule: Fusion,
        weights: NDArray[np.float64],
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return what members that have not seen a pixel make of it together.

        Parameters
        ----------
        X, merged, rule
            As :meth:`out_of_bag` takes them.
        weights : ndarray of shape (n_members,)
            The members' weights.

        Returns
        -------
        places : ndarray of shape (m,)
            The distinct pixels, as places in ``merged``, that some member has not seen.
        values : ndarray of shape (m, n_outputs)
            Mean raw outputs of kernel members, decision scores of others and of majorities.
        """
        unseen = self._unseen(len(X), merged)
        judged = np.flatnonzero(unseen.any(axis=1))
        chunks = [judged[start : start + CHUNK] for start in range(0, len(judged), CHUNK)]
        places, values = [np.zeros(0, dtype=np.intp)], []
        for heard, outputs, masked in self._judgements(X, merged, unseen, chunks, weights):
            mean = np.einsum("nmp,nm->np", outputs, masked)
            if rule == "majority" or not self.are_kernel_models:
                mean = self.scores(outputs, masked, rule)
            places.append(heard)
            values.append(mean.reshape(len(heard), -1))
        return np.concatenate(places), np.concatenate(values) if values else np.zeros((0, 1))

    def _unseen(self, n: int, merged: MergedRows) -> NDArray[np.bool_]:
        """Return which distinct pixels each member has not seen, shape (m, n_members)."""
        unseen = np.ones((n, len(self.estimators)), dtype=bool)
        for member, rows in enumerate(self.rows):
            unseen[rows, member] = False
        # bags are drawn from the distinct pixels, so members name the first of equal ones only
        return unseen[merged.rows]

    def _judgements(
        self,
        X: NDArray[np.float64],
        merged: MergedRows,
        unseen: NDArray[np.bool_],
        chunks: Sequence[NDArray[np.intp]],
        weights: NDArray[np.float64],
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]]:
        """Yield distinct pixels, all members' outputs for them, and the weights of their judges.

        A pixel is judged by the members that have not seen it, their weights scaled to one; where
        those that are left weigh nothing it has no judge and is left out.
        """
        for chunk in chunks:
            masked = weights * unseen[chunk]
            share = masked.sum(axis=1)
            heard = chunk[share > 0]
            if len(heard):
                outputs = self.outputs(X[merged.rows[heard]])
                yield heard, outputs, masked[share > 0] / share[share > 0, None]

    def _surplus(
        self,
        X: NDArray[np.float64],
        merged: MergedRows,
        unseen: NDArray[np.bool_],
        chunks: list[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        """Return weights in proportion to each member's out-of-bag accuracy above chance."""
        hits = np.zeros(len(self.estimators))
        for chunk in chunks:
            right = self.votes(self.outputs(X[merged.rows[chunk]])) == merged.codes[chunk, None]
            hits += merged.weights[chunk] @ (right & unseen[chunk])
        left_out = merged.weights @ unseen
        accuracy = np.divide(hits, left_out, out=np.zeros_like(hits), where=left_out > 0)
        surplus = np.maximum(accuracy - 1.0 / self.n_classes, 0.0)
        if surplus.sum() == 0:
            return np.full(len(hits), 1.0 / len(hits))
        return np.asarray(surplus / surplus.sum())


def _class_scores(member: Any, X: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Return (n, 1) values for two classes, else (n, n_classes), of any scikit-learn classifier."""
    if hasattr(member, "decision_function"):
        values = np.asarray(member.decision_function(X), dtype=np.float64)
    elif hasattr(member, "predict_proba"):
        values = np.asarray(member.predict_proba(X), dtype=np.float64)
        values = values[:, 1] - values[:, 0] if n_classes == 2 else values
    else:
        labels = np.searchsorted(member.classes_, member.predict(X))
        values = 2.0 * labels - 1.0 if n_classes == 2 else np.eye(n_classes)[labels]
    return values.reshape(len(X), -1)


def merge_reports(members: Sequence[Any], total_s: float, n: int, n_support: int) -> FitReport:
    """Return the fit report of an ensemble; a member without one counts as one problem."""
    parts = [m.fit_report_ if isinstance(m, HasFitReport) else FitReport() for m in members]
    return merged(
        FitReport, parts, total_s=total_s, n_samples=n, n_support=n_support, n_members=len(members)
    )


def merge_diagnostics(members: Sequence[Any]) -> Diagnostics:
    """Return the diagnostics of an ensemble: means over members, maxima of maxima."""
    return merged(Diagnostics, [m.diagnostics_ for m in members if isinstance(m, HasDiagnostics)])
