"""Unfitted classifiers beside an annealed one, that tell what its sampler contributed."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from bridges import registry
from qsvm.formulations.combination import AVERAGED, HULL

DEFAULT_READS = 100
"""Columns of the control by random points where the sampler does not tell how many it draws."""

SHARED_WITH_EXACT = ("kernel", "gamma", "degree", "coef0", "multiclass", "class_weight")


def controls_of(model: Any, C: float, same: dict[str, Any]) -> dict[str, Any]:
    """Return the null controls of an annealed classifier.

    Parameters
    ----------
    model : QuboSVC
        The classifier, fitted or not.
    C : float
        Its bound as a number.
    same : dict
        Parameters that it has chosen itself and the controls are to have, too: they see the problem
        that the sampler saw.

    Returns
    -------
    dict
        See :meth:`qsvm.classifier.QuboSVC.null_controls`.
    """
    plain = {"refine_rounds": 0, "combination": "mean", **same}
    shared = {name: getattr(model, name) for name in SHARED_WITH_EXACT}
    shared["multiclass"] = model.outputs
    exact = registry.make("sklearn-svc", **shared, C=C)
    draws = {"num_draws": model.n_keep or AVERAGED}
    columns = {}
    if model.combination == HULL:
        points = {"sampler": "random-lattice", "sampler_params": {"num_draws": _columns(model)}}
        columns["random_hull"] = clone(model).set_params(**points, **same, refine_rounds=0)
    return {
        "random_alpha": clone(model).set_params(
            sampler="random-alpha", sampler_params=draws, **plain
        ),
        **columns,
        "constant_alpha": clone(model).set_params(
            sampler="constant-alpha", sampler_params=None, **plain
        ),
        "exact_same_members": exact,
        "exact_all": clone(exact),
    }


def _columns(model: Any) -> int:
    """Return how many distinct samples a dual has: as fitted, else as the sampler draws."""
    if hasattr(model, "sample_energies_"):
        counts = [len(energies) for energies in model.sample_energies_]
        found = max(1, round(sum(counts) / len(counts)))
    else:
        found = int(getattr(model.make_sampler(), "num_reads", None) or DEFAULT_READS)
    return min(found, model.n_keep or found)
