"""From an expansion straight to class labels, without storing a decision value."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridges.machine.threads import default_threads, in_chunks
from bridges.svm.fused import Evaluator, packed_for
from bridges.svm.multiclass import (
    MultiClass,
    count_votes,
    decision_scores,
    predicted_indices,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.svm.expansion import KernelExpansion
    from bridges.svm.fused import Packed

Rule = Literal["sign", "votes", "scores", "largest"]

RULES: dict[Rule, int] = {"sign": 0, "votes": 1, "scores": 2, "largest": 3}


@dataclasses.dataclass(frozen=True, eq=False)
class Labeller:
    """A model that chooses classes by a rule on the outputs of one kernel expansion.

    Attributes
    ----------
    expansion : KernelExpansion
        The outputs.
    n_classes : int
        Number of classes, up to 65 536.
    rule : {"sign", "votes", "scores", "largest"}
        ``sign``: two classes, the second where the only output is positive. ``votes``: one output
        per pair of classes, the class of the most votes, the first of those with equally many
        (LIBSVM). ``scores``: ties are broken by the summed values of the pairs
        (:func:`bridges.svm.multiclass.vote_scores`). ``largest``: one output per class.
    """

    expansion: KernelExpansion
    n_classes: int
    rule: Rule

    @property
    def is_compiled(self) -> bool:
        """Whether samples are labelled by the compiled loop: any kernel known by its formula."""
        name = self.expansion.kernel.name
        return not callable(name) and name != "precomputed" and len(self.expansion.support) > 0

    @cached_property
    def _machine(self) -> tuple[Evaluator, Packed]:
        model = self.expansion
        return packed_for(model.kernel, model.support_vectors, model.coef.T)

    @property
    def scale(self) -> float:
        """What distances between samples are multiplied with when they are prepared."""
        return self._machine[0].scale

    def prepare(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return samples (n, d) as :meth:`prepared_indices` takes them."""
        return self._machine[0].prepare(X)

    def prepared_indices(self, Z: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the class index of every prepared sample, on the calling thread."""
        from bridges.svm.label_loops import label_rows

        evaluator, packed = self._machine
        labels = np.empty(len(Z), dtype=np.uint16)
        intercept = np.asarray(self.expansion.intercept, dtype=np.float64)
        rule = RULES[self.rule]
        label_rows(Z, *packed, *evaluator.formula(), intercept, self.n_classes, rule, labels)
        return labels

    def indices(self, X: NDArray[np.float64], n_jobs: int | None = None) -> NDArray[np.intp]:
        """Return the class index of every sample.

        Parameters
        ----------
        X : ndarray of shape (n, n_features), or (n, n_training samples) if precomputed
            Samples.
        n_jobs : int, optional
            Threads; None for all cores of this process. The result does not depend on it.
        """
        if not self.is_compiled:
            return self._chosen(self.expansion.decision(X, n_jobs=n_jobs))
        threads = n_jobs if n_jobs is not None and n_jobs > 0 else default_threads()
        labels = np.empty(len(X), dtype=np.intp)
        _ = self._machine  # made once, before threads ask for it

        def work(rows: slice) -> None:
            labels[rows] = self.prepared_indices(self.prepare(X[rows]))

        in_chunks(threads)(work, len(X))
        return labels

    def _chosen(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the class indices of raw outputs, shape (n, n_outputs)."""
        if self.rule == "votes":
            return np.argmax(count_votes(values, self.n_classes), axis=1)
        multiclass: MultiClass = "ovr" if self.rule == "largest" else "ovo"
        return predicted_indices(decision_scores(values, self.n_classes, multiclass))


def rule_of(n_classes: int, multiclass: MultiClass, *, break_ties: bool = True) -> Rule:
    """Return the rule that ``predict`` of a kernel classifier follows."""
    if n_classes == 2:
        return "sign"
    if multiclass != "ovo":
        return "largest"
    return "scores" if break_ties else "votes"
