"""Cross-validated search for C and γ over MPI ranks and threads.

A task is one pair of classes at one γ, with the values of C and the folds that a stage tries
(:mod:`classical.search.racing`, :mod:`classical.search.folds`). Tasks are dealt, most expensive
first, to whoever is free (:mod:`bridges.machine.dealer`): the load balancing that Cavallaro et al.
(*IEEE JSTARS* 8, 2015) left open.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

from bridges.errors import UsageError
from bridges.machine.agreement import require_same_rows
from bridges.machine.comm import Communicator, on_root, resolve, threads_per_rank
from bridges.machine.dealer import Shift, added
from bridges.machine.memory import require_memory
from bridges.machine.progress import Progress
from bridges.svm.kernels import Kernel, resolve_gamma
from bridges.svm.multiclass import binary_tasks
from bridges.svm.sparse import dense
from classical.search.checkpoint import TaskStore
from classical.search.folds import SQUARES_LIMIT, GridData, KernelRows
from classical.search.racing import Plan, Stage, Tally, stages
from classical.solver.checkpoint import fingerprint
from classical.solver.dual import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from bridges.fit_report import Diagnostics, FitReport
    from bridges.run.folder import RunFolder
    from bridges.svm.labels import Labeller
    from classical.classifier import MPISVC


class GridSearch(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Search a grid of C and γ by stratified cross-validation, then refit the best on all samples.

    Every rank passes the whole data to ``fit`` (as MPISVC's ``data="replicated"``). γ by name is
    resolved on all samples, and so are balanced class weights.

    Parameters
    ----------
    estimator : MPISVC
        Kernel, tolerance, class weights and communicator are taken from it.
    param_grid : dict
        Lists under ``C`` and ``gamma``; a missing one is the estimator's own value.
    cv : int or splitter
        Folds, as for :class:`sklearn.model_selection.GridSearchCV`; they must partition the
        samples.
    refit : bool
        Fit the best cell on all samples.
    early_stop : bool
        Try every cell on a third of the folds first, and go on only with cells that are not
        significantly worse there than the best (:mod:`classical.search.racing`). The others
        keep the scores of those folds, and rank last.
    checkpoint : path, optional
        Folder in which finished tasks are kept; a search started again on the same data, grid and
        folds goes on from there.

    Attributes
    ----------
    cv_results_ : dict
        ``params``, ``mean_test_score``, ``std_test_score``, ``rank_test_score``,
        ``split<k>_test_score`` as in scikit-learn; ``minutes`` of one core per cell; ``stopped``
        of cells that were given up, whose later splits are NaN.
    best_params_, best_score_, best_index_, best_estimator_
        As in scikit-learn; among equal cells the first.
    shifts_ : list of bridges.machine.dealer.Shift
        Tasks, busy and idle seconds of every rank.
    search_s_ : float
        Wall-clock seconds of the search without the refit.
    n_resumed_ : int
        Tasks found in the checkpoint.
    """

    tells_progress: ClassVar[bool] = True

    def __init__(
        self,
        estimator: MPISVC,
        param_grid: dict[str, list[Any]],
        *,
        cv: Any = 5,
        refit: bool = True,
        early_stop: bool = False,
        checkpoint: str | Path | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.cv = cv
        self.refit = refit
        self.early_stop = early_stop
        self.checkpoint = checkpoint

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> GridSearch:
        """Search and refit.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Samples.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), optional
            Factors of C by sample; scores are not weighted.
        progress : callable, optional
            Called on rank 0 as ``progress(tasks done, tasks in all)``; with ``early_stop`` both
            count the tasks of the stage.

        Raises
        ------
        UsageError
            If the grid has other parameters, or the kernel is precomputed.
        """
        started = time.perf_counter()
        X = dense(X)
        model = clone(self.estimator)
        comm = resolve(model.comm)
        threads = threads_per_rank(comm, model.n_jobs)
        require_same_rows(comm, (X, y, sample_weight), "Load them on one rank and broadcast them.")
        plan, order = self._plan(model, X, y, sample_weight)
        self.classes_ = model.classes_
        n = len(order)
        width = max(len(rows) for rows, _ in plan.pairs)
        squares = n * n if n <= SQUARES_LIMIT else 0
        require_memory(4 * (squares + threads * width * (n + width)), comm.size, "The search")
        tally = self._run(model, plan, comm, threads, progress)
        self.cv_results_ = on_root(comm, tally.results)
        scores = self.cv_results_["mean_test_score"]
        self.best_index_ = int(np.argmin(self.cv_results_["rank_test_score"]))
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_score_ = float(scores[self.best_index_])
        self.search_s_ = time.perf_counter() - started
        self.search_ = self._summary()
        if self.refit:
            self.best_estimator_ = model.set_params(**self.best_params_)
            self.best_estimator_.fit(X, y, sample_weight)
        return self

    def _plan(
        self, model: MPISVC, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Plan, NDArray[np.intp]]:
        """Return the tasks, over samples sorted by fold, and the order that sorts them."""
        unknown = sorted(set(self.param_grid) - {"C", "gamma"})
        if unknown:
            raise UsageError(
                f"The grid has the parameter '{unknown[0]}'.",
                "A grid is over C and gamma; set other parameters on the estimator.",
            )
        if model.kernel == "precomputed":
            raise UsageError(
                "A kernel matrix has no gamma to search.", "Use sklearn's GridSearchCV over C."
            )
        X, codes, weights, class_weights = model._training_set(X, y, sample_weight)
        folds = np.full(len(codes), -1, np.intp)
        splitter = check_cv(self.cv, codes, classifier=True)
        splits = list(splitter.split(X, codes))
        for k, (_, test) in enumerate(splits):
            if (folds[test] >= 0).any():
                raise UsageError("The folds overlap.", "Use a splitter that partitions the data.")
            folds[test] = k
        if (folds < 0).any():
            raise UsageError("Some samples are in no fold.", "Use a splitter that partitions.")
        order = np.argsort(folds, kind="stable")
        X, codes, weights, folds = X[order], codes[order], weights[order], folds[order]
        data = GridData(X, codes, weights * class_weights[codes], folds, len(splits))
        gammas = self.param_grid.get("gamma", [model.gamma])
        resolved = [resolve_gamma(gamma, X, weights) for gamma in gammas]
        costs = sorted(float(cost) for cost in self.param_grid.get("C", [model.C]))
        pairs = binary_tasks(codes, len(model.classes_), "ovo")
        return Plan(data, costs, resolved, pairs), order

    def _run(
        self,
        model: MPISVC,
        plan: Plan,
        comm: Communicator,
        threads: int,
        progress: Progress | None,
    ) -> Tally:
        """Do all tasks; return their votes, whole on rank 0."""
        kernels = [Kernel(model.kernel, g, model.degree, model.coef0) for g in plan.gammas]
        source = KernelRows(plan.data, kernels, model.precision)
        parts = (plan.data.X, plan.data.codes, plan.data.weights, plan.data.folds)
        settings = Settings(tol=model.tol, inner=model.inner, inner_params=model.inner_params or {})
        settled = (plan.costs, plan.gammas, repr(model), settings, self.early_stop)
        key = fingerprint(parts, *settled)
        store = TaskStore(self.checkpoint if comm.rank == 0 else None, key)
        tally = Tally(plan, len(model.classes_))
        self.shifts_: list[Shift] = []
        self.n_resumed_ = 0
        n_stages = 2 if self.early_stop else 1
        for number, folds in enumerate(stages(plan.data.n_folds, n_stages)):
            alive = on_root(comm, tally.alive)
            stage = Stage(plan, source, settings, number, folds, alive)
            resumed, shifts = stage.run(comm, threads, store, tally, progress)
            self.n_resumed_ += resumed
            self.shifts_ = added(self.shifts_, shifts)
        return tally

    def _summary(self) -> dict[str, Any]:
        """Return what a report says about the search, as plain values."""
        return {
            "best_params": self.best_params_,
            "best_score": self.best_score_,
            "n_cells": len(self.cv_results_["params"]),
            "search_s": self.search_s_,
            "n_stopped": int(self.cv_results_["stopped"].sum()),
            "resumed_tasks": self.n_resumed_,
            "ranks": [dataclasses.asdict(shift) for shift in self.shifts_],
        }

    def write_files(self, folder: RunFolder) -> None:
        """Write ``grid.csv`` and ``grid.png``: accuracy and minutes of every cell."""
        from classical.search.report import grid_csv, grid_figure

        folder.write_text("grid.csv", grid_csv(self.cv_results_))
        with folder.target("grid.png") as target:
            grid_figure(self.cv_results_).savefig(target, format="png", dpi=150)

    @property
    def fit_report_(self) -> FitReport:
        """Report of the best estimator's fit."""
        return self.best_estimator_.fit_report_

    @property
    def diagnostics_(self) -> Diagnostics:
        """Diagnostics of the best estimator."""
        return self.best_estimator_.diagnostics_

    def labeller(self) -> Labeller:
        """Return the best estimator as an expansion and the rule by which it chooses classes."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.labeller()

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the labels that the best estimator predicts."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @property
    def coef_(self) -> NDArray[np.float64]:
        """Weights of the features of a linear kernel (:class:`classical.classifier.MPISVC`)."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.coef_

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the best estimator's decision values."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.decision_function(X)
