"""What a descent amounts to: gaps to the exact duals, and which part of the way who brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classical.hybrid.ledger import DualLedger, Ledger

ATTRIBUTED = ("annealer", "kept", "random_columns", "polish")
"""Shares of the attribution, each in units of the optimum: columns that were proposed in their own
step, columns of earlier steps, what random columns would have brought in place of the proposed
ones, and the classical polish at the end."""

NO_BETTER = 1.1
"""The annealer contributed nothing where its columns brought at most this times what as many random
columns of the same intervals would have brought in the same steps; two random draws differ by less.
"""

ONE_PERCENT = 0.01


def account(
    ledger: Ledger,
    optima: Sequence[float] | None,
    classes: NDArray[Any],
    pairs: Sequence[tuple[int, int]],
    polished: bool,
) -> dict[str, Any]:
    """Return the figures of a descent as plain values, for ``metrics.json`` under ``hybrid``.

    Parameters
    ----------
    ledger : Ledger
        Its course.
    optima : sequence of float or None
        Optima of the duals; None where they are unknown, and gaps are then certified bounds.
    classes : ndarray
        Labels.
    pairs : sequence of (int, int)
        The classes of every dual.
    polished : bool
        Whether the exact solver finished the model.
    """
    duals = []
    for p, dual in enumerate(ledger.duals):
        names = [_plain(classes[c]) for c in pairs[p]]
        optimum = None if optima is None else optima[p]
        duals.append({"classes": names, **_dual(dual, optimum, polished)})
    gaps = [dual["gap"] for dual in duals]
    shares = [[dual["attribution"][key] for key in ATTRIBUTED] for dual in duals]
    told = dict(zip(ATTRIBUTED, np.mean(shares, axis=0).tolist(), strict=True))
    return {
        "gap_mean": float(np.mean(gaps)),
        "gap_median": float(np.median(gaps)),
        "gap_max": float(np.max(gaps)),
        "gap_is": "certified" if optima is None else "exact",
        "steps": ledger.steps,
        "submissions": round(ledger.submissions),
        "blocks": ledger.n_blocks,
        "columns": ledger.n_columns,
        "columns_refused": ledger.n_refused,
        "qpu_s_estimated": ledger.estimated_qpu_s,
        "qpu_s": ledger.qpu_s,
        "sampler_s": ledger.solve_s,
        "chain_break_fraction": float(np.mean(ledger.broken)) if ledger.broken else None,
        "stopped": ledger.stopped,
        "attribution": told,
        "annealer_contributed": contributed(told),
        "pairs": duals,
    }


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _dual(dual: DualLedger, optimum: float | None, polished: bool) -> dict[str, Any]:
    """Return the figures of one dual; decreases in units of its optimum."""
    course = np.array(dual.objectives)
    reached = float(course[-1])
    bound = reached - dual.certificates[-1] if dual.certificates else -np.inf
    best = min(reached, bound if optimum is None else optimum)
    unit = abs(best) if np.isfinite(best) and best != 0 else 1.0
    gaps = (course - best) / unit
    below = np.flatnonzero(gaps <= ONE_PERCENT)
    shares = {
        "annealer": sum(dual.annealer) / unit,
        "kept": sum(dual.kept) / unit,
        "random_columns": sum(dual.control) / unit,
        "polish": float(gaps[-1]) if polished else 0.0,
    }
    return {
        "gap": float(gaps[-1]),
        "certified_gap": dual.certificates[-1] / unit if dual.certificates else None,
        "objective": reached,
        "optimum": optimum,
        "steps": dual.steps,
        "steps_to_1_percent": int(below[0]) if len(below) else None,
        "attribution": shares,
        "annealer_contributed": contributed(shares),
        "gaps": gaps.tolist(),
    }


def contributed(shares: dict[str, float]) -> bool:
    """Return whether the columns brought more than random ones would have."""
    return shares["annealer"] > NO_BETTER * shares["random_columns"]


def notes(figures: dict[str, Any], generator: str, limit: float | None) -> list[str]:
    """Return what the user should know, a sentence each.

    Parameters
    ----------
    figures : dict
        From :func:`account`.
    generator : str
        What proposed the columns.
    limit : float or None
        QPU seconds allowed.
    """
    told, shares = [], figures["attribution"]
    if not figures["annealer_contributed"]:
        told.append(
            f"{generator} contributed nothing: its columns brought {shares['annealer']:.1%} of the "
            f"optimum, as many random columns in the same steps {shares['random_columns']:.1%}."
        )
    if figures["columns_refused"]:
        told.append(
            f"{figures['columns_refused']} columns of {generator} were no points of their blocks "
            "and were left out."
        )
    kind = "gap" if figures["gap_is"] == "exact" else "certified gap"
    reached = f"the {kind} to the optimum is {figures['gap_mean']:.2%} on average"
    if figures["stopped"] == "budget":
        spent = figures["qpu_s"] or figures["qpu_s_estimated"]
        told.append(
            f"Stopped after {figures['steps']} steps and {spent:.3f} s of QPU time, before "
            f"--max-qpu-seconds {limit or spent:g} would have been exceeded: {reached}."
        )
    if figures["stopped"] == "steps":
        told.append(f"All {figures['steps']} steps were taken: {reached}.")
    return told
