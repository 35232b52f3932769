"""Ensembles of annealed SVMs by one name and flat parameters."""

from __future__ import annotations

import inspect
from typing import Any

from bridges.ensemble.bagging import KernelEnsemble
from qsvm.classifier import QuboSVC

ALIASES = {"members": "n_members", "keep": "n_keep"}
SHARED = ("n_jobs", "random_state")


def make_qubo_ensemble(**params: Any) -> KernelEnsemble:
    """Return a :class:`bridges.ensemble.KernelEnsemble` of :class:`qsvm.classifier.QuboSVC`.

    Parameters
    ----------
    **params
        Parameters of the ensemble (``members`` is ``n_members``), of the classifier (``keep`` is
        ``n_keep``), and options of its sampler such as ``num_reads``; the sampler refuses those
        that it does not know when the ensemble is fitted.
    """
    named = {ALIASES.get(key, key): value for key, value in params.items()}
    ensemble_names = set(inspect.signature(KernelEnsemble).parameters) - {"estimator"}
    member_names = set(inspect.signature(QuboSVC).parameters)
    ensemble = {key: value for key, value in named.items() if key in ensemble_names}
    member = {
        key: value
        for key, value in named.items()
        if key in member_names and (key not in ensemble_names or key in SHARED)
    }
    options = {k: v for k, v in named.items() if k not in ensemble_names | member_names}
    if options:
        member["sampler_params"] = {**(member.get("sampler_params") or {}), **options}
    return KernelEnsemble(QuboSVC(**member), **ensemble)
