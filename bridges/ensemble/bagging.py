"""Bagged ensembles over any classifier, built by any map."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from bridges.classifier import null_controls_of
from bridges.ensemble.bags import Sampling, Stratify, draw_bags
from bridges.ensemble.fusion import CHUNK, Fusion, Members, merge_diagnostics, merge_reports
from bridges.ensemble.members import Prepared, fit_member, fit_members
from bridges.machine import comm as mpi
from bridges.machine.agreement import require_same_rows
from bridges.machine.progress import Progress, no_progress
from bridges.svm.duplicates import MergedRows, merge_rows
from bridges.svm.expansion import KernelExpansion, linear_weights
from bridges.svm.kernels import resolve_gamma
from bridges.svm.labels import Labeller, rule_of
from bridges.svm.multiclass import MultiClass, decision_scores, predicted_indices, require_classes
from bridges.svm.sparse import dense, in_parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SEED_LIMIT = 2**31 - 1


class KernelEnsemble(ClassifierMixin, BaseEstimator):
    """Members trained on small subsets of the pixels, fused into one classifier.

    The protocol of the 2020 IGARSS paper on Landsat scenes [1]_: slices or bags that fit a quantum
    annealer, one SVM each, decision values averaged. Kernel members are fused into one kernel
    expansion, so the ensemble predicts in one pass over its distinct support vectors.

    Parameters
    ----------
    estimator : classifier
        Trained on each subset. If its bandwidth is ``"scale"`` or ``"auto"``, the number is taken
        from all training pixels once, so that the members share a kernel.
    n_members : int
        Number of members.
    member_size : int
        Pixels per member.
    sampling : {"bootstrap", "slices"}
        Stratified bags drawn with replacement, or stratified disjoint slices.
    stratify : {"sqrt", "proportional", "equal"}
        Places of each class in a member, in proportion to the square root of its size (the rare
        ones of several classes need more than their share when a member is small), to its size, or
        the same for all.
    combine : {"mean", "majority", "oob"}
        Mean decision value, majority of the members' labels, or mean decision value weighted by
        out-of-bag accuracy above chance.
    map : None, "threads" or callable
        How members are built: None splits them over MPI ranks under an MPI launcher and over
        threads otherwise; ``"threads"`` never uses MPI; a callable ``map(function, iterable)``
        gets picklable work, as of an executor. The members are the same in all cases.
    n_jobs : int or None
        Threads; None for all cores.
    random_state : int, RandomState or None
        Draws one seed per member first, on the first of several ranks.

    Attributes
    ----------
    classes_, n_features_in_, fit_report_, diagnostics_
        See :class:`bridges.classifier.KernelClassifier`.
    support_, support_vectors_, dual_coef_, intercept_
        The same, of the fused expansion (kernel members fused by mean only).
    estimators_ : list
        Fitted members.
    estimators_samples_ : list of ndarray
        Training rows of each member.
    member_weights_ : ndarray of shape (n_members,)
        Weights in the mean, summing to one.
    oob_score_ : float or None
        Accuracy on training pixels of the members that did not see them; None if every member saw
        every pixel.

    References
    ----------
    .. [1] G. Cavallaro, D. Willsch, M. Willsch, K. Michielsen, M. Riedel, "Approaching remote
       sensing image classification with ensembles of support vector machines on the D-Wave
       quantum annealer", IGARSS 2020, pp. 1973-1976.
    """

    collective: ClassVar[bool] = True
    tells_progress: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "member_size": [Interval(Integral, 2, None, closed="left")],
        "sampling": [StrOptions(set(get_args(Sampling)))],
        "stratify": [StrOptions(set(get_args(Stratify)))],
        "combine": [StrOptions(set(get_args(Fusion)))],
        "map": [None, StrOptions({"threads"}), callable],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        n_members: int = 15,
        member_size: int = 80,
        sampling: Sampling = "bootstrap",
        stratify: Stratify = "sqrt",
        combine: Fusion = "mean",
        map: str | Callable[..., Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_members = n_members
        self.member_size: int | str = member_size  # a word where a heir chooses it
        self.sampling = sampling
        self.stratify = stratify
        self.combine = combine
        self.map = map
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Progress = no_progress,
    ) -> KernelEnsemble:
        """Draw the subsets, fit the members, fuse them.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n) for precomputed kernels
            Training samples.
        y : array-like of shape (n,)
            Labels of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights ≥ 0: the chance of a pixel to be drawn into a bag.
        progress : callable
            Called with (done, total).

        Raises
        ------
        DataError
            If there are fewer than two classes, or too few pixels for disjoint slices.
        UsageError
            If a member has fewer pixels than there are classes.
        """
        started = time.perf_counter()
        X = dense(X)
        comm = mpi.resolve() if self.map is None else mpi.SingleRank()
        require_same_rows(comm, (X, y, sample_weight), "Load them on one rank and broadcast them.")
        prepared = self._prepared(comm, X, y, sample_weight)
        self.estimators_samples_ = prepared.rows
        self.estimators_ = self._fit_members(
            prepared.prototype, prepared.datasets, prepared.seeds, progress
        )
        self._fuse(prepared.X, prepared.merged)
        self.diagnostics_ = merge_diagnostics(self.estimators_)
        self.fit_report_ = merge_reports(
            self.estimators_, time.perf_counter() - started, len(prepared.X), len(self.support_)
        )
        return self

    def prepare(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Prepared:
        """Check the data and draw the members' training sets, without fitting anything."""
        return self._prepared(mpi.SingleRank(), X, y, sample_weight)

    def _prepared(
        self, comm: mpi.Communicator, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> Prepared:
        self._validate_params()
        checked: tuple[Any, Any] = validate_data(self, dense(X), y, dtype=np.float64)
        random = check_random_state(self.random_state)
        seeds = comm.bcast(random.randint(SEED_LIMIT, size=self.n_members))
        return self._prepare(*checked, sample_weight, seeds)

    def _prepare(
        self,
        X: NDArray[np.float64],
        y: NDArray[Any],
        sample_weight: ArrayLike | None,
        seeds: NDArray[Any],
    ) -> Prepared:
        check_classification_targets(y)
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        self.classes_, codes = np.unique(y, return_inverse=True)
        require_classes(self.classes_, codes, weights)
        pairwise = self._is_pairwise()
        merged = merge_rows(X, codes, weights, compare=not pairwise)
        bags = self._draw(merged.codes, merged.weights, seeds)
        prototype = self._prototype(X[merged.rows], merged.weights, pairwise)
        weighted = self.sampling == "slices" and has_fit_parameter(prototype, "sample_weight")
        datasets = []
        for bag in bags:
            rows = merged.rows[bag]
            block = X[np.ix_(rows, rows)] if pairwise else X[rows]
            datasets.append((block, y[rows], merged.weights[bag] if weighted else None))
        rows_of = [merged.rows[bag] for bag in bags]
        return Prepared(X, merged, prototype, rows_of, datasets, seeds.tolist())

    def _draw(
        self, codes: NDArray[np.intp], weights: NDArray[np.float64], seeds: NDArray[Any]
    ) -> list[NDArray[np.intp]]:
        names = [str(label) for label in self.classes_]
        sizes = (self.n_members, self._places(len(codes)))
        return draw_bags(codes, weights, *sizes, self.sampling, seeds, names, self.stratify)

    def _places(self, n: int) -> int:
        """Return the pixels of a member, of ``n``; ensembles that choose them override it."""
        return int(self.member_size)

    def _prototype(
        self, X: NDArray[np.float64], weights: NDArray[np.float64], pairwise: bool
    ) -> Any:
        prototype = clone(self.estimator)
        params = prototype.get_params(deep=False)
        if "n_jobs" in params and self.n_jobs is not None:
            prototype.set_params(n_jobs=self.n_jobs)
        if isinstance(params.get("gamma"), str) and not pairwise:
            prototype.set_params(gamma=resolve_gamma(params["gamma"], X, weights))
        return prototype

    def _fit_members(
        self,
        prototype: Any,
        datasets: Sequence[tuple[Any, Any, Any]],
        seeds: list[int],
        progress: Progress,
    ) -> list[Any]:
        if callable(self.map):
            work = [(prototype, *data, seed) for data, seed in zip(datasets, seeds, strict=True)]
            return list(self.map(fit_member, work))
        if self.map == "threads":
            return fit_members(prototype, datasets, seeds, self.n_jobs, progress)
        comm = mpi.resolve()
        start, stop = mpi.block_range(len(datasets), comm.size, comm.rank)
        workers = mpi.threads_per_rank(comm, self.n_jobs)
        mine = fit_members(prototype, datasets[start:stop], seeds[start:stop], workers, progress)
        return [member for part in comm.allgather(mine) for member in part]

    def _fuse(self, X: NDArray[np.float64], merged: MergedRows) -> None:
        members = self._members()
        self.oob_score_, self.member_weights_ = members.out_of_bag(X, merged, self.combine)
        if members.are_kernel_models:
            fused = members.averaged(self.member_weights_)
            self.support_ = fused.support
            self.support_vectors_ = fused.support_vectors
            self.dual_coef_ = fused.coef
            self.intercept_ = fused.intercept
        else:
            self.support_ = np.unique(np.concatenate(self.estimators_samples_))

    def _members(self) -> Members:
        return Members(
            self.estimators_,
            self.estimators_samples_,
            len(self.classes_),
            pairwise=self._is_pairwise(),
        )

    @property
    def outputs(self) -> MultiClass:
        """Whether the outputs stand for pairs of classes or for classes."""
        check_is_fitted(self)
        return self._members().multiclass

    def expansion(self) -> KernelExpansion:
        """Return kernel members fused by mean as support vectors, coefficients and biases."""
        check_is_fitted(self)
        kernel = self.estimators_[0].expansion().kernel
        return KernelExpansion(
            kernel, self.support_, self.support_vectors_, self.dual_coef_, self.intercept_
        )

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return fused decision values.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n_training) for precomputed kernels
            Samples.

        Returns
        -------
        ndarray
            Shape (n,) for two classes (positive: ``classes_[1]``), else (n, n_classes).
        """
        check_is_fitted(self)
        members = self._members()
        if members.are_kernel_models and self.combine != "majority":
            model = self.expansion()
            values = in_parts(self._rows(X), lambda rows: model.decision(rows, n_jobs=self.n_jobs))
            return decision_scores(values, members.n_classes, members.multiclass)

        def scores(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            outputs = members.outputs(rows, self.n_jobs)
            return members.scores(outputs, self.member_weights_, self.combine)

        rows = self._rows(X)
        chunks = [rows[start : start + CHUNK] for start in range(0, rows.shape[0], CHUNK)]
        return np.concatenate([in_parts(chunk, scores) for chunk in chunks])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of every row of ``X``, shape (n,)."""
        check_is_fitted(self)
        model = self.labeller()
        if model is None:
            return self.classes_[predicted_indices(self.decision_function(X))]
        chosen = in_parts(self._rows(X), lambda rows: model.indices(rows, n_jobs=self.n_jobs))
        return self.classes_[chosen]

    def _rows(self, X: ArrayLike) -> Any:
        return validate_data(self, X, dtype=np.float64, reset=False, accept_sparse="csr")

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Weights of the features of fused linear members, shape (n_outputs, n_features).

        Raises
        ------
        AttributeError
            If the members' kernel is not linear, or their votes decide, which no weights express.
        """
        check_is_fitted(self)
        if self.combine == "majority" or not self._members().are_kernel_models:
            raise AttributeError("coef_ is only available of kernel members that are averaged")
        return linear_weights(self.expansion())

    def labeller(self) -> Labeller | None:
        """Return members fused by mean as one expansion and its rule; None for other ensembles."""
        members = self._members()
        if self.combine == "majority" or not members.are_kernel_models:
            return None
        rule = rule_of(members.n_classes, members.multiclass)
        return Labeller(self.expansion(), members.n_classes, rule)

    def out_of_bag_outputs(
        self, X: NDArray[np.float64], merged: MergedRows
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return what members that have not seen a training pixel make of it together.

        Parameters
        ----------
        X, merged
            See :class:`bridges.classifier.GivesOutOfBagOutputs`.

        Returns
        -------
        places : ndarray of shape (m,)
            The distinct pixels that some member has not seen.
        values : ndarray of shape (m, n_outputs)
            Outputs of the ensemble of those members.
        """
        check_is_fitted(self)
        weights = self.member_weights_
        return self._members().out_of_bag_outputs(X, merged, self.combine, weights)

    def null_controls(self) -> dict[str, Any]:
        """Return the members' null controls in the same ensemble, with the same seeds.

        ``exact_all`` is the exact classifier on all training pixels and so is no ensemble. Those of
        a fitted ensemble know how many samples its first member had.
        """
        member = getattr(self, "estimators_", [self.estimator])[0]
        return {
            name: control if name == "exact_all" else clone(self).set_params(estimator=control)
            for name, control in null_controls_of(member).items()
        }

    def _is_pairwise(self) -> bool:
        return bool(get_tags(self.estimator).input_tags.pairwise)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self._is_pairwise()
        tags.input_tags.sparse = True
        return tags
